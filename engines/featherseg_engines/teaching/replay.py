"""A few of the parent's own training images, so that it does not forget: only where their licence lets them ship."""

import re
from collections.abc import Sequence
from typing import overload

import numpy as np

from featherseg_engines.datasets import Dataset, read_dataset
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.helpings import Piece, prepared
from featherseg_engines.teaching.order import Control, TaughtCase
from featherseg_resources import replay_folder


def replay_of(parent: ModelBundle, pre: Preprocessing, control: Control) -> Sequence[Piece]:
    """The bundled images of the data the parent was taught on; none where they may not ship or do not fit.

    They keep the parent's output numbers, which come first in the candidate too. Each is read when it is first
    needed: a lesson begins soon after the click.
    """
    folder = replay_folder() / re.sub(r"\W+", "_", parent.card.training.dataset)
    if not folder.is_dir() or pre.dims != 2:
        return ()
    kept = Outputs(parent.card.labels, tuple(range(1, len(parent.card.labels) + 1)), len(parent.card.labels))
    try:
        found = _Replay(read_dataset(folder, "train"), pre, kept, control)
        return found if len(found) and found[0] else ()
    except FeathersegError:
        return ()  # a damaged installation must not keep anyone from teaching


class _Replay(Sequence[Piece]):
    """Prepared when asked for, and kept; a picture that cannot be read is replaced by the first."""

    def __init__(self, dataset: Dataset, pre: Preprocessing, kept: Outputs, control: Control) -> None:
        self._dataset, self._pre, self._kept, self._control = dataset, pre, kept, control
        self._pieces: dict[int, Piece] = {}

    def __len__(self) -> int:
        return len(self._dataset.cases)

    @overload
    def __getitem__(self, index: int) -> Piece: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Piece]: ...
    def __getitem__(self, index: int | slice) -> Piece | Sequence[Piece]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index not in self._pieces:
            self._pieces[index] = self._read(index)
        return self._pieces[index]

    def _read(self, index: int) -> Piece:
        case = self._dataset.cases[index]
        try:
            volume, labels = self._dataset.read(case)
        except FeathersegError:
            if index == 0:
                raise
            return self[0]
        taught = TaughtCase(case.name, case.name, volume.voxels, labels.astype(np.uint8))
        return prepared([taught], self._pre, self._kept, self._control)[0]
