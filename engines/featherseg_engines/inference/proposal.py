"""A complete request for a mask, and the answer to it."""

import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import Cancelled
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import ModelBundle


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


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Everything an engine needs, so that an older request may be dropped without loss.

    ``serial`` grows with each request of a session; an answer is current while its serial is the newest.
    """

    serial: int
    volume: Volume
    z: int
    model: ModelBundle


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """An answer: a crop around what was found, never silently a whole volume.

    Parameters
    ----------
    box
        Where the crop lies; one slice thick for networks that take slices; empty where nothing reaches
        :data:`FLOOR`.
    probability
        (labels, z, y, x) float32 of the crop, 0..1.
    model, weights
        Name and weights hash of the model that answered.
    seconds
        From the slice to the probabilities, without waiting.
    """

    request: Request
    box: Box
    probability: npt.NDArray[np.float32]
    model: str
    weights: str
    seconds: float

    def mask(self, threshold: float) -> npt.NDArray[np.uint8]:
        """Label numbers (z, y, x) of the crop at ``threshold`` (0..1)."""
        return labels_at(self.probability, threshold)


FLOOR = 0.05
"""Probability below which nothing is kept; the lowest threshold a person can choose."""


class Engine(Protocol):
    """What turns a request into a proposal."""

    def propose(self, request: Request, cancel: CancelToken) -> Proposal:
        """Answer, or raise :class:`Cancelled` or a :class:`FeathersegError`."""
        ...
