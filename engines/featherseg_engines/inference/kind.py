"""Whose kind a picture is: for a model that was taught another kind than the one that shipped, which it holds."""

import weakref
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.runner import OnnxRunner
from featherseg_engines.models.bundle import ModelBundle

SIDE = 128
"""Longer side that a picture is looked at with."""


def sight_of_kind(pre: Preprocessing) -> Preprocessing:
    """How a picture is looked at to tell its kind: as a whole, small, with the values the shipped model sees."""
    return replace(pre, long_side=SIDE, patch=())


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
