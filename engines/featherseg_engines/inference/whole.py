"""The answer for a whole slice or volume from a network that sees a scaled slice, a patch or a block."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Placement, Preprocessing
from featherseg_engines.inference.patches import blended, streamed, to_block

Floats = npt.NDArray[np.float32]
Network = Callable[[Floats], Floats]
"""Input (1, channels, *sides), normalised, to probabilities (labels, *sides)."""
Tell = Callable[[Floats], Floats]
"""What is made of the probabilities (labels, h, w) of a whole slice, on the grid the network saw."""
SLICE_OVERLAP = 0.25
"""Of patches in a slice, as a share of their side; blocks of a volume overlap by half."""
SAMPLE = 4 * 2**20
"""Values of a volume that its range is found from."""


def nothing() -> None:
    """Between two steps: nothing to do."""


def as_it_is(found: Floats) -> Floats:
    """Nothing is made of an answer."""
    return found


def of_slice(
    pre: Preprocessing,
    pixels: npt.NDArray[np.generic],
    network: Network,
    between: Callable[[], None] = nothing,
    tell: Tell = as_it_is,
) -> Floats:
    """Probabilities (labels, y, x) of a slice (y, x[, 3]) at its own size, in one go or patch by patch."""
    if not pre.patch:
        batch, placement = pre.apply(pixels)
        return pre.invert(tell(inside(network(batch), placement)), placement)
    image = pre.normalise(pre.scale(pixels))
    found = blended(image, pre.patch, network, SLICE_OVERLAP, between)
    return pre.invert(tell(found), pre.place(pixels.shape[0], pixels.shape[1]))


def inside(found: Floats, placement: Placement) -> Floats:
    """What lies in the slice of (labels, h, w), without the padding."""
    height, width = placement.scaled
    return found[:, :height, :width]


def of_volume(
    pre: Preprocessing,
    voxels: npt.NDArray[np.generic],
    network: Network,
    between: Callable[[], None] = nothing,
    tell: Tell = as_it_is,
) -> Floats:
    """Probabilities (labels, z, y, x) of a volume (z, y, x[, 3]) by overlapping blocks, or slice by slice.

    ``between`` is called before each step and may raise to stop; ``tell`` is for slices only.
    """
    return np.stack(list(slices_of_volume(pre, voxels, network, between, tell)), axis=1)


def slices_of_volume(
    pre: Preprocessing,
    voxels: npt.NDArray[np.generic],
    network: Network,
    between: Callable[[], None] = nothing,
    tell: Tell = as_it_is,
) -> Iterator[Floats]:
    """As :func:`of_volume`, slice by slice (labels, y, x) from the first to the last, in bounded memory."""
    if pre.dims == 2:
        for plane in voxels:
            between()
            yield of_slice(pre, plane, network, between, tell)
        return
    between()
    for found in blocks_of_volume(pre, voxels, network):
        if found is None:
            between()
        else:
            yield found


def blocks_of_volume(
    pre: Preprocessing, voxels: npt.NDArray[np.generic], network: Network
) -> Iterator[Floats | None]:
    """None after each block of a volume (z, y, x[, 3]), and each slice (labels, y, x) when it is finished."""
    settled = with_range(pre, voxels)

    def read(where: tuple[slice, ...]) -> Floats:
        return to_block(settled.normalise(settled.unit_volume(voxels[where])), pre.patch)

    return streamed(read, voxels.shape[:3], pre.patch, network)


def with_range(pre: Preprocessing, voxels: npt.NDArray[np.generic]) -> Preprocessing:
    """These settings with the volume's own range of values found, so that each block is seen in the same one.

    The percentiles are of all values up to :data:`SAMPLE` of them; of a larger volume they are those of evenly
    spread values, as many.
    """
    if pre.intensity == "window" or (pre.intensity == "full_range" and voxels.dtype == np.uint8):
        return pre
    step = -(-voxels.size // SAMPLE)
    parts = [plane.reshape(-1)[z % step :: step] for z, plane in enumerate(voxels)]
    values = np.concatenate(parts).astype(np.float32)
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (1, 99)) if values.size else (0.0, 1.0)
    return replace(pre, intensity="window", window=(float(low), float(high)))
