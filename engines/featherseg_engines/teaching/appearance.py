"""How pictures look as a whole, in a few numbers: brightness, contrast and sharpness of each colour."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.measures import Look, measures
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import evenly

SEEN = Preprocessing(channels=3, long_side=96, stride=1)
SLICES = 3
"""Of a volume so many slices are looked at, spread evenly."""
ENOUGH = 4 * SEEN.long_side
"""Of larger slices no more rows and columns are read."""
SHARPNESS = 0.1
"""Weight of the logarithm of the mean slope beside brightness and contrast, which lie between 0 and 1."""


class Pictures(Protocol):
    """A case of a patient (or file): ``voxels`` (z, y, x[, 3]) as read."""

    @property
    def group(self) -> str:
        """Whose it is."""
        ...

    @property
    def voxels(self) -> npt.NDArray[np.generic]:
        """Its slices."""
        ...


def appearances(cases: Iterable[Pictures]) -> dict[str, Look]:
    """How each group's pictures look on the average, such that Euclidean distances mean something."""
    found: dict[str, list[Look]] = {}
    for case in cases:
        planes = evenly(range(len(case.voxels)), SLICES)
        found.setdefault(case.group, []).extend(
            measures(SEEN.scale(_thinned(case.voxels[z]))) for z in planes
        )
    weights = np.repeat([1.0, 1.0, SHARPNESS], 3)
    return {group: weights * np.mean(looks, axis=0) for group, looks in found.items()}


def _thinned(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """A slice (y, x[, 3]), of a large one every so many rows and columns: how it looks stays."""
    step = max(1, max(pixels.shape[:2]) // ENOUGH)
    return pixels[::step, ::step]
