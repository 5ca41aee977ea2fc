"""The header of what is open: a table of facts and tags with a line to filter it."""

from collections.abc import Sequence

from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.facts import Fact, matching

COLUMNS = ("Tag", "Name", "VR", "Value")
LONGEST = 400
"""Characters of a value that are shown; a header may hold whole tables."""


class TagsPanel(QWidget):
    """Shows rows; the filter hides those that do not hold every word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Fact] = []
        self.filter, self.table, self.count = QLineEdit(), QTableWidget(0, len(COLUMNS)), QLabel()
        self.filter.setPlaceholderText("Filter: name, tag or value")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filtered)
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setAccessibleName("Header")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.count.setProperty("role", "quiet")
        layout = QVBoxLayout(self)
        for widget in (self.filter, self.table, self.count):
            layout.addWidget(widget)

    def show_rows(self, rows: Sequence[Fact]) -> None:
        """Show these from now on."""
        self._rows = list(rows)
        plain = not any(row.tag for row in rows)
        for column in (0, 2):
            self.table.setColumnHidden(column, plain)
        self._on_filtered()
        self.table.resizeColumnsToContents()
        em = self.fontMetrics().averageCharWidth()
        self.table.setColumnWidth(1, min(self.table.columnWidth(1), em * 34))

    def shown(self) -> list[str]:
        """The values on screen, top first."""
        return [self.table.item(i, 3).text() for i in range(self.table.rowCount())]

    def _on_filtered(self, _: str = "") -> None:
        rows = matching(self._rows, self.filter.text())
        self.table.setRowCount(len(rows))
        for i, row in enumerate(rows):
            value = row.value if len(row.value) <= LONGEST else row.value[:LONGEST] + " …"
            for column, text in enumerate((row.tag, row.name, row.vr, value)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(i, column, item)
        self.count.setText(f"{len(rows)} of {len(self._rows)} rows")
