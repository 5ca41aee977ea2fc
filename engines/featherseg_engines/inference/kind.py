"""Whose kind a picture is: for a model that was taught another kind than the one that shipped, which it holds."""

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.measures import Look, measures
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.runner import OnnxRunner
from featherseg_engines.models.bundle import ModelBundle

T = TypeVar("T")
SIDE = 128
"""Longer side that a picture is looked at with."""
LOOKS = 32
"""Of at most so many pictures a card tells how they look."""


def sight_of_kind(pre: Preprocessing) -> Preprocessing:
    """How a picture is looked at to tell its kind: as a whole, small, with the values the shipped model sees."""
    return replace(pre, long_side=SIDE, patch=())


def look_of(pre: Preprocessing, unit: npt.NDArray[np.floating]) -> Look:
    """How a picture looks, from ``sight_of_kind(pre).scale`` (c, y, x): measured as the look sees it, padded."""
    return measures(np.asarray(sight_of_kind(pre).pad(unit), np.float64))


def looks_of(pre: Preprocessing, slices: Iterable[npt.NDArray[np.generic]]) -> tuple[tuple[float, ...], ...]:
    """How slices (y, x[, 3]) look, rounded, as a card tells it of the pictures that a model was taught on."""
    sight = sight_of_kind(pre)
    looks = (look_of(pre, sight.scale(pixels)) for pixels in slices)
    return tuple(tuple(round(float(value), 4) for value in look) for look in looks)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, spread evenly."""
    if len(items) <= most:
        return list(items)
    return [items[at] for at in np.linspace(0, len(items) - 1, most).round().astype(int)]


class Kind:
    """The look of a bundle that holds another, loaded.

    Raises
    ------
    ModelError
        It cannot be loaded.
    """

    def __init__(self, bundle: ModelBundle, known: ModelBundle) -> None:
        self._pre, self._name = sight_of_kind(known.card.preprocessing), bundle.card.name
        try:
            self._runner = OnnxRunner(bundle.look, threads=1, rewrite=False)
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise ModelError(f"The model '{self._name}' cannot be loaded; install it again.") from error
        self._last: tuple[weakref.ref[npt.NDArray[np.generic]], bool] | None = None

    def taught(self, voxels: npt.NDArray[np.generic]) -> bool:
        """Whether voxels (z, y, x[, 3]) are of the kind that was taught, by the slice in the middle.

        All slices have one answer, so that a volume is not answered by two models; it is kept for the last array.
        """
        if self._last is None or self._last[0]() is not voxels:
            seen, _ = self._pre.apply(voxels[len(voxels) // 2])
            try:
                answer = float(self._runner.run(seen).max())
            except Exception as error:  # ONNX Runtime's errors share no public base class
                raise ModelError(
                    f"The model '{self._name}' failed on this image; try another model."
                ) from error
            self._last = weakref.ref(voxels), answer > 0
        return self._last[1]
