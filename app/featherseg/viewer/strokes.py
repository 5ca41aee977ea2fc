"""From napari's record of a finished stroke to an edit."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.labels import EMPTY_BOX, Box, Edit, changed_box

TITLES = {"paint": "Brush", "erase": "Eraser", "fill": "Fill", "polygon": "Polygon"}


def edit_from_stroke(array: npt.NDArray[np.integer], atoms: Iterable[Any], title: str) -> Edit:
    """One edit for a stroke that the canvas has applied to ``array`` already.

    Parameters
    ----------
    array
        The labels (z, y, x) or (y, x) after the stroke.
    atoms
        The value of the ``paint`` event of napari's Labels layer, oldest first: each is
        (indices, old values, new values), or since napari 0.9 (block, mask or None, old values, new value).
    title
        For the history.
    """
    steps = [_step(atom) for atom in atoms]
    if not steps:
        empty = np.zeros((0, 0, 0), array.dtype)
        return Edit(title, "hand", EMPTY_BOX, empty, empty)
    corners = [_bounds(where, array.shape) for where, _ in steps]
    start = np.min([low for low, _ in corners], axis=0)
    stop = np.max([high for _, high in corners], axis=0)
    block = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    after = array[block].copy()
    before = after.copy()
    for where, old in reversed(steps):
        before[_shifted(where, start)] = old
    lift = 3 - array.ndim
    before, after = (crop.reshape((1,) * lift + crop.shape) for crop in (before, after))
    return _tight(title, (0,) * lift + tuple(int(n) for n in start), before, after)


def _step(atom: Any) -> tuple[tuple[Any, ...], npt.NDArray[np.integer]]:
    if len(atom) == 3:
        indices, old, _ = atom
        return tuple(np.asarray(i) for i in indices), np.asarray(old)
    block, mask, old, _ = atom
    if mask is None:
        return tuple(block), np.asarray(old)
    inside = np.nonzero(mask)
    return tuple(i + (s.start or 0) for i, s in zip(inside, block, strict=True)), np.asarray(old)


def _bounds(where: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    lows, highs = [], []
    for axis, n in zip(where, shape, strict=True):
        if isinstance(axis, slice):
            low, high, _ = axis.indices(n)
        else:
            low, high = int(axis.min()), int(axis.max()) + 1
        lows.append(low)
        highs.append(high)
    return lows, highs


def _shifted(where: tuple[Any, ...], start: npt.NDArray[np.integer]) -> tuple[Any, ...]:
    return tuple(
        slice(axis.start - s, axis.stop - s) if isinstance(axis, slice) else axis - s
        for axis, s in zip(where, start, strict=True)
    )


def _tight(
    title: str, at: tuple[int, ...], before: npt.NDArray[np.integer], after: npt.NDArray[np.integer]
) -> Edit:
    box = changed_box(before != after)
    inner = tuple(slice(a, b) for a, b in zip(box.start, box.stop, strict=True))
    if box.empty:
        return Edit(title, "hand", EMPTY_BOX, before[inner], after[inner])
    start, stop = (tuple(a + b for a, b in zip(at, edge, strict=True)) for edge in (box.start, box.stop))
    where = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return Edit(title, "hand", where, before[inner].copy(), after[inner].copy())
