"""The label table: which number is painted and accepted into."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.style import swatch

MOST_LABELS = 9


class LabelsBox(QWidget):
    """Rows of colour, number and name; the chosen one is active."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = QListWidget()
        self.rows.setAccessibleName("Labels")
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setMaximumHeight(self.fontMetrics().height() * 7)
        self.add = QPushButton("Add label")
        self.add.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        heading = QLabel("Labels")
        heading.setProperty("role", "heading")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (heading, self.rows, self.add):
            layout.addWidget(widget)
        self.rows.itemClicked.connect(self._on_clicked)
        self.add.clicked.connect(self._on_add)
        self.connections = Connections()
        for signal in (session.label_changed, session.model_changed, session.opened, session.edited):
            self.connections.add(signal, self._on_changed)
        self._fill()

    def _on_clicked(self, item: QListWidgetItem) -> None:
        self._session.choose_label(int(item.data(Qt.ItemDataRole.UserRole)))

    def _on_add(self) -> None:
        free = [n for n in range(1, MOST_LABELS + 1) if n not in self._session.table.rows]
        if free:
            self._session.choose_label(free[0])

    def _on_changed(self, *_: object) -> None:
        self._fill()

    def _fill(self) -> None:
        wanted = [(row.value, row.name, row.colour) for row in self._session.table]
        if wanted != [self.rows.item(i).data(Qt.ItemDataRole.UserRole + 1) for i in range(self.rows.count())]:
            self.rows.clear()
            for value, name, colour in wanted:
                item = QListWidgetItem(swatch(colour), f"{value}  {name}")
                item.setData(Qt.ItemDataRole.UserRole, value)
                item.setData(Qt.ItemDataRole.UserRole + 1, (value, name, colour))
                self.rows.addItem(item)
        for i, (value, _, _) in enumerate(wanted):
            if value == self._session.active_label:
                self.rows.setCurrentRow(i)
        self.add.setEnabled(len(wanted) < MOST_LABELS)
