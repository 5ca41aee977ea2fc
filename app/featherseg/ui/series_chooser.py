"""Which of several series in a folder: modality, description, slices, size and a small picture of each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.opening import SeriesRow

COLUMNS = ("", "Modality", "Description", "Slices", "Size")


class SeriesChooser(QDialog):
    """Rows to choose one from: arrow keys and Enter, or a double click."""

    def __init__(self, folder: str, rows: Sequence[SeriesRow], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a series")
        self._rows = list(rows)
        em = self.fontMetrics().height()
        self.table = QTableWidget(len(rows), len(COLUMNS))
        self.table.setAccessibleName("Series")
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setIconSize(QSize(em * 5, em * 4))
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(em * 4 + 8)
        for number, row in enumerate(rows):
            self._fill(number, row)
        self.table.resizeColumnsToContents()
        self.table.setColumnWidth(0, em * 6)
        self.table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Open | buttons.Cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(f"'{folder}' holds {len(rows)} series. Open one:"))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.table.doubleClicked.connect(self.accept)
        self.table.setCurrentCell(self._largest(), 2)
        self.table.setFocus()
        self.resize(em * 46, em * 8 + min(len(rows), 6) * (em * 4 + 8))

    def chosen(self) -> SeriesRow | None:
        """The row under the cursor."""
        row = self.table.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _largest(self) -> int:
        return max(range(len(self._rows)), key=lambda i: self._rows[i].slices, default=0)

    def _fill(self, number: int, row: SeriesRow) -> None:
        texts = ("", row.modality or "–", row.description or "without description", str(row.slices), row.size)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column >= 3:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(number, column, item)
        if row.picture is not None:
            self.table.item(number, 0).setIcon(QIcon(pixmap_of(row.picture)))


def pixmap_of(picture: npt.NDArray[np.uint8]) -> QPixmap:
    """A picture (y, x) grey or (y, x, 3) colour as Qt shows it; copied."""
    pixels = np.ascontiguousarray(picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1))
    height, width = pixels.shape[:2]
    return QPixmap.fromImage(
        QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    )
