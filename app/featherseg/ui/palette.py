"""The command palette: type a few letters, press Enter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from featherseg.session.command_table import CommandTable
from featherseg.session.commands import Command
from featherseg.ui.floating import Floating, keeps_its_keys

KEEP_RECENT = 8


@dataclass(frozen=True, slots=True)
class Doing:
    """How the window does commands: whether one can be done now, and doing it."""

    can: Callable[[str], bool]
    run: Callable[[str], None]


class Query(QLineEdit):
    """Takes every key while it has the keyboard; up and down move the list."""

    moved = Signal(int)
    left = Signal()

    def event(self, event: QEvent | None) -> bool:
        """No shortcut of the window fires while somebody types here."""
        return event is not None and (keeps_its_keys(event) or super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Arrows and pages move, Esc leaves."""
        if event is None:
            return
        key = Qt.Key
        steps = {key.Key_Down: 1, key.Key_Up: -1, key.Key_PageDown: 8, key.Key_PageUp: -8}
        if event.key() in steps:
            self.moved.emit(steps[key(event.key())])
        elif event.key() == key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class Palette(Floating):
    """Finds commands by words of their title and menu. ``doing`` runs what was chosen."""

    def __init__(self, window: QWidget, back: QWidget, table: CommandTable, doing: Doing) -> None:
        super().__init__(window, back)
        self._table, self._doing = table, doing
        self._recent: list[str] = []
        self.query = Query()
        self.query.setPlaceholderText("What do you want to do?")
        self.query.setAccessibleName("Find a command")
        self.rows = QTreeWidget()
        self.rows.setColumnCount(3)
        self.rows.setHeaderHidden(True)
        self.rows.setRootIsDecorated(False)
        self.rows.setUniformRowHeights(True)
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        em = self.fontMetrics().height()
        self.rows.setMinimumSize(em * 35, em * 21)
        self.rows.setColumnWidth(0, em * 5)
        self.rows.setColumnWidth(1, em * 20)
        layout = QVBoxLayout(self)
        layout.addWidget(self.query)
        layout.addWidget(self.rows)
        self.query.textChanged.connect(self._fill)
        self.query.moved.connect(self._move)
        self.query.left.connect(self.leave)
        self.query.returnPressed.connect(self._on_enter)
        self.rows.itemClicked.connect(self._on_clicked)

    def start(self) -> None:
        """Open with an empty question: what was used last comes first."""
        self.query.clear()
        self._fill()
        self.open_over(self.query)

    def found(self) -> list[str]:
        """Ids of the commands listed, best first."""
        items = (self.rows.topLevelItem(i) for i in range(self.rows.topLevelItemCount()))
        return [str(item.data(0, Qt.ItemDataRole.UserRole)) for item in items if item is not None]

    def _fill(self, query: str = "") -> None:
        self.rows.clear()
        for command in ranked(self._table, query, self._recent):
            key = QKeySequence(self._table.key(command.id))
            shown = key.toString(QKeySequence.SequenceFormat.NativeText)
            row = QTreeWidgetItem([command.menu, command.title, shown])
            row.setData(0, Qt.ItemDataRole.UserRole, command.id)
            row.setToolTip(1, command.help)
            row.setDisabled(not self._doing.can(command.id))
            self.rows.addTopLevelItem(row)
        self.rows.setCurrentItem(self.rows.topLevelItem(0))

    def _move(self, steps: int) -> None:
        last = self.rows.topLevelItemCount() - 1
        at = self.rows.indexOfTopLevelItem(self.rows.currentItem()) + steps
        self.rows.setCurrentItem(self.rows.topLevelItem(max(0, min(last, at))))

    def _on_enter(self) -> None:
        self._choose(self.rows.currentItem())

    def _on_clicked(self, row: QTreeWidgetItem) -> None:
        self._choose(row)

    def _choose(self, row: QTreeWidgetItem | None) -> None:
        if row is None or row.isDisabled():
            return
        command = str(row.data(0, Qt.ItemDataRole.UserRole))
        self._recent = [command, *(c for c in self._recent if c != command)][:KEEP_RECENT]
        self.leave()
        self._doing.run(command)


def ranked(table: CommandTable, query: str, recent: list[str]) -> list[Command]:
    """The commands that match, best first; all of them for an empty query, the recent ones first."""
    place: Mapping[str, int] = {command: i for i, command in enumerate(recent)}
    in_menus = [command for _, commands in table.menus() for command in commands]
    scored = [(match(query, c), place.get(c.id, len(recent)), i, c) for i, c in enumerate(in_menus)]
    hits = [row for row in scored if row[0] is not None]
    return [row[3] for row in sorted(hits, key=lambda row: (-(row[0] or 0.0), *row[1:3]))]


def match(query: str, command: Command) -> float | None:
    """How well every word of the query is found in title and menu; None where one is not.

    The start of the title counts most, then the start of a word, then any part, then letters in their order.
    """
    text, total = f"{command.title} {command.menu}".casefold(), 0.0
    for word in query.casefold().split():
        at = text.find(word)
        if at == 0:
            total += 4
        elif at > 0:
            total += 2 + (f" {word}" in text)
        elif _in_order(word, text):
            total += 1
        else:
            return None
    return total


def _in_order(word: str, text: str) -> bool:
    """Whether the letters of a word come in this order, the first of them at a word's start."""
    starts = [i for i in range(len(text)) if text[i] == word[0] and text[i - 1 : i] in ("", " ")]
    return any(_contains(text[start:], word) for start in starts)


def _contains(text: str, word: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in word)
