"""The part of a case that is looked at while a network learns: of what is answered by patches, a few of them."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.teaching.order import UNSEEN, TaughtCase
from featherseg_engines.teaching.pictures import shown_slice

WIDTH = 1.5
"""Of what is looked at, in patches: two overlap in it, on each axis."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A part of a case around its label.

    Parameters
    ----------
    case, part
        The case, and the part of it that is looked at.
    at
        Where that lies in the case (z, y, x).
    z
        The slice of the part that shows most of the label.
    """

    case: TaughtCase
    part: TaughtCase
    at: tuple[slice, slice, slice]
    z: int


def view_of(case: TaughtCase, pre: Preprocessing) -> View:
    """What a network that sees with ``pre`` is shown of a case."""
    z, shape = shown_slice(case), case.labels.shape
    marked = (case.labels[z] > 0) & (case.labels[z] != UNSEEN)
    depth = slice(z, z + 1)
    rows, columns = slice(0, shape[1]), slice(0, shape[2])
    if pre.dims == 3:
        depth = _around(np.bincount([z], minlength=shape[0]), pre.patch[0])
    if pre.patch and not pre.long_side:
        high, wide = (int(WIDTH * side) for side in pre.patch[-2:])
        rows = _around(marked.sum(axis=1), high)
        columns = _around(marked[rows].sum(axis=0), wide)
    at = (depth, rows, columns)
    part = replace(case, voxels=case.voxels[at], labels=case.labels[at], focus=None)
    return View(case, part, at, z - depth.start)


def _around(amounts: npt.NDArray[np.integer], length: int) -> slice:
    """The piece of so long an axis that holds most, as much before the first of it as behind the last."""
    count = len(amounts)
    if count <= length:
        return slice(0, count)
    sums = np.concatenate([[0], np.cumsum(amounts)])
    held = sums[length:] - sums[:-length]
    best = np.flatnonzero(held == held.max())
    start = int(best[len(best) // 2])
    return slice(start, start + length)
