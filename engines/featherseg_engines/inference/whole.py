"""The answer for a whole slice or volume from a network that sees a scaled slice, a patch or a block."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.patches import blended

Floats = npt.NDArray[np.float32]
Network = Callable[[Floats], Floats]
"""Input (1, channels, *sides), normalised, to probabilities (labels, *sides)."""
SLICE_OVERLAP = 0.25
"""Of patches in a slice, as a share of their side; blocks of a volume overlap by half."""


def nothing() -> None:
    """Between two steps: nothing to do."""


def of_slice(
    pre: Preprocessing,
    pixels: npt.NDArray[np.generic],
    network: Network,
    between: Callable[[], None] = nothing,
) -> Floats:
    """Probabilities (labels, y, x) of a slice (y, x[, 3]) at its own size, in one go or patch by patch."""
    if not pre.patch:
        batch, placement = pre.apply(pixels)
        return pre.invert(network(batch), placement)
    image = pre.normalise(pre.scale(pixels))
    found = blended(image, pre.patch, network, SLICE_OVERLAP, between)
    return pre.invert(found, pre.place(pixels.shape[0], pixels.shape[1]))


def of_volume(
    pre: Preprocessing,
    voxels: npt.NDArray[np.generic],
    network: Network,
    between: Callable[[], None] = nothing,
) -> Floats:
    """Probabilities (labels, z, y, x) of a volume (z, y, x[, 3]) by overlapping blocks, or slice by slice.

    ``between`` is called before each step and may raise to stop.
    """
    if pre.dims == 3:
        return blended(pre.normalise(pre.unit_volume(voxels)), pre.patch, network, between=between)
    planes = []
    for plane in voxels:
        between()
        planes.append(of_slice(pre, plane, network, between))
    return np.stack(planes, axis=1)
