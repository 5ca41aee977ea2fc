"""Answers to strokes: keeps the evidence of the slices used last, so that a stroke never runs the network again."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference import crops, revealing, whole
from featherseg_engines.inference.postprocess import Levels, levels_of
from featherseg_engines.inference.proposal import Options, Request
from featherseg_engines.labels import EMPTY_BOX, Box, changed_box
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.refine.evidence import Evidence, gather
from featherseg_engines.refine.prompts import Head
from featherseg_engines.refine.refining import refined

BOUND = 192 * 2**20
"""Bytes of evidence kept; a slice of 256 x 256 takes about 20 MB, one always stays."""


class Model(Protocol):
    """What a refiner needs of a loaded model."""

    bundle: ModelBundle

    def evidence(
        self, pixels: npt.NDArray[np.generic], options: Options, between: Callable[[], None]
    ) -> Evidence:
        """The evidence of a slice (y, x[, 3]); runs the network."""
        ...

    def volume_crop(
        self, voxels: npt.NDArray[np.generic], options: Options, between: Callable[[], None]
    ) -> tuple[Box, Levels]:
        """What is proposed for a volume; runs the network."""
        ...


class Refiner:
    """Answers requests that carry prompts; used by one thread."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._kept: OrderedDict[object, tuple[object, Evidence]] = OrderedDict()
        self._volume: tuple[object, object, Box, Levels] | None = None

    def answer(
        self, model: Model, request: Request, between: Callable[[], None] = whole.nothing
    ) -> tuple[Box, Levels, Head]:
        """Box, levels and the fitted head of ``request.z``.

        Of a network that takes volumes the whole volume's answer comes back with this slice changed, or, where
        ``request.piece`` says so, the slice alone.
        """
        evidence = self.evidence(model, request, between)
        between()
        found = refined(evidence, request.prompts)
        if not request.spans_volume:
            return *crops.crop(found.probability[:, None], request.z), found.head
        return *self._laid_in(levels_of(found.probability), request), found.head

    def evidence(
        self, model: Model, request: Request, between: Callable[[], None] = whole.nothing
    ) -> Evidence:
        """What is known of the slice of a request, from memory where it was asked for before."""
        card, volume = model.bundle.card, request.volume
        key = (request.image, request.z, request.key.weights, request.key.preprocessing, request.options)
        owner = None if request.image else volume  # an image without a name is known by itself
        kept = self._kept.get(key)
        if kept is not None and kept[0] is owner:
            self._kept.move_to_end(key)
            return kept[1]
        if card.dims == 3:
            found = self._of_volume(model, request, between)
        else:
            found = model.evidence(volume.slice(request.z), request.options, between)
        self._kept[key] = owner, found
        while len(self._kept) > 1 and sum(e.nbytes for _, e in self._kept.values()) > self._bound:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Let all evidence go."""
        self._kept.clear()
        self._volume = None

    def _of_volume(self, model: Model, request: Request, between: Callable[[], None]) -> Evidence:
        box, levels = self._volume_levels(model, request, between)
        pre, volume = model.bundle.card.preprocessing.seen_in(request.options.window), request.volume
        shape = volume.geometry.shape
        probability = np.zeros((len(model.bundle.card.labels), *shape[1:]), np.float32)
        if box.start[0] <= request.z < box.stop[0]:
            _, rows, columns = box.slices
            probability[:, rows, columns] = levels[:, request.z - box.start[0]] / np.float32(255)
        unit = pre.unit_volume(volume.voxels[request.z : request.z + 1])[:, 0]
        return gather(probability, unit, (), request.key.weights, revealing.WORK_PIXELS)

    def _volume_levels(
        self, model: Model, request: Request, between: Callable[[], None]
    ) -> tuple[Box, Levels]:
        key = (request.image, request.key.weights, request.key.preprocessing, request.options)
        owner = None if request.image else request.volume
        if self._volume is None or self._volume[0] != key or self._volume[1] is not owner:
            found = model.volume_crop(request.volume.voxels, request.options, between)
            self._volume = key, owner, *found
        return self._volume[2], self._volume[3]

    def _laid_in(self, plane: Levels, request: Request) -> tuple[Box, Levels]:
        """The volume's answer with one slice (labels, y, x) put in its place."""
        assert self._volume is not None
        box, levels = self._volume[2], self._volume[3]
        shape = request.volume.geometry.shape
        everything = np.zeros((len(plane), *shape), np.uint8)
        everything[(slice(None), *box.slices)] = levels
        everything[:, request.z] = plane
        return _cut(everything)


def _cut(levels: Levels) -> tuple[Box, Levels]:
    tight = changed_box(np.any(levels > 0, axis=0, keepdims=False))
    if tight.empty:
        return EMPTY_BOX, np.zeros((len(levels), 0, 0, 0), np.uint8)
    return tight, levels[(slice(None), *tight.slices)].copy()
