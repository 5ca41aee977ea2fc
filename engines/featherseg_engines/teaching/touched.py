"""What a person has touched in a case: read from its journal, where every step says who made it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.journal import CaseJournal
from featherseg_engines.annotation.packing import PackedEdit, unpack
from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Stroke

BY_PERSON = ("hand", "tool")
"""Sources of edits that correct; a stroke on a proposal corrects too, and a mask from a file is a person's work."""


@dataclass(frozen=True, slots=True, eq=False)
class Touched:
    """One case.

    Parameters
    ----------
    corrected
        Whether its mask is more than an accepted proposal.
    slices
        (z,) bool: slices that any standing step changed.
    focus
        (z, y, x) bool: what hand, tool or stroke touched; None where nothing was.
    """

    corrected: bool
    slices: npt.NDArray[np.bool_]
    focus: npt.NDArray[np.bool_] | None


def touched(journal: CaseJournal, shape: tuple[int, ...]) -> Touched:
    """Fold the standing steps of a case of this (z, y, x) shape; any thread."""
    slices = np.zeros(shape[0], np.bool_)
    focus = np.zeros(shape, np.bool_)
    corrected = False
    for step, packed in journal.standing():
        corrected |= step.source not in ("proposal", "stroke")
        if step.box.empty:
            continue
        where = _changed(step.box, packed)
        slices[step.box.slices[0]] |= where.any(axis=(1, 2))
        if step.source in BY_PERSON:
            focus[step.box.slices] |= where
    strokes = journal.strokes()
    for stroke in strokes:
        _mark(focus, stroke)
    return Touched(corrected or bool(strokes), slices, focus if focus.any() else None)


def _changed(box: Box, packed: PackedEdit | None) -> npt.NDArray[np.bool_]:
    """(z, y, x) of the box: what the step changed; all of it where its voxels were let go."""
    if packed is None:
        return np.ones(box.shape, np.bool_)
    edit = unpack(packed)
    return np.asarray(edit.before != edit.after, np.bool_)


def _mark(focus: npt.NDArray[np.bool_], stroke: Stroke) -> None:
    """Mark a stroke where it lies on the image."""
    inside = focus[stroke.box.slices]
    if inside.shape == stroke.mask.shape:
        inside |= stroke.mask
