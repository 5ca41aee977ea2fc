"""The tools beyond brush and eraser, folded away until they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.session import Session
from featherseg.session.toolbox import OPERATIONS, Toolbox
from featherseg.ui.buttons import tool_button
from featherseg.ui.connections import Connections
from featherseg.ui.number_field import number_field, show_number
from featherseg.ui.range_box import RangeBox

ML_TO_VOXELS = 1000.0
"""Without physical size a voxel counts as a cubic millimetre; then a person is told voxels."""
WHERE = "on this slice, or on all slices"
CLICKED = (
    ("grow", "Grow", "Click on the image: add what looks like it around there, at most 10 cm away"),
    ("keep_island", "Keep island", "Click on an island of the label or the proposal: remove all others"),
    ("remove_island", "Drop island", "Click on an island of the label or the proposal: remove it"),
    ("split", "Split", "Click on one part of an island with a waist: it becomes a label of its own"),
)
SETS = {
    "union": "Add",
    "intersection": "Keep only what is also in",
    "difference": "Take away what is in",
}


@dataclass(frozen=True, slots=True)
class Order:
    """A button that acts at once; its command is "label." and ``name``."""

    name: str
    title: str
    tip: str
    run: Callable[[], None]


class MoreTools(QWidget):
    """Buttons in groups, each beside the number it goes by; mirrors a toolbox."""

    def __init__(
        self,
        session: Session,
        toolbox: Toolbox,
        keys: dict[str, str],
        group: QButtonGroup,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._toolbox, self._keys = session, toolbox, keys
        self._group = group
        self.clicked: dict[str, QToolButton] = {}
        self.orders: dict[str, QToolButton] = {}
        self.way = tool_button("", "What counts as alike", keys.get("tools.way", ""))
        self.alike = number_field("How far values may be off the clicked place", 0.01, 1e6)
        self.margin = number_field("Margin", 0.1, 200.0)
        self.outline = number_field("How coarse the outline becomes", 0.1, 50.0)
        self.smallest = number_field("Islands smaller than this go", 0.0, 1e6)
        self.partner = QComboBox()
        self.partner.setAccessibleName("Label to merge into the active one")
        self.partner.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.partner.setMinimumContentsLength(5)
        self.partner.setPlaceholderText("no other label")
        self.partner.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.operand = QLabel()
        self.operand.setProperty("role", "quiet")
        self.operand.setWordWrap(True)
        self.range = RangeBox(toolbox.range, keys)
        self._lay_out()
        self._connect()
        self._on_sizes()
        self._on_labels()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.range)
        for title, fill in (
            ("At a click", self._add_clicked),
            ("Shape", self._add_shape),
            ("Slices", self._add_slices),
            ("Labels", self._add_labels),
        ):
            grid = QGridLayout()
            grid.setSpacing(4)
            for i in range(3):
                grid.setColumnStretch(i, 1)
                grid.setColumnMinimumWidth(i, 1)
            heading = QLabel(title)
            heading.setProperty("role", "quiet")
            column.addWidget(heading)
            fill(grid)
            column.addLayout(grid)

    def _add_clicked(self, grid: QGridLayout) -> None:
        for tool, title, tip in CLICKED:
            button = tool_button(title, f"{tip}, {WHERE}", self._keys.get("tool." + tool, ""))
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, t=tool: self._session.choose_tool(t))
            self._group.addButton(button)
            self.clicked[tool] = button
        grid.addWidget(self.clicked["grow"], 0, 0)
        grid.addWidget(self.way, 0, 1)
        grid.addWidget(self.alike, 0, 2)
        for i, tool in enumerate(("keep_island", "remove_island", "split")):
            grid.addWidget(self.clicked[tool], 1, i)

    def _add_shape(self, grid: QGridLayout) -> None:
        box = self._toolbox
        rows = (
            (
                self.margin,
                Order("grow_margin", "Grow by", "Add the margin around the label", box.grow_margin),
                Order("shrink_margin", "Shrink by", "Take the margin off the label", box.shrink_margin),
            ),
            (
                self.outline,
                Order("smooth", "Smooth", "Smooth the outline", box.smooth),
                Order("fill_holes", "Fill holes", "Fill what the label encloses", box.fill_holes),
            ),
            (
                self.smallest,
                Order("remove_small", "Drop small", "Remove islands below this size", box.remove_small),
                Order("keep_largest", "Largest only", "Remove all but the largest island", box.keep_largest),
            ),
        )
        for row, (field, first, second) in enumerate(rows):
            grid.addWidget(field, row, 0)
            for column, order in ((1, first), (2, second)):
                self._put(grid, (row, column), order, WHERE)

    def _add_slices(self, grid: QGridLayout) -> None:
        box, tip = self._toolbox, "Add this slice's label to the slice {}, and go there"
        between = "Fill the slices between those that have the label; other labels stay"
        orders = (
            Order("copy_previous", "Copy back", tip.format("before"), box.copy_to_previous),
            Order("copy_next", "Copy on", tip.format("after"), box.copy_to_next),
            Order("clear_slice", "Clear slice", "Take the label off this slice", box.clear_slice),
            Order("interpolate", "Interpolate between slices", between, box.interpolate),
        )
        for column, order in enumerate(orders[:3]):
            self._put(grid, (0, column), order)
        self._put(grid, (1, 0), orders[3], wide=3)

    def _add_labels(self, grid: QGridLayout) -> None:
        box = self._toolbox
        tip = "Give the voxels of the label on the right to the active label"
        self._put(grid, (0, 0), Order("merge", "Merge", tip, box.merge_partner), WHERE)
        grid.addWidget(self.partner, 0, 1, 1, 2)
        tip = "Remember this label as it is now; then choose another label, or case, to combine with it"
        self._put(grid, (1, 0), Order("copy_label", "Copy label", tip, box.copy_label))
        grid.addWidget(self.operand, 1, 1, 1, 2)
        for column, (operation, title) in enumerate(OPERATIONS.items()):
            tip = f"{SETS[operation]} the proposal or the copied label, which stays as it is"
            order = Order(operation, title, tip, partial(box.combine, operation))
            self._put(grid, (2, column), order, WHERE)

    def _put(
        self, grid: QGridLayout, at: tuple[int, int], order: Order, where: str = "", wide: int = 1
    ) -> None:
        tip = f"{order.tip}, {where}" if where else order.tip
        button = tool_button(order.title, tip, self._keys.get("label." + order.name, ""))
        button.clicked.connect(lambda _=False: order.run())
        grid.addWidget(button, *at, 1, wide)
        self.orders[order.name] = button

    def _connect(self) -> None:
        session, toolbox, self.connections = self._session, self._toolbox, Connections()
        self.way.clicked.connect(lambda _=False: toolbox.change_way())
        self.alike.valueChanged.connect(self._on_alike_typed)
        self.smallest.valueChanged.connect(self._on_smallest_typed)
        self.margin.valueChanged.connect(lambda v: toolbox.set_sizes(replace(toolbox.sizes, margin_mm=v)))
        self.outline.valueChanged.connect(lambda v: toolbox.set_sizes(replace(toolbox.sizes, smooth_mm=v)))
        self.partner.activated.connect(lambda i: toolbox.choose_partner(int(self.partner.itemData(i))))
        for signal in (toolbox.sizes_changed, session.opened):
            self.connections.add(signal, self._on_sizes)
        for signal in (
            session.opened,
            session.label_changed,
            session.labels_changed,
            toolbox.partner_changed,
        ):
            self.connections.add(signal, self._on_labels)
        for signal in (session.proposed, toolbox.copied_changed):
            self.connections.add(signal, self._on_operand)

    def release(self) -> None:
        """Let go of session and toolbox."""
        self.connections.clear()
        self.range.connections.clear()

    def _on_alike_typed(self, value: float) -> None:
        sizes = self._toolbox.sizes
        changed = replace(sizes, spread=value) if sizes.way == "spread" else replace(sizes, tolerance=value)
        self._toolbox.set_sizes(changed)

    def _on_smallest_typed(self, value: float) -> None:
        toolbox, sizes = self._toolbox, self._toolbox.sizes
        if toolbox.in_volume:
            ml = value if toolbox.calibrated else value / ML_TO_VOXELS
            toolbox.set_sizes(replace(sizes, smallest_ml=ml))
        else:
            toolbox.set_sizes(replace(sizes, smallest_area=value))

    def _on_sizes(self, _: object = None) -> None:
        toolbox, sizes = self._toolbox, self._toolbox.sizes
        length = "mm" if toolbox.calibrated else "px"
        show_number(self.margin, sizes.margin_mm, length)
        show_number(self.outline, sizes.smooth_mm, length)
        spread = sizes.way == "spread"
        self.way.setText("Spread ±" if spread else "Values ±")
        show_number(
            self.alike, sizes.spread if spread else sizes.tolerance, "sd" if spread else toolbox.range.unit
        )
        self.smallest.setDecimals(2 if toolbox.in_volume and toolbox.calibrated else 0)
        if not toolbox.in_volume:
            show_number(self.smallest, sizes.smallest_area, "mm²" if toolbox.calibrated else "px")
        elif toolbox.calibrated:
            show_number(self.smallest, sizes.smallest_ml, "ml")
        else:
            show_number(self.smallest, sizes.smallest_ml * ML_TO_VOXELS, "voxels")
        self._on_usable()

    def _on_labels(self, _: object = None) -> None:
        table, chosen = self._session.table, self._toolbox.partner
        self.partner.clear()
        for row in table:
            if row.value != self._session.active_label:
                self.partner.addItem(f"{row.value}  {row.name}", row.value)
        self.partner.setCurrentIndex(self.partner.findData(chosen))
        self._on_operand()

    def _on_operand(self, _: object = None) -> None:
        name = self._toolbox.operand_name
        self.operand.setText(f"with {name}:" if name else "nothing copied yet")
        self._on_usable()

    def _on_usable(self) -> None:
        toolbox = self._toolbox
        usable = toolbox.usable
        for button in self.orders.values():
            button.setEnabled(usable)
        for button in self.clicked.values():
            button.setEnabled(usable)
        for name in ("copy_previous", "copy_next", "interpolate"):
            self.orders[name].setEnabled(usable and toolbox.has_slices)
        for operation in OPERATIONS:
            self.orders[operation].setEnabled(usable and bool(toolbox.operand_name))
        self.orders["copy_label"].setEnabled(self._session.case is not None)  # a locked label may be copied
        self.orders["merge"].setEnabled(usable and toolbox.partner is not None)
        self.range.setEnabled(self._session.case is not None)
