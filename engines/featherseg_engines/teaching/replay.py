"""A few of the parent's own training images, so that it does not forget: only where their licence lets them ship."""

import re

import numpy as np

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.helpings import Piece, prepared
from featherseg_engines.teaching.order import Control, TaughtCase
from featherseg_resources import replay_folder


def replay_of(parent: ModelBundle, pre: Preprocessing, control: Control) -> list[Piece]:
    """The bundled images of the data the parent was taught on; none where they may not ship or do not fit.

    They keep the parent's output numbers, which come first in the candidate too.
    """
    folder = replay_folder() / re.sub(r"\W+", "_", parent.card.training.dataset)
    if not folder.is_dir() or pre.dims != 2:
        return []
    try:
        dataset = read_dataset(folder, "train")
        cases = [_case(dataset.read(case), case.name) for case in dataset.cases]
    except FeathersegError:
        return []  # a damaged installation must not keep anyone from teaching
    kept = Outputs(parent.card.labels, tuple(range(1, len(parent.card.labels) + 1)), len(parent.card.labels))
    return prepared(cases, pre, kept, control)


def _case(read: tuple, name: str) -> TaughtCase:  # type: ignore[type-arg]
    volume, labels = read
    return TaughtCase(name, name, volume.voxels, labels.astype(np.uint8))
