"""From a network's answer straight to the crop that is shown: only what was found is brought to full size."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Placement, Preprocessing, resized_part
from featherseg_engines.inference import whole
from featherseg_engines.inference.postprocess import Levels, levels_of
from featherseg_engines.inference.proposal import FLOOR
from featherseg_engines.labels import EMPTY_BOX, Box, changed_box

Floats = npt.NDArray[np.float32]
MARGIN = 2
"""Pixels of background kept around a proposal's crop, so that a contour closes."""


def of_slice(
    pre: Preprocessing,
    pixels: npt.NDArray[np.generic],
    z: int,
    network: whole.Network,
    between: Callable[[], None] = whole.nothing,
    tell: whole.Tell = whole.as_it_is,
) -> tuple[Box, Levels]:
    """Box at slice ``z`` and levels (labels, 1, y, x) of what a network finds in a slice (y, x[, 3])."""
    if pre.patch:
        return crop(whole.of_slice(pre, pixels, network, between, tell)[:, None], z)
    batch, placement = pre.apply(pixels)
    return of_answer(network(batch), placement, z, tell)


def of_answer(
    answer: Floats, placement: Placement, z: int, tell: whole.Tell = whole.as_it_is
) -> tuple[Box, Levels]:
    """Box and levels at the slice's own size from probabilities (labels, h, w) on the network's grid."""
    answer = tell(whole.inside(answer, placement))
    if placement.scaled == placement.original:
        return crop(answer[:, None], z)
    tight = changed_box((answer.sum(axis=0) >= FLOOR)[None])
    if tight.empty:
        return nothing_found(len(answer))
    spans = [
        _grown(tight.start[i + 1], tight.stop[i + 1], placement.scaled[i], placement.original[i])
        for i in (0, 1)
    ]
    part = np.stack([resized_part(plane, placement.original, spans[0], spans[1]) for plane in answer])
    box, levels = crop(part[:, None], z)
    if box.empty:
        return box, levels
    return _moved(box, spans[0][0], spans[1][0], placement.original), levels


def of_volume(
    pre: Preprocessing,
    voxels: npt.NDArray[np.generic],
    network: whole.Network,
    between: Callable[[], None] = whole.nothing,
) -> tuple[Box, Levels]:
    """Box and levels (labels, z, y, x) of what a network that takes volumes finds in (z, y, x[, 3])."""
    return crop(whole.of_volume(pre, voxels, network, between), 0)


def crop(probability: Floats, first: int) -> tuple[Box, Levels]:
    """Box around all above the floor in (labels, z, y, x), and its levels; z = 0 is the volume's ``first``."""
    summed = probability[0] if len(probability) == 1 else probability.sum(axis=0)
    tight = changed_box(summed >= FLOOR)
    if tight.empty:
        return nothing_found(len(probability))
    _, height, width = probability.shape[1:]
    (z0, y0, x0), (z1, y1, x1) = tight.start, tight.stop
    y0, x0, y1, x1 = (
        max(0, y0 - MARGIN),
        max(0, x0 - MARGIN),
        min(height, y1 + MARGIN),
        min(width, x1 + MARGIN),
    )
    box = Box((first + z0, y0, x0), (first + z1, y1, x1))
    return box, levels_of(probability[:, z0:z1, y0:y1, x0:x1])


def nothing_found(labels: int) -> tuple[Box, Levels]:
    """The empty box and no levels."""
    return EMPTY_BOX, np.zeros((labels, 0, 0, 0), np.uint8)


def _grown(start: int, stop: int, scaled: int, original: int) -> tuple[int, int]:
    """Pixels of the original that a span of the network's grid reaches when it is interpolated, and a margin."""
    factor = original / scaled
    reach = max(1.0, factor)
    low, high = int((start - 1) * factor - reach) - MARGIN, int((stop + 1) * factor + reach) + 1 + MARGIN
    return max(0, low), min(original, high)


def _moved(box: Box, down: int, across: int, size: tuple[int, int]) -> Box:
    (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
    return Box((z0, y0 + down, x0 + across), (z1, min(y1 + down, size[0]), min(x1 + across, size[1])))
