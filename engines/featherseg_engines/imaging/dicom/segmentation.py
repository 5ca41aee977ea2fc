"""Masks to DICOM-SEG that refers to the images, and back onto their grid."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.imaging.dicom.disclosure import DEIDENTIFIED, Disclosure
from featherseg_engines.imaging.dicom.headers import (
    check_grid,
    damage_told,
    frame_plane,
    read_header,
    source_headers,
    source_of,
)
from featherseg_engines.imaging.dicom.maker import MAKER, SERIAL_NUMBER, save_object, software_version
from featherseg_engines.imaging.dicom.placing import FramePlacer
from featherseg_engines.imaging.dicom.segments import label_of, segment_descriptions
from featherseg_engines.imaging.quiet import damage, quiet_python
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Label, LabelTable

if TYPE_CHECKING:
    from highdicom.seg import Segmentation

Kind = Literal["binary", "labelmap"]
SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
SERIES_NUMBER = 900
"""Of the series that a mask makes; far from the numbers that scanners give."""


@dataclass(frozen=True, slots=True)
class MaskRead:
    """A mask with its names: labels (z, y, x) on the volume's grid, and a sentence for each thing mended."""

    labels: npt.NDArray[np.uint16]
    table: LabelTable
    warnings: tuple[str, ...] = ()


def write_segmentation(
    path: Path,
    labels: npt.NDArray[np.generic],
    table: LabelTable,
    volume: Volume,
    kind: Kind = "binary",
    disclosure: Disclosure = DEIDENTIFIED,
) -> None:
    """Write label numbers (z, y, x) as a DICOM segmentation of the images behind ``volume``.

    ``binary`` is what other viewers read; ``labelmap`` (supplement 243) is smaller where there are many labels
    and keeps their numbers. Each row of the table becomes a segment, also where it has no voxel; a label number
    that the table lacks is named after its number.

    Raises
    ------
    WriteError
        The volume was not read from DICOM, its grid is not that of its images, there is no label at all, or the
        file cannot be written.
    """
    if labels.shape != volume.geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {volume.geometry.shape}")
    described = table.covering(labels)
    if not described.rows:
        raise WriteError(
            f"'{path.name}' was not written: the mask is empty and has no labels; draw one first."
        )
    dataset = _built(path, labels, described, volume, kind, disclosure)

    def same(written: Path) -> bool:
        try:
            return bool(np.array_equal(read_segmentation(written, volume).labels, labels))
        except ReadError:
            return False

    write_verified(path, lambda p: save_object(dataset, p), same)


