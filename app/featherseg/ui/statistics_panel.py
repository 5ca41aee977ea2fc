"""The table of measured labels, whether it is up to date, and the ways out: clipboard and CSV."""

from collections.abc import Callable

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.session import Session
from featherseg.session.statistics import Statistics
from featherseg.ui.connections import Connections
from featherseg.ui.style import swatch
from featherseg_engines.statistics_table import as_text

SOON_MS = 400
"""After the last edit; strokes that follow each other are measured once."""
SENTENCES = {
    "nothing": "Open an image to measure its labels.",
    "none": "Press Update to measure the labels.",
    "current": "Up to date.",
    "changed": "Labels changed since: press Update.",
}
TEXT_COLUMNS = 2
"""Number and name stand on the left, what was measured on the right."""


class StatisticsPanel(QWidget):
    """Mirrors statistics; measures small cases again by itself while it is on screen.

    Parameters
    ----------
    export
        Asks where to and writes the CSV file.
    """

    def __init__(
        self,
        session: Session,
        statistics: Statistics,
        export: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._statistics = session, statistics
        self.table, self.sentence = QTableWidget(), QLabel()
        self.table.setAccessibleName("Statistics of the labels")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.sentence.setProperty("role", "quiet")
        self.update_button = self._button("Update", "Measure the labels as they are now", self._on_update)
        self.copy = self._button("Copy", "Copy the table, for a spreadsheet", self.copy_table)
        self.export = self._button("Export CSV …", "Write the table as a CSV file", export)
        row = QHBoxLayout()
        row.addWidget(self.sentence, 1)
        for button in (self.update_button, self.copy, self.export):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(statistics.measured.update)
        self.connections = Connections()
        self.connections.add(statistics.measured.changed, self.refresh)
        self.connections.add(session.labels_changed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show how things are; where nobody sees it, the next showing does."""
        if not self.isVisible():
            return
        self._show_state()
        if self._statistics.measured.state != "working":
            self._fill()
            self._measure_soon()

    def copy_table(self) -> None:
        """Put the table on the clipboard."""
        table, clipboard = self._statistics.table(), QApplication.clipboard()
        if table is not None and clipboard is not None:
            clipboard.setText(as_text(table))
            self.sentence.setText("Copied.")

    def _show_state(self) -> None:
        state, part = self._statistics.measured.state, self._statistics.measured.part
        if state == "working":
            text = "Measuring …" if part is None else f"Measuring … {part:.0%}"
        elif state == "current" and not self._statistics.rows:
            text = "Nothing labelled yet: the labels of this case are measured here."
        else:
            text = SENTENCES[state]
        self.sentence.setText(text)
        self.update_button.setText("Cancel" if state == "working" else "Update")
        self.update_button.setEnabled(state != "nothing")
        for button in (self.copy, self.export):
            button.setEnabled(bool(self._statistics.rows) and state == "current")  # old numbers stay here

    def _measure_soon(self) -> None:
        if self._statistics.measured.state in ("none", "changed") and self._statistics.small:
            self._soon.start()

    def _fill(self) -> None:
        table = self._statistics.table()
        rows, header = (table.rows, table.header) if table else ((), ())
        self.table.setColumnCount(len(header))
        self.table.setRowCount(len(rows))
        self.table.setHorizontalHeaderLabels(list(header))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for i, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column >= TEXT_COLUMNS:
                    item.setTextAlignment(right)
                self.table.setItem(i, column, item)
            colour = self._session.table.rows.get(int(cells[0]))
            if colour is not None:
                self.table.item(i, 0).setIcon(swatch(colour.colour, self.fontMetrics().height()))
        self.table.resizeColumnsToContents()

    def _on_update(self) -> None:
        if self._statistics.measured.state == "working":
            self._statistics.measured.cancel()
        else:
            self._statistics.measured.update()

    def _button(self, title: str, tip: str, clicked: Callable[[], None]) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda _=False: clicked())
        return button
