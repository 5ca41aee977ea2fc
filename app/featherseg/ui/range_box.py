"""Paint only from … to …: the range of values that strokes keep to."""

from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from featherseg.session.paint_range import PaintRange
from featherseg.ui.buttons import tool_button
from featherseg.ui.connections import Connections
from featherseg.ui.number_field import number_field, show_number

MOST = 1e6
HERE = "Mean ± 2 standard deviations of the values around the cross; by key, around the mouse"


class RangeBox(QWidget):
    """Mirrors a paint range."""

    def __init__(self, ranged: PaintRange, keys: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = ranged
        key = keys.get("tools.range", "")
        tip = "Brush, fill and polygon keep to voxels with values in this range"
        self.on = tool_button("Paint only values", tip, key)
        self.on.setCheckable(True)
        self.low = number_field("Lowest value that is painted", -MOST, MOST)
        self.high = number_field("Highest value that is painted", -MOST, MOST)
        self.here = tool_button("From here", HERE, keys.get("tools.range_here", ""))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        to = QLabel("to")
        grid.addWidget(self.on, 0, 0, 1, 3)
        grid.addWidget(self.here, 0, 3)
        grid.addWidget(QLabel("from"), 1, 0)
        grid.addWidget(self.low, 1, 1)
        grid.addWidget(to, 1, 2)
        grid.addWidget(self.high, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.on.toggled.connect(self._on_switched)
        self.here.clicked.connect(lambda _=False: ranged.from_here())
        self.low.valueChanged.connect(self._on_typed)
        self.high.valueChanged.connect(self._on_typed)
        self.connections = Connections()
        self.connections.add(ranged.changed, self._on_changed)
        self._on_changed()

    def _on_switched(self, on: bool) -> None:
        if on != self._range.on:
            self._range.switch(on)

    def _on_typed(self, _: float) -> None:
        self._range.choose(self.low.value(), self.high.value())

    def _on_changed(self) -> None:
        chosen = self._range.chosen
        fine = chosen.high - chosen.low < 10 and not self._range.whole
        for field, value in ((self.low, chosen.low), (self.high, chosen.high)):
            field.setDecimals(3 if fine else 0)
            show_number(field, value, self._range.unit)
        self.on.setChecked(self._range.on)
