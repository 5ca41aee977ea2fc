"""What a case's journal says of its mask: which slices somebody has looked at, what a person changed, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.history import Step
from featherseg_engines.annotation.journal import CaseJournal
from featherseg_engines.annotation.packing import unpack
from featherseg_engines.errors import ReadError
from featherseg_engines.labels import Box
from featherseg_engines.refine.record import from_text

Shape = tuple[int, int, int]
BY_PERSON = ("hand", "tool", "stroke")


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """How a mask came about.

    Parameters
    ----------
    slices
        (z,) bool: touched by a person, or accepted there.
    corrected
        A person drew, or changed what a model had proposed; False where proposals were accepted as they came.
    focus
        (z, y, x) bool: voxels that hand, tool or stroke have touched; None where there is none that is known.
    """

    slices: npt.NDArray[np.bool_]
    corrected: bool
    focus: npt.NDArray[np.bool_] | None


def touched(journal: CaseJournal, shape: Shape) -> Touched:
    """Read a case's steps; a case of one slice counts as looked at."""
    steps = journal.past()
    slices = np.zeros(shape[0], np.bool_)
    focus = np.zeros(shape, np.bool_)
    for step in steps:
        slices[_looked_at(step, shape[0])] = True
        if step.source in BY_PERSON:
            _add_focus(focus, step, journal)
    if shape[0] == 1:
        slices[:] = True
    return Touched(slices, _corrected(steps), focus if focus.any() else None)


def _looked_at(step: Step, depth: int) -> slice:
    """Slices that a step shows to have been looked at.

    A mask from a file, and a proposal over several slices (which is one for the whole volume, cut to what was
    found), speak of all slices.
    """
    begin, end = step.box.start[0], step.box.stop[0]
    if step.source == "file" or (step.source == "proposal" and end - begin > 1):
        return slice(0, depth)
    if step.source == "stroke":
        mark = from_text(step.detail)
        return slice(0, 0) if mark is None or mark.kind == "drop" else slice(mark.z, mark.z + 1)
    return slice(begin, end)


def _corrected(steps: Sequence[Step]) -> bool:
    by_person = any(step.source in ("hand", "tool") and step.changed for step in steps)
    return by_person or any(step.source in ("stroke", "file") for step in steps) or not steps


def _add_focus(focus: npt.NDArray[np.bool_], step: Step, journal: CaseJournal) -> None:
    if step.source == "stroke":
        mark = from_text(step.detail)
        if mark is not None and mark.kind == "stroke" and mark.box is not None and mark.mask is not None:
            _add(focus, mark.box, mark.mask)
        return
    try:
        edit = unpack(journal.fetch(step.serial))
    except ReadError:  # its voxels were let go long ago
        return
    _add(focus, edit.box, edit.before != edit.after)


def _add(focus: npt.NDArray[np.bool_], box: Box, mask: npt.NDArray[np.bool_]) -> None:
    inside = focus[box.slices]
    if inside.shape == mask.shape:
        inside |= mask
