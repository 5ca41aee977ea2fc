"""What there is of each label: size, grey values, extent, islands; slice by slice, so that large volumes fit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box, Labels


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """One label of one volume.

    Parameters
    ----------
    area_mm2, volume_ml
        The area where the volume is one slice, the volume where it has several; None where it is the other,
        and both None without a physical size.
    mean, deviation, lowest, highest
        Of the image's finite values within the label; ``deviation`` is that of the voxels as they are (divided
        by n). None in colour images, and where no value is finite.
    box
        The smallest that holds the label.
    slices
        Slices (along z) that hold it.
    islands
        Parts that touch each other nowhere, not even at a corner.
    """

    value: int
    voxels: int
    area_mm2: float | None
    volume_ml: float | None
    mean: float | None
    deviation: float | None
    lowest: float | None
    highest: float | None
    box: Box
    slices: int
    islands: int


@dataclass(slots=True)
class _Running:
    """Moments of one label's values, joined slice by slice (Chan, Golub and LeVeque 1979, eq. 2.1)."""

    voxels: int = 0
    slices: int = 0
    finite: int = 0
    mean: float = 0.0
    squares: float = 0.0
    lowest: float = np.inf
    highest: float = -np.inf
    start: list[int] = field(default_factory=list)
    stop: list[int] = field(default_factory=list)

    def add_place(self, z: int, where: tuple[npt.NDArray[np.intp], ...]) -> None:
        """Voxels of slice ``z`` at these rows and columns."""
        low = [z, int(where[0].min()), int(where[1].min())]
        high = [z + 1, int(where[0].max()) + 1, int(where[1].max()) + 1]
        self.start = [min(pair) for pair in zip(self.start or low, low, strict=True)]
        self.stop = [max(pair) for pair in zip(self.stop or high, high, strict=True)]
        self.voxels += where[0].size
        self.slices += 1

    def add_values(self, values: npt.NDArray[np.float64]) -> None:
        """The image's values there."""
        values = values[np.isfinite(values)]
        if not values.size:
            return
        n, mean = values.size, float(values.mean())
        total, apart = self.finite + n, mean - self.mean
        self.squares += float(np.square(values - mean).sum()) + apart**2 * self.finite * n / total
        self.mean += apart * n / total
        self.finite = total
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))


def measure(volume: Volume, labels: Labels, reading: Reading = UNHEARD) -> list[LabelStatistics]:
    """Measure every label of ``labels`` (z, y, x), by number; listened to and stopped between slices and labels.

    Raises
    ------
    Cancelled
        Somebody asked to stop.
    """
    if labels.shape != volume.geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {volume.geometry.shape}")
    found: dict[int, _Running] = {}
    steps = len(labels)
    for z, plane in enumerate(labels):
        reading.step(z, steps)
        for value, where in _labels_of(plane):
            running = found.setdefault(value, _Running())
            running.add_place(z, where)
            if volume.channels == 1:
                running.add_values(np.asarray(volume.voxels[z][where], np.float64))
    rows = []
    for value in sorted(found):
        reading.step(steps, steps)
        rows.append(_row(value, found[value], volume.geometry, labels))
    return rows


def _labels_of(plane: Labels) -> Iterator[tuple[int, tuple[npt.NDArray[np.intp], ...]]]:
    if not plane.any():
        return
    where = np.nonzero(plane)
    here = plane[where]
    values = np.unique(here)
    for value in values[values > 0]:
        of_it = slice(None) if values.size == 1 else here == value
        yield int(value), tuple(axis[of_it] for axis in where)


def _row(value: int, found: _Running, geometry: Geometry, labels: Labels) -> LabelStatistics:
    z, y, x = found.start
    box = Box((z, y, x), (found.stop[0], found.stop[1], found.stop[2]))
    _, sy, sx = geometry.spacing_mm
    flat, known = geometry.shape[0] == 1, found.finite > 0
    return LabelStatistics(
        value,
        found.voxels,
        found.voxels * sy * sx if flat and geometry.calibrated else None,
        found.voxels * geometry.voxel_ml if not flat and geometry.calibrated else None,
        found.mean if known else None,
        float(np.sqrt(found.squares / found.finite)) if known else None,
        found.lowest if known else None,
        found.highest if known else None,
        box,
        found.slices,
        _islands(labels[box.slices] == value),
    )


def _islands(mask: npt.NDArray[np.bool_]) -> int:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(mask.view(np.uint8))
    counter = sitk.ConnectedComponentImageFilter()
    counter.FullyConnectedOn()
    counter.Execute(image)
    return int(counter.GetObjectCount())
