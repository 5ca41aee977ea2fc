"""From a slice to a network's input and back: intensities, size, padding, each with its inverse."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from featherseg_engines.imaging.volume import Window

Floats = npt.NDArray[np.float32]
Span = tuple[int, int]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Placement:
    """How a slice lies in the network's input: at the top left, scaled, the rest padding.

    ``original`` and ``scaled`` are (height, width).
    """

    original: tuple[int, int]
    scaled: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a model was trained to see; it belongs to the model bundle.

    Parameters
    ----------
    channels
        Channels of the network's input; grey is repeated, colour is averaged where they differ.
    long_side
        The longer side of the slice is scaled to this many pixels, the aspect kept; 0 keeps the size.
    stride
        Both sides are padded at the bottom and right (by repeating the edge) to multiples of this.
    intensity
        ``full_range``: 0..255 to 0..1 for 8-bit pixels, anything else as ``percentile``; ``percentile``: the
        1st to 99th percentile of the slice to 0..1; ``window``: ``window`` (low, high) to 0..1.
    patch
        Three sides (d, h, w): the network takes volumes, cut into overlapping blocks of this size. Two sides
        (h, w): slices are cut into overlapping patches, for structures too small to survive a squeeze.
    mean, std
        Subtracted and divided by, channel by channel, after that.
    """

    channels: int = 3
    long_side: int = 256
    stride: int = 16
    intensity: Literal["full_range", "percentile", "window"] = "full_range"
    window: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    patch: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"mean and std need {self.channels} values")
        if self.patch and (
            len(self.patch) not in (2, 3) or any(n < 1 or n % self.stride for n in self.patch)
        ):
            raise ValueError("a patch has two or three sides, multiples of the stride")
        if self.stride < 1 or self.long_side < 0 or min(self.std) <= 0:
            raise ValueError("stride and std must be positive, long_side not negative")

    def seen_in(self, window: Window | None) -> "Preprocessing":
        """These settings with the values of ``window`` from 0 to 1; a bundle with its own fixed window keeps it."""
        if window is None or self.intensity == "window":
            return self
        return replace(
            self,
            intensity="window",
            window=(window.centre - window.width / 2, window.centre + window.width / 2),
        )

    @property
    def dims(self) -> int:
        """3 where the network takes volumes, else 2."""
        return 3 if len(self.patch) == 3 else 2

    def place(self, height: int, width: int) -> Placement:
        """Where a slice of this size will lie."""
        if not self.long_side:
            return Placement((height, width), (height, width))
        factor = self.long_side / max(height, width)
        return Placement((height, width), (max(1, round(height * factor)), max(1, round(width * factor))))

    def scale(self, pixels: npt.NDArray[np.generic]) -> Floats:
        """Slice (y, x[, 3]) to (channels, scaled y, scaled x) in 0..1: intensity rule and size, no padding."""
        values = self._unit(pixels)
        target = self.place(values.shape[0], values.shape[1]).scaled
        planes = [values] if values.ndim == 2 else [values[..., c] for c in range(values.shape[2])]
        if self.channels == 1 and len(planes) > 1:
            planes = [np.mean(values, axis=2, dtype=np.float32)]
        scaled = [resized(p, target) for p in planes]
        if len(scaled) == 1:
            scaled = scaled * self.channels
        if len(scaled) != self.channels:
            raise ValueError(f"the slice has {len(scaled)} channels and the model takes {self.channels}")
        return np.stack(scaled)

    def unit_volume(self, voxels: npt.NDArray[np.generic]) -> Floats:
        """Volume (z, y, x[, 3]) to (channels, z, y, x) in 0..1 by the intensity rule; the size is kept."""
        values = self._unit(voxels)
        planes = values[None] if values.ndim == 3 else np.moveaxis(values, -1, 0)
        if self.channels == 1:
            return np.asarray(planes.mean(axis=0, keepdims=True), np.float32)
        return np.ascontiguousarray(np.broadcast_to(planes, (self.channels, *planes.shape[1:])), np.float32)

    def normalise(self, unit: Floats) -> Floats:
        """(..., channels, y, x), or (..., channels, z, y, x) for volumes, in 0..1 to what the network takes."""
        shape = (self.channels,) + (1,) * self.dims
        mean = np.asarray(self.mean, np.float32).reshape(shape)
        std = np.asarray(self.std, np.float32).reshape(shape)
        return np.asarray((unit - mean) / std, np.float32)

    def pad(self, planes: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Pad the last two axes to multiples of ``stride``, repeating the edge."""
        bottom, right = (-planes.shape[-2] % self.stride, -planes.shape[-1] % self.stride)
        if not bottom and not right:
            return np.asarray(planes)
        widths = [(0, 0)] * (planes.ndim - 2) + [(0, bottom), (0, right)]
        return np.asarray(np.pad(planes, widths, mode="edge"))

    def apply(self, pixels: npt.NDArray[np.generic]) -> tuple[Floats, Placement]:
        """Slice (y, x[, 3]) to the network's input (1, channels, h, w) and its placement."""
        unit = self.scale(pixels)
        batch = np.ascontiguousarray(self.pad(self.normalise(unit))[None], np.float32)
        return batch, self.place(pixels.shape[0], pixels.shape[1])

    def invert(self, planes: Floats, placement: Placement) -> Floats:
        """Maps (k, h, w) on the network's grid back to (k, original y, original x)."""
        height, width = placement.scaled
        return np.stack([resized(p[:height, :width], placement.original) for p in planes])

    def _unit(self, pixels: npt.NDArray[np.generic]) -> Floats:
        values = np.asarray(pixels, np.float32)
        if self.intensity == "full_range" and pixels.dtype == np.uint8:
            return np.asarray(values / np.float32(255.0), np.float32)
        low, high = self.window
        if self.intensity != "window":
            finite = values[np.isfinite(values)]
            low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
        unit = (values - np.float32(low)) / np.float32(max(high - low, 1e-6))
        return np.asarray(np.clip(np.nan_to_num(unit, nan=0.0), 0.0, 1.0), np.float32)


def resized(plane: Floats, size: tuple[int, int]) -> Floats:
    """Bilinear resampling of (y, x) to ``size`` (height, width), smoothed when it shrinks."""
    if plane.shape == size:
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR), np.float32)


def resized_part(plane: Floats, size: tuple[int, int], rows: Span, columns: Span) -> Floats:
    """The rows and columns (from, to) of what :func:`resized` would give, without computing the rest."""
    (y0, y1), (x0, x1) = rows, columns
    down, across = plane.shape[0] / size[0], plane.shape[1] / size[1]
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    box = (x0 * across, y0 * down, x1 * across, y1 * down)
    part = image.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=box)
    return np.asarray(part, np.float32)
