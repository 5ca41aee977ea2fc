"""The right column: model, labels, tools. The same in the window and in napari's dock."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from featherseg.session.session import Session
from featherseg.ui.labels_box import LabelsBox
from featherseg.ui.model_box import ModelBox
from featherseg.ui.style import SHEET
from featherseg.ui.tools_box import ToolsBox


class SessionPanel(QScrollArea):
    """Mirrors a session; ``keys`` maps command ids to the shortcuts that the buttons name."""

    def __init__(self, session: Session, keys: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("featherseg-scroll")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a click beside a button must not take the keys away
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setObjectName("featherseg-panel")
        body.setStyleSheet(SHEET)
        self.model = ModelBox(session, keys)
        self.labels = LabelsBox(session)
        self.tools = ToolsBox(session, keys)
        self._layout = QVBoxLayout(body)
        for box in (self.model, self.labels, self.tools):
            self._layout.addWidget(box)
            line = QFrame()
            line.setProperty("role", "line")
            line.setFixedHeight(1)
            self._layout.addWidget(line)
        self._layout.addStretch(1)
        self.setWidget(body)
        self.setMinimumWidth(max(body.minimumSizeHint().width(), self.fontMetrics().averageCharWidth() * 40))

    def put_on_top(self, widget: QWidget) -> None:
        """Add a widget above the model (napari's choice of layers)."""
        self._layout.insertWidget(0, widget)

    def put_below(self, widget: QWidget) -> None:
        """Add a widget at the end (save and open in napari's dock)."""
        self._layout.insertWidget(self._layout.count() - 1, widget)

    def release(self) -> None:
        """Let go of the session."""
        for box in (self.model, self.labels, self.tools):
            box.connections.clear()
