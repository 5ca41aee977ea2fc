"""Batches for a lesson that lasts a given time: the person's cases, each as often as the others, and some replay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.order import UNSEEN, Control, TaughtCase
from featherseg_engines.teaching.variety import varied
from featherseg_engines.training.samples import Sample, padded

CROP = 128
"""Longest side of what is cut from a slice for one look: larger slices are learned in pieces, at their own scale."""
NEAR_HAND = 0.5
"""Share of the pieces that are cut around what a person's hand has touched, or else around a label."""
REPLAYED = 4
"""Every fourth place in a batch holds one of the parent's own images."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A prepared sample and where its pieces are best cut: (n, dims) voxels, possibly none."""

    sample: Sample
    places: npt.NDArray[np.intp]


def prepared(
    cases: Sequence[TaughtCase], pre: Preprocessing, outputs: Outputs, control: Control
) -> list[Piece]:
    """Each slice that somebody has looked at (or each volume) on the grid the network will see."""
    result = []
    for case in cases:
        control.between()
        if pre.dims == 3:
            result.append(_volume(case, pre, outputs))
        else:
            seen = [z for z in range(len(case.labels)) if (case.labels[z] != UNSEEN).any()]
            result += [_slice(case, z, pre, outputs) for z in seen]
    if not result:
        raise TrainingError("There are no cases to learn from: accept or correct some masks first.")
    return result


def _slice(case: TaughtCase, z: int, pre: Preprocessing, outputs: Outputs) -> Piece:
    unit = pre.scale(case.voxels[z])
    size = (unit.shape[2], unit.shape[1])
    labels = Image.fromarray(outputs.targets(case.labels[z])).resize(size, Image.Resampling.NEAREST)
    near = None
    if case.focus is not None and case.focus[z].any():
        near = Image.fromarray(case.focus[z].astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    return _piece(unit, np.asarray(labels, np.uint8), None if near is None else np.asarray(near))


def _volume(case: TaughtCase, pre: Preprocessing, outputs: Outputs) -> Piece:
    return _piece(pre.unit_volume(case.voxels), outputs.targets(case.labels), case.focus)


def _piece(
    unit: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], near: npt.NDArray[np.generic] | None
) -> Piece:
    where = np.asarray(near if near is not None else 0) > 0
    if not where.any():
        where = (labels > 0) & (labels != UNSEEN)
    places = np.argwhere(where)[:: max(1, int(where.sum()) // 2000)]
    return Piece(Sample(np.round(unit * 255).astype(np.uint8), labels), places)


class Helpings:
    """Batches (images in 0..1, outputs) without end, the parent's own images among them; repeatable by the seed."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        replay: Sequence[Piece],
        pre: Preprocessing,
        batch: int,
        seed: int,
    ) -> None:
        self._pieces, self._replay, self._batch = pieces, replay, batch
        self._rng = np.random.default_rng(seed)
        self._dice = torch.Generator().manual_seed(seed)
        self._size = window_of(pieces, pre)
        self._changed = _volume_changes(seed) if pre.dims == 3 else None
        self._order: list[int] = []
        self._old: list[int] = []

    @property
    def replayed(self) -> int:
        """How many images at the end of each batch are the parent's own."""
        return self._batch // REPLAYED if self._replay else 0

    def next(self) -> tuple[Tensor, Tensor]:
        """Images (b, c, ...) and outputs (b, ...); what nobody has looked at is IGNORE."""
        old = self.replayed
        chosen = [self._pieces[self._turn(self._order, len(self._pieces))] for _ in range(self._batch - old)]
        chosen += [self._replay[self._turn(self._old, len(self._replay))] for _ in range(old)]
        cut = [cut_out(piece, self._size, self._rng) for piece in chosen]
        return self._varied(cut)

    def of_person(self) -> Tensor:
        """A batch of the person's images alone, drawn by chance."""
        chosen = [self._pieces[i] for i in self._rng.integers(len(self._pieces), size=self._batch)]
        return self._varied([cut_out(piece, self._size, self._rng) for piece in chosen])[0]

    def of_parent(self) -> Tensor:
        """As many images of the parent's own as a batch holds."""
        chosen = [self._replay[self._turn(self._old, len(self._replay))] for _ in range(self._batch)]
        return self._varied([cut_out(piece, self._size, self._rng) for piece in chosen])[0]

    def _varied(self, cut: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        if self._changed is not None:
            pairs = [self._changed(sample) for sample in cut]
            return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])
        images = torch.from_numpy(np.stack([s.image for s in cut])).float() / 255.0
        labels = torch.from_numpy(np.stack([s.labels for s in cut])).long()
        return varied(images, labels, self._dice)

    def plain(self, count: int) -> list[Tensor]:
        """The first images as they are (1, c, ...), to measure norms on."""
        cut = [cut_out(piece, self._size, self._rng) for piece in self._pieces[:count]]
        return [torch.from_numpy(s.image).float()[None] / 255.0 for s in cut]

    def _turn(self, order: list[int], count: int) -> int:
        if not order:
            order.extend(int(i) for i in self._rng.permutation(count))
        return order.pop()


def _volume_changes(seed: int) -> Callable[[Sample], tuple[Tensor, Tensor]]:
    from featherseg_engines.training.augment import augmented, volume_augmentation  # MONAI: slow to import

    changes = volume_augmentation(seed)
    return lambda sample: augmented(changes, sample)


def window_of(pieces: Sequence[Piece], pre: Preprocessing) -> tuple[int, ...]:
    """Sides of what the network is shown at a time, multiples of its stride."""
    if pre.dims == 3:
        return pre.patch
    largest = np.max([piece.sample.labels.shape for piece in pieces], axis=0)
    return tuple(min(int(-(-n // pre.stride) * pre.stride), CROP) for n in largest)


def cut_out(piece: Piece, size: tuple[int, ...], rng: np.random.Generator) -> Sample:
    """A window of a sample, every other time around a place that matters; what sticks out is IGNORE."""
    sample = piece.sample
    grown = tuple(max(n, s) for n, s in zip(sample.labels.shape, size, strict=True))
    whole = padded(sample, grown) if grown != sample.labels.shape else sample
    start = [int(rng.integers(0, n - s + 1)) for n, s in zip(grown, size, strict=True)]
    if len(piece.places) and rng.random() < NEAR_HAND:
        place = piece.places[rng.integers(len(piece.places))]
        start = [int(np.clip(p - s // 2, 0, n - s)) for p, s, n in zip(place, size, grown, strict=True)]
    window = tuple(slice(a, a + s) for a, s in zip(start, size, strict=True))
    return replace(sample, image=whole.image[(slice(None), *window)], labels=whole.labels[window])
