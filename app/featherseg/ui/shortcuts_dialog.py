"""Changing the keys of commands."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.command_table import CommandTable

ID = Qt.ItemDataRole.UserRole
PORTABLE, NATIVE = QKeySequence.SequenceFormat.PortableText, QKeySequence.SequenceFormat.NativeText


class ShortcutsDialog(QDialog):
    """Every command with its key. A change is in force at once; the table's owner keeps it."""

    def __init__(self, table: CommandTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self._table = table
        self._wanted = ""
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find a command")
        self.rows = QTreeWidget()
        self.rows.setHeaderLabels(["Menu", "Command", "Key", "Default", "Id"])
        self.rows.setRootIsDecorated(False)
        self.rows.setAlternatingRowColors(True)
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setAccessibleName("New key")
        self.take, self.none = QPushButton("Take it"), QPushButton("No key")
        self.back, self.all_back = QPushButton("Back to default"), QPushButton("All back to default")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self._lay_out()
        self._fill()
        self._connect()
        self.rows.setCurrentItem(self.rows.topLevelItem(0))

    def choose(self, command: str) -> None:
        """Select the row of a command."""
        self.rows.setCurrentItem(self._row(command))

    def _lay_out(self) -> None:
        em = self.fontMetrics().height()
        keys = QHBoxLayout()
        for widget in (QLabel("New key"), self.edit, self.take, self.none, self.back):
            keys.addWidget(widget, 1 if widget is self.edit else 0)
        end = QHBoxLayout()
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        for button in close.buttons():
            button.setAutoDefault(False)  # Enter is a key like others here
        end.addWidget(self.all_back)
        end.addWidget(close, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.filter)
        layout.addWidget(self.rows, 1)
        layout.addLayout(keys)
        layout.addWidget(self.sentence)
        layout.addLayout(end)
        self.sentence.setMinimumHeight(em * 2)
        for button in (self.take, self.none, self.back, self.all_back):
            button.setAutoDefault(False)
        self.resize(em * 46, em * 34)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._on_filter)
        self.rows.currentItemChanged.connect(self._on_row)
        self.edit.keySequenceChanged.connect(self._on_key)
        self.take.clicked.connect(lambda: self._set(self._wanted))
        self.none.clicked.connect(lambda: self._set(""))
        self.back.clicked.connect(lambda: self._table.reset(self._chosen()))
        self.all_back.clicked.connect(self._table.reset_all)
        self._table.changed.connect(self._on_changed)
        self.finished.connect(lambda _: self._table.changed.disconnect(self._on_changed))

    def _fill(self) -> None:
        for menu, commands in self._table.menus():
            for command in commands:
                row = QTreeWidgetItem([menu, command.title, "", _native(command.shortcut), command.id])
                row.setData(0, ID, command.id)
                self.rows.addTopLevelItem(row)
        self._on_changed()
        for column in range(self.rows.columnCount()):
            self.rows.resizeColumnToContents(column)

    def _on_changed(self) -> None:
        for row in self._all_rows():
            command = str(row.data(0, ID))
            key = self._table.key(command)
            row.setText(2, _native(key))
            font = row.font(2)
            font.setBold(key != self._table[command].shortcut)
            row.setFont(2, font)
        if self.rows.currentItem() is not None:
            self._on_row()

    def _on_row(self, *_: object) -> None:
        self._wanted = ""
        self.sentence.setText("")
        self.take.setEnabled(False)
        self.edit.blockSignals(True)
        self.edit.setKeySequence(QKeySequence(self._table.key(self._chosen())))
        self.edit.blockSignals(False)

    def _on_key(self, keys: QKeySequence) -> None:
        self._wanted = keys.toString(PORTABLE)
        if not self._wanted:
            return
        objection = self._table.objection(self._chosen(), self._wanted)
        self.sentence.setText(objection)
        self.take.setEnabled(bool(objection) and self._table.owner(self._wanted) is not None)
        if not objection:
            self._set(self._wanted)

    def _set(self, key: str) -> None:
        self._table.set_key(self._chosen(), key)

    def _on_filter(self, text: str) -> None:
        words = text.casefold().split()
        for row in self._all_rows():
            shown = " ".join(row.text(i) for i in range(self.rows.columnCount())).casefold()
            row.setHidden(not all(word in shown for word in words))

    def _chosen(self) -> str:
        return str(self.rows.currentItem().data(0, ID))

    def _row(self, command: str) -> QTreeWidgetItem:
        return next(row for row in self._all_rows() if row.data(0, ID) == command)

    def _all_rows(self) -> list[QTreeWidgetItem]:
        items = (self.rows.topLevelItem(i) for i in range(self.rows.topLevelItemCount()))
        return [item for item in items if item is not None]


def _native(key: str) -> str:
    return QKeySequence(key).toString(NATIVE)
