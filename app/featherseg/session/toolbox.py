"""The tools on the active label, with their sizes: what a button, a key or a click on the image asks for."""

from dataclasses import replace

import numpy as np
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.copied import THE_PROPOSAL, Copied, copied_label, ghost_mask
from featherseg.session.labelling import MOST
from featherseg.session.paint_range import PaintRange
from featherseg.session.session import Session
from featherseg.session.tool import CHANGING, Click
from featherseg.session.tool_runner import Act, ToolRunner
from featherseg.session.tool_sizes import (
    GROWING,
    SPLITTING,
    Sizes,
    Way,
    other_way,
    tolerance_for,
    voxels_within,
)
from featherseg_engines.annotation.tools.algebra import Operation, combine, merge, split
from featherseg_engines.annotation.tools.growing import grow_similar, grow_statistical
from featherseg_engines.annotation.tools.interpolation import copy_slice, interpolate
from featherseg_engines.annotation.tools.islands import keep_island, keep_largest, remove_island, remove_small
from featherseg_engines.annotation.tools.morphology import fill_holes, margin, smooth
from featherseg_engines.annotation.tools.scene import Plane, Scene
from featherseg_engines.labels import Edit

OPERATIONS: dict[Operation, str] = {"union": "Union", "intersection": "Intersect", "difference": "Subtract"}


