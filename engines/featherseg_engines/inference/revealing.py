"""Evidence of a slice from a loaded network: its answer and its features in one run, patch by patch where need be."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Placement, Preprocessing
from featherseg_engines.inference import whole
from featherseg_engines.inference.patches import blended, blocks, gaussian
from featherseg_engines.refine.evidence import Evidence, FeatureMap, gather, standardised

Floats = npt.NDArray[np.float32]
Revealing = Callable[[Floats], tuple[Floats, list[Floats]]]
"""Input (1, channels, h, w) to probabilities (labels, h, w) and maps (k, h', w')."""
WORK_PIXELS = 256 * 256
"""Of the grid strokes are worked out on; larger slices are looked at smaller."""
MOST_VALUES = 24 * 2**20
"""Values of one map kept of a slice; larger ones are thinned."""
LEAST_CHANNELS, MOST_CHANNELS = 4, 128


def evidence_of(
    pre: Preprocessing,
    pixels: npt.NDArray[np.generic],
    network: Revealing,
    model: str,
    between: Callable[[], None] = whole.nothing,
    tell: whole.Tell = whole.as_it_is,
) -> Evidence:
    """Evidence of a slice (y, x[, 3]); ``network`` may be called several times for large slices."""
    placement = pre.place(pixels.shape[0], pixels.shape[1])
    unit = pre.scale(pixels)
    if pre.patch:
        answer, maps = _by_patches(pre, unit, network, between)
    else:
        batch = np.ascontiguousarray(pre.pad(pre.normalise(unit))[None], np.float32)
        answer, found = network(batch)
        maps = [
            _map(values, batch.shape[2:], placement) for values in found if usable(values, batch.shape[2:])
        ]
    answer = tell(whole.inside(answer, placement))
    return gather(pre.invert(answer, placement), own_colours(pre, pixels), tuple(maps), model, WORK_PIXELS)


def own_colours(pre: Preprocessing, pixels: npt.NDArray[np.generic]) -> Floats:
    """(c, y, x) in 0..1 at the slice's own size, by the intensity rule."""
    values = pre.unit_volume(pixels[None])[:, 0]
    return values[:1] if pixels.ndim == 2 else values


def usable(values: Floats, sides: tuple[int, ...]) -> bool:
    """Whether this is a map of an image with such sides."""
    return (
        values.ndim == 3
        and LEAST_CHANNELS <= len(values) <= MOST_CHANNELS
        and all(1 < n <= m for n, m in zip(values.shape[1:], sides, strict=True))
    )


def _map(values: Floats, sides: tuple[int, ...], placement: Placement) -> FeatureMap:
    covered = [s * n / m for s, n, m in zip(placement.scaled, values.shape[1:], sides, strict=True)]
    rows, columns = (min(n, int(np.ceil(c))) for n, c in zip(values.shape[1:], covered, strict=True))
    return FeatureMap(standardised(values[:, :rows, :columns]), (covered[0], covered[1]))


def _by_patches(
    pre: Preprocessing, unit: Floats, network: Revealing, between: Callable[[], None]
) -> tuple[Floats, list[FeatureMap]]:
    """The same patches as for a plain answer; features lie where their patch lies, blended where patches overlap."""
    size, block = unit.shape[1:], pre.patch
    padded = tuple(max(n, b) for n, b in zip(size, block, strict=True))
    corners = iter(blocks(padded, block, whole.SLICE_OVERLAP))
    sums: list[Mosaic] = []

    def answer(batch: Floats) -> Floats:
        found, maps = network(batch)
        corner = next(corners)
        kept = [values for values in maps if usable(values, block)]
        if not sums:
            sums.extend(Mosaic(values, padded, block) for values in kept)
        for mosaic, values in zip(sums, kept, strict=True):
            mosaic.add(values, corner)
        return found

    probability = blended(pre.normalise(unit), block, answer, whole.SLICE_OVERLAP, between)
    return probability, [mosaic.map(size) for mosaic in sums]


class Mosaic:
    """Maps of overlapping patches on their way to one map of the slice."""

    def __init__(self, first: Floats, padded: tuple[int, ...], block: tuple[int, ...]) -> None:
        channels, *sides = first.shape
        shares = [n / b for n, b in zip(sides, block, strict=True)]
        area = padded[0] * padded[1] * shares[0] * shares[1]
        self._thin = max(1, int(np.ceil((channels * area / MOST_VALUES) ** 0.5)))
        self._shares = [share / self._thin for share in shares]
        sides = [-(-n // self._thin) for n in sides]
        shape = [
            int(np.ceil(n * share)) + 1 + self._thin for n, share in zip(padded, self._shares, strict=True)
        ]
        self._sum = np.zeros((channels, *shape), np.float32)
        self._norm = np.zeros(shape, np.float32)
        self._weight = gaussian(tuple(sides))

    def add(self, values: Floats, corner: tuple[slice, ...]) -> None:
        """Lay in the map of the patch at ``corner``."""
        thinned = values[:, :: self._thin, :: self._thin]
        y, x = (round(at.start * share) for at, share in zip(corner, self._shares, strict=True))
        rows, columns = slice(y, y + thinned.shape[1]), slice(x, x + thinned.shape[2])
        self._sum[:, rows, columns] += thinned * self._weight
        self._norm[rows, columns] += self._weight

    def map(self, size: tuple[int, ...]) -> FeatureMap:
        """The map of the slice of ``size``."""
        covered = [n * share for n, share in zip(size, self._shares, strict=True)]
        rows, columns = (int(np.ceil(c)) for c in covered)
        part = self._sum[:, :rows, :columns] / np.maximum(self._norm[:rows, :columns], 1e-6)
        return FeatureMap(standardised(np.asarray(part, np.float32)), (covered[0], covered[1]))
