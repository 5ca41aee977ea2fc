"""The dock with the history of the open case."""

from collections.abc import Callable, Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QWidget

from featherseg.session.session import Session
from featherseg.ui.history_panel import HistoryPanel


class HistoryDock(QDockWidget):
    """Away until it is asked for."""

    def __init__(
        self, session: Session, times: Callable[[], Mapping[int, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__("History", parent)
        self.setObjectName("history")
        self.panel = HistoryPanel(session, times)
        self.setWidget(self.panel)
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        self.hide()
