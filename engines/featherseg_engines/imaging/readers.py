"""Read images and masks from files and folders, or refuse with one sentence: the one door for everything."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import MissingPackageError, ReadError
from featherseg_engines.imaging.endings import (
    GRID_SUFFIXES,
    NIFTI_SUFFIXES,
    PHOTO_SUFFIXES,
    SUFFIXES,
    kind_of,
    stem_of,
    suffix_of,
)
from featherseg_engines.imaging.limits import MAX_PIXELS
from featherseg_engines.imaging.progress import UNHEARD, IsCancelled, Listen, Reading
from featherseg_engines.imaging.quiet import damage, quiet_python
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.scan import Series

__all__ = [
    "GRID_SUFFIXES",
    "MAX_PIXELS",
    "PHOTO_SUFFIXES",
    "SUFFIXES",
    "holds_series",
    "list_series",
    "read_image",
    "read_mask",
    "stem_of",
    "suffix_of",
]


def read_image(
    path: Path,
    *,
    series: "int | Series | None" = None,
    moment: int = 0,
    listen: Listen = UNHEARD.listen,
    cancelled: IsCancelled = UNHEARD.cancelled,
) -> Volume:
    """Read one image or volume from a file, or a DICOM series from a folder or DICOMDIR.

    Parameters
    ----------
    path
        A file opens itself alone; a folder opens the DICOM series in it.
    series
        Which of several series: its number from 1 in the order of :func:`list_series`, or one of those.
    moment
        Which of several volumes at one place (time points, echoes), from 0.
    listen, cancelled
        Told (done, total) and asked between slices, in the caller's thread.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged or of a kind that is not read; there are several series and none was
        chosen.
    Cancelled
        ``cancelled`` said so.
    """
    reading = Reading(listen, cancelled)
    reader = _reader_for(path, series, moment, reading)
    try:
        with quiet_python():
            return reader(path)
    except (ReadError, MissingPackageError):
        raise
    except ImportError as error:
        raise MissingPackageError(
            f"Reading '{path.name}' needs the package '{error.name}'; install it with: pip install {error.name}."
        ) from error
    except damage() as error:
        raise ReadError(
            f"'{path.name}' is damaged or is not a {kind_of(path)}; choose another file."
        ) from error


def list_series(
    folder: Path, listen: Listen = UNHEARD.listen, cancelled: IsCancelled = UNHEARD.cancelled
) -> "tuple[Series, ...]":
    """What opens as a volume in a folder of DICOM files (nested, any names) or behind a DICOMDIR, for a chooser.

    ``dicom.series.preview`` gives a plane of each.

    Raises
    ------
    ReadError
        The folder cannot be read or holds no DICOM image.
    Cancelled
        ``cancelled`` said so.
    """
    from featherseg_engines.imaging.dicom import scan

    found = scan.list_series(folder, Reading(listen, cancelled))
    if not found:
        raise ReadError(
            f"'{folder.name}' is a folder without DICOM images; choose another, or one image file."
        )
    return found


def holds_series(path: Path) -> bool:
    """Whether this is a folder or a DICOMDIR: what :func:`list_series` looks into."""
    from featherseg_engines.imaging.dicom.scan import is_dicom, is_directory_file

    return path.is_dir() or (path.is_file() and is_dicom(path) and is_directory_file(path))


def read_mask(path: Path, shape: tuple[int, int, int] | None = None) -> npt.NDArray[np.uint16]:
    """Read label numbers (z, y, x) from a one-channel image or volume.

    Raises
    ------
    ReadError
        As :func:`read_image`; also where the mask is not of ``shape`` or holds other than whole numbers from
        0 to 65535.
    """
    voxels = read_image(path).voxels
    if voxels.ndim == 4:
        if not (voxels == voxels[..., :1]).all():
            raise ReadError(f"'{path.name}' is a colour image, not a mask of label numbers.")
        voxels = voxels[..., 0]
    if shape is not None and voxels.shape != shape:
        raise ReadError(
            f"The mask '{path.name}' has {_by(voxels.shape)} pixels and the image {_by(shape)}; "
            "they must be the same."
        )
    labels = voxels.astype(np.uint16)
    if not np.array_equal(labels, voxels):
        raise ReadError(f"'{path.name}' holds values that are not whole label numbers from 0 to 65535.")
    return labels


def _by(shape: tuple[int, ...]) -> str:
    sides = shape[::-1]
    return " x ".join(str(n) for n in (sides[:2] if sides[-1] == 1 else sides))


def _reader_for(
    path: Path, series: "int | Series | None", moment: int, reading: Reading
) -> Callable[[Path], Volume]:
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise ReadError(f"There is no file '{path.name}' that can be read; check the name.") from error
    if path.is_dir():
        return lambda p: _read_folder(p, series, moment, reading)
    if size == 0:
        raise ReadError(f"'{path.name}' is empty (0 bytes); choose another file.")
    return _file_reader(path, series, moment, reading)


def _file_reader(
    path: Path, series: "int | Series | None", moment: int, reading: Reading
) -> Callable[[Path], Volume]:
    from featherseg_engines.imaging.dicom.scan import is_dicom

    suffix = suffix_of(path)
    if is_dicom(path) or suffix in (".dcm", ".ima", ".dicom"):
        return lambda p: _read_dicom(p, series, moment, reading)
    if suffix in PHOTO_SUFFIXES:
        from featherseg_engines.imaging.photographs import read_photograph

        return lambda p: read_photograph(p, reading)
    if suffix in NIFTI_SUFFIXES:
        from featherseg_engines.imaging.nifti import read_nifti

        return lambda p: read_nifti(p, moment, reading)
    if suffix in GRID_SUFFIXES:
        from featherseg_engines.imaging.grids import read_grid

        return lambda p: read_grid(p, reading)
    raise ReadError(
        f"'{path.name}' is of a kind that is not read; open DICOM, PNG, JPEG, BMP, TIFF, NIfTI, NRRD or MetaImage."
    )


def _read_dicom(path: Path, series: "int | Series | None", moment: int, reading: Reading) -> Volume:
    from featherseg_engines.imaging.dicom.scan import is_directory_file
    from featherseg_engines.imaging.dicom.series import read_file

    if is_directory_file(path):
        return _read_folder(path, series, moment, reading)
    return read_file(path, moment, reading)


def _read_folder(path: Path, series: "int | Series | None", moment: int, reading: Reading) -> Volume:
    from featherseg_engines.imaging.dicom.series import read_series

    if series is not None and not isinstance(series, int):
        return read_series(series, moment, reading)
    found = list_series(path, cancelled=reading.cancelled)
    if series is None and len(found) > 1:
        shown = "; ".join(f"{i}: {one.label}" for i, one in enumerate(found[:6], 1))
        more = f" and {len(found) - 6} more" if len(found) > 6 else ""
        raise ReadError(f"'{path.name}' holds {len(found)} series, choose one by its number ({shown}{more}).")
    wanted = 1 if series is None else series
    if not 1 <= wanted <= len(found):
        raise ReadError(f"'{path.name}' holds {len(found)} series; number {wanted} is not one.")
    return read_series(found[wanted - 1], moment, reading)
