"""A DICOM series as a volume: slices decoded one after the other into one array of their natural type."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.decode import Pixels, Stored, frames, load
from featherseg_engines.imaging.dicom.header import read_instance
from featherseg_engines.imaging.dicom.planes import kinds, planes_of
from featherseg_engines.imaging.dicom.scan import Series, sorted_into_series
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.dicom.stack import Stack, stack
from featherseg_engines.imaging.dicom.values import Scale, natural_type, scale_of, values_of, windows_of
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.quiet import quiet_python
from featherseg_engines.imaging.volume import Volume, Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True)
class _Opened:
    """One decoded plane's surroundings."""

    dataset: "Dataset"
    stored: Stored
    scale: Scale


@dataclass(slots=True, eq=False)
class Filling:
    """A volume whose slices are on their way: the grid and the array are there, the values come with ``fill``.

    ``voxels`` may be shown while another thread fills it; it is zero where no slice has come yet. A slice that does
    not fit its type moves everything to a wider array, so look at ``voxels`` anew after each step.
    """

    series: Series
    stack: Stack
    voxels: Pixels
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]

    @property
    def geometry(self) -> Geometry:
        """The grid of the volume to come."""
        return self.stack.geometry

    def fill(self, reading: Reading = UNHEARD) -> Volume:
        """Decode all slices, from the first to the last; the array is read-only then.

        Raises
        ------
        ReadError
            A file is damaged or of another kind than its series.
        Cancelled
            The person asked to stop.
        """
        total = len(self.stack.planes)
        for done, (values, at, _) in enumerate(_decoded(self.stack)):
            reading.step(done, total)
            if values.shape != self.voxels.shape[1:]:
                name = self.stack.planes[at].instance.path.name
                raise ReadError(
                    f"'{name}' is of another kind than its series (grey among colour, or other sizes)."
                )
            self.voxels = _widened(self.voxels, values)
            self.voxels[at] = values
        reading.step(total, total)
        self.voxels.setflags(write=False)
        return _volume(self)


def read_file(path: Path, moment: int = 0, reading: Reading = UNHEARD) -> Volume:
    """One DICOM file alone: a slice, or the frames of a multi-frame file.

    Raises
    ------
    ReadError
        The file is damaged, holds no image, or its frames are no volume.
    """
    instance = read_instance(path)
    if instance is None:
        raise ReadError(f"'{path.name}' holds no image (it may be a report, a plan or a directory).")
    return read_series(sorted_into_series([instance])[0], moment, reading)


def read_series(series: Series, moment: int = 0, reading: Reading = UNHEARD) -> Volume:
    """A series as a volume; of several volumes at one place (times, echoes), number ``moment`` from 0.

    The voxels have the natural type (16 bits for CT); resident memory peaks near one volume plus one file.

    Raises
    ------
    ReadError
        A file is damaged, slices are missing or do not belong together.
    Cancelled
        The person asked to stop.
    """
    return begin(series, moment).fill(reading)


def begin(series: Series, moment: int = 0) -> Filling:
    """Everything about a series but its values: sorted, placed and with an array of the right type, still empty.

    Raises
    ------
    ReadError
        The first file is damaged, slices are missing or do not belong together.
    """
    planes = tuple(plane for instance in series.instances for plane in planes_of(instance))
    groups = kinds(planes)
    largest = max(groups, key=len)
    warnings = []
    if len(groups) > 1:
        others = len(planes) - len(largest)
        name = largest[0].instance.path.name
        warnings.append(f"'{name}' holds {others} more images of another orientation or size, not shown.")
    found = stack(largest, moment)
    file = found.planes[0].instance.path
    plane = min((p for p in found.planes if p.instance.path == file), key=lambda p: p.frame)
    values, _, first = next(_decoded(replace(found, planes=(plane,))))
    kind = natural_type(values, first.stored, _scales(first, found))
    voxels: Pixels = np.zeros((*found.geometry.shape, *values.shape[2:]), kind)
    warnings += [*found.warnings, *_told(first)]
    return Filling(series, found, voxels, windows_of(first.dataset, first.scale), tuple(warnings))


