"""A DICOM series as a volume: slices decoded one after the other into one array of their natural type."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.dicom.decode import Pixels, Stored, frames, load
from featherseg_engines.imaging.dicom.header import Instance, read_instance
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
    planes = tuple(plane for instance in series.instances for plane in planes_of(instance))
    groups = kinds(planes)
    largest = max(groups, key=len)
    warnings = []
    if len(groups) > 1:
        others = len(planes) - len(largest)
        name = largest[0].instance.path.name
        warnings.append(f"'{name}' holds {others} more images of another orientation or size, not shown.")
    found = stack(largest, moment)
    voxels, first = _filled(found, reading)
    windows = windows_of(first.dataset, first.scale)
    warnings += [*found.warnings, *_told(first, found.planes[0].instance)]
    return _volume(series, found, voxels, windows, tuple(warnings))


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


def _volume(
    series: Series, found: Stack, voxels: Pixels, windows: tuple[Window, ...], warnings: tuple[str, ...]
) -> Volume:
    first = found.planes[0].instance
    source = DicomSource(
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        paths=tuple(plane.instance.path for plane in found.planes),
        frames=tuple(plane.frame for plane in found.planes),
    )
    one = len(series.files) == 1
    name = first.path.stem if one else series.description or first.path.parent.name
    path = first.path if one else first.path.parent
    return Volume(
        voxels, found.geometry, series.modality, name, path, source=source, windows=windows, warnings=warnings
    )


def _filled(found: Stack, reading: Reading) -> tuple[Pixels, _Opened]:
    """All planes of a stack in one array, which is widened where a slice does not fit its type."""
    target: npt.NDArray[np.generic] | None = None
    first: _Opened | None = None
    total = len(found.planes)
    for done, (values, at, opened) in enumerate(_decoded(found)):
        reading.step(done, total)
        if target is None or first is None:
            first = opened
            kind = natural_type(values, opened.stored, _scales(opened, found))
            target = np.zeros((*found.geometry.shape, *values.shape[2:]), kind)
        if values.shape != target.shape[1:]:
            name = found.planes[at].instance.path.name
            raise ReadError(f"'{name}' is of another kind than its series (grey among colour, or another size).")
        target = _widened(target, values)
        target[at] = values
    assert target is not None and first is not None
    reading.step(total, total)
    target.setflags(write=False)
    return target, first


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
        info = np.iinfo(kind)
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


def _told(first: _Opened, instance: Instance) -> tuple[str, ...]:
    if first.stored.photometric != "MONOCHROME1":
        return ()
    if first.scale.mirror is not None:
        return ("The image is stored with bright as low (MONOCHROME1); its values were inverted.",)
    return ("The image is meant to be shown inverted (MONOCHROME1); its values are as stored.",)
