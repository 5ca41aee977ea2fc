"""Label numbers per voxel, changed only through edits, and the table that names them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer]
OKABE_ITO = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Colours told apart by the colour-blind (Okabe and Ito 2008), the best on skin and tissue first."""
Source = Literal["hand", "proposal", "file", "tool", "stroke"]
"""Who made an edit; a "stroke" marks the ghost and changes no label (its box is empty)."""


@dataclass(frozen=True, slots=True)
class Box:
    """A block of voxels; each axis from (inclusive) to (exclusive), in (z, y, x) order."""

    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """For indexing a (z, y, x) array."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = (max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def empty(self) -> bool:
        """Whether it holds no voxel."""
        return 0 in self.shape


EMPTY_BOX = Box((0, 0, 0), (0, 0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """One change of the labels: the atom of undo, the journal's record, the provenance of voxels.

    ``before`` and ``after`` hold the labels in ``box``; an edit of an empty box changes nothing but is still a
    step (a person accepted that nothing is there). ``detail`` says what made it (a model's name and hash).
    """

    name: str
    source: Source
    box: Box
    before: Labels
    after: Labels
    detail: str = ""

    def __post_init__(self) -> None:
        """Refuse crops that do not fit the box."""
        if self.before.shape != self.box.shape or self.after.shape != self.box.shape:
            raise ValueError(
                f"crops {self.before.shape}, {self.after.shape} do not fit the box {self.box.shape}"
            )

    @property
    def changed(self) -> int:
        """How many voxels differ."""
        return int(np.count_nonzero(self.before != self.after))


@dataclass(slots=True, eq=False)
class LabelMap:
    """Label numbers (z, y, x), 0 = nothing. ``array`` may be shared with a canvas; only edits change it."""

    array: Labels

    def __post_init__(self) -> None:
        """Refuse what is not a grid of label numbers."""
        if self.array.ndim != 3 or not np.issubdtype(self.array.dtype, np.integer):
            raise ValueError("labels must be a (z, y, x) array of integers")

    def apply(self, edit: Edit) -> None:
        """Do ``edit``."""
        self.array[edit.box.slices] = edit.after

    def revert(self, edit: Edit) -> None:
        """Take ``edit`` back."""
        self.array[edit.box.slices] = edit.before

    def propose_edit(self, name: str, source: Source, box: Box, after: Labels, detail: str = "") -> Edit:
        """An edit that would make the labels in ``box`` equal ``after``, cut to what changes; not yet applied."""
        before = self.array[box.slices]
        tight = changed_box(before != after)
        inner = tuple(slice(a, b) for a, b in zip(tight.start, tight.stop, strict=True))
        moved = EMPTY_BOX if tight.empty else _moved(tight, box.start)
        return Edit(name, source, moved, before[inner].copy(), after[inner].astype(self.array.dtype), detail)


def changed_box(changed: npt.NDArray[np.bool_]) -> Box:
    """The smallest box that holds every True voxel of a (z, y, x) array; empty where there is none."""
    bounds = []
    for axis in range(3):
        line = changed.any(axis=tuple(a for a in range(3) if a != axis))
        where = np.flatnonzero(line)
        if not where.size:
            return EMPTY_BOX
        bounds.append((int(where[0]), int(where[-1]) + 1))
    (z0, z1), (y0, y1), (x0, x1) = bounds
    return Box((z0, y0, x0), (z1, y1, x1))


def _moved(box: Box, by: tuple[int, int, int]) -> Box:
    z, y, x = by
    return Box(
        (box.start[0] + z, box.start[1] + y, box.start[2] + x),
        (box.stop[0] + z, box.stop[1] + y, box.stop[2] + x),
    )


@dataclass(frozen=True, slots=True)
class Code:
    """A coded term: its value, the scheme that defines it ("SCT": SNOMED CT) and its meaning in words."""

    value: str
    scheme: str
    meaning: str


TISSUE = Code("85756007", "SCT", "Tissue")
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical structure")
ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically abnormal structure")
"""General terms of SNOMED CT as DICOM uses them (PS3.16, CID 7150 and 7151)."""


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the label table.

    ``colour`` is #rrggbb. ``code`` says what the label is and ``category`` of which kind that is; both go with
    the label into DICOM.
    """

    value: int
    name: str
    colour: str
    visible: bool = True
    locked: bool = False
    code: Code = TISSUE
    category: Code = ANATOMICAL_STRUCTURE


@dataclass(slots=True)
class LabelTable:
    """The labels a case knows, by number."""

    rows: dict[int, Label] = field(default_factory=dict)

    def put(self, label: Label) -> None:
        """Add a label or replace the one of its number."""
        if label.value < 1:
            raise ValueError("label numbers start at 1; 0 is nothing")
        self.rows[label.value] = label

    def __iter__(self) -> Iterator[Label]:
        """Labels by number."""
        return iter(self.rows[value] for value in sorted(self.rows))

    def covering(self, values: npt.ArrayLike) -> "LabelTable":
        """A copy that also has a row for each of ``values`` above 0, named after its number where it had none."""
        table = LabelTable(dict(self.rows))
        for value in sorted({int(v) for v in np.unique(np.asarray(values))} - {0} - set(table.rows)):
            table.put(Label(value, f"Label {value}", OKABE_ITO[(value - 1) % len(OKABE_ITO)]))
        return table

    def colours(self) -> dict[int, str]:
        """Colour of each visible label number."""
        return {row.value: row.colour for row in self if row.visible}
