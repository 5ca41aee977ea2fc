"""Choosing a model, proposing with it, moving the threshold, accepting."""

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QLabeledDoubleSlider

from featherseg.session.commands import propose_or_accept
from featherseg.session.session import Session
from featherseg.ui.buttons import fill_button, name_button
from featherseg.ui.carried_line import CarriedLine
from featherseg.ui.connections import Connections
from featherseg.ui.unsure_line import UnsureLine
from featherseg_engines.inference.proposal import FLOOR
from featherseg_engines.models.bundle import ModelBundle


@dataclass(frozen=True, slots=True)
class Further:
    """What the filled button does once the labels of a case are there."""

    title: str
    key: str
    ready: Callable[[], bool]
    run: Callable[[], None]


class ModelBox(QWidget):
    """The top of the panel. ``keys`` says which keys the buttons name (they differ inside napari)."""

    def __init__(self, session: Session, keys: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._keys = session, keys
        self._further: Further | None = None
        self._yields: Callable[[], bool] = lambda: False
        self.models = QComboBox()
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.models.setAccessibleName("Model")
        self.models.setMinimumContentsLength(12)  # a long name must not take the image's room
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setProperty("role", "quiet")
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(FLOOR, 1 - FLOOR)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(session.threshold)
        self.threshold.setToolTip("Lower: the mask grows. Higher: only what the model is sure of.")
        self.unsure = UnsureLine(session)
        self.carried = CarriedLine(session, keys.get("smart.let_go", ""))
        self.live = QCheckBox("Live")
        self.live.setChecked(session.proposing.live)
        hint = keys.get("live", "")
        self.live.setToolTip(
            "The proposal follows by itself when you change slice, window or model"
            + (f" ({hint})" if hint else "")
        )
        self.primary = QPushButton()
        self.primary.setObjectName("primary")
        self.drop = QPushButton()
        name_button(self.drop, "Drop proposal", keys.get("drop", ""))
        self._lay_out()
        self._connect()
        self._fill_models()
        self.show_primary()

    def go_further(self, further: Further) -> None:
        """Let the filled button lead on (to the next case) when its own work is done."""
        self._further = further
        self.show_primary()

    def yield_to(self, other: Callable[[], bool]) -> None:
        """Let another button be the filled one while ``other`` says so."""
        self._yields = other
        self.show_primary()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        heading = QLabel("Model")
        heading.setProperty("role", "heading")
        top = QHBoxLayout()
        top.addWidget(heading, 1)
        top.addWidget(self.live)
        row = QHBoxLayout()
        label = QLabel("Threshold")
        label.setBuddy(self.threshold)
        row.addWidget(label)
        row.addWidget(self.threshold, 1)
        layout.addLayout(top)
        layout.addWidget(self.models)
        layout.addWidget(self.about)
        layout.addLayout(row)
        layout.addWidget(self.unsure)
        layout.addWidget(self.primary)
        layout.addWidget(self.drop)
        layout.addWidget(self.carried)

    def _connect(self) -> None:
        session, self.connections = self._session, Connections()
        self.models.activated.connect(self._on_model_chosen)
        self.threshold.valueChanged.connect(self._on_threshold_moved)
        self.primary.clicked.connect(self._on_primary)
        self.drop.clicked.connect(self._on_drop)
        self.live.toggled.connect(self._on_live_toggled)
        self.connections.add(session.proposing.live_changed, self._on_live)
        self.connections.add(session.model_changed, self._on_model_changed)
        self.connections.add(session.proposed, self._on_state)
        self.connections.add(session.busy_changed, self._on_state)
        self.connections.add(session.opened, self._on_state)
        self.connections.add(session.edited, self._on_state)
        self.connections.add(session.threshold_changed, self._on_threshold_changed)

    def _fill_models(self) -> None:
        task = ""
        for bundle in self._session.catalogue.bundles():
            if task and task != bundle.task:
                self.models.insertSeparator(self.models.count())
            task = bundle.task
            self.models.addItem(_title(bundle), bundle.card.name)
        if not self.models.count():
            self.models.addItem("No model installed", "")
        self._on_model_changed(self._session.model)

    def _on_model_chosen(self, index: int) -> None:
        self._session.choose_model(str(self.models.itemData(index)))

    def _on_live_toggled(self, live: bool) -> None:
        self._session.proposing.go_live(live)

    def _on_live(self, live: bool) -> None:
        self.live.setChecked(live)

    def _on_threshold_moved(self, value: float) -> None:
        if abs(value - self._session.threshold) > 1e-6:
            self._session.set_threshold(value)

    def _on_threshold_changed(self, value: float) -> None:
        if abs(value - self.threshold.value()) > 1e-6:
            self.threshold.setValue(value)

    def _on_primary(self) -> None:
        if self._further is not None and self._further.ready():
            self._further.run()
        else:
            propose_or_accept(self._session)

    def _on_drop(self) -> None:
        self._session.drop()

    def _on_state(self, *_: object) -> None:
        self.show_primary()

    def _on_model_changed(self, bundle: ModelBundle | None) -> None:
        if bundle is None:
            self.about.setText("Install a model bundle to get proposals.")
            return
        if self.models.findData(bundle.card.name) < 0:
            self.models.addItem(_title(bundle), bundle.card.name)
        self.models.setCurrentIndex(self.models.findData(bundle.card.name))
        card = bundle.card
        self.models.setToolTip(f"{_title(bundle)} ({card.name})")
        dice = (
            f"Dice {card.measured[0].dice:.2f} on {card.measured[0].n} images it did not learn from"
            if card.measured
            else ""
        )
        permits = card.training.permits if "research" in card.training.permits.lower() else ""
        self.about.setText(" · ".join(part for part in (dice, permits) if part))
        self.about.setVisible(bool(self.about.text()))

    def show_primary(self) -> None:
        """Say what the filled button does now."""
        ghost, further = self._session.proposal is not None, self._further
        fill_button(self.primary, filled=not self._yields())
        self.drop.setEnabled(ghost)
        if further is not None and further.ready():
            name_button(self.primary, further.title, further.key)
            self.primary.setEnabled(True)
            return
        title = "Accept" if ghost else ("Proposing …" if self._session.busy else "Propose")
        name_button(self.primary, title, self._keys.get("propose", ""))
        self.primary.setEnabled(self._session.case is not None and self._session.model is not None)


def _title(bundle: ModelBundle) -> str:
    return bundle.card.title or bundle.card.name
