"""Agreement along z: a volume's answers smoothed from slice to slice, so that single slices stand out less."""

import math
from collections.abc import Iterator

import numpy as np

from featherseg_engines.inference.postprocess import Levels
from featherseg_engines.labels import Box

REACH = 3.0
"""Standard deviations after which the Gaussian is cut off."""
SLAB = 4 * 2**20
"""Values that are floats at one time."""


def agree_along_z(levels: Levels, sigma: float) -> Iterator[None]:
    """Smooth levels (labels, z, y, x) along z in place by a Gaussian of ``sigma`` slices, some rows at each step.

    The first and last slice go on beyond the ends.
    """
    from scipy.ndimage import gaussian_filter1d

    _, depth, height, width = levels.shape
    rows = max(1, SLAB // max(1, depth * width))
    for plane in levels:
        for y in range(0, height, rows):
            part = plane[:, y : y + rows]
            smooth = gaussian_filter1d(part.astype(np.float32), sigma, axis=0, mode="nearest", truncate=REACH)
            part[...] = (smooth + np.float32(0.5)).astype(np.uint8)
            yield


def reached(box: Box, sigma: float, depth: int) -> Box:
    """The box with the slices that smoothing along z brings something to."""
    by = math.ceil(REACH * sigma)
    (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
    return Box((max(0, z0 - by), y0, x0), (min(depth, z1 + by), y1, x1))
