"""How a picture looks as a whole, in a few numbers: brightness, contrast and sharpness of each colour."""

import numpy as np
import numpy.typing as npt

Look = npt.NDArray[np.float64]
FAINT = 1e-3
"""Added to the mean slope before its logarithm: a picture of one colour has a sharpness too."""


def measures(unit: npt.NDArray[np.floating]) -> Look:
    """Mean, standard deviation and logarithm of the mean slope of each colour: (c, y, x) in 0..1 to (3 c,)."""
    x = unit.astype(np.float64)
    slopes = [np.abs(np.diff(x, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return np.concatenate([x.mean(axis=(1, 2)), x.std(axis=(1, 2)), np.log(np.mean(slopes, axis=0) + FAINT)])
