"""A volume in overlapping blocks: where they lie, and their answers blended by a Gaussian weight.

The weight falls from the middle of a block to its edge, where a network sees least of the surroundings
(Isensee et al., nnU-Net, Nature Methods 18, 2021).
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import prod

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


def steps(size: Size, block: Size, overlap: float = 0.5) -> int:
    """How many blocks cover a volume."""
    return prod(len(starts(n, b, overlap)) for n, b in zip(size, block, strict=True))


def streamed(
    read: Callable[[tuple[slice, ...]], Floats],
    size: Size,
    block: Size,
    answer: Callable[[Floats], Floats],
    overlap: float = 0.5,
) -> Iterator[Floats | None]:
    """Answers for a volume in the order of its first axis, with sums for one row of blocks in memory only.

    Gives ``None`` after each block, and between those each finished slice (k, ...) once, the first one first.
    One slice is (k, *size[1:]) floats; the sums are as deep as a block, whatever the volume's depth.

    Parameters
    ----------
    read
        The part (c, *block) of the image at an index; beyond the end of an axis it repeats the edge.
    size, block
        Sides of the volume and of a block.
    answer
        Maps (1, c, *block) to (k, *block).
    """
    padded = tuple(max(n, b) for n, b in zip(size, block, strict=True))
    tops = starts(padded[0], block[0], overlap)
    weight = gaussian(block)
    norm = np.zeros((block[0], *padded[1:]), np.float32)
    total: Floats | None = None
    inside = (slice(None), *(slice(0, n) for n in size[1:]))
    for top, following in zip(tops, [*tops[1:], padded[0]], strict=True):
        for where in blocks(padded[1:], block[1:], overlap):
            found = answer(read((slice(top, top + block[0]), *where))[None])
            if total is None:
                total = np.zeros((len(found), *norm.shape), np.float32)
            total[(slice(None), slice(None), *where)] += found * weight
            norm[(slice(None), *where)] += weight
            yield None
        assert total is not None
        done = following - top
        for z in range(min(done, size[0] - top)):
            yield (total[:, z] / norm[z])[inside]
        for sums in (*total, norm):
            _move_up(sums, done)


def _move_up(sums: Floats, by: int) -> None:
    """Slices that later blocks still add to become the first; slice by slice, so that no copy is made."""
    kept = len(sums) - by
    for z in range(kept):
        sums[z] = sums[z + by]
    sums[kept:] = 0


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
        Called after each block; may raise to stop.
    """
    slices = []
    for found in streamed(reader_of(image, block), image.shape[1:], block, answer, overlap):
        if found is None:
            between()
        else:
            slices.append(found)
    return np.stack(slices, axis=1)


def reader_of(image: Floats, block: Size) -> Callable[[tuple[slice, ...]], Floats]:
    """What reads the blocks of an image (c, ...) that is in memory."""
    return lambda where: to_block(image[(slice(None), *where)], block)


def to_block(part: Floats, block: Size) -> Floats:
    """A part (c, ...) of an image that ends before the block does, its edge repeated up to the block's sides."""
    short = [(0, b - n) for b, n in zip(block, part.shape[1:], strict=True)]
    if not any(after for _, after in short):
        return np.ascontiguousarray(part)
    return np.pad(part, [(0, 0), *short], mode="edge")