def read_segmentation(path: Path, volume: Volume) -> MaskRead:
    """Read a DICOM segmentation onto the grid of ``volume``, wherever its frames lie in the patient.

    Fractional segments count from one half. Where segments overlap, the later one holds the voxel, which is
    said in the warnings.

    Raises
    ------
    ReadError
        The file is damaged or not a segmentation, or it lies elsewhere: another frame of reference, another
        spacing, planes or pixels outside of the volume.
    """
    with damage_told(f"'{path.name}' is a damaged DICOM segmentation; choose another file."):
        return _read(path, volume)


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation."""
    try:
        with damage_told("unreadable"):
            return str(read_header(path, ("SOPClassUID",)).get("SOPClassUID", "")) in SEGMENTATION_CLASSES
    except ReadError:
        return False


def _read(path: Path, volume: Volume) -> MaskRead:
    segmentation = _opened(path)
    placer = FramePlacer(path.name, segmentation, volume)
    rows = _rows(segmentation)
    labels = np.zeros(volume.geometry.shape, np.uint16)
    overlapping = 0
    for frame in range(1, int(segmentation.get("NumberOfFrames", 1)) + 1):
        pixels = np.asarray(segmentation.get_stored_frame(frame))
        numbers = _numbers(segmentation, frame, pixels, rows)
        where, values = placer.place(frame, numbers)
        held = labels[where]
        overlapping += int(np.count_nonzero((held != 0) & (held != values)))
        labels[where] = values
    table = LabelTable()
    for row in rows.values():
        table.put(row)
    text = f"{overlapping} voxels of '{path.name}' belong to several segments; the later one was kept."
    return MaskRead(labels, table.covering(labels), (text,) if overlapping else ())


def _built(
    path: Path,
    labels: npt.NDArray[np.generic],
    table: LabelTable,
    volume: Volume,
    kind: Kind,
    disclosure: Disclosure,
) -> "Segmentation":
    import highdicom
    from pydicom.uid import generate_uid

    source = source_of(volume, path, "a DICOM segmentation")
    headers = source_headers(source, disclosure)
    check_grid(path, headers, volume)
    if "NumberOfFrames" in headers[0] and len(headers) > 1:
        raise WriteError(
            f"'{path.name}' cannot be written: the volume comes from {len(headers)} multi-frame files, and a DICOM "
            "segmentation refers to one; save as .nii.gz instead."
        )
    if len(labels) > 1 and any(frame_plane(h, f) is None for h in headers for f in source.frames[:1]):
        raise WriteError(
            f"'{path.name}' cannot be written: the frames of '{volume.name}' do not say where in the patient they "
            "lie; save as .nii.gz or .tif instead."
        )
    planes = labels
    if "NumberOfFrames" in headers[0]:
        planes = np.zeros((int(headers[0].NumberOfFrames), *labels.shape[1:]), labels.dtype)
        planes[np.asarray(source.frames) - 1] = labels
    rows = list(table)
    if kind == "binary":
        lookup = np.zeros(max(table.rows) + 1, np.uint16)
        lookup[[row.value for row in rows]] = np.arange(1, len(rows) + 1)
        planes = lookup[planes]
    try:
        with quiet_python():
            return highdicom.seg.Segmentation(
                source_images=headers,
                pixel_array=planes.astype(np.uint16),
                segmentation_type=kind.upper(),
                segment_descriptions=segment_descriptions(rows, kind == "binary"),
                series_instance_uid=generate_uid(None),
                series_number=SERIES_NUMBER,
                sop_instance_uid=generate_uid(None),
                instance_number=1,
                manufacturer=MAKER,
                manufacturer_model_name=MAKER,
                software_versions=software_version(),
                device_serial_number=SERIAL_NUMBER,
                content_label="SEGMENTATION",
                content_description="Segmentation, research use",
                series_description="Segmentation",
                specific_character_set="ISO_IR 192",
            )
    except damage() as error:
        raise WriteError(
            f"'{path.name}' cannot be written: the headers of the images lack what a DICOM segmentation refers "
            "to (frame of reference, positions, identifiers); save as .nii.gz instead."
        ) from error


def _opened(path: Path) -> "Segmentation":
    import highdicom

    with damage_told(f"'{path.name}' is not a readable DICOM segmentation; choose another file."):
        return highdicom.seg.segread(path)  # lazily, frames that end within a byte come out wrong (0.28.2)


def _rows(segmentation: "Segmentation") -> dict[int, Label]:
    """The label of each segment number; background is none."""
    background = segmentation.get("PixelPaddingValue", 0) if _is_labelmap(segmentation) else 0
    return {
        int(item.SegmentNumber): label_of(item)
        for item in segmentation.SegmentSequence
        if int(item.SegmentNumber) not in (0, background)
    }


def _is_labelmap(segmentation: "Segmentation") -> bool:
    return str(segmentation.get("SegmentationType", "")) == "LABELMAP"


def _numbers(
    segmentation: "Segmentation", frame: int, pixels: npt.NDArray[np.generic], rows: dict[int, Label]
) -> npt.NDArray[np.uint16]:
    """A frame's label numbers (rows, columns)."""
    if _is_labelmap(segmentation):
        numbers = pixels.astype(np.uint16)
        background = segmentation.get("PixelPaddingValue", 0)
        if background:
            numbers[numbers == background] = 0
        return numbers
    number = _segment_number(segmentation, frame)
    value = rows[number].value if number in rows else number
    half = float(segmentation.get("MaximumFractionalValue", 1)) / 2
    return np.where(pixels.astype(np.float32) >= half, value, 0).astype(np.uint16)


def _segment_number(segmentation: "Segmentation", frame: int) -> int:
    groups = [
        *segmentation.PerFrameFunctionalGroupsSequence[frame - 1 : frame],
        *segmentation.SharedFunctionalGroupsSequence[:1],
    ]
    for group in groups:
        for item in group.get("SegmentIdentificationSequence", ()):
            return int(item.ReferencedSegmentNumber)
    raise ReadError(f"Frame {frame} of a DICOM segmentation does not say which segment it shows.")
