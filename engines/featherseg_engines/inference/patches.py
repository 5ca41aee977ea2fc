"""A volume in overlapping blocks: where they lie, and their answers blended by a Gaussian weight.

The weight falls from the middle of a block to its edge, where a network sees least of the surroundings
(Isensee et al., nnU-Net, Nature Methods 18, 2021).
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Size = tuple[int, ...]
SIGMA = 0.125
"""Of the Gaussian, as a share of the block's side."""


def starts(length: int, block: int, overlap: float) -> list[int]:
    """Where blocks begin along one axis so that they cover it, evenly spread, overlapping at least so much."""
    if length <= block:
        return [0]
    count = int(np.ceil((length - block) / (block * (1.0 - overlap)))) + 1
    return [round(i * (length - block) / (count - 1)) for i in range(count)]


def blocks(size: Size, block: Size, overlap: float = 0.5) -> Iterator[tuple[slice, ...]]:
    """Index of each block of a volume at least as large as a block."""
    axes = [starts(n, b, overlap) for n, b in zip(size, block, strict=True)]
    for corner in product(*axes):
        yield tuple(slice(s, s + b) for s, b in zip(corner, block, strict=True))


def gaussian(block: Size) -> Floats:
    """Weights of one block, largest in the middle, never zero."""
    weight = np.ones((), np.float64)
    for side in block:
        x = np.arange(side) - (side - 1) / 2
        weight = np.multiply.outer(weight, np.exp(-0.5 * (x / (SIGMA * side)) ** 2))
    return np.asarray(np.maximum(weight / weight.max(), 1e-3), np.float32)


def blended(
    image: Floats,
    block: Size,
    answer: Callable[[Floats], Floats],
    overlap: float = 0.5,
    between: Callable[[], None] = lambda: None,
) -> Floats:
    """Answers (k, z, y, x) for an image (c, z, y, x), block by block.

    Parameters
    ----------
    answer
        Maps (1, c, *block) to (k, *block).
    between
        Called before each block; may raise to stop.
    """
    true_size = image.shape[1:]
    grow = [(0, max(0, b - n)) for b, n in zip(block, true_size, strict=True)]
    whole = np.pad(image, [(0, 0), *grow], mode="edge")
    weight = gaussian(block)
    total: Floats | None = None
    norm = np.zeros(whole.shape[1:], np.float32)
    for where in blocks(whole.shape[1:], block, overlap):
        between()
        found = answer(np.ascontiguousarray(whole[(slice(None), *where)])[None])
        if total is None:
            total = np.zeros((len(found), *whole.shape[1:]), np.float32)
        total[(slice(None), *where)] += found * weight
        norm[where] += weight
    assert total is not None
    total /= norm
    return total[(slice(None), *(slice(0, n) for n in true_size))]
