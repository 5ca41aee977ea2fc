"""Brush, eraser and the like, their size, where tools work, undo and redo; the other tools folded below."""

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
from featherseg.session.toolbox import Toolbox
from featherseg.ui.buttons import name_button, tool_button
from featherseg.ui.connections import Connections
from featherseg.ui.more_tools import MoreTools

TOOLS = (
    ("browse", "Move"),
    ("brush", "Brush"),
    ("eraser", "Eraser"),
    ("fill", "Fill"),
    ("polygon", "Polygon"),
    ("picker", "Pick"),
)
MARKS = (
    (
        "smart",
        "Smart +",
        "Paint where the label is: the proposal follows at once; hold Shift where it is not",
    ),
    ("smart_not", "Smart −", "Paint where the label is not: the proposal follows at once"),
    ("lasso", "Lasso", "Circle the place: nothing is proposed outside it"),
    ("box", "Box", "Drag over the place: nothing is proposed outside it"),
)
ACROSS = 3
POLYGON = "click the corners, double-click the last; a right click takes one back"


class ToolsBox(QWidget):
    """One tool in hand at a time."""

    def __init__(
        self, session: Session, keys: dict[str, str], toolbox: Toolbox, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._toolbox = session, toolbox
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
            grid.addWidget(button, i // ACROSS, i % ACROSS)
        self._marks = self._make_marks(keys)
        self.size = QLabeledSlider(Qt.Orientation.Horizontal)
        self.size.setRange(1, 200)
        self.size.setValue(session.brush_size)
        self.size.setToolTip("Brush diameter in pixels of the image")
        self.more = MoreTools(session, toolbox, keys, self._group)
        self.buttons |= self.more.clicked
        self.buttons["polygon"].setToolTip(f"{self.buttons['polygon'].toolTip()}: {POLYGON}")
        self._make_switches(keys)
        self.undo, self.redo = QPushButton(), QPushButton()
        name_button(self.undo, "Undo", keys.get("undo", ""))
        name_button(self.redo, "Redo", keys.get("redo", ""))
        self._lay_out(grid)
        self._connect()
        self._on_tool(session.tool)
        self._on_history()
        self._on_sizes()

    def _make_marks(self, keys: dict[str, str]) -> QGridLayout:
        """Tools that mark the proposal instead of painting the label."""
        grid = QGridLayout()
        grid.setSpacing(2)
        for i, (tool, title, tip) in enumerate(MARKS):
            button = tool_button(title, tip, keys.get("tool." + tool, ""))
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, t=tool: self._session.choose_tool(t))
            self._group.addButton(button)
            self.buttons[tool] = button
            grid.addWidget(button, 0, i)
        return grid

    def _make_switches(self, keys: dict[str, str]) -> None:
        key = keys.get("tools.volume", "")
        self.here = tool_button("This slice", "The tools below work on the slice on screen", key)
        self.everywhere = tool_button("All slices", "The tools below work on all slices at once", key)
        self.fold = tool_button("More tools", "Range, click tools, shape, slices, labels")
        self.fold.setProperty("role", "fold")
        self.fold.setArrowType(Qt.ArrowType.RightArrow)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._where = QButtonGroup(self)
        for button in (self.here, self.everywhere):
            button.setCheckable(True)
            self._where.addButton(button)
        self.fold.setCheckable(True)

    def _lay_out(self, grid: QGridLayout) -> None:
        heading = QLabel("Tools")
        heading.setProperty("role", "heading")
        on_ghost = QLabel("On the proposal")
        on_ghost.setProperty("role", "quiet")
        grid.setSpacing(4)
        sizes, steps, places = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for button in (self.here, self.everywhere):
            places.addWidget(button)
        sizes.addWidget(QLabel("Brush size, px"))
        sizes.addWidget(self.size, 1)
        for button in (self.undo, self.redo):
            steps.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addLayout(grid)
        layout.addWidget(on_ghost)
        layout.addLayout(self._marks)
        layout.addLayout(sizes)
        layout.addLayout(places)
        layout.addLayout(steps)
        layout.addWidget(self.fold)
        layout.addWidget(self.more)

    def _connect(self) -> None:
        session, self.connections = self._session, Connections()
        self.size.valueChanged.connect(self._on_size_moved)
        self.undo.clicked.connect(lambda: session.undo())
        self.redo.clicked.connect(lambda: session.redo())
        self.here.clicked.connect(lambda _=False: self._toolbox.work_in_volume(False))
        self.everywhere.clicked.connect(lambda _=False: self._toolbox.work_in_volume(True))
        self.fold.toggled.connect(self._on_folded)
        self.connections.add(session.tool_changed, self._on_tool)
        self.connections.add(self._toolbox.range.changed, self._on_range)
        for signal in (self._toolbox.sizes_changed, session.opened):
            self.connections.add(signal, self._on_sizes)
        self.connections.add(session.brush_changed, self._on_brush)
        for signal in (session.edited, session.opened, session.proposed):
            self.connections.add(signal, self._on_history)

    def release(self) -> None:
        """Let go of the session."""
        self.connections.clear()
        self.more.release()

    def _on_size_moved(self, size: int) -> None:
        if size != self._session.brush_size:
            self._session.set_brush_size(size)

    def _on_brush(self, size: int) -> None:
        if size != self.size.value():
            self.size.setValue(size)

    def _on_tool(self, tool: str) -> None:
        if tool in self.buttons:
            self.buttons[tool].setChecked(True)
        self._on_range()

    def _on_range(self) -> None:
        """Say on the fold what is in hand or switched on inside it."""
        ranged, tool = self._toolbox.range, self._session.tool
        parts = ["More tools"]
        if tool in self.more.clicked:
            parts.append(self.more.clicked[tool].text())
        if ranged.on:
            chosen = ranged.chosen
            parts.append(f"only {chosen.low:.4g} to {chosen.high:.4g} {ranged.unit}".strip())
        self.fold.setText("  ·  ".join(parts))

    def _on_sizes(self, _: object = None) -> None:
        volume = self._toolbox.in_volume
        (self.everywhere if volume else self.here).setChecked(True)
        self.everywhere.setEnabled(self._toolbox.has_slices)

    def _on_folded(self, opened: bool) -> None:
        self.more.setVisible(opened)
        self.fold.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)

    def _on_history(self, *_: object) -> None:
        case = self._session.case
        done, undone = (case.history.done, case.history.undone) if case else ((), ())
        self.undo.setEnabled(bool(done) or self._session.proposal is not None)
        self.redo.setEnabled(bool(undone))
        self.undo.setToolTip(f"Take back: {done[-1].name}" if done else "Nothing to take back")
        self.redo.setToolTip(f"Do again: {undone[-1].name}" if undone else "Nothing to do again")
