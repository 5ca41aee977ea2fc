"""A complete request for a mask, what its answer depends on, and the answer."""

import threading
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import Cancelled
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.inference.postprocess import labels_at_levels
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.refine.prompts import UNPROMPTED, Head, Prompts


class CancelToken:
    """Says whether work should stop; looked at between steps, set from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask to stop."""
        self._event.set()

    def check(self) -> None:
        """Raise :class:`Cancelled` where somebody asked to stop."""
        if self._event.is_set():
            raise Cancelled


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is asked, beyond image and slice; hashable, part of what an answer is cached by.

    Parameters
    ----------
    window
        The grey-value window that the model sees the image in; None leaves it to the bundle's own rule.
        A bundle that was taught in a fixed window keeps to that.
    flips
        Whether the answer is the mean over the image and its mirror images: slower, steadier, and where the
        mirrored answers differ the model is unsure.
    """

    window: Window | None = None
    flips: bool = False


PLAIN = Options()
WHOLE = -1
"""The slice in the key of an answer that covers the volume."""


class Key(NamedTuple):
    """What an answer depends on: the image's content, the slice, the weights, what they see, the options, the
    prompts."""

    image: str
    z: int
    weights: str
    preprocessing: Preprocessing
    options: Options
    prompts: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Everything an engine needs, so that an older request may be dropped without loss.

    ``serial`` grows with each request of a session. ``image`` names the volume's content (its hash, or what
    stands for it while the volume is open). ``whole`` asks a network that takes slices for all of them;
    ``piece`` is of a network that takes volumes one slice of its answer. ``prompts`` are what a person marked on
    this slice.
    """

    serial: int
    volume: Volume
    z: int
    model: ModelBundle
    options: Options = PLAIN
    image: str = ""
    whole: bool = False
    piece: bool = False
    prompts: Prompts = UNPROMPTED

    @property
    def spans_volume(self) -> bool:
        """Whether the answer is for all slices: asked for all, or a network that takes volumes."""
        return self.whole or (self.model.card.dims == 3 and not self.piece)

    def at(self, z: int) -> "Request":
        """The same for one slice of what this asks for."""
        piece = self.model.card.dims == 3
        return replace(self, z=z, whole=False, piece=piece, prompts=UNPROMPTED)

    @property
    def key(self) -> Key:
        """What the answer depends on."""
        z = WHOLE if self.spans_volume else self.z
        card = self.model.card
        return Key(
            self.image, z, self.model.identity, card.preprocessing, self.options, self.prompts.identity
        )


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """An answer: a crop around what was found, never silently a whole volume.

    Parameters
    ----------
    box
        Where the crop lies; one slice thick for networks that take slices; empty where nothing reaches
        :data:`FLOOR`.
    levels
        (labels, z, y, x) uint8 of the crop, the probability in steps of 1/255: a quarter of the memory of
        floats, and finer than the threshold can be set.
    model, weights
        Name and weights hash of the model that answered.
    seconds
        From the slice to the probabilities, without waiting.
    head
        What was fitted to the strokes of the request; None where there were none.
    """

    request: Request
    box: Box
    levels: npt.NDArray[np.uint8]
    model: str
    weights: str
    seconds: float
    head: Head | None = None

    @property
    def probability(self) -> npt.NDArray[np.float32]:
        """(labels, z, y, x) of the crop, 0..1; computed anew each time."""
        return np.asarray(self.levels, np.float32) / np.float32(255)

    def mask(self, threshold: float) -> npt.NDArray[np.uint8]:
        """Label numbers (z, y, x) of the crop at ``threshold`` (0..1)."""
        return labels_at_levels(self.levels, threshold)


FLOOR = 0.05
"""Probability below which nothing is kept; the lowest threshold a person can choose."""


class Engine(Protocol):
    """What turns a request into a proposal."""

    def propose(self, request: Request, cancel: CancelToken) -> Proposal:
        """Answer, or raise :class:`Cancelled` or a :class:`FeathersegError`."""
        ...
