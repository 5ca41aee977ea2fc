"""How the candidate looks: at its parent's size, or closer where structures would be too small; in colour or grey."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import evenly
from featherseg_engines.teaching.order import UNSEEN, TaughtCase

COMPONENTS, MEASURED = 200, 250_000
"""Of one plane so many components are measured, each on about so many pixels."""
THINNEST = 1.5
"""A component with no pixel farther than this from its edge is dirt, or too thin to measure."""
WANTED = 12.0
"""Pixels that the typical structure should be thick on the network's grid."""
LARGEST = 256
"""Longer side up to which a slice goes through the network as a whole; beyond, patches of this side, not scaled."""


def sight_for(
    cases: Sequence[TaughtCase], parent: Preprocessing | None, usual: Preprocessing
) -> Preprocessing:
    """What the candidate will see: the parent's rules for values, at a size that suits the person's structures.

    Parameters
    ----------
    usual
        For a network without a parent.
    """
    base = parent or replace(usual, long_side=128)
    if base.dims == 3 or base.patch:
        return base
    side = max(max(case.voxels.shape[1:3]) for case in cases)
    thick = typical_thickness([plane for case in cases for plane in case.labels])
    if thick is None:
        return base
    needed = min(WANTED / thick, 1.0) * side
    if needed <= base.long_side:
        return base
    if needed <= LARGEST or side <= LARGEST * 1.5:
        return replace(base, long_side=int(min(-(-needed // 32) * 32, -(-side // 32) * 32)))
    return replace(base, long_side=0, patch=(LARGEST, LARGEST))


def in_colour(base: Preprocessing, cases: Sequence[TaughtCase]) -> Preprocessing:
    """``base``, with three channels in place of a grey one where any case is coloured."""
    if base.channels != 1 or not any(_coloured(case.voxels) for case in cases):
        return base
    return replace(base, channels=3, mean=base.mean * 3, std=base.std * 3)


def _coloured(voxels: npt.NDArray[np.generic]) -> bool:
    """Whether the channels of voxels (z, y, x[, 3]) differ; a photograph may be grey in three equal ones."""
    return voxels.ndim == 4 and bool((voxels != voxels[..., :1]).any())


def typical_thickness(planes: Sequence[npt.NDArray[np.uint8]]) -> float | None:
    """Median over labelled components of their greatest thickness in pixels; None where nothing is labelled.

    Of a plane at most ``COMPONENTS`` are measured; of a large one every so many rows and columns, so that the time
    does not grow with the pictures.
    """
    from scipy import ndimage

    found: list[float] = []
    for plane in planes:
        inside = (plane > 0) & (plane != UNSEEN)
        if not inside.any():
            continue
        names, _ = ndimage.label(inside)
        boxes = [(i, box) for i, box in enumerate(ndimage.find_objects(names), start=1) if _may_count(box)]
        depths = [_depth(names, name, box) for name, box in evenly(boxes, COMPONENTS)]
        found += [2 * depth for depth in depths if depth >= THINNEST]
    return float(np.median(found)) if found else None


def _may_count(box: tuple[slice, ...]) -> bool:
    """Whether a component in such a box can be thick enough; of dirt there can be hundreds."""
    return all(part.stop - part.start > 2 * (THINNEST - 1) for part in box)


def _depth(names: npt.NDArray[np.integer], name: int, box: tuple[slice, slice]) -> float:
    """How far the innermost pixel of a component lies from what surrounds it."""
    from scipy import ndimage

    rows, columns = (slice(max(0, part.start - 1), part.stop + 1) for part in box)
    there = names[rows, columns]
    step = max(1, round(math.sqrt(there.size / MEASURED)))
    if step > 1:
        there = np.pad(there[::step, ::step], 1, mode="edge")
    depth = ndimage.distance_transform_edt(there > 0)  # of another that touches it by a corner too
    deepest = float(depth[there == name].max(initial=0.0))
    return step * deepest
