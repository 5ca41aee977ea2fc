"""Strokes as pixels: which ones were marked and how, on a slice or over a case."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from featherseg_engines.refine.prompts import Mask, Region, Stroke

T = TypeVar("T", bound=np.generic)
Marks = npt.NDArray[np.int8]
UNMARKED, NOT, IS = -1, 0, 1
CORE = 0.5
FOCUS_MARGIN = 2
"""Pixels around a stroke that a lesson looks at too: the border that the person meant lies there."""


def marked(strokes: Sequence[Stroke], size: tuple[int, int]) -> Marks:
    """(y, x): :data:`IS`, :data:`NOT` or :data:`UNMARKED`; a later stroke wins; what lies outside is left out."""
    marks = np.full(size, UNMARKED, np.int8)
    for stroke in strokes:
        part, mask = _clipped(marks, stroke)
        part[mask] = IS if stroke.positive else NOT
    return marks


def allowed(region: Region | None, size: tuple[int, int]) -> Mask | None:
    """(y, x) where something may be proposed; None: everywhere."""
    if region is None:
        return None
    inside = np.zeros(size, np.bool_)
    part, mask = _clipped(inside, region)
    part[mask] = True
    return inside


def core(stroke: Stroke) -> Stroke:
    """The inner half of a stroke by depth: where the person aimed; its edge may spill over the border meant."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(stroke.mask[0], 1))[1:-1, 1:-1]
    return Stroke(stroke.box, (depth > CORE * depth.max())[None] & stroke.mask, stroke.positive)


def focus_mask(
    strokes: Iterable[Stroke], shape: tuple[int, int, int], margin: int = FOCUS_MARGIN
) -> Mask | None:
    """(z, y, x): the pixels that strokes on a case touched and ``margin`` around, within their slices; None: none."""
    from scipy.ndimage import binary_dilation

    touched = np.zeros(shape, np.bool_)
    for stroke in strokes:
        if 0 <= stroke.z < shape[0]:
            part, mask = _clipped(touched[stroke.z], stroke)
            part |= mask
    if not touched.any():
        return None
    for plane in touched:
        if margin and plane.any():
            plane[...] = binary_dilation(plane, iterations=margin)
    return touched


def shrunk(marks: Marks, work: tuple[int, int]) -> Marks:
    """Marks on a coarser grid: a cell is marked as most of its marked pixels are, IS where they are even."""
    if marks.shape == work:
        return marks
    height, width = marks.shape
    y, x = np.nonzero(marks != UNMARKED)
    cell = (y * work[0] // height) * work[1] + x * work[1] // width
    votes = np.bincount(cell, np.where(marks[y, x] == IS, 1.0, -1.0), work[0] * work[1])
    seen = np.bincount(cell, minlength=work[0] * work[1]) > 0
    out = np.where(seen, np.where(votes >= 0, IS, NOT), UNMARKED)
    return out.astype(np.int8).reshape(work)


def _clipped(plane: npt.NDArray[T], mark: Stroke | Region) -> tuple[npt.NDArray[T], Mask]:
    """The part of a plane that a mark lies on, and the mark's mask there."""
    (_, y0, x0), (_, y1, x1) = mark.box.start, mark.box.stop
    top, left = max(0, y0), max(0, x0)
    bottom, right = min(y1, plane.shape[0]), min(x1, plane.shape[1])
    if top >= bottom or left >= right:
        return plane[:0, :0], mark.mask[0, :0, :0]
    return plane[top:bottom, left:right], mark.mask[0, top - y0 : bottom - y0, left - x0 : right - x0]
