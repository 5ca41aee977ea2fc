"""Score a model on a data set: per image at the original resolution, then the means."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.datasets import Dataset
from featherseg_engines.metrics import Overlap, overlap
from featherseg_engines.models.card import Measured
from featherseg_engines.surface_distance import hd95

Answer = Callable[[npt.NDArray[np.generic]], npt.NDArray[np.uint8]]
"""Voxels (z, y, x[, 3]) to label numbers (z, y, x)."""


@dataclass(frozen=True, slots=True)
class ImageScore:
    """One image: the mean over the foreground classes present in truth or answer; all empty scores 1.

    ``by_class`` is the Dice of each class, None where neither truth nor answer has it.
    """

    image: str
    dice: float
    iou: float
    precision: float | None
    recall: float | None
    hd95: float | None = None
    by_class: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Per-image scores and the counts pooled over all images, class by class.

    ``unit`` is that of the surface distances: "mm" where every image has a physical size, else "pixels".
    """

    dataset: str
    split: str
    images: tuple[ImageScore, ...]
    pooled: tuple[Overlap, ...]
    unit: str = "pixels"

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
            interval([s.dice for s in self.images]),
            _mean([s.hd95 for s in self.images]),
            self.unit,
        )

    def by_class(self) -> list[float | None]:
        """Mean Dice of each class over the images that have it in truth or answer."""
        return [_mean(values) for values in zip(*(s.by_class for s in self.images), strict=True)]

    def worst(self, count: int = 3) -> list[ImageScore]:
        """The images with the lowest Dice, the lowest first."""
        return sorted(self.images, key=lambda score: score.dice)[:count]

    def rows(self) -> list[dict[str, Any]]:
        """A plain dictionary per image."""
        return [asdict(score) for score in self.images]


def interval(values: list[float], resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean, drawn with a fixed seed.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    sample = np.asarray(values, np.float64)
    drawn = np.random.default_rng(0).integers(0, len(sample), (resamples, len(sample)))
    low, high = np.percentile(sample[drawn].mean(axis=1), (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)


def scored(answer: Answer, dataset: Dataset, *, surfaces: bool = True) -> Evaluation:
    """The :class:`Evaluation` of the whole data set; see :func:`evaluate`."""
    *_, last = evaluate(answer, dataset, surfaces=surfaces)
    assert isinstance(last, Evaluation)
    return last


def evaluate(answer: Answer, dataset: Dataset, *, surfaces: bool = True) -> Iterator[ImageScore | Evaluation]:
    """Score one image after the other, then give the whole :class:`Evaluation` as the last item.

    ``surfaces`` adds HD95, which costs more than all the rest.

    Raises
    ------
    ReadError
        An image or mask is damaged, or their sizes differ.
    """
    values = range(1, len(dataset.classes) + 1)
    pooled = [Overlap(0, 0, 0) for _ in values]
    scores: list[ImageScore] = []
    calibrated = True
    for case in dataset.cases:
        volume, truth = dataset.read(case)
        found = answer(volume.voxels)
        counts = [overlap(found, truth, value) for value in values]
        pooled = [a + b for a, b in zip(pooled, counts, strict=True)]
        calibrated &= volume.geometry.calibrated
        apart: list[float | None] = []
        if surfaces:
            spacing = volume.geometry.spacing_mm
            apart = [hd95(found == value, truth == value, spacing) for value in values]
        scores.append(image_score(case.name, counts, apart))
        yield scores[-1]
    unit = "mm" if calibrated else "pixels"
    yield Evaluation(dataset.name, dataset.split, tuple(scores), tuple(pooled), unit)


def image_score(name: str, counts: list[Overlap], apart: Sequence[float | None] = ()) -> ImageScore:
    """The score of one image from its counts and surface distances per class."""
    present = [c for c in counts if c.both or c.answer_only or c.truth_only]
    if not present:
        return ImageScore(name, 1.0, 1.0, None, None, by_class=(None,) * len(counts))
    return ImageScore(
        name,
        float(np.mean([c.dice for c in present])),
        float(np.mean([c.iou for c in present])),
        _mean([c.precision for c in present]),
        _mean([c.recall for c in present]),
        _mean(apart),
        tuple(c.dice if c in present else None for c in counts),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
