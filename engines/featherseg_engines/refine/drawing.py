"""From the path of a mouse to marks on a slice: strokes of a round brush, boxes and lassos, cut to the image."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Mask, Region, Stroke

Path = Sequence[tuple[float, float]]
"""Points (y, x) in pixels of the slice, 0 in the middle of the first pixel."""


def stroke_along(
    path: Path, diameter: float, z: int, shape: tuple[int, int], *, positive: bool
) -> Stroke | None:
    """The stroke of a round brush along ``path`` on slice ``z`` of ``shape`` (y, x); None where it is all outside.

    A pixel belongs to it where its middle is no farther than half the diameter from the path; the pixels under
    the path do in any case.
    """
    radius = max(diameter / 2, 0.5)
    box, mask = _canvas(path, radius, z, shape)
    if mask is None:
        return None
    y0, x0 = box.start[1:]
    for (ya, xa), (yb, xb) in pairwise([path[0], *path]):
        _sweep(mask, (ya - y0, xa - x0), (yb - y0, xb - x0), radius)
    return _cut(box, mask, positive)


def rectangle(
    a: tuple[float, float], b: tuple[float, float], z: int, shape: tuple[int, int]
) -> Region | None:
    """The region between two corners, both included; None where it is all outside the image."""
    (y0, y1), (x0, x1) = (sorted((round(p), round(q))) for p, q in zip(a, b, strict=True))
    y0, x0, y1, x1 = max(y0, 0), max(x0, 0), min(y1 + 1, shape[0]), min(x1 + 1, shape[1])
    if y0 >= y1 or x0 >= x1:
        return None
    box = Box((z, y0, x0), (z + 1, y1, x1))
    return Region(box, np.ones(box.shape, np.bool_))


def lasso(path: Path, z: int, shape: tuple[int, int]) -> Region | None:
    """The region that a closed path encloses, its outline included; None where it is all outside the image."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (shape[1], shape[0]))
    points = [(x, y) for y, x in path]
    if len(points) < 3:
        return None
    ImageDraw.Draw(picture).polygon(points, fill=1, outline=1)
    mask = np.asarray(picture) > 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return Region(Box((z, y0, x0), (z + 1, y1, x1)), mask[None, y0:y1, x0:x1].copy())


def _canvas(
    path: Path, radius: float, z: int, shape: tuple[int, int]
) -> tuple[Box, npt.NDArray[np.bool_] | None]:
    """An empty mask (1, y, x) around the path within the image, and its box."""
    low, high = np.min(path, axis=0), np.max(path, axis=0)
    y0, x0 = (max(0, math.floor(v - radius)) for v in low)
    y1, x1 = (min(n, math.ceil(v + radius) + 1) for v, n in zip(high, shape, strict=True))
    box = Box((z, y0, x0), (z + 1, max(y1, y0), max(x1, x0)))
    return box, None if box.empty else np.zeros(box.shape, np.bool_)


def _sweep(mask: Mask, a: tuple[float, float], b: tuple[float, float], radius: float) -> None:
    """Mark all pixels within ``radius`` of the line from ``a`` to ``b``."""
    _, height, width = mask.shape
    y0, x0 = (max(0, math.floor(min(p, q) - radius)) for p, q in zip(a, b, strict=True))
    y1 = min(height, math.ceil(max(a[0], b[0]) + radius) + 1)
    x1 = min(width, math.ceil(max(a[1], b[1]) + radius) + 1)
    if y0 >= y1 or x0 >= x1:
        return
    y, x = np.ogrid[y0:y1, x0:x1]
    dy, dx = b[0] - a[0], b[1] - a[1]
    length2 = dy * dy + dx * dx
    along = ((y - a[0]) * dy + (x - a[1]) * dx) / length2 if length2 else np.zeros(1)
    along = np.clip(along, 0.0, 1.0)
    far2 = (y - a[0] - along * dy) ** 2 + (x - a[1] - along * dx) ** 2
    mask[0, y0:y1, x0:x1] |= far2 <= radius * radius
    for py, px in (a, b):  # between two pixels' middles a small brush would mark none
        py, px = round(py), round(px)
        if 0 <= py < height and 0 <= px < width:
            mask[0, py, px] = True


def _cut(box: Box, mask: Mask, positive: bool) -> Stroke | None:
    rows, columns = np.flatnonzero(mask[0].any(axis=1)), np.flatnonzero(mask[0].any(axis=0))
    if not rows.size:
        return None
    z, y, x = box.start
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    tight = Box((z, y + y0, x + x0), (z + 1, y + y1, x + x1))
    return Stroke(tight, mask[:, y0:y1, x0:x1].copy(), positive)
