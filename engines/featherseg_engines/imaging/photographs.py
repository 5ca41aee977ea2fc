"""PNG, JPEG, BMP and TIFF: photographs of one slice, TIFF stacks with the size of their pixels where they say it."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, ImageSequence

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry, Triple
from featherseg_engines.imaging.endings import stem_of
from featherseg_engines.imaging.limits import MAX_PIXELS
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.quiet import quiet_native
from featherseg_engines.imaging.volume import Volume

Pixels = npt.NDArray[np.generic]

MAX_PAGES = 100_000
MICROMETRES = {"micron": 1.0, "um": 1.0, "µm": 1.0, "\\u00b5m": 1.0, "mm": 1000.0, "cm": 10000.0, "nm": 0.001}
PRINTER_DPI = {72, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 360, 400, 600, 720, 1200, 2400}
"""Resolutions that say how an image is printed, not how large a pixel is in the world."""


def read_photograph(path: Path, reading: Reading = UNHEARD) -> Volume:
    """A photograph as one slice; the pages of a TIFF of one size as slices.

    Raises
    ------
    ReadError
        The image is too large to be held.
    Cancelled
        The person asked to stop.
    """
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        _check_size(path, image.width * image.height)
        if image.format == "TIFF":
            with quiet_native():
                return _tiff(path, image, reading)
        pixels = _pixels(ImageOps.exif_transpose(image))
    geometry = Geometry((1, *pixels.shape[:2]), calibrated=False)
    return Volume(_frozen(pixels[None]), geometry, "photo", stem_of(path), path)


def _check_size(path: Path, pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise ReadError(
            f"'{path.name}' has {pixels // 1_000_000} million pixels, more than "
            f"{MAX_PIXELS // 1_000_000} million; make a smaller copy."
        )


def _pixels(image: Image.Image) -> Pixels:
    if image.mode in ("L", "I;16", "I;16B", "I;16L", "F", "I"):
        pixels = np.asarray(image)
        return pixels.astype(np.uint16) if image.mode.startswith("I;16") else pixels
    if image.mode in ("1", "LA"):
        return np.asarray(image.convert("L") if image.mode == "1" else image.getchannel("L"))
    return np.asarray(image.convert("RGB"))


def _tiff(path: Path, image: Image.Image, reading: Reading) -> Volume:
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    spacing = _spacing(tags)
    deep = max(_many(tags.get(258, 8))) > 8 and int(tags.get(277, 1)) > 1
    voxels, warnings = _deep(path) if deep else _pages(path, image, reading)
    geometry = Geometry(voxels.shape[:3], spacing or (1.0, 1.0, 1.0), calibrated=spacing is not None)
    return Volume(_frozen(voxels), geometry, "photo", stem_of(path), path, warnings=warnings)


def _pages(path: Path, image: Image.Image, reading: Reading) -> tuple[Pixels, tuple[str, ...]]:
    """The pages (z, y, x[, 3]) that are of the first one's size and kind."""
    first = _pixels(ImageOps.exif_transpose(image))
    count = int(getattr(image, "n_frames", 1))
    if count == 1:
        return first[None], ()
    _check_size(path, first.size * min(count, MAX_PAGES) // 16)
    kept, other = [first], 0
    for i, page in enumerate(ImageSequence.Iterator(image)):
        reading.step(i, count)
        if i == 0:
            continue
        if i >= MAX_PAGES or page.size != (first.shape[1], first.shape[0]):
            other += 1
            continue
        pixels = _pixels(page)
        if pixels.shape == first.shape and pixels.dtype == first.dtype:
            kept.append(pixels)
        else:
            other += 1
    told = (f"'{path.name}' holds {other} more pages of another size or kind, not shown.",) if other else ()
    return np.stack(kept), told


def _deep(path: Path) -> tuple[Pixels, tuple[str, ...]]:
    """Colours of more than 8 bits, which Pillow cuts to 8."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page: Any = file.pages[0]
        _check_size(path, int(np.prod(page.shape, dtype=object)) // 3)
        if page.nbytes > path.stat().st_size * 1100:
            raise ReadError(f"'{path.name}' claims more pixels than it can hold.")
        pixels = np.asarray(page.asarray())
        if page.planarconfig == 2:
            pixels = np.moveaxis(pixels, 0, -1)
        more = len(file.pages) - 1
    if pixels.ndim != 3 or pixels.shape[2] < 3:
        raise ReadError(f"'{path.name}' has channels that are no colours; save them as single images.")
    told = (f"'{path.name}' holds {more} more pages, not shown.",) if more else ()
    return pixels[None, ..., :3], told


def _many(value: Any) -> tuple[int, ...]:
    return tuple(int(v) for v in value) if isinstance(value, tuple | list) else (int(value),)


def _spacing(tags: Any) -> Triple | None:
    """(z, y, x) in mm from OME, ImageJ or the resolution tags; None where they only speak of printing."""
    described = str(tags.get(270, ""))
    if "<OME" in described:
        return _ome(described)
    per_unit = [_number(tags.get(key)) for key in (283, 282)]
    if min(per_unit) <= 0:
        return None
    if described.startswith("ImageJ="):
        return _imagej(described, per_unit)
    unit = int(tags.get(296, 2))
    if unit not in (2, 3) or (unit == 2 and all(round(v) in PRINTER_DPI for v in per_unit)):
        return None
    mm = 25.4 if unit == 2 else 10.0
    if unit == 3 and all(round(v * 2.54) in PRINTER_DPI for v in per_unit):
        return None
    return _plausible(1.0, mm / per_unit[0], mm / per_unit[1])


def _imagej(described: str, per_unit: list[float]) -> Triple | None:
    fields = dict(line.split("=", 1) for line in described.splitlines() if "=" in line)
    micrometres = MICROMETRES.get(fields.get("unit", "").strip())
    if micrometres is None:
        return None
    mm = micrometres / 1000.0
    depth = abs(_number(fields.get("spacing"))) * mm
    return _plausible(depth or mm / per_unit[0], mm / per_unit[0], mm / per_unit[1])


def _ome(described: str) -> Triple | None:
    found = []
    for axis in "ZYX":
        size = re.search(rf'PhysicalSize{axis}="([^"]*)"', described)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]*)"', described)
        micrometres = MICROMETRES.get(unit[1] if unit else "µm")
        if micrometres is None:
            return None
        found.append(_number(size[1]) * micrometres / 1000.0 if size else 0.0)
    return _plausible(found[0] or found[1], found[1], found[2])


def _plausible(z: float, y: float, x: float) -> Triple | None:
    return (z, y, x) if all(1e-7 < v < 1e4 for v in (z, y, x)) else None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _frozen(voxels: Pixels) -> Pixels:
    voxels = np.ascontiguousarray(voxels)
    voxels.setflags(write=False)
    return voxels
