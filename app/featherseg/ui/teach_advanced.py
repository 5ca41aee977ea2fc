"""What an expert may change about a lesson, folded away: cases, time, frozen part, labels, a new task; the loss."""

from dataclasses import replace

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from featherseg.session.teaching import Teaching
from featherseg.ui.buttons import tool_button
from featherseg.ui.teach_plot import TeachPlot

CASES = (("all", "all accepted"), ("corrected", "those I corrected"), ("listed", "those listed now"))
FROZEN = (
    ("auto", "as measured best"),
    ("none", "new task: teach all"),
    ("encoder", "the encoder"),
    ("all but head", "all but the last layer"),
)
NETWORKS = (
    ("", "the model in use"),
    ("repsegnet", "new task: RepSegNet"),
    ("med2dsegnet", "new task: Med-2D SegNet"),
    ("reunet_slim8", "new task: REUnet"),
    ("lgmsnet", "new task: LGMSNet"),
    ("lgmsnet3d", "new task: LGMSNet 3D"),
)
"""What learning starts from; a network for a new task is taught from nothing: no model fits."""


class TeachAdvanced(QWidget):
    """A fold with a few rows; mirrors the wishes of a :class:`Teaching`."""

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self.fold: QToolButton = tool_button("Advanced", "Which cases, how long, what is learnt")
        self.fold.setProperty("role", "fold")
        self.fold.setCheckable(True)
        self.fold.setArrowType(Qt.ArrowType.RightArrow)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.start, self.cases, self.frozen = _box(NETWORKS), _box(CASES), _box(FROZEN)
        self.labels = _box(((0, "all of the cases"),))
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.0, 240.0)
        self.minutes.setDecimals(0)
        self.minutes.setSpecialValueText("as measured best")
        self.minutes.setSuffix(" min")
        self.loss: TeachPlot | None = None
        self.body = QWidget()
        self._lay_out()
        self.body.hide()
        self.fold.toggled.connect(self._on_folded)
        for box in (self.start, self.cases, self.frozen, self.labels):
            box.activated.connect(self._on_changed)
        self.minutes.valueChanged.connect(self._on_changed)

    def _lay_out(self) -> None:
        form = QFormLayout(self.body)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for title, widget in (
            ("Start from", self.start),
            ("Cases", self.cases),
            ("Labels", self.labels),
            ("Time", self.minutes),
            ("Leave as is", self.frozen),
        ):
            widget.setAccessibleName(f"Teaching: {title}")
            form.addRow(title, widget)
        self._form = form
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.fold)
        column.addWidget(self.body)

    def refresh(self) -> None:
        """Show the wishes, and the loss where a lesson goes on."""
        teaching = self._teaching
        wishes, running = teaching.wishes, teaching.running
        self.frozen.setEnabled(not wishes.new_task)
        for widget in (self.start, self.cases, self.labels, self.minutes):
            widget.setEnabled(not running)
        if not self.body.isHidden():
            self._draw()

    def _draw(self) -> None:
        curve = self._teaching.curve
        if curve and self.loss is None:
            self.loss = TeachPlot("loss")
            self.loss.setFixedHeight(self.fontMetrics().height() * 5)
            heading = QLabel("Loss")
            self._form.addRow(heading, self.loss)
        if self.loss is not None:
            self.loss.show_curve(curve)

    def _fill_labels(self) -> None:
        rows = self._teaching.session.table.rows
        chosen = self.labels.currentData()
        self.labels.clear()
        self.labels.addItem("all of the cases", 0)
        for value, label in rows.items():
            self.labels.addItem(f"{label.name} alone", value)
        self.labels.setCurrentIndex(max(0, self.labels.findData(chosen)))

    def _on_folded(self, opened: bool) -> None:
        self.fold.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        if opened:
            self._fill_labels()
        self.body.setVisible(opened)
        self.refresh()

    def _on_changed(self, *_: object) -> None:
        teaching, network, label = self._teaching, self.start.currentData(), self.labels.currentData()
        settings = replace(
            teaching.wishes.settings,
            minutes=self.minutes.value(),
            frozen=self.frozen.currentData(),
            network=network or teaching.wishes.settings.network,
        )
        teaching.change(
            replace(
                teaching.wishes,
                settings=settings,
                cases=self.cases.currentData(),
                labels=(int(label),) if label else (),
                new_task=bool(network),
            )
        )


def _box(rows: tuple[tuple[object, str], ...]) -> QComboBox:
    box = QComboBox()
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    for value, title in rows:
        box.addItem(title, value)
    return box
