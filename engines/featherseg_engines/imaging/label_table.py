"""Names, colours and codes of labels beside a mask: a JSON file, or the header fields 3D Slicer uses in NRRD."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.endings import stem_of, suffix_of
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.labels import (
    ANATOMICAL_STRUCTURE,
    OKABE_ITO,
    TISSUE,
    Code,
    Label,
    LabelTable,
    changed_box,
)

SUFFIX = ".labels.json"
MAX_BYTES = 10_000_000
"""A label table larger than this is none."""


def path_beside(mask: Path) -> Path:
    """``liver.labels.json`` for ``liver.nii.gz``."""
    return mask.with_name(stem_of(mask) + SUFFIX)


def write_labels_beside(mask: Path, table: LabelTable) -> Path:
    """Write the table next to the mask and say where.

    Raises
    ------
    WriteError
        The folder is read-only or full.
    """
    path = path_beside(mask)
    text = json.dumps(table_to_json(table), indent=1, ensure_ascii=False)

    def same(written: Path) -> bool:
        return written.read_text("utf-8") == text

    write_verified(path, lambda p: _write_text(p, text), same)
    return path


def read_labels_beside(mask: Path) -> LabelTable | None:
    """The table that travels with a mask: the JSON file beside it, else the fields in its NRRD header, else None.

    Raises
    ------
    ReadError
        There is a table and it is damaged.
    """
    path = path_beside(mask)
    if path.is_file():
        return read_table(path)
    if suffix_of(mask) in (".nrrd", ".nhdr") and mask.is_file():
        return _from_nrrd(mask)
    return None


def read_table(path: Path) -> LabelTable:
    """A label table from a JSON file.

    Raises
    ------
    ReadError
        The file is missing, too large, or holds something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        return table_from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReadError(f"'{path.name}' is not a readable label table; mend or remove it.") from error


def table_to_json(table: LabelTable) -> dict[str, object]:
    """As plain values, for JSON."""
    rows = [
        {
            "value": row.value,
            "name": row.name,
            "colour": row.colour,
            "code": {"value": row.code.value, "scheme": row.code.scheme, "meaning": row.code.meaning},
            "category": {
                "value": row.category.value,
                "scheme": row.category.scheme,
                "meaning": row.category.meaning,
            },
        }
        for row in table
    ]
    return {"format": "featherseg labels", "version": 1, "labels": rows}


def table_from_json(data: Mapping[str, object]) -> LabelTable:
    """From plain values; raises ValueError, KeyError or TypeError where they are no table."""
    rows = data["labels"]
    if not isinstance(rows, list):
        raise TypeError("labels must be a list")
    table = LabelTable()
    for row in rows:
        value, colour = row["value"], str(row.get("colour", ""))
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
            raise ValueError("label numbers are whole and from 1 to 65535")
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            colour = OKABE_ITO[(value - 1) % len(OKABE_ITO)]
        code, category = (
            _code(row.get("code"), TISSUE),
            _code(row.get("category"), ANATOMICAL_STRUCTURE),
        )
        name = str(row.get("name") or f"Label {value}")
        table.put(Label(value, name, colour.lower(), code=code, category=category))
    return table


def nrrd_fields(table: LabelTable, labels: npt.NDArray[np.generic]) -> dict[str, str]:
    """Header fields by which 3D Slicer names the segments of labels (z, y, x) in NRRD.

    Source: 3D Slicer's documentation, "Segmentation file format (.seg.nrrd)".
    """
    fields = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for place, row in enumerate(table):
        box = changed_box(labels == row.value)
        extent = " ".join(
            f"{a} {b - 1}" for a, b in zip(box.start[::-1], box.stop[::-1], strict=True)
        )  # x, y, z; "0 -1" is Slicer's empty
        rgb = (int(row.colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        entry = (
            f"TerminologyEntry:Featherseg~{_triple(row.category)}~{_triple(row.code)}~^^~Featherseg~^^~^^|"
        )
        start = f"Segment{place}_"
        fields |= {
            start + "ID": f"Segment_{row.value}",
            start + "Name": _one_line(row.name),
            start + "Color": " ".join(f"{c:.6f}" for c in rgb),
            start + "LabelValue": str(row.value),
            start + "Layer": "0",
            start + "Extent": extent,
            start + "Tags": entry,
        }
    return fields


def table_from_nrrd_fields(fields: Mapping[str, str]) -> LabelTable | None:
    """The table that such fields hold; None where there is none."""
    table = LabelTable()
    for key, text in fields.items():
        found = re.fullmatch(r"Segment(\d+)_LabelValue", key)
        if found is None or not re.fullmatch(r"\d{1,5}", text.strip()) or not 0 < int(text) < 65536:
            continue
        start, value = f"Segment{found[1]}_", int(text)
        category, code = _codes_of(fields.get(start + "Tags", ""))
        colour = _colour_of(fields.get(start + "Color", "")) or OKABE_ITO[(value - 1) % len(OKABE_ITO)]
        name = fields.get(start + "Name", "").strip() or f"Label {value}"
        table.put(Label(value, name, colour, code=code, category=category))
    return table if table.rows else None


def _from_nrrd(path: Path) -> LabelTable | None:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ReadError(f"'{path.name}' is damaged or is not an NRRD image; choose another file.") from error
    return table_from_nrrd_fields({key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()})


def _code(data: object, default: Code) -> Code:
    if not isinstance(data, dict) or not data.get("value") or not data.get("scheme"):
        return default
    return Code(str(data["value"]), str(data["scheme"]), str(data.get("meaning", "")))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _triple(code: Code) -> str:
    return "^".join(re.sub(r"[~^|]", " ", _one_line(t)) for t in (code.scheme, code.value, code.meaning))


def _codes_of(tags: str) -> tuple[Code, Code]:
    """Category and code from a segment's tags; the general ones where it has none."""
    found = re.search(r"TerminologyEntry:[^~|]*~([^~|]*)~([^~|]*)", tags)
    codes = []
    for text, default in zip(
        found.groups() if found else ("", ""), (ANATOMICAL_STRUCTURE, TISSUE), strict=True
    ):
        parts = text.split("^")
        complete = len(parts) == 3 and parts[0] and parts[1]
        codes.append(Code(parts[1], parts[0], parts[2]) if complete else default)
    return codes[0], codes[1]


def _colour_of(text: str) -> str | None:
    try:
        parts = [min(255, max(0, round(float(t) * 255))) for t in text.split()]
    except (ValueError, OverflowError):
        return None
    return "#{:02x}{:02x}{:02x}".format(*parts) if len(parts) == 3 else None


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
