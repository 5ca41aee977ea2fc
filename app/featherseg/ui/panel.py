"""The right column: model, labels, tools. The same in the window and in napari's dock."""

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from featherseg.session.session import Session
from featherseg.session.toolbox import Toolbox
from featherseg.ui.labels_box import LabelsBox
from featherseg.ui.model_box import ModelBox
from featherseg.ui.style import SHEET
from featherseg.ui.tools_box import ToolsBox


class SessionPanel(QScrollArea):
    """Mirrors a session and its toolbox; ``keys`` maps command ids to the shortcuts that the buttons name."""

    def __init__(
        self, session: Session, keys: dict[str, str], toolbox: Toolbox, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("featherseg-scroll")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setObjectName("featherseg-panel")
        body.setStyleSheet(SHEET)
        self.model = ModelBox(session, keys)
        self.labels = LabelsBox(session)
        self.tools = ToolsBox(session, keys, toolbox)
        self._layout = QVBoxLayout(body)
        for box in (self.model, self.labels, self.tools):
            self._layout.addWidget(box)
            line = QFrame()
            line.setProperty("role", "line")
            line.setFixedHeight(1)
            self._layout.addWidget(line)
        self._layout.addStretch(1)
        self.setWidget(body)
        self.tools.more.hide()
        self.tools.fold.toggled.connect(self._on_unfolded)
        self._fit_width()

    def _fit_width(self) -> None:
        """Cut nothing off, the folded tools and the scroll bar included."""
        body, bar, margins = self.widget(), self.verticalScrollBar(), self._layout.contentsMargins()
        if body is None or bar is None:
            return
        folded = self.tools.more.minimumSizeHint().width() + margins.left() + margins.right()
        least = self.fontMetrics().averageCharWidth() * 40
        wide = max(folded, body.minimumSizeHint().width(), least) + bar.sizeHint().width()
        self.setMinimumWidth(wide)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Measure anew: the sheet of the place the panel lives in (napari's) is known only now."""
        if event is not None:
            super().showEvent(event)
        self._fit_width()

    def put_on_top(self, widget: QWidget) -> None:
        """Add a widget above the model (napari's choice of layers)."""
        self._layout.insertWidget(0, widget)

    def put_below(self, widget: QWidget) -> None:
        """Add a widget at the end (save and open in napari's dock)."""
        self._layout.insertWidget(self._layout.count() - 1, widget)

    def _on_unfolded(self, opened: bool) -> None:
        if opened:
            QTimer.singleShot(0, self._show_unfolded)

    def _show_unfolded(self) -> None:
        self._fit_width()
        across = self.horizontalScrollBar()
        self.ensureWidgetVisible(self.tools.more, 0, 0)
        if across is not None:
            across.setValue(0)

    def release(self) -> None:
        """Let go of the session."""
        for box in (self.model, self.labels):
            box.connections.clear()
        self.tools.release()
