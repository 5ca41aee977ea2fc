"""The label table: which number is painted and accepted into, how each looks, which are locked."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.label_row import LabelRowWidget
from featherseg.ui.labels_menu import LabelsMenu

SHOWN = 5
"""Rows on screen at once; more scroll, so that the tools under them stay in sight."""


class LabelsBox(QWidget):
    """Rows of hot key, colour, name, eye and lock; the chosen one is active."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows: dict[int, LabelRowWidget] = {}
        self.add, self.more = QPushButton("Add label"), QToolButton()
        self.add.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.menu = LabelsMenu(session, self)
        self.more.setText("…")
        self.more.setToolTip("Presets, keys, codes, import and export of the label table")
        self.more.setAccessibleName("More about labels")
        self.more.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(self.menu)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self._lay_out()
        self.add.clicked.connect(lambda: session.labelling.add())
        self.connections = Connections()
        for signal in (session.label_changed, session.labels_changed):
            self.connections.add(signal, self._on_changed)
        self._fill()

    def _lay_out(self) -> None:
        heading = QLabel("Labels")
        heading.setProperty("role", "heading")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.scroll = QScrollArea()
        self.scroll.setAccessibleName("Labels")
        self.scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.setWidget(inside)
        foot = QHBoxLayout()
        foot.addWidget(self.add, 1)
        foot.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addWidget(self.scroll)
        layout.addLayout(foot)

    def _on_changed(self, *_: object) -> None:
        self._fill()

    def _fill(self) -> None:
        wanted = sorted(self._session.table.rows)
        for value in [v for v in self.rows if v not in wanted]:
            gone = self.rows.pop(value)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for place, value in enumerate(wanted):
            if value not in self.rows:
                self.rows[value] = LabelRowWidget(self._session, value)
                self._column.insertWidget(place, self.rows[value])
            else:
                self.rows[value].show_row()
        self._fit()

    def _fit(self) -> None:
        if not self.rows:
            return
        height = max(row.sizeHint().height() for row in self.rows.values())
        self.scroll.setFixedHeight(height * min(len(self.rows), SHOWN) + 2)
        active = self.rows.get(self._session.active_label)
        if active is not None and len(self.rows) > SHOWN:
            self.scroll.ensureWidgetVisible(active)
