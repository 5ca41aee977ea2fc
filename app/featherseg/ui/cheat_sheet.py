"""The keys and what the mouse does, on one page over the window."""

import re
from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from featherseg.session.command_table import CommandTable, said
from featherseg.ui.floating import Floating, keeps_its_keys

MOUSE = (
    ("Wheel", "Next or previous slice"),
    ("Ctrl + wheel", "Zoom"),
    ("Middle drag", "Move the image"),
    ("Right drag", "Window: level and width"),
    ("H, held", "Hide the masks"),
)
Rows = list[tuple[str, str]]
MOST_COLUMNS = 3


class CheatSheet(Floating):
    """All commands that have a key, by menu; any press of Esc or ? closes it."""

    def __init__(self, window: QWidget, back: QWidget, table: CommandTable) -> None:
        super().__init__(window, back)
        self._table = table
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = QLabel("Change keys with Help → Keyboard shortcuts …     Esc or ? closes this")
        foot.setProperty("role", "quiet")
        layout = QVBoxLayout(self)
        layout.addWidget(self._area, 1)
        layout.addWidget(foot)

    def start(self) -> None:
        """Open with the keys of today."""
        blocks = [*groups(self._table), ("Mouse", list(MOUSE))]
        for columns in range(MOST_COLUMNS, 0, -1):
            self._area.setWidget(_page(blocks, columns))
            if self.sizeHint().width() <= self.room().width():
                break
        self.open_over(self)

    def sizeHint(self) -> QSize:
        """As large as all of it; the window bounds that."""
        page, em = self._area.widget(), self.fontMetrics().height()
        inside = page.sizeHint() if page is not None else QSize()
        return QSize(inside.width() + 4 * em, inside.height() + 4 * em)

    def event(self, event: QEvent | None) -> bool:
        """No shortcut of the window fires while this is read."""
        return event is not None and (keeps_its_keys(event) or super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Esc and ? close; arrows scroll."""
        if event is None:
            return
        bar = self._area.verticalScrollBar()
        if event.key() == Qt.Key.Key_Escape or event.text() == "?":
            self.leave()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and bar is not None:
            sign = 1 if event.key() == Qt.Key.Key_Down else -1
            bar.setValue(bar.value() + sign * self.fontMetrics().height() * 2)


def groups(table: CommandTable) -> list[tuple[str, Rows]]:
    """Menu titles with rows of key and title; numbered commands with numbered keys become one row."""
    found = []
    for menu, commands in table.menus():
        rows = _joined([(said(_native(table.key(c.id))), c.title) for c in commands if table.key(c.id)])
        if rows:
            found.append((menu, rows))
    return found


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def _joined(rows: Rows) -> Rows:
    joined: Rows = []
    begun = ""
    for key, title in rows:
        numbered = re.fullmatch(r"(.*) (\d)", title)
        stem = numbered[1] if numbered and numbered[2] == key else ""
        if stem and stem == begun:
            first = joined[-1][0][0]
            joined[-1] = f"{first} … {key}", f"{stem} {first} … {key}"
        else:
            joined.append((key, title))
        begun = stem
    return joined


def _page(blocks: Sequence[tuple[str, Rows]], count: int) -> QWidget:
    page = QWidget()
    em, letter = page.fontMetrics().height(), page.fontMetrics().averageCharWidth()
    widest = max((len(key) for _, rows in blocks for key, _ in rows), default=1)
    columns = [QVBoxLayout() for _ in range(count)]
    heights = [0] * count
    for title, rows in sorted(blocks, key=lambda block: -len(block[1])):
        shortest = heights.index(min(heights))
        heights[shortest] += len(rows) + 2
        block = _block(title, rows)
        block.setVerticalSpacing(em // 3)
        block.setColumnMinimumWidth(0, letter * (widest + 3))
        columns[shortest].addLayout(block)
    line = QHBoxLayout(page)
    line.setSpacing(em * 2)
    for column in columns:
        column.setSpacing(em)
        column.addStretch(1)
        line.addLayout(column)
    return page


def _block(title: str, rows: Rows) -> QGridLayout:
    block = QGridLayout()
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    block.addWidget(heading, 0, 0, 1, 2)
    block.setColumnStretch(1, 1)
    for i, (key, name) in enumerate(rows, 1):
        cap = QLabel(key)
        cap.setProperty("role", "key")
        cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
        block.addWidget(cap, i, 0, Qt.AlignmentFlag.AlignLeft)
        block.addWidget(QLabel(name), i, 1)
    return block
