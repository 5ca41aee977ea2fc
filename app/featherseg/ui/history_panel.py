"""The history list: every step of the open case by name; a click goes back or forth to it."""

from collections.abc import Callable, Mapping

from qtpy.QtCore import QModelIndex, QSize, Qt
from qtpy.QtWidgets import QAbstractItemView, QFrame, QListView, QWidget

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.history_model import HistoryModel


def no_times() -> Mapping[int, str]:
    """Where no journal keeps the times."""
    return {}


class HistoryPanel(QListView):
    """Mirrors the history of the session's case."""

    def __init__(
        self,
        session: Session,
        times: Callable[[], Mapping[int, str]] = no_times,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.steps = HistoryModel(session, times, self)
        self.setModel(self.steps)
        self.setAccessibleName("History")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setSpacing(1)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.clicked.connect(self._on_clicked)
        self.connections = Connections()
        self.connections.add(session.opened, self._on_opened)
        self.connections.add(session.edited, self.steps.follow)
        self.steps.restart()

    def sizeHint(self) -> QSize:
        """Narrow: the image comes first."""
        return QSize(self.fontMetrics().averageCharWidth() * 28, self.fontMetrics().height() * 16)

    def _on_opened(self, _: object) -> None:
        self.steps.restart()

    def _on_clicked(self, index: QModelIndex) -> None:
        self._session.drop()
        self._session.editing.back_to(self.steps.count_at(index.row()))
