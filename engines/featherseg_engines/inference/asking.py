"""How a model's card wants it to be asked, over mirror images too, and how its answer is told."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.flips import mirrored
from featherseg_engines.inference.postprocess import levels_of
from featherseg_engines.inference.whole import Tell, as_it_is
from featherseg_engines.models.card import Asking

Floats = npt.NDArray[np.float32]
LEAST = 0.02
"""Lowest probability that is told as one half; what is below it everywhere is nothing."""


def asked(network: Callable[[Floats], Floats], asking: Asking, dims: int) -> Callable[[Floats], Floats]:
    """``network`` as it is to be asked; itself where there is nothing to do.

    It maps (1, channels, *sides) to (labels, *sides), or (n, channels, *sides) to (n, labels, *sides), with ``dims``
    sides.
    """
    return mirrored(network, dims) if asking.mirrored else network


def on_request(
    network: Callable[[Floats], Floats], flips: bool, asking: Asking, dims: int
) -> Callable[[Floats], Floats]:
    """A model's ``network``, over mirror images if a person asks for them and its card does not want them anyway."""
    return mirrored(network, dims) if flips and not asking.mirrored else network


def telling(asking: Asking) -> Tell:
    """What is made of the answer for a whole slice (labels, h, w) before it is brought to the slice's own size."""
    return likeliest if asking.always else as_it_is


def likeliest(probability: Floats) -> Floats:
    """The answer for a slice that is known to hold something: what gives the best Dice to be expected reaches 0.5."""
    return lifted(probability, best_threshold(probability.sum(axis=0)))


def best_threshold(anything: Floats) -> float:
    """From which of these probabilities on the expected Dice is highest, at least ``LEAST`` and at most 0.5.

    It is half of that Dice (Lipton et al., arXiv 1402.1892), here with the expectation's numerator and denominator
    taken apart: where the network is sure, one half; where it is not, less.
    """
    counts = np.bincount(levels_of(anything.clip(0, 1)).reshape(-1), minlength=256)[::-1]
    taken, inside = np.cumsum(counts), np.cumsum(counts * np.linspace(1, 0, 256))
    dice = 2 * inside / np.maximum(taken + inside[-1], 1e-9)
    return float(np.clip(dice.max() / 2, LEAST, 0.5))


def lifted(probability: Floats, threshold: float) -> Floats:
    """Probabilities (labels, ...) moved so that what was ``threshold`` is 0.5: all odds grow by one factor.

    0 and 1 stay, the order of pixels and of labels too.
    """
    anything = probability.sum(axis=0, keepdims=True)
    grown, against = (1 - threshold) * anything, threshold * (1 - anything)
    share = (1 - threshold) / np.maximum(grown + against, 1e-9)
    return np.asarray(probability * share, np.float32)
