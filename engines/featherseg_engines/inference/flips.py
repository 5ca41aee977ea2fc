"""Test-time mirroring: the mean answer over an image and its mirror images."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def mirrored(network: Callable[[Floats], Floats], dims: int) -> Callable[[Floats], Floats]:
    """A network that answers with the mean over all mirrorings of its last ``dims`` axes, each turned back.

    ``network`` maps (1, channels, *sides) to (labels, *sides).
    """
    axes = range(-dims, 0)
    turns = [turn for count in range(dims + 1) for turn in combinations(axes, count)]

    def answer(batch: Floats) -> Floats:
        total: Floats | None = None
        for turn in turns:
            found = np.flip(network(np.ascontiguousarray(np.flip(batch, turn))), turn)
            total = found.copy() if total is None else total + found
        assert total is not None
        return np.asarray(total / np.float32(len(turns)), np.float32)

    return answer
