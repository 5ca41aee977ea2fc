"""What is known of a slice before anybody marked it: the network's answer and features, colours, positions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import resized

Floats = npt.NDArray[np.float32]
Size = tuple[int, int]
SURE = 6.0
"""Logits beyond this say no more: the network is sure."""
BLURS = (0.0, 1.5, 5.0)
"""Pixels of the work grid that colours are smoothed over (a Gaussian's standard deviation)."""
POSITIONS = 5
"""Features of the position: down, across, their squares and their product."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """Features of one resolution, standardised channel by channel.

    Parameters
    ----------
    values
        (k, h, w), finite.
    covered
        How many of its rows and columns lie on the image; the rest is padding.
    """

    values: Floats
    covered: tuple[float, float]

    def at(self, down: Floats, across: Floats) -> Floats:
        """(n, k) at n places, given as shares (0..1) of the image's height and width."""
        (y0, y1, fy), (x0, x1, fx) = (
            _between(place, n, m)
            for place, n, m in zip((down, across), self.covered, self.values.shape[1:], strict=True)
        )
        v = self.values
        top = v[:, y0, x0] * (1 - fx) + v[:, y0, x1] * fx
        bottom = v[:, y1, x0] * (1 - fx) + v[:, y1, x1] * fx
        return np.asarray((top * (1 - fy) + bottom * fy).T, np.float32)

    def scored(self, weights: Floats, size: Size) -> Floats:
        """The weighted sum of the channels, (h, w) on a grid of ``size`` over the image."""
        summed = np.tensordot(weights, self.values, 1)
        (y0, y1, fy), (x0, x1, fx) = (
            _between(_middles(n), covered, m)
            for n, covered, m in zip(size, self.covered, summed.shape, strict=True)
        )
        rows = summed[y0] * (1 - fy)[:, None] + summed[y1] * fy[:, None]
        return np.asarray(rows[:, x0] * (1 - fx) + rows[:, x1] * fx, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that strokes on one slice are read with; shared between strokes, not to be written to.

    Parameters
    ----------
    probability
        (labels, y, x) float16 as the network answered, at the slice's own size.
    logits
        (labels, h, w) on the work grid, within :data:`SURE`.
    colours
        (c, h, w) in 0..1 on the work grid: what borders are seen by.
    maps
        Colours smoothed, then the network's features; standardised.
    model
        Identity of the weights.
    """

    probability: npt.NDArray[np.float16]
    logits: Floats
    colours: Floats
    maps: tuple[FeatureMap, ...]
    model: str

    @property
    def size(self) -> Size:
        """Height and width of the slice."""
        return self.probability.shape[1], self.probability.shape[2]

    @property
    def work(self) -> Size:
        """Height and width of the grid that is computed on."""
        return self.logits.shape[1], self.logits.shape[2]

    @property
    def nbytes(self) -> int:
        """Bytes it holds."""
        own = self.probability.nbytes + self.logits.nbytes + self.colours.nbytes
        return int(own + sum(m.values.nbytes for m in self.maps))


def work_size(size: Size, pixels: int) -> Size:
    """The grid to compute on: the slice's own where it has no more than so many pixels."""
    height, width = size
    if height * width <= pixels:
        return size
    factor = (pixels / (height * width)) ** 0.5
    return max(1, int(height * factor)), max(1, int(width * factor))


def logit_of(probability: Floats) -> Floats:
    """Logits within :data:`SURE`; what is no number says nothing."""
    low = np.float32(1 / (1 + np.exp(SURE)))
    p = np.clip(np.nan_to_num(probability, nan=0.5), low, 1 - low)
    return np.asarray(np.log(p) - np.log1p(-p), np.float32)


def gather(
    probability: Floats, unit: Floats, features: tuple[FeatureMap, ...], model: str, pixels: int
) -> Evidence:
    """Evidence from probabilities (labels, y, x), unit colours (c, y, x) and a network's standardised features."""
    from scipy.ndimage import gaussian_filter

    size = probability.shape[1], probability.shape[2]
    work = work_size(size, pixels)
    logits = np.stack([logit_of(resized(plane, work)) for plane in probability])
    colours = _apart(np.stack([resized(plane, work) for plane in np.nan_to_num(unit, posinf=1, neginf=0)]))
    smoothed = [gaussian_filter(plane, blur) if blur else plane for blur in BLURS for plane in colours]
    covered = float(work[0]), float(work[1])
    seen = FeatureMap(standardised(np.stack(smoothed)), covered)
    return Evidence(probability.astype(np.float16), logits, colours, (seen, *features), model)


def standardised(planes: Floats) -> Floats:
    """(k, h, w) with mean 0 and deviation 1 in each channel; constant and not finite channels become 0."""
    flat = planes.reshape(len(planes), -1)
    good = np.all(np.isfinite(flat), axis=1, keepdims=True)
    flat = np.where(good, flat, np.float32(0))
    mean, spread = flat.mean(axis=1, keepdims=True), flat.std(axis=1, keepdims=True)
    out = np.where(spread > 1e-6, (flat - mean) / np.maximum(spread, 1e-6), 0)
    return np.asarray(np.clip(out, -8, 8), np.float32).reshape(planes.shape)


def _apart(colours: Floats) -> Floats:
    """Brightness and two colour differences in place of red, green, blue; grey stays one channel."""
    if len(colours) != 3:
        return colours
    red, green, blue = colours
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return colours[:1]
    return np.stack([(red + green + blue) / 3, red - green, blue - (red + green) / 2])


def _middles(count: int) -> Floats:
    """Where the middles of so many cells lie, as shares of the whole."""
    return np.asarray((np.arange(count) + 0.5) / count, np.float32)


def _between(
    place: Floats, covered: float, length: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """The two cells a place (0..1) lies between, and the share of the second one."""
    position = np.clip(place * np.float32(covered) - np.float32(0.5), 0, length - 1)
    first = position.astype(np.intp)
    return first, np.minimum(first + 1, length - 1), np.asarray(position - first, np.float32)
