"""From the steps of a case to what is marked on each slice's ghost now: the same after undo and after a restart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from featherseg_engines.annotation.history import Step
from featherseg_engines.labels import EMPTY_BOX, Box, Edit, LabelMap, changed_box
from featherseg_engines.refine.prompts import Mask, Prompts, Region, Stroke
from featherseg_engines.refine.record import Carried, Mark, from_text, to_text

AFTER = ", after marks on slice "
"""What a step that accepts a marked ghost has in its detail, and behind it the slice (from 0)."""


def marking_edit(name: str, mark: Mark, labels: LabelMap) -> Edit:
    """The step that puts a mark into the history; it changes no label. *Raises* ValueError: too intricate."""
    nothing = np.zeros(EMPTY_BOX.shape, labels.array.dtype)
    return Edit(name, "stroke", EMPTY_BOX, nothing, nothing, to_text(mark))


def accepted_detail(detail: str, z: int) -> str:
    """The detail of a step that accepts the marked ghost of slice ``z``."""
    return f"{detail}{AFTER}{z}"


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """What is marked with one model's ghosts: marks by slice, and the slices of strokes, the newest last."""

    slices: dict[int, tuple[Mark, ...]] = field(default_factory=dict)
    stroked: tuple[int, ...] = ()


class Reader:
    """Replays the steps of a case; each mark is read from its text once."""

    def __init__(self) -> None:
        self._known: dict[int, Mark | None] = {}

    def marked(self, steps: Iterable[Step], model: str) -> Marked:
        """What is marked on ghosts of these weights after these steps.

        Accepting a ghost and dropping it end the marks of its slice.
        """
        slices: dict[int, list[Mark]] = {}
        stroked: list[int] = []
        for step in steps:
            if step.source == "proposal":
                for z in _accepted(step) & set(slices):
                    slices.pop(z)
            mark = self._mark(step) if step.source == "stroke" else None
            if mark is None or mark.model != model:
                continue
            if mark.kind == "drop":
                slices.pop(mark.z, None)
                stroked = [z for z in stroked if z != mark.z]
                continue
            slices.setdefault(mark.z, []).append(mark)
            if mark.kind == "stroke":
                stroked.append(mark.z)
        return Marked({z: tuple(marks) for z, marks in slices.items()}, tuple(stroked))

    def _mark(self, step: Step) -> Mark | None:
        if step.serial not in self._known:
            self._known[step.serial] = from_text(step.detail)
        return self._known[step.serial]


def _accepted(step: Step) -> set[int]:
    """Slices whose ghost a step accepted."""
    _, found, z = step.detail.rpartition(AFTER)
    told = {int(z)} if found and z.isdecimal() else set()
    return told | set(range(step.box.start[0], step.box.stop[0]))


def prompts_of(marks: Sequence[Mark], shape: tuple[int, int], carried: Carried | None) -> Prompts:
    """What a model is told of a slice of ``shape`` (y, x).

    Without marks the head that was carried there; with marks the one that was carried there before the first.
    """
    if not marks:
        return Prompts(head=carried.head if carried is not None else None)
    away = [
        mark for i, mark in enumerate(marks) if mark.kind == "without" and not _back(mark, marks[i + 1 :])
    ]
    found = (_left(mark, [a for a in away if marks.index(a) > i]) for i, mark in enumerate(marks))
    strokes = tuple(stroke for stroke in found if stroke is not None)
    base = marks[0].base
    return Prompts(
        strokes, _region(marks, strokes, away, shape), marks[0].label, base.head if base is not None else None
    )


def _left(mark: Mark, away: Sequence[Mark]) -> Stroke | None:
    """What is left of a stroke when later an island was sent away; None where nothing is, or it is no stroke."""
    if mark.kind != "stroke" or mark.box is None or mark.mask is None:
        return None
    mask = mark.mask
    if mark.positive:
        _, y, x = mark.box.slices
        for other in away:
            if _meet(other, mark):
                mask = mask & ~_on_slice(other, (mark.box.stop[1], mark.box.stop[2]))[:, y, x]
    return Stroke(mark.box, mask, mark.positive) if mask.any() else None


def _region(
    marks: Sequence[Mark], strokes: Sequence[Stroke], away: Sequence[Mark], shape: tuple[int, int]
) -> Region | None:
    """Where something may be proposed: the newest box or lasso without the islands that were sent away.

    A place that a stroke says is label always belongs to it.
    """
    drawn = next((mark for mark in reversed(marks) if mark.kind == "region"), None)
    bounded = drawn is not None and drawn.mask is not None
    if not bounded and not away:
        return None
    z = marks[0].z
    allowed = _on_slice(drawn, shape) if bounded and drawn is not None else np.ones((1, *shape), np.bool_)
    for mark in away:
        allowed &= ~_on_slice(mark, shape)
    for stroke in strokes:
        if stroke.positive:
            allowed[0][stroke.box.slices[1:]] |= stroke.mask[0]
    tight = changed_box(allowed)
    if tight.empty:
        return Region(Box((z, 0, 0), (z + 1, 1, 1)), np.zeros((1, 1, 1), np.bool_))
    box = Box((z, *tight.start[1:]), (z + 1, *tight.stop[1:]))
    return Region(box, allowed[tight.slices].copy())


def _back(away: Mark, later: Sequence[Mark]) -> bool:
    """Whether a later stroke says that label is where an island was sent away."""
    return any(mark.kind == "stroke" and mark.positive and _meet(away, mark) for mark in later)


def _meet(a: Mark, b: Mark) -> bool:
    if a.box is None or b.box is None or a.mask is None or b.mask is None:
        return False
    start = tuple(max(p, q) for p, q in zip(a.box.start, b.box.start, strict=True))
    stop = tuple(min(p, q) for p, q in zip(a.box.stop, b.box.stop, strict=True))
    if any(p >= q for p, q in zip(start, stop, strict=True)):
        return False
    first, second = (
        mask[tuple(slice(p - o, q - o) for p, q, o in zip(start, stop, box.start, strict=True))]
        for mask, box in ((a.mask, a.box), (b.mask, b.box))
    )
    return bool((first & second).any())


def _on_slice(mark: Mark, shape: tuple[int, int]) -> Mask:
    """Its pixels (1, y, x) on a slice of ``shape``, what lies beyond that cut off."""
    whole = np.zeros((1, *shape), np.bool_)
    if mark.box is not None and mark.mask is not None:
        _, y, x = mark.box.start
        height, width = (max(0, n - a) for n, a in zip(shape, (y, x), strict=True))
        whole[0][mark.box.slices[1:]] = mark.mask[0, :height, :width]
    return whole
