"""What a person marked on a slice to say how the proposal should be: strokes, a region, a head that was fitted."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from featherseg_engines.labels import Box

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One mark: the label is here (``positive``), or it is not.

    Parameters
    ----------
    box
        Where the mark lies in the volume, one slice thick; never empty, inside the image.
    mask
        (1, y, x) of the box: the marked pixels.
    """

    box: Box
    mask: Mask
    positive: bool

    def __post_init__(self) -> None:
        """Refuse a mask that does not fit its box."""
        if self.mask.shape != self.box.shape or self.box.shape[0] != 1:
            raise ValueError(f"a mask {self.mask.shape} does not fit the box {self.box.shape} of one slice")

    @property
    def z(self) -> int:
        """The slice it lies on."""
        return self.box.start[0]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The box or lasso outside which nothing is proposed; ``mask`` (1, y, x) of ``box``, one slice thick."""

    box: Box
    mask: Mask

    def __post_init__(self) -> None:
        """Refuse a mask that does not fit its box."""
        if self.mask.shape != self.box.shape or self.box.shape[0] != 1:
            raise ValueError(f"a mask {self.mask.shape} does not fit the box {self.box.shape} of one slice")


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head that was fitted to strokes: how to read a network's features; frozen, small, carried along slices.

    Parameters
    ----------
    weights
        (k + 1,) float64: one for each (standardised) feature, and the offset.
    model
        Identity of the weights whose features it reads; it fits no other.
    strokes
        How many strokes it was fitted to.
    """

    weights: npt.NDArray[np.float64]
    model: str
    strokes: int


@dataclass(frozen=True, eq=False)
class Prompts:
    """Everything a person marked on one slice, oldest first.

    Parameters
    ----------
    label
        Which of the model's labels (0 = its first) the strokes speak of.
    head
        A head fitted on another slice, to begin with; strokes of this slice say otherwise where they differ.
    """

    strokes: tuple[Stroke, ...] = ()
    region: Region | None = None
    label: int = 0
    head: Head | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was marked and nothing carried along."""
        return not self.strokes and self.region is None and self.head is None

    @cached_property
    def identity(self) -> str:
        """A hash of the content, "" where there is none: part of what an answer is cached by."""
        if self.empty:
            return ""
        digest = hashlib.sha256(str(self.label).encode())
        for stroke in self.strokes:
            digest.update(f"{stroke.box}{stroke.positive}".encode() + np.packbits(stroke.mask).tobytes())
        if self.region is not None:
            digest.update(f"in {self.region.box}".encode() + np.packbits(self.region.mask).tobytes())
        if self.head is not None:
            digest.update(self.head.model.encode() + self.head.weights.tobytes())
        return digest.hexdigest()[:16]


UNPROMPTED = Prompts()