def preview(series: Series) -> Pixels:
    """Values (y, x[, 3]) of a plane from the middle of a series, for a chooser.

    Raises
    ------
    ReadError
        The file is damaged.
    """
    planes = tuple(plane for instance in series.instances for plane in planes_of(instance))
    plane = planes[len(planes) // 2]
    wanted = Stack((plane,), stack((plane,)).geometry)
    return next(iter(_decoded(wanted)))[0]


def _volume(filling: Filling) -> Volume:
    planes, series = filling.stack.planes, filling.series
    first = planes[0].instance
    one = len(series.files) == 1
    return Volume(
        voxels=filling.voxels,
        geometry=filling.geometry,
        modality=series.modality,
        name=first.path.stem if one else series.description or first.path.parent.name,
        path=first.path if one else first.path.parent,
        source=DicomSource(
            series_uid=first.series_uid,
            study_uid=first.study_uid,
            frame_of_reference_uid=first.frame_of_reference_uid,
            paths=tuple(plane.instance.path for plane in planes),
            frames=tuple(plane.frame for plane in planes),
        ),
        windows=filling.windows,
        warnings=filling.warnings,
    )


def _scales(opened: _Opened, found: Stack) -> list[Scale]:
    """The scales of the frames of the first file; a later file's other scale shows when its slice comes."""
    if found.planes[0].instance.frames == 1:
        return [opened.scale]
    modality = found.planes[0].instance.modality
    count = found.planes[0].instance.frames
    return [scale_of(opened.dataset, opened.stored, modality, i + 1) for i in range(count)]


def _widened(target: Pixels, values: Pixels) -> Pixels:
    """``target`` in a type that also holds ``values``; the same array where its own does."""
    if np.issubdtype(target.dtype, np.floating) or target.dtype == values.dtype:
        return target
    if np.issubdtype(values.dtype, np.floating):
        return target.astype(np.float32)
    low, high = int(values.min()), int(values.max())
    for kind in (target.dtype, np.dtype(np.int32), np.dtype(np.int64)):
        info = np.iinfo(kind.name)
        if info.min <= low and high <= info.max and np.can_cast(target.dtype, kind):
            return target if kind == target.dtype else target.astype(kind)
    return target.astype(np.float32)


def _decoded(found: Stack) -> Iterator[tuple[Pixels, int, _Opened]]:
    """Values of the planes with their index along z, file by file in the order of z."""
    by_file: dict[Path, dict[int, int]] = {}
    for z, plane in enumerate(found.planes):
        by_file.setdefault(plane.instance.path, {})[plane.frame] = z
    for path, wanted in by_file.items():
        modality = found.planes[next(iter(wanted.values()))].instance.modality
        dataset, stored = load(path)
        _check_size(stored, found, path)
        last = max(wanted)
        for frame, pixels in enumerate(frames(dataset, path, stored), 1):
            if frame in wanted:
                with quiet_python():
                    scale = scale_of(dataset, stored, modality, frame)
                    values = values_of(pixels, dataset, stored, scale)
                yield values, wanted[frame], _Opened(dataset, stored, scale)
            if frame >= last:
                break


def _check_size(stored: Stored, found: Stack, path: Path) -> None:
    if (stored.rows, stored.columns) != found.geometry.shape[1:]:
        raise ReadError(f"'{path.name}' contradicts itself about its number of rows and columns.")


def _told(first: _Opened) -> tuple[str, ...]:
    if first.stored.photometric != "MONOCHROME1":
        return ()
    if first.scale.mirror is not None:
        return ("The image is stored with bright as low (MONOCHROME1); its values were inverted.",)
    return ("The image is meant to be shown inverted (MONOCHROME1); its values are as stored.",)
