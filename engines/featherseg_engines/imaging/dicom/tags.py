"""The header of a DICOM file as rows for a table: tag, name, kind, value, long ones cut short."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from featherseg_engines.imaging.dicom.headers import damage_told, read_header
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.quiet import damage

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

MAX_CHARACTERS = 200
MAX_ITEMS = 5
"""Items of a sequence that are listed; an enhanced image has one for each of its thousand frames."""
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class TagRow:
    """A line of the header; ``depth`` is how many sequences it lies within."""

    tag: str
    name: str
    vr: str
    value: str
    depth: int = 0


def header_rows(where: Path | DicomSource, slice_index: int = 0) -> list[TagRow]:
    """All elements before the pixels of a file, or of the file behind a slice of a volume.

    Patients' names are among them: for the screen only, never for a log.

    Raises
    ------
    ReadError
        The file is missing or not DICOM.
    """
    path = where if isinstance(where, Path) else where.paths[slice_index]
    header = read_header(path)
    meta = getattr(header, "file_meta", None)
    with damage_told(f"The header of '{path.name}' is damaged and cannot be shown."):
        return [*(_rows(meta, 0) if meta is not None else ()), *_rows(header, 0)]


def _rows(dataset: "Dataset", depth: int) -> Iterator[TagRow]:
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
        except damage():
            yield TagRow(_written(tag), "?", "??", "cannot be read", depth)
            continue
        yield TagRow(_written(tag), element.name, str(element.VR), _text(element), depth)
        if element.VR == "SQ" and depth < MAX_DEPTH:
            items = list(element.value or ())
            for number, item in enumerate(items[:MAX_ITEMS], start=1):
                yield TagRow("", f"item {number} of {len(items)}", "", "", depth + 1)
                yield from _rows(item, depth + 1)


def _written(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _text(element: "DataElement") -> str:
    value = element.value
    if element.VR == "SQ":
        return f"{len(value or ())} items"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if element.VM > 1 and element.VM * 2 > MAX_CHARACTERS:
        value = [*value[: MAX_CHARACTERS // 4], f"… {element.VM} values"]
    several = isinstance(value, list) or element.VM > 1
    text = "" if value is None else " \\ ".join(str(v) for v in value) if several else str(value)
    text = " ".join(text.split())
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
