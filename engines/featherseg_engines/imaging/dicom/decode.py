"""Stored pixels of a DICOM instance, frame by frame, whatever the transfer syntax; nothing is allocated on trust.

Decoders are tried in a fixed order, those that only do one thing first. JPEG with 12 bits a sample is given to
GDCM as a whole file, which can do it although pydicom's way into GDCM refuses it.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import MissingPackageError, ReadError
from featherseg_engines.imaging.dicom.codestream import coded_size
from featherseg_engines.imaging.dicom.header import read_dataset, text, whole
from featherseg_engines.imaging.quiet import damage, quiet_native, quiet_python

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Pixels = npt.NDArray[np.generic]

MAX_FRAME_PIXELS = 200_000_000
MAX_TOTAL_BYTES = 1 << 36
MAX_RATIO = 2000
"""A compressed file may claim this many times its own size; sparse segmentations reach some hundreds."""
SMALL_ENOUGH = 1 << 26
"""Claims below this many bytes are believed without looking at the ratio."""

DECODERS = {
    "1.2.840.10008.1.2.4.50": ("pillow", "gdcm"),
    "1.2.840.10008.1.2.4.51": ("pillow", "gdcm"),
    "1.2.840.10008.1.2.4.57": ("gdcm",),
    "1.2.840.10008.1.2.4.70": ("gdcm",),
    "1.2.840.10008.1.2.4.80": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.81": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "pillow", "gdcm"),
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "pillow", "gdcm"),
    "1.2.840.10008.1.2.4.201": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.202": ("pylibjpeg",),
    "1.2.840.10008.1.2.4.203": ("pylibjpeg",),
}
"""Which of pydicom's plugins for which transfer syntax, the first that succeeds."""
WHOLE_FILE = ("1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
"""JPEG with 12 bits and its retired kin: through GDCM's own reader."""
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
FLOATS = {"FloatPixelData": "<f4", "DoubleFloatPixelData": "<f8"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What the header says of the pixels."""

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    bits: int
    high: int
    signed: bool
    photometric: str
    syntax: str
    floats: str

    @property
    def frame_bytes(self) -> int:
        """Size of one frame when decoded."""
        return self.rows * self.columns * self.samples * max(1, self.allocated // 8)


def stored_as(dataset: "Dataset", path: Path) -> Stored:
    """What the header says of the pixels, checked against the file's size.

    Raises
    ------
    ReadError
        It has no pixels, contradicts itself, or claims more than the file can hold.
    """
    floats = next((name for name in FLOATS if name in dataset), "")
    if not floats and "PixelData" not in dataset:
        raise ReadError(f"'{path.name}' holds no image (it may be a report, a plan or a directory).")
    allocated = whole(dataset, "BitsAllocated", 0)
    bits = whole(dataset, "BitsStored", allocated)
    meta = getattr(dataset, "file_meta", None)
    stored = Stored(
        rows=whole(dataset, "Rows", 0),
        columns=whole(dataset, "Columns", 0),
        frames=max(1, whole(dataset, "NumberOfFrames", 1)),
        samples=whole(dataset, "SamplesPerPixel", 1),
        allocated=allocated,
        bits=bits,
        high=whole(dataset, "HighBit", bits - 1),
        signed=whole(dataset, "PixelRepresentation", 0) == 1,
        photometric=text(dataset, "PhotometricInterpretation") or "MONOCHROME2",
        syntax="" if meta is None else text(meta, "TransferSyntaxUID"),
        floats=floats,
    )
    _check(stored, dataset, path)
    return stored


def frames(dataset: "Dataset", path: Path, stored: Stored) -> Iterator[Pixels]:
    """Each frame (y, x[, 3]) as stored, colours as RGB; palettes are not applied.

    Raises
    ------
    ReadError
        The pixels are damaged or in a form that no decoder here reads.
    """
    try:
        with quiet_python():
            for frame in _frames(dataset, path, stored):
                yield _aligned(frame, stored)
    except ReadError:
        raise
    except damage() as error:
        raise _refusal(dataset, path, stored) from error


def _refusal(dataset: "Dataset", path: Path, stored: Stored) -> Exception:
    from pydicom.uid import UID

    known = UID(stored.syntax).name if stored.syntax else "unknown"
    if stored.syntax in DECODERS and not _installed(stored.syntax):
        return MissingPackageError(
            f"'{path.name}' is compressed as {known}, and no decoder for that is installed; reinstall featherseg."
        )
    return ReadError(f"The pixels of '{path.name}' ({known}) are damaged or of a kind that is not read.")


def _installed(syntax: str) -> tuple[str, ...]:
    from pydicom.pixels.decoders.base import get_decoder

    available = get_decoder(syntax).available_plugins
    return tuple(name for name in DECODERS[syntax] if name in available)


def _check(stored: Stored, dataset: "Dataset", path: Path) -> None:
    sides = f"{stored.columns} x {stored.rows}"
    if stored.rows < 1 or stored.columns < 1:
        raise ReadError(f"'{path.name}' does not say how many rows and columns its image has.")
    if stored.samples not in (1, 3):
        raise ReadError(f"'{path.name}' has {stored.samples} channels; 1 and 3 are read.")
    if stored.allocated not in (1, 8, 16, 32, 64) or not 1 <= stored.bits <= stored.allocated:
        raise ReadError(
            f"'{path.name}' says {stored.bits} of {stored.allocated} bits are used, which cannot be."
        )
    claim = stored.frame_bytes * stored.frames
    if stored.rows * stored.columns > MAX_FRAME_PIXELS or claim > MAX_TOTAL_BYTES:
        raise ReadError(f"'{path.name}' claims {stored.frames} images of {sides} pixels, more than is read.")
    there = _there(dataset, stored)
    if not _encapsulated(stored):
        need = (stored.rows * stored.columns * stored.samples * stored.allocated * stored.frames + 7) // 8
        if stored.photometric == "YBR_FULL_422":
            need = need * 2 // 3
        if there < need:
            raise ReadError(f"'{path.name}' is cut off: {there} bytes of pixels, and {need} are needed.")
    elif claim > max(SMALL_ENOUGH, there * MAX_RATIO):
        raise ReadError(f"'{path.name}' claims {claim >> 20} MB of pixels in {there} bytes and is refused.")


def _there(dataset: "Dataset", stored: Stored) -> int:
    try:
        return len(dataset[stored.floats or "PixelData"].value or b"")
    except damage():
        return 0


def _encapsulated(stored: Stored) -> bool:
    from pydicom.uid import UID

    if stored.syntax == DEFLATED_FRAMES:
        return True
    uid = UID(stored.syntax)
    return bool(stored.syntax) and uid.is_transfer_syntax and uid.is_encapsulated


def _frames(dataset: "Dataset", path: Path, stored: Stored) -> Iterator[Pixels]:
    if stored.floats:
        flat = np.frombuffer(dataset[stored.floats].value, FLOATS[stored.floats])
        size = stored.rows * stored.columns * stored.samples
        for i in range(stored.frames):
            yield flat[i * size : (i + 1) * size].reshape(stored.rows, stored.columns)
    elif stored.syntax == DEFLATED_FRAMES:
        yield from _inflated(dataset, stored)
    elif _encapsulated(stored):
        yield from _decoded(dataset, path, stored)
    else:
        yield from _native(dataset, stored)


def _native(dataset: "Dataset", stored: Stored) -> Iterator[Pixels]:
    from pydicom.pixels.utils import iter_pixels

    _complete(dataset, stored)
    yield from iter_pixels(dataset, raw=False, correct_unused_bits=False)


def _complete(dataset: "Dataset", stored: Stored) -> None:
    """Elements that pydicom insists on and some writers leave out."""
    dataset.BitsStored, dataset.PhotometricInterpretation = stored.bits, stored.photometric
    dataset.SamplesPerPixel = stored.samples
    if "PixelRepresentation" not in dataset:
        dataset.PixelRepresentation = int(stored.signed)
    if stored.samples > 1 and "PlanarConfiguration" not in dataset:
        dataset.PlanarConfiguration = 0
    if not stored.syntax:
        from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

        implicit = bool(dataset.original_encoding[0])
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _decoded(dataset: "Dataset", path: Path, stored: Stored) -> Iterator[Pixels]:
    from pydicom.pixels.utils import iter_pixels

    _check_codestreams(dataset, path, stored)
    _complete(dataset, stored)
    for name in _installed(stored.syntax) if stored.syntax in DECODERS else ("",):
        try:
            ready = iter_pixels(dataset, raw=False, decoding_plugin=name, correct_unused_bits=False)
            frame = _next(ready)
        except damage():
            continue
        done = 0
        while frame is not None:
            yield frame
            done += 1
            frame = _next(ready)
        if not done:
            continue
        if done != stored.frames:
            raise ReadError(f"'{path.name}' holds {done} frames and its header says {stored.frames}.")
        return
    if stored.syntax not in WHOLE_FILE:
        raise ValueError("no decoder could read it")
    yield from _through_gdcm(path, stored)


def _next(ready: Iterator[Pixels]) -> Pixels | None:
    with quiet_native():
        return next(ready, None)


def _check_codestreams(dataset: "Dataset", path: Path, stored: Stored) -> None:
    from pydicom.encaps import generate_fragments

    for fragment in generate_fragments(dataset.PixelData):
        size = coded_size(fragment)
        if size is not None and size != (stored.rows, stored.columns):
            raise ReadError(
                f"In '{path.name}' a compressed frame has {size[1]} x {size[0]} pixels and the header says "
                f"{stored.columns} x {stored.rows}."
            )


def _inflated(dataset: "Dataset", stored: Stored) -> Iterator[Pixels]:
    """Frames that are deflated each for itself (PS3.5 A.4.13)."""
    from pydicom.encaps import generate_frames

    bits = stored.rows * stored.columns * stored.samples * stored.allocated
    for packed in generate_frames(dataset.PixelData, number_of_frames=stored.frames):
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        raw = engine.decompress(packed, (bits + 7) // 8 + 1)[: (bits + 7) // 8]
        if stored.allocated == 1:
            flat: Pixels = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[:bits]
        else:
            flat = np.frombuffer(raw, _type(stored))
        yield flat.reshape((stored.rows, stored.columns, 3)[: 2 if stored.samples == 1 else 3])


def _through_gdcm(path: Path, stored: Stored) -> Iterator[Pixels]:
    import gdcm

    with quiet_native():
        reader: Any = gdcm.ImageReader()
        reader.SetFileName(str(path))
        buffer = reader.GetImage().GetBuffer() if reader.Read() else None
    if buffer is None:
        raise ValueError("GDCM cannot read it")
    raw = buffer.encode("utf-8", "surrogateescape")
    flat = np.frombuffer(raw, _type(stored))
    each = (stored.rows, stored.columns, stored.samples)[: 2 if stored.samples == 1 else 3]
    yield from flat.reshape(stored.frames, *each)


def _type(stored: Stored) -> np.dtype[Any]:
    return np.dtype(f"<{'i' if stored.signed else 'u'}{max(1, stored.allocated // 8)}")


def _aligned(frame: Pixels, stored: Stored) -> Pixels:
    """Values from the bits that are used; what lies in the others (old overlays) is dropped."""
    if not np.issubdtype(frame.dtype, np.integer) or stored.samples > 1 or stored.allocated == 1:
        return frame
    frame = frame.astype(frame.dtype.newbyteorder("="), copy=False)
    size = frame.dtype.itemsize * 8
    low = stored.high + 1 - stored.bits
    if size != stored.allocated or (stored.bits == size and low == 0) or low < 0 or stored.high >= size:
        return frame
    left = size - 1 - stored.high
    return np.right_shift(np.left_shift(frame, left), left + low)


def load(path: Path) -> tuple["Dataset", Stored]:
    """A file's whole data set and what it says of its pixels.

    Raises
    ------
    ReadError
        As :func:`read_dataset` and :func:`stored_as`.
    """
    dataset = read_dataset(path)
    with quiet_python():
        return dataset, stored_as(dataset, path)
