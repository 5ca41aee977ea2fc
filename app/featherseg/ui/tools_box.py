"""Brush, eraser, fill, their size, undo and redo."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledSlider

from featherseg.session.session import Session
from featherseg.ui.buttons import name_button
from featherseg.ui.connections import Connections

TOOLS = (("browse", "Move"), ("brush", "Brush"), ("eraser", "Eraser"), ("fill", "Fill"))


class ToolsBox(QWidget):
    """One tool in hand at a time."""

    def __init__(self, session: Session, keys: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        grid = QGridLayout()
        for i, (tool, title) in enumerate(TOOLS):
            button = QToolButton()
            name_button(button, title, keys.get("tool." + tool, ""))
            button.setCheckable(True)
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
            button.clicked.connect(lambda _=False, t=tool: session.choose_tool(t))
            self._group.addButton(button)
            self.buttons[tool] = button
            grid.addWidget(button, i // 2, i % 2)
        self.size = QLabeledSlider(Qt.Orientation.Horizontal)
        self.size.setRange(1, 200)
        self.size.setValue(session.brush_size)
        self.size.setToolTip("Brush diameter in pixels of the image")
        self.undo, self.redo = QPushButton(), QPushButton()
        name_button(self.undo, "Undo", keys.get("undo", ""))
        name_button(self.redo, "Redo", keys.get("redo", ""))
        self._lay_out(grid)
        self._connect()
        self._on_tool(session.tool)
        self._on_history()

    def _lay_out(self, grid: QGridLayout) -> None:
        heading = QLabel("Tools")
        heading.setProperty("role", "heading")
        sizes, steps = QHBoxLayout(), QHBoxLayout()
        sizes.addWidget(QLabel("Brush size, px"))
        sizes.addWidget(self.size, 1)
        for button in (self.undo, self.redo):
            steps.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addLayout(grid)
        layout.addLayout(sizes)
        layout.addLayout(steps)

    def _connect(self) -> None:
        session, self.connections = self._session, Connections()
        self.size.valueChanged.connect(self._on_size_moved)
        self.undo.clicked.connect(lambda: session.undo())
        self.redo.clicked.connect(lambda: session.redo())
        self.connections.add(session.tool_changed, self._on_tool)
        self.connections.add(session.brush_changed, self._on_brush)
        for signal in (session.edited, session.opened, session.proposed):
            self.connections.add(signal, self._on_history)

    def _on_size_moved(self, size: int) -> None:
        if size != self._session.brush_size:
            self._session.set_brush_size(size)

    def _on_brush(self, size: int) -> None:
        if size != self.size.value():
            self.size.setValue(size)

    def _on_tool(self, tool: str) -> None:
        self.buttons[tool].setChecked(True)

    def _on_history(self, *_: object) -> None:
        case = self._session.case
        done, undone = (case.history.done, case.history.undone) if case else ((), ())
        self.undo.setEnabled(bool(done) or self._session.proposal is not None)
        self.redo.setEnabled(bool(undone))
        self.undo.setToolTip(f"Take back: {done[-1].name}" if done else "Nothing to take back")
        self.redo.setToolTip(f"Do again: {undone[-1].name}" if undone else "Nothing to do again")
