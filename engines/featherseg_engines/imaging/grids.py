"""NRRD and MetaImage volumes: the header is checked here before SimpleITK is given the file."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.endings import stem_of, suffix_of
from featherseg_engines.imaging.limits import check_claim
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.quiet import quiet_native
from featherseg_engines.imaging.volume import Volume

HEADER_BYTES = 1 << 16
BYTES = {
    "signed char": 1, "int8": 1, "int8_t": 1, "uchar": 1, "unsigned char": 1, "uint8": 1, "uint8_t": 1,
    "short": 2, "short int": 2, "signed short": 2, "signed short int": 2, "int16": 2, "int16_t": 2,
    "ushort": 2, "unsigned short": 2, "unsigned short int": 2, "uint16": 2, "uint16_t": 2,
    "int": 4, "signed int": 4, "int32": 4, "int32_t": 4, "uint": 4, "unsigned int": 4, "uint32": 4,
    "uint32_t": 4, "longlong": 8, "long long": 8, "long long int": 8, "signed long long": 8, "int64": 8,
    "int64_t": 8, "ulonglong": 8, "unsigned long long": 8, "uint64": 8, "uint64_t": 8, "float": 4, "double": 8,
    "met_char": 1, "met_uchar": 1, "met_short": 2, "met_ushort": 2, "met_int": 4, "met_uint": 4,
    "met_long": 4, "met_ulong": 4, "met_long_long": 8, "met_ulong_long": 8, "met_float": 4, "met_double": 8,
}  # fmt: skip
"""Bytes a value, by the names in the NRRD definition and in MetaIO."""


def read_grid(path: Path, reading: Reading = UNHEARD) -> Volume:
    """A volume of an NRRD or MetaImage file.

    Raises
    ------
    ReadError
        The header contradicts itself or the file's size, or the volume is of a kind that is not read.
    Cancelled
        The person asked to stop.
    """
    import SimpleITK as sitk

    check = _check_nrrd if suffix_of(path) in (".nrrd", ".nhdr") else _check_meta
    check(path, _fields(path))
    reading.step(0, 1)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    with quiet_native():
        image: Any = sitk.ReadImage(str(path))
    reading.step(1, 1)
    return _volume(path, image)


def _volume(path: Path, image: Any) -> Volume:
    import SimpleITK as sitk

    warnings: tuple[str, ...] = ()
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() == 4:
        count = image.GetSize()[3]
        warnings = (f"'{path.name}' holds {count} volumes; number 1 is shown.",) if count > 1 else ()
        image = image[:, :, :, 0]
    if image.GetDimension() != 3:
        raise ReadError(f"'{path.name}' has {image.GetDimension()} dimensions; 2 to 4 are read.")
    channels = image.GetNumberOfComponentsPerPixel()
    if channels not in (1, 3, 4):
        raise ReadError(f"'{path.name}' has {channels} channels; 1, 3 and 4 are read.")
    voxels = sitk.GetArrayFromImage(image)[..., :3] if channels > 1 else sitk.GetArrayFromImage(image)
    if np.iscomplexobj(voxels):
        raise ReadError(f"'{path.name}' holds complex numbers, which are no intensities.")
    if not np.isfinite([*image.GetOrigin(), *image.GetDirection()]).all():
        raise ReadError(f"'{path.name}' says its place is not a number; the file is damaged.")
    geometry = Geometry(voxels.shape[:3], image.GetSpacing()[::-1], image.GetOrigin(), image.GetDirection())
    voxels = np.ascontiguousarray(voxels)
    voxels.setflags(write=False)
    return Volume(voxels, geometry, "", stem_of(path), path, warnings=warnings)


def _fields(path: Path) -> dict[str, str]:
    """The ``name: value`` and ``name = value`` lines of a text header, names in lower case."""
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    found = {}
    for line in start.split(b"\n"):
        line = line.strip()
        if not line and suffix_of(path) in (".nrrd", ".nhdr"):
            break
        match = re.match(rb"([A-Za-z][\w ]*?)\s*(?::=|:|=)\s*(.*)$", line)
        if match and len(line) < 4096:
            name = match[1].decode("ascii", "replace").lower()
            found[name] = match[2].decode("utf-8", "replace").strip()
            if name == "elementdatafile":
                break
    return found


def _sizes(path: Path, text: str, axes: str) -> list[int]:
    try:
        sizes, count = [int(word) for word in text.split()], int(axes)
    except ValueError:
        sizes, count = [], -1
    if not 1 <= len(sizes) <= 16 or len(sizes) != count or min(sizes) < 1:
        raise ReadError(f"'{path.name}' says its size is '{text[:60]}', which is no image.")
    return sizes


def _bytes(path: Path, name: str) -> int:
    try:
        return BYTES[name.lower()]
    except KeyError:
        raise ReadError(f"'{path.name}' holds values of the type '{name[:40]}', which is not read.") from None


def _check_nrrd(path: Path, fields: dict[str, str]) -> None:
    with path.open("rb") as file:
        if file.read(4) != b"NRRD":
            raise ReadError(f"'{path.name}' is damaged or is not an NRRD image; choose another file.")
    sizes = _sizes(path, fields.get("sizes", ""), fields.get("dimension", ""))
    claimed = _bytes(path, fields.get("type", ""))
    for n in sizes:
        claimed *= n
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz", "ascii", "txt", "text", "hex", "bzip2", "bz2"):
        raise ReadError(f"'{path.name}' is packed as '{encoding[:40]}', which is not read.")
    beside = fields.get("data file", fields.get("datafile", ""))
    if encoding in ("bzip2", "bz2"):
        raise ReadError(f"'{path.name}' is packed with bzip2, which is not read; save it with gzip.")
    there = sum(_size_beside(path, name) for name in beside.split()[:1]) if beside else _after_header(path)
    if beside.upper().startswith("LIST") or "%" in beside:
        raise ReadError(f"'{path.name}' spreads its voxels over several files, which is not read.")
    # a value in text is at least one character and one space
    check_claim(
        path, claimed if encoding in ("raw", "gzip", "gz") else claimed // 8, there, encoding[:2] == "gz"
    )


def _check_meta(path: Path, fields: dict[str, str]) -> None:
    if "ndims" not in fields or "elementdatafile" not in fields:
        raise ReadError(f"'{path.name}' is damaged or is not a MetaImage; choose another file.")
    sizes = _sizes(path, fields.get("dimsize", ""), fields["ndims"])
    claimed = _bytes(path, fields.get("elementtype", ""))
    for n in (*sizes, *_sizes(path, fields.get("elementnumberofchannels", "1"), "1")):
        claimed *= n
    beside = fields["elementdatafile"]
    if beside.upper().startswith("LIST") or "%" in beside:
        raise ReadError(f"'{path.name}' spreads its voxels over several files, which is not read.")
    there = path.stat().st_size if beside.upper() == "LOCAL" else _size_beside(path, beside)
    check_claim(path, claimed, there, fields.get("compresseddata", "").lower() == "true")


def _after_header(path: Path) -> int:
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    ends = [at + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (at := start.find(mark)) >= 0]
    if not ends:
        raise ReadError(f"'{path.name}' has a header and no voxels after it; choose another file.")
    return path.stat().st_size - min(ends)


def _size_beside(path: Path, name: str) -> int:
    beside = path.parent / name
    if not beside.is_file() or not beside.resolve().is_relative_to(path.parent.resolve()):
        raise ReadError(
            f"The voxels of '{path.name}' should lie beside it in '{Path(name).name}', which is not there."
        )
    return beside.stat().st_size