class Toolbox:
    """Orders on the active label, each one undoable step; lives on the UI thread.

    Tools work on the slice on screen or on all slices; a case of one slice is one slice. A click works on the
    slice of the plane that was clicked in. Where nothing can be done a notice says why.
    """

    sizes_changed = Signal(object)  # Sizes
    partner_changed = Signal()  # another label would be merged
    copied_changed = Signal()  # another mask is there to combine with, or none

    def __init__(self, session: Session, runner: ToolRunner | None = None) -> None:
        self._session = session
        self.runner = runner or ToolRunner(session)
        self.range = PaintRange(session)
        self.sizes = Sizes()
        self.copied: Copied | None = None
        self._partner: int | None = None
        session.viewing.clicked.connect(self._on_clicked)
        session.opened.connect(self._on_opened)
        session.tool_changed.connect(self._on_choice)
        session.label_changed.connect(self._on_choice)
        session.labels_changed.connect(self._on_lock)
        self._warned = False

    # -- what tools go by -----------------------------------------------------------------------------

    @property
    def in_volume(self) -> bool:
        """Whether tools work on all slices of the open case."""
        return self.sizes.in_volume and self.has_slices

    @property
    def has_slices(self) -> bool:
        """Whether the open case has more than one slice."""
        case = self._session.case
        return case is not None and case.volume.geometry.shape[0] > 1

    @property
    def calibrated(self) -> bool:
        """Whether sizes are millimetres; otherwise they are pixels."""
        case = self._session.case
        return case is None or case.volume.geometry.calibrated

    @property
    def usable(self) -> bool:
        """Whether there is a case, and the active label may be changed."""
        session = self._session
        return session.case is not None and session.active_label not in session.labelling.locked

    def set_sizes(self, sizes: Sizes) -> None:
        """Go by these from now on."""
        if sizes != self.sizes:
            self.sizes = sizes
            self.sizes_changed.emit(sizes)

    def work_in_volume(self, wanted: bool) -> None:
        """Work on all slices, or on one."""
        self.set_sizes(replace(self.sizes, in_volume=wanted))

    def change_way(self) -> None:
        """Grow by the other of spread and tolerance, and say which: its button may be folded away."""
        self.set_sizes(replace(self.sizes, way=other_way(self.sizes.way)))
        sizes, unit = self.sizes, self.range.unit
        if sizes.way == "spread":
            self.runner.tell(f"Grow takes values within {sizes.spread:g} standard deviations of those found.")
        else:
            off = f"{sizes.tolerance:g} {unit}".strip()
            self.runner.tell(f"Grow takes values at most {off} off the clicked one.")

    # -- the shape of the label -----------------------------------------------------------------------

    def fill_holes(self) -> None:
        """Fill what the label encloses."""
        self._run("Fill holes", fill_holes)

    def smooth(self) -> None:
        """Smooth the outline."""
        sigma = self.sizes.smooth_mm
        self._run("Smooth", lambda scene: smooth(scene, sigma))

    def grow_margin(self) -> None:
        """Add the margin."""
        self._margin(self.sizes.margin_mm)

    def shrink_margin(self) -> None:
        """Take the margin away."""
        self._margin(-self.sizes.margin_mm)

    def keep_largest(self) -> None:
        """Remove all but the largest island."""
        self._run("Largest island", keep_largest)

    def remove_small(self) -> None:
        """Remove islands below the smallest size."""
        sizes = self.sizes
        smallest = sizes.smallest_ml if self.in_volume else sizes.smallest_area
        self._run("Remove small islands", lambda scene: remove_small(scene, smallest))

    # -- from slice to slice --------------------------------------------------------------------------

    def interpolate(self) -> None:
        """Fill the slices between annotated ones, never over other labels."""
        if self._session.case is not None and not self.has_slices:
            self.runner.tell("This case has one slice; there is nothing to interpolate between.")
            return
        self.runner.run("Interpolate", interpolate, None)

    def copy_to_next(self) -> None:
        """Add this slice's label to the next slice, and go there."""
        self._copy_slice(1)

    def copy_to_previous(self) -> None:
        """Add this slice's label to the slice before, and go there."""
        self._copy_slice(-1)

    def clear_slice(self) -> None:
        """Take the label off this slice, whatever the others hold."""
        self.runner.run("Clear slice", _clear, self._plane())

    # -- labels with each other -----------------------------------------------------------------------

    def merge(self, other: int) -> None:
        """Give the voxels of label ``other`` to the active one."""
        if other == self._session.active_label:
            self.runner.tell("Choose another label to merge into the active one.")
        else:
            self._run("Merge", lambda scene: merge(scene, other))

    @property
    def partner(self) -> int | None:
        """The label that is merged into the active one: the chosen one, else the first other there is."""
        others = [row.value for row in self._session.table if row.value != self._session.active_label]
        return self._partner if self._partner in others else next(iter(others), None)

    def choose_partner(self, value: int) -> None:
        """Merge this label from now on."""
        self._partner = value
        self.partner_changed.emit()

    def merge_partner(self) -> None:
        """Merge :attr:`partner`."""
        if self.partner is None:
            self.runner.tell("There is no other label to merge into the active one.")
        else:
            self.merge(self.partner)

    def copy_label(self) -> None:
        """Remember the active label's mask as it is now, to combine with later, here or in another case."""
        case, value = self._session.case, self._session.active_label
        if case is None:
            return
        copied = copied_label(case.labels, value, f"copy of '{self._session.table.rows[value].name}'")
        if copied is None:
            self.runner.tell(f"There is nothing of label {value} to copy; paint it first.")
            return
        self.copied = copied
        self.copied_changed.emit()

    @property
    def operand(self) -> Copied | None:
        """What the label can be combined with: the proposal on screen, else the copied label."""
        session = self._session
        if session.proposal is None:
            return self.copied
        values = session.label_values(session.proposal)
        return ghost_mask(session.proposal, session.threshold, values, session.active_label)

    @property
    def operand_name(self) -> str:
        """What :attr:`operand` is called, without cutting it out; "" where there is none."""
        if self._session.proposal is not None:
            return THE_PROPOSAL
        return self.copied.name if self.copied is not None else ""

    def combine(self, operation: Operation) -> None:
        """Union, intersection or difference of the active label with :attr:`operand`, which stays as it is."""
        other, case = self.operand, self._session.case
        if other is None or case is None:
            self.runner.tell(
                "Copy a label first, or propose; then this label can be combined with that mask."
            )
            return
        if other.shape != case.labels.array.shape:
            self.runner.tell(f"The {other.name} is of an image of another size; copy a label of this one.")
            return
        proposal = self._session.proposal
        flat = proposal is not None and not proposal.request.spans_volume  # it says nothing of other slices
        plane = self._plane() if flat else self._plane_or_all()
        name = f"{OPERATIONS[operation]} with {other.name}"
        self.runner.run(name, lambda scene: combine(scene, other.whole(), operation), plane)

    # -- at a click -----------------------------------------------------------------------------------

    def click(self, click: Click) -> None:
        """Do at a voxel what the tool in hand does there."""
        tool, at = self._session.tool, click.at
        plane = None if self.in_volume else Plane(click.axis, at[click.axis])
        if tool == "grow":
            way = other_way(self.sizes.way) if click.other_way else self.sizes.way
            self._grow(click, way, plane)
        elif tool in ("keep_island", "remove_island") and self._on_ghost_alone(click):
            self._session.smart.island(at, keep=tool == "keep_island")
        elif tool == "keep_island":
            self.runner.run("Keep island", lambda scene: keep_island(scene, at), plane)
        elif tool == "remove_island":
            self.runner.run("Remove island", lambda scene: remove_island(scene, at), plane)
        elif tool == "split":
            self._split(click, plane)

    def _on_ghost_alone(self, click: Click) -> bool:
        """Whether the proposal is there, and nothing of the active label."""
        session, case = self._session, self._session.case
        if case is None or click.axis != 0 or case.labels.array[click.at] == session.active_label:
            return False
        return session.smart.over_ghost(click.at)

    def _grow(self, click: Click, way: Way, plane: Plane | None) -> None:
        case, sizes, at = self._session.case, self.sizes, click.at
        if case is None:
            return
        voxels, reach = case.volume.voxels, sizes.reach_mm if plane is None and self.calibrated else None

        def act(scene: Scene) -> Edit:
            if way == "spread":
                return grow_statistical(scene, voxels, at, sizes.spread, reach)
            return grow_similar(scene, voxels, at, sizes.tolerance, reach)

        self.runner.run("Grow", act, plane, work=GROWING * voxels_within(case.volume, plane, reach))

    def _split(self, click: Click, plane: Plane | None) -> None:
        case = self._session.case
        if case is None:
            return
        new = self._free_number(case)
        if new is None:
            self.runner.tell(f"All {MOST} label numbers are in use; remove a label first.")
            return
        self.runner.run(
            "Split",
            lambda scene: split(scene, click.at, new, _waist(scene)),
            plane,
            lambda: self._session.labelling.ensure((new,)),
            SPLITTING * voxels_within(case.volume, plane, None),
        )

    def _free_number(self, case: OpenCase) -> int | None:
        """The lowest number that has neither a row nor a voxel."""
        array = case.labels.array
        known = self._session.table.rows
        return next((n for n in range(1, MOST + 1) if n not in known and not (array == n).any()), None)

    # -- running --------------------------------------------------------------------------------------

    def _run(self, name: str, act: Act) -> None:
        self.runner.run(name, act, self._plane_or_all())

    def _plane_or_all(self) -> Plane | None:
        return None if self.in_volume else self._plane()

    def _plane(self) -> Plane:
        return Plane(0, self._session.z)

    def _margin(self, by_mm: float) -> None:
        name = "Grow by margin" if by_mm > 0 else "Shrink by margin"
        self._run(name, lambda scene: margin(scene, by_mm))

    def _copy_slice(self, step: int) -> None:
        session, z = self._session, self._session.z
        self.runner.run(
            "Copy slice",
            lambda scene: copy_slice(scene, step),
            self._plane(),
            lambda: session.go_to_slice(z + step),
        )

    def _on_clicked(self, click: Click) -> None:
        self.click(click)

    def _on_opened(self, case: OpenCase | None) -> None:
        self._session.editing.polygon.clear()
        if case is not None:
            self.set_sizes(replace(self.sizes, tolerance=tolerance_for(self._session.viewing.window)))

    # -- locks ----------------------------------------------------------------------------------------

    def _on_choice(self, _: object = None) -> None:
        """Say at once that the tool in hand cannot change the active label, not only when it has failed."""
        session = self._session
        if session.tool != "polygon":
            session.editing.polygon.clear()
        row = session.table.rows.get(session.active_label)
        self._warned = session.tool in CHANGING and row is not None and row.locked
        if self._warned and row is not None:
            self.runner.tell(f"'{row.name}' is locked; unlock it in the label list to change it.")
        else:
            self.runner.silence()

    def _on_lock(self) -> None:
        if self._warned:
            self._on_choice()


def _clear(scene: Scene) -> Edit:
    box = scene.active_box()
    return scene.edit("Clear slice", box, np.zeros(box.shape, np.bool_))


def _waist(scene: Scene) -> float:
    """Depth in mm that a waist must have: a voxel, so that a rough outline alone is none."""
    axes = [s for a, s in enumerate(scene.geometry.spacing_mm) if not scene.plane or a != scene.plane.axis]
    return min(axes)
