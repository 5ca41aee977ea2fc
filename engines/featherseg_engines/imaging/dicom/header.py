"""The part of a DICOM header that says what an instance is and where it lies, read without its pixels."""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Triple
from featherseg_engines.imaging.quiet import damage, quiet_python

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TAGS = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "SeriesDescription",
    "ProtocolName",
    "SeriesNumber",
    "InstanceNumber",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "SpacingBetweenSlices",
    "SliceThickness",
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "EchoNumbers",
    "DiffusionBValue",
    "TriggerTime",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "GridFrameOffsetVector",
    "SequenceOfUltrasoundRegions",
)
ORDER = ("TemporalPositionIdentifier", "AcquisitionNumber", "EchoNumbers", "DiffusionBValue", "TriggerTime")
DEFLATED = "1.2.840.10008.1.2.1.99"
DICOMDIR = "1.2.840.10008.1.3.10"
MAX_INFLATED = 1 << 29
"""A deflated file may unfold to this many bytes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a plane lies, as far as the header says; lengths in mm, positions in LPS.

    ``spacing`` is (between rows, between columns); ``orientation`` the directions along a row and a column;
    ``between`` the header's own word on the distance of slices (never trusted where positions speak).
    """

    position: Triple | None = None
    orientation: tuple[Triple, Triple] | None = None
    spacing: tuple[float, float] | None = None
    between: float | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One DICOM file that holds an image.

    ``order`` tells images at one place apart (time, acquisition, echo, …, instance number).
    """

    path: Path
    uid: str
    sop_class: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    modality: str
    description: str
    series_number: int
    number: int
    rows: int
    columns: int
    samples: int
    frames: int
    place: Place
    order: tuple[float, ...]


def read_dataset(path: Path, tags: tuple[str, ...] | None = None) -> "Dataset":
    """The data set of a file; with ``tags``, only those and without pixels.

    Raises
    ------
    ReadError
        The file is not DICOM or damaged.
    """
    import pydicom

    _check_inflation(path)
    try:
        with quiet_python():
            return pydicom.dcmread(
                path,
                force=True,
                stop_before_pixels=tags is not None,
                specific_tags=list(tags) if tags else None,
            )
    except damage() as error:
        raise ReadError(f"'{path.name}' is damaged or is not a DICOM file; choose another file.") from error


def read_instance(path: Path) -> Instance | None:
    """What kind of image a file holds, or None where it is DICOM without an image (a report, a directory).

    Raises
    ------
    ReadError
        The file is not DICOM or damaged.
    """
    dataset = read_dataset(path, TAGS)
    with quiet_python():
        rows, columns = whole(dataset, "Rows", 0), whole(dataset, "Columns", 0)
        if not text(dataset, "SOPClassUID") and not (rows and columns):
            raise ReadError(f"'{path.name}' is damaged or is not a DICOM file; choose another file.")
        if rows < 1 or columns < 1:
            return None
        number = whole(dataset, "InstanceNumber", 0)
        return Instance(
            path=path,
            uid=text(dataset, "SOPInstanceUID"),
            sop_class=text(dataset, "SOPClassUID"),
            series_uid=text(dataset, "SeriesInstanceUID"),
            study_uid=text(dataset, "StudyInstanceUID"),
            frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
            modality=text(dataset, "Modality") or _modality_of(text(dataset, "SOPClassUID")),
            description=text(dataset, "SeriesDescription") or text(dataset, "ProtocolName"),
            series_number=whole(dataset, "SeriesNumber", 0),
            number=number,
            rows=rows,
            columns=columns,
            samples=whole(dataset, "SamplesPerPixel", 1),
            frames=max(1, whole(dataset, "NumberOfFrames", 1)),
            place=_place(dataset),
            order=(*(number_of(dataset, name) for name in ORDER), float(number)),
        )


def text(dataset: "Dataset", name: str) -> str:
    """An element as one line of text, "" where it is missing or unreadable."""
    try:
        found = dataset.get(name)
    except damage():
        return ""
    return " ".join(str(found).split()) if found is not None else ""


def whole(dataset: "Dataset", name: str, default: int) -> int:
    """An element as a whole number; the first where there are several."""
    found = numbers(dataset, name)
    return int(found[0]) if found else default


def number_of(dataset: "Dataset", name: str) -> float:
    """An element as a number, 0 where it is missing."""
    found = numbers(dataset, name)
    return found[0] if found else 0.0


def numbers(dataset: "Dataset", name: str, count: int = 0) -> tuple[float, ...] | None:
    """An element as finite numbers (exactly ``count`` where that is given), None where it has no such."""
    try:
        found: Any = dataset.get(name)
        if found is None or found == "":
            return None
        many = [found] if isinstance(found, str | int | float) else list(found)
        values = tuple(float(v) for v in many)
    except damage():
        return None
    fits = bool(values) and (not count or len(values) == count) and all(math.isfinite(v) for v in values)
    return values if fits else None


def place_of(dataset: "Dataset", fallback: Place) -> Place:
    """What this data set (a header or a functional group) says of a place; ``fallback`` for the rest."""
    position = numbers(dataset, "ImagePositionPatient", 3)
    return Place(
        position=(position[0], position[1], position[2]) if position else fallback.position,
        orientation=_orientation(numbers(dataset, "ImageOrientationPatient", 6)) or fallback.orientation,
        spacing=_spacing(dataset) or fallback.spacing,
        between=_positive(dataset, "SpacingBetweenSlices")
        or fallback.between
        or _positive(dataset, "SliceThickness"),
    )


def group(dataset: "Dataset", sequence: str) -> "Dataset | None":
    """The first item of a sequence, or None."""
    try:
        items = dataset.get(sequence)
        return items[0] if items else None
    except damage():
        return None


def shared_place(functional: "Dataset", fallback: Place) -> Place:
    """What a functional group (PS3.3 C.7.6.16) says of a place."""
    place = fallback
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence"):
        item = group(functional, name)
        place = place if item is None else place_of(item, place)
    return place


def _place(dataset: "Dataset") -> Place:
    place = place_of(dataset, Place())
    shared = group(dataset, "SharedFunctionalGroupsSequence")
    return place if shared is None else shared_place(shared, place)


def _positive(dataset: "Dataset", name: str) -> float | None:
    found = numbers(dataset, name, 1)
    return found[0] if found and found[0] > 0 else None


def _spacing(dataset: "Dataset") -> tuple[float, float] | None:
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = numbers(dataset, name, 2)
        if found and min(found) > 0:
            return found[0], found[1]
    return _ultrasound_spacing(dataset)


def _ultrasound_spacing(dataset: "Dataset") -> tuple[float, float] | None:
    """The one two-dimensional region's spacing (PS3.3 C.8.5.5), where it is in centimetres."""
    try:
        regions = list(dataset.get("SequenceOfUltrasoundRegions") or ())
    except damage():
        return None
    if len(regions) != 1 or whole(regions[0], "RegionSpatialFormat", 0) != 1:
        return None
    region = regions[0]
    if {whole(region, f"PhysicalUnits{axis}Direction", 0) for axis in "XY"} != {3}:
        return None
    across, down = (abs(number_of(region, f"PhysicalDelta{axis}")) * 10.0 for axis in "XY")
    return (down, across) if across > 0 and down > 0 else None


