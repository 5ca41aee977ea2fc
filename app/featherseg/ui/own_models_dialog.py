"""Your models: every lesson's outcome in a list; go back to any of them, compare, pass on, delete."""

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.notice import Notice
from featherseg.session.own_models import (
    OwnModel,
    OwnModels,
    date_in_words,
    details_in_words,
    numbers_in_words,
    state_in_words,
)
from featherseg.ui.connections import Connections
from featherseg.ui.teach_plot import TeachPlot

HEADINGS = ("Model", "Made", "Cases", "Dice on test cases", "")
FILES = "Featherseg models (*.fsmodel);;All files (*)"
EMPTY = "No model was taught yet. Accept some cases and press Teach; what comes of it stands here."


class OwnModelsDialog(QDialog):
    """Mirrors an :class:`OwnModels`; stays open beside the window."""

    def __init__(self, models: OwnModels, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Your models")
        self._models = models
        self._rows: list[OwnModel] = []
        self.list = QTreeWidget()
        self.list.setHeaderLabels(list(HEADINGS))
        self.list.setRootIsDecorated(False)
        self.list.setAlternatingRowColors(True)
        self.list.setAccessibleName("Your models")
        self.details = QLabel(EMPTY)
        self.details.setWordWrap(True)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.plot: TeachPlot | None = None
        self.use, self.compare = QPushButton("Use this one"), QPushButton("Compare with the one in use")
        self.save, self.take = QPushButton("Save as one file …"), QPushButton("Take in a file …")
        self.delete = QPushButton("Delete …")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        header = self.list.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._below = QHBoxLayout()
        self._below.addWidget(self.details, 3)
        orders = QHBoxLayout()
        for button in (self.use, self.compare, self.save, self.delete):
            orders.addWidget(button)
        orders.addStretch(1)
        orders.addWidget(self.take)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        for button in (self.use, self.compare, self.save, self.delete, self.take):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        self.list.setMinimumHeight(self.fontMetrics().height() * 12)
        column.addWidget(self.list, 1)
        column.addLayout(self._below)
        column.addLayout(orders)
        column.addWidget(self.said)
        column.addWidget(close)
        em = self.fontMetrics().height()
        self.resize(em * 52, em * 34)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._on_chosen)
        self.list.itemDoubleClicked.connect(self._on_use)
        self.use.clicked.connect(self._on_use)
        self.compare.clicked.connect(self._on_compare)
        self.save.clicked.connect(self._on_save)
        self.take.clicked.connect(self._on_take)
        self.delete.clicked.connect(self._on_delete)
        self.connections = Connections()
        self.connections.add(self._models.changed, self.refresh)
        self.connections.add(self._models.session.noticed, self._on_noticed)
        self.connections.add(self._models.session.model_changed, self._on_model)
        self.finished.connect(lambda _: self.connections.clear())

    @property
    def chosen(self) -> OwnModel | None:
        """The row that the buttons are about."""
        index = self.list.indexOfTopLevelItem(self.list.currentItem()) if self.list.currentItem() else -1
        return self._rows[index] if index >= 0 else None

    def refresh(self) -> None:
        """Read the list anew; the row that was chosen stays chosen."""
        before = self.chosen
        self._rows = self._models.rows()
        self.list.blockSignals(True)
        self.list.clear()
        for row in self._rows:
            self.list.addTopLevelItem(_item(row))
        folders = [row.bundle.folder for row in self._rows]
        at = folders.index(before.bundle.folder) if before and before.bundle.folder in folders else 0
        self.list.setCurrentItem(self.list.topLevelItem(at))
        self.list.blockSignals(False)
        self._on_chosen()

    def _on_chosen(self, *_: object) -> None:
        row = self.chosen
        self.details.setText(details_in_words(row) if row is not None else EMPTY)
        for button in (self.use, self.compare):
            button.setEnabled(row is not None and not row.loaded)
        self.save.setEnabled(row is not None)
        self.delete.setEnabled(row is not None and not row.shipped and not row.loaded)
        curve = row.record.curve if row is not None and row.record is not None else ()
        if curve and self.plot is None:
            self.plot = TeachPlot("dice", self)
            self.plot.setMaximumHeight(self.fontMetrics().height() * 10)
            self._below.addWidget(self.plot, 2)
        if self.plot is not None:
            self.plot.setVisible(bool(curve))
            self.plot.show_curve(curve)

    def _on_use(self, *_: object) -> None:
        if self.chosen is not None and not self.chosen.loaded:
            self._models.use(self.chosen.bundle)

    def _on_compare(self) -> None:
        model = self._models.session.model
        if self.chosen is not None and model is not None:
            self._models.compare(model, self.chosen.bundle)

    def _on_noticed(self, notice: Notice | None) -> None:
        self.said.setText(notice.text if notice is not None else "")

    def _on_save(self) -> None:
        if self.chosen is not None:
            name = f"{self.chosen.bundle.card.name}.fsmodel"
            path, _ = QFileDialog.getSaveFileName(self, "Save as one file", name, FILES)
            if path:
                self._models.export(self.chosen.bundle, Path(path))

    def _on_take(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Take in a model", "", FILES)
        if path:
            self._models.take_in(Path(path))

    def _on_delete(self) -> None:
        row = self.chosen
        if row is None:
            return
        buttons = QMessageBox.StandardButton
        question = f"Delete '{row.title}' for good? Your cases and all other models stay."
        if QMessageBox.question(self, "Delete a model", question) == buttons.Yes:
            self._models.delete(row.bundle)

    def _on_model(self, _: object) -> None:
        self.refresh()


def _item(row: OwnModel) -> QTreeWidgetItem:
    cases = str(row.record.cases) if row.record is not None else ""
    texts = [row.title, date_in_words(row), cases, numbers_in_words(row), state_in_words(row)]
    item = QTreeWidgetItem(texts)
    item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    if row.loaded:
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)
    return item
