"""Score a model on a data set: per image at the original resolution, then the means."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.datasets import Dataset
from featherseg_engines.metrics import Overlap, overlap
from featherseg_engines.models.card import Measured

Answer = Callable[[npt.NDArray[np.generic]], npt.NDArray[np.uint8]]
"""Voxels (z, y, x[, 3]) to label numbers (z, y, x)."""


@dataclass(frozen=True, slots=True)
class ImageScore:
    """One image: the mean over the foreground classes present in truth or answer; all empty scores 1."""

    image: str
    dice: float
    iou: float
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Per-image scores and the counts pooled over all images, class by class."""

    dataset: str
    split: str
    images: tuple[ImageScore, ...]
    pooled: tuple[Overlap, ...]

    def summary(self) -> Measured:
        """Means of the per-image values and the pooled ones (mean over classes)."""
        return Measured(
            self.dataset,
            self.split,
            len(self.images),
            _mean([s.dice for s in self.images]) or 0.0,
            _mean([s.iou for s in self.images]) or 0.0,
            _mean([s.precision for s in self.images]),
            _mean([s.recall for s in self.images]),
            float(np.mean([c.dice for c in self.pooled])),
            float(np.mean([c.iou for c in self.pooled])),
        )

    def rows(self) -> list[dict[str, Any]]:
        """A plain dictionary per image."""
        return [asdict(score) for score in self.images]


def evaluate(answer: Answer, dataset: Dataset) -> Iterator[ImageScore | Evaluation]:
    """Score one image after the other, then give the whole :class:`Evaluation` as the last item.

    Raises
    ------
    ReadError
        An image or mask is damaged, or their sizes differ.
    """
    values = range(1, len(dataset.classes) + 1)
    pooled = [Overlap(0, 0, 0) for _ in values]
    scores: list[ImageScore] = []
    for case in dataset.cases:
        volume, truth = dataset.read(case)
        found = answer(volume.voxels)
        counts = [overlap(found, truth, value) for value in values]
        pooled = [a + b for a, b in zip(pooled, counts, strict=True)]
        scores.append(image_score(case.name, counts))
        yield scores[-1]
    yield Evaluation(dataset.name, dataset.split, tuple(scores), tuple(pooled))


def image_score(name: str, counts: list[Overlap]) -> ImageScore:
    """The score of one image from its counts per class."""
    present = [c for c in counts if c.both or c.answer_only or c.truth_only]
    if not present:
        return ImageScore(name, 1.0, 1.0, None, None)
    return ImageScore(
        name,
        float(np.mean([c.dice for c in present])),
        float(np.mean([c.iou for c in present])),
        _mean([c.precision for c in present]),
        _mean([c.recall for c in present]),
    )


def _mean(values: list[float] | list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
