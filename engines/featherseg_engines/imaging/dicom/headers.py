"""Headers of the instances behind a volume, without their pixels, as what is written refers to them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import FeathersegError, ReadError, WriteError
from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.quiet import damage, quiet_python
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""What every composite object must have, if only empty (PS3.3, C.7.1.1 and C.7.2.1)."""

MARKS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality", "Rows", "PatientID")
"""A file that has none of them is not DICOM, whatever else could be read out of its bytes."""


@contextlib.contextmanager
def damage_told(sentence: str) -> Iterator[None]:
    """Turn what pydicom and highdicom raise on damaged files into one ReadError with ``sentence``.

    Their warnings stay off stderr and out of logs: they quote values, and values name patients.
    """
    import pydicom.errors  # noqa: F401 - so that its own kinds are known to damage()

    with quiet_python():
        try:
            yield
        except FeathersegError:
            raise
        except damage() as error:
            raise ReadError(sentence) from error


def read_header(path: Path, tags: tuple[str, ...] = ()) -> "Dataset":
    """Everything before the pixels, or only ``tags`` (keywords).

    Raises
    ------
    ReadError
        The file is missing or not DICOM.
    """
    import pydicom

    with damage_told(f"'{path.name}' is missing or is not a readable DICOM file; check the file."):
        header = pydicom.dcmread(
            path,
            stop_before_pixels=True,
            force=True,
            specific_tags=[*tags, *MARKS] if tags else None,
        )
    if not any(mark in header for mark in MARKS):
        raise ReadError(f"'{path.name}' is not a DICOM file; choose another one.")
    return header


def source_of(volume: Volume, target: Path, kind: str) -> DicomSource:
    """The DICOM instances behind ``volume``.

    Raises
    ------
    WriteError
        There are none, so that nothing of ``kind`` can refer to them.
    """
    if volume.source is None:
        raise WriteError(
            f"'{target.name}' cannot be written: {kind} refers to DICOM images and '{volume.name}' was not read "
            "from DICOM; save as .nii.gz instead."
        )
    return volume.source


def source_headers(source: DicomSource, disclosure: Disclosure) -> "list[Dataset]":
    """The header of each slice's file (multi-frame: one for all), de-identified as told, in z order.

    Raises
    ------
    ReadError
        A file is gone or damaged.
    """
    headers = {}
    for path in source.paths:
        if path in headers:
            continue
        header = read_header(path)
        if disclosure.deidentified:
            _deidentify(header, path, disclosure)
        _complete(header)
        headers[path] = header
    return list(headers.values())


def _complete(header: "Dataset") -> None:
    """What what is written takes over and the images may lack.

    Images that say where they lie but not in which frame of reference (anonymised ones often) get one made from
    their series. "Number of frames: 1" of an image that is not multi-frame goes.
    """
    for keyword in TYPE_2:
        if keyword not in header:
            setattr(header, keyword, None)
    if header.get("NumberOfFrames") == 1 and "PerFrameFunctionalGroupsSequence" not in header:
        del header.NumberOfFrames
    if not header.get("FrameOfReferenceUID") and frame_plane(header, 1) is not None:
        header.FrameOfReferenceUID = UidMap(b"frame of reference").new(
            str(header.get("SeriesInstanceUID", ""))
        )


def _deidentify(header: "Dataset", path: Path, disclosure: Disclosure) -> None:
    from featherseg_engines.imaging.dicom.profile import apply_profile

    with damage_told(f"The header of '{path.name}' is damaged; nothing was written."):
        apply_profile(header, disclosure.uids)


def check_grid(target: Path, headers: "list[Dataset]", volume: Volume) -> None:
    """Refuse to write onto images whose grid is not the volume's: other pixels, or shifted within the plane.

    Along the slices' normal nothing is asked: slices at irregular distances have one geometry all the same.
    """
    source, geometry = volume.source, volume.geometry
    assert source is not None
    fits = len(source.paths) == geometry.shape[0]
    fits = fits and all((h.get("Rows"), h.get("Columns")) == geometry.shape[1:] for h in headers)
    by_path = dict(zip(dict.fromkeys(source.paths), headers, strict=True))
    for path, frame in zip(source.paths, source.frames, strict=True) if fits else ():
        plane = frame_plane(by_path[path], frame)
        if plane is not None:
            fits = fits and bool(np.all(np.abs(geometry.to_index(plane[0])[1:]) < 0.5))
    if not fits:
        raise WriteError(
            f"'{target.name}' cannot be written: the grid of '{volume.name}' is not that of its DICOM images (it "
            "was resampled); save as .nii.gz instead."
        )


def frame_uids(source: DicomSource) -> list[tuple[str, int]]:
    """SOP instance UID and frame (from 1) of each slice, in z order."""
    uids: dict[Path, str] = {}
    for path in source.paths:
        if path not in uids:
            uids[path] = str(read_header(path, ("SOPInstanceUID",)).get("SOPInstanceUID", ""))
    return [(uids[path], frame) for path, frame in zip(source.paths, source.frames, strict=True)]


def frame_plane(header: "Dataset", frame: int) -> tuple[npt.NDArray[np.float64], ...] | None:
    """Position (3,) of a frame's first pixel, directions of its rows and columns (3,), LPS mm; None if not said.

    The second is the way along a row (column index grows), the third the way down a column (PS3.3, C.7.6.2.1.1).
    """
    position = _functional(header, frame, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _functional(header, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
    if position is None or orientation is None or len(orientation) != 6:
        return None
    return position, orientation[:3], orientation[3:]


def frame_spacing(header: "Dataset", frame: int) -> tuple[float, float] | None:
    """Distance between rows and between columns, mm; None if not said."""
    spacing = _functional(header, frame, "PixelMeasuresSequence", "PixelSpacing")
    return None if spacing is None else (float(spacing[0]), float(spacing[1]))


def _functional(header: "Dataset", frame: int, group: str, keyword: str) -> npt.NDArray[np.float64] | None:
    """An attribute of a frame: of the frame's own functional group, of the shared one, or of the image itself."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    places = [header]
    for items in (shared[:1], per_frame[frame - 1 : frame]):
        places = [*(item for entry in items for item in entry.get(group, ())), *places]
    for place in places:
        value = place.get(keyword)
        if value:
            return np.array([float(v) for v in value])
    return None
