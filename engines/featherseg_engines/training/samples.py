"""Training samples in memory: slices scaled once per resolution, and the batches made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from featherseg_engines.datasets import Dataset
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.imaging.readers import read_image

IGNORE = 255
"""Label of pixels that take no part in the loss (padding, places where nobody has looked)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a network learns from: image (channels, ...) uint8 (0..1 as 0..255), labels (...) uint8.

    Slices are (h, w), volumes (d, h, w).
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One slice as read: pixels (y, x[, 3]), labels (y, x) with :data:`IGNORE` where nobody has looked."""

    name: str
    pixels: npt.NDArray[np.generic]
    labels: npt.NDArray[np.uint8]


def slices_of(dataset: Dataset) -> list[Slice]:
    """All slices of all cases; of volumes only those within reach (one slice) of a labelled one."""
    result = []
    for case in dataset.cases:
        volume, labels = dataset.read(case)
        for z in _worth(labels):
            name = case.name if len(labels) == 1 else f"{case.name}:{z}"
            result.append(Slice(name, volume.slice(z), labels[z].astype(np.uint8)))
    return result


def volumes_of(dataset: Dataset, preprocessing: Preprocessing) -> list[Sample]:
    """All cases as volumes on the network's grid."""
    result = []
    for case in dataset.cases:
        volume, labels = dataset.read(case)
        unit = preprocessing.unit_volume(volume.voxels)
        result.append(Sample(np.round(unit * 255).astype(np.uint8), labels.astype(np.uint8)))
    return result


def suggested_block(dataset: Dataset, stride: int, most: int = 96) -> tuple[int, ...]:
    """Sides near the data's median size, multiples of ``stride``, at most ``most``."""
    shapes = [read_image(case.image).geometry.shape for case in dataset.cases[:20]]
    typical = np.median(np.asarray(shapes), axis=0)
    return tuple(int(min(most, max(stride, round(n / stride) * stride))) for n in typical)


def _worth(labels: npt.NDArray[np.uint16]) -> list[int]:
    if len(labels) == 1:
        return [0]
    marked = {int(z) for z in np.flatnonzero(labels.any(axis=(1, 2)))}
    return [z for z in range(len(labels)) if marked & {z - 1, z, z + 1}]


def scaled_samples(slices: Sequence[Slice], preprocessing: Preprocessing) -> list[Sample]:
    """Each slice on the grid the network will see, unpadded."""
    return [_scaled(item, preprocessing) for item in slices]


def _scaled(item: Slice, preprocessing: Preprocessing) -> Sample:
    unit = preprocessing.scale(item.pixels)
    size = unit.shape[1:]
    labels = np.asarray(
        Image.fromarray(item.labels).resize((size[1], size[0]), Image.Resampling.NEAREST), np.uint8
    )
    return Sample(np.round(unit * 255).astype(np.uint8), labels)


def padded(sample: Sample, size: tuple[int, ...]) -> Sample:
    """The sample grown to ``size`` at the end of each axis: image by its edge, labels by :data:`IGNORE`."""
    grow = [(0, wanted - n) for wanted, n in zip(size, sample.labels.shape, strict=True)]
    image = np.pad(sample.image, [(0, 0), *grow], mode="edge")
    return Sample(image, np.pad(sample.labels, grow, constant_values=IGNORE))


def canvas(samples: Sequence[Sample], stride: int) -> tuple[int, ...]:
    """The smallest size in multiples of ``stride`` that holds every sample."""
    largest = np.max([s.labels.shape for s in samples], axis=0)
    return tuple(int(-(-n // stride) * stride) for n in largest)


def batches(count: int, batch: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """Indices in random order, ``batch`` at a time; a last single one joins no batch (BatchNorm needs two)."""
    order = rng.permutation(count)
    for start in range(0, count, batch):
        chunk = order[start : start + batch]
        if len(chunk) > 1 or count == 1:
            yield chunk