def _orientation(values: tuple[float, ...] | None) -> tuple[Triple, Triple] | None:
    """Two unit vectors at a right angle, or None where the header's are not nearly so."""
    if values is None:
        return None
    row, column = values[:3], values[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    if not all(0.9 < length < 1.1 for length in lengths):
        return None
    row, column = tuple(v / lengths[0] for v in row), tuple(v / lengths[1] for v in column)
    lean = sum(a * b for a, b in zip(row, column, strict=True))
    if abs(lean) > 0.02:
        return None
    straight = [c - lean * r for r, c in zip(row, column, strict=True)]
    size = math.hypot(*straight)
    return (row[0], row[1], row[2]), (straight[0] / size, straight[1] / size, straight[2] / size)


def _modality_of(sop_class: str) -> str:
    return {"1.2.840.10008.5.1.4.1.1.2": "CT", "1.2.840.10008.5.1.4.1.1.4": "MR"}.get(sop_class, "")


def _check_inflation(path: Path) -> None:
    """Refuse a deflated file that unfolds beyond measure, before anything unfolds it."""
    try:
        with path.open("rb") as file:
            if DEFLATED.encode() not in file.read(4096):
                return
        data = path.read_bytes()
    except OSError:
        return  # the reader says so
    at = _end_of_meta(data)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    total, rest = 0, data[at:]
    while rest and not engine.eof:
        try:
            total += len(engine.decompress(rest, 1 << 24))
        except zlib.error:
            return  # damaged: the reader says so
        rest = engine.unconsumed_tail
        if total > MAX_INFLATED:
            raise ReadError(f"'{path.name}' unfolds to more than {MAX_INFLATED >> 20} MB and is refused.")


def _end_of_meta(data: bytes) -> int:
    """Where the data set begins: after the preamble and the group of meta elements of the length it says."""
    at = data.find(b"\x02\x00\x00\x00UL\x04\x00")
    return at + 12 + int.from_bytes(data[at + 8 : at + 12], "little") if at >= 0 else len(data)
