"""From stored numbers to the values people read: rescale, modality table, palette, inversion, windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.dicom.decode import Pixels, Stored
from featherseg_engines.imaging.dicom.header import group, number_of, numbers, text
from featherseg_engines.imaging.quiet import damage
from featherseg_engines.imaging.volume import Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MEASURED = ("CT", "PT", "NM", "MR", "RTDOSE")
"""Modalities whose values mean something: they are never inverted, only shown so."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How stored numbers become values: ``slope`` * stored + ``intercept``.

    ``mirror`` is what a stored number is subtracted from where bright means little (MONOCHROME1), or None.
    """

    slope: float = 1.0
    intercept: float = 0.0
    mirror: int | None = None

    @property
    def whole(self) -> bool:
        """Whether whole numbers stay whole."""
        return self.slope == round(self.slope) and self.intercept == round(self.intercept)

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        return (self.slope, self.intercept, self.mirror) != (1.0, 0.0, None)

    def apply(self, frame: Pixels) -> Pixels:
        """Values of a stored frame: whole numbers of 32 bits (64 where they need it), or 32-bit floats."""
        if not self.changes:
            return frame
        if self.whole and np.issubdtype(frame.dtype, np.integer):
            reach = max(abs(self.slope) * (1 << 16), abs(self.slope * (self.mirror or 0))) + abs(
                self.intercept
            )
            small = frame.dtype.itemsize <= 2 and reach < 1 << 30
            wide = frame.astype(np.int32 if small else np.int64)
            wide = wide if self.mirror is None else self.mirror - wide
            return wide * int(self.slope) + int(self.intercept)
        floats = frame.astype(np.float32)
        floats = floats if self.mirror is None else np.float32(self.mirror) - floats
        return np.asarray(floats * np.float32(self.slope) + np.float32(self.intercept))


def scale_of(dataset: "Dataset", stored: Stored, modality: str, frame: int) -> Scale:
    """The scale of a frame (from 1); functional groups before the header, a dose grid's unit before both."""
    slope, intercept = 1.0, 0.0
    for place in (dataset, *_transformations(dataset, frame)):
        found = numbers(place, "RescaleSlope", 1), numbers(place, "RescaleIntercept", 1)
        slope = found[0][0] if found[0] and found[0][0] else slope
        intercept = found[1][0] if found[1] else intercept
    if modality == "RTDOSE":
        slope, intercept = number_of(dataset, "DoseGridScaling") or 1.0, 0.0
    mirror = None
    if stored.photometric == "MONOCHROME1" and modality not in MEASURED and not stored.floats:
        mirror = -1 if stored.signed else (1 << stored.bits) - 1
    return Scale(slope, intercept, mirror)


def _transformations(dataset: "Dataset", frame: int) -> list["Dataset"]:
    found = []
    shared = group(dataset, "SharedFunctionalGroupsSequence")
    try:
        each = (dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    except damage():
        each = []
    for place in (shared, *each):
        item = None if place is None else group(place, "PixelValueTransformationSequence")
        if item is not None:
            found.append(item)
    return found


def values_of(frame: Pixels, dataset: "Dataset", stored: Stored, scale: Scale) -> Pixels:
    """Values (y, x[, 3]) of a stored frame; palettes become RGB of 8 bits."""
    if stored.photometric == "PALETTE COLOR" and text(dataset, "Modality") != "SEG":
        return _painted(frame, dataset)
    if stored.samples > 1:
        return frame
    table_of = group(dataset, "ModalityLUTSequence")
    if table_of is not None and numbers(table_of, "LUTDescriptor", 3) and "LUTData" in table_of:
        from pydicom.pixels.processing import apply_modality_lut

        table = np.asarray(apply_modality_lut(frame, dataset))
        return scale.apply(table) if scale.mirror is not None else table
    return scale.apply(frame)


def _painted(frame: Pixels, dataset: "Dataset") -> npt.NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut

    rgb = np.asarray(apply_color_lut(frame, _little_endian_palette(dataset)))[..., :3]
    if rgb.dtype == np.uint8 or rgb.max() < 256:  # 16-bit tables that only use 8 are common
        return rgb.astype(np.uint8)
    return (rgb >> 8).astype(np.uint8)


def _little_endian_palette(dataset: "Dataset") -> "Dataset":
    """The palette with its bytes in the order in which pydicom reads them."""
    from pydicom.dataset import Dataset

    if dataset.original_encoding[1] is not False:
        return dataset
    turned = Dataset()
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        turned[f"{name}Descriptor"] = dataset[f"{name}Descriptor"]
        data = bytes(dataset[f"{name}Data"].value)
        wide = dataset[f"{name}Descriptor"].value[2] == 16
        setattr(turned, f"{name}Data", np.frombuffer(data, np.uint16).byteswap().tobytes() if wide else data)
    return turned


def natural_type(values: Pixels, stored: Stored, scales: list[Scale]) -> np.dtype[np.generic]:
    """The smallest usual type that should hold a volume whose first slice is ``values``."""
    if values.ndim == 3 or not any(s.changes for s in scales):
        return np.dtype(np.float32) if values.dtype == np.float64 else values.dtype.newbyteorder("=")
    if np.issubdtype(values.dtype, np.floating) or not all(s.whole for s in scales):
        return np.dtype(np.float32)
    low = -(1 << (stored.bits - 1)) if stored.signed else 0
    high = low + (1 << stored.bits) - 1
    ends = [v for s in scales for v in s.apply(np.array([low, high], np.int64))]
    names = ("u1", "i2", "u2") if stored.bits <= 16 else ("i4",)
    for name in names:
        info = np.iinfo(name)
        if info.min <= min(ends) and max(ends) <= info.max:
            return np.dtype(name)
    # a header that says 16 bits and means 12 is the rule in CT: begin small, widen where a slice does not fit
    return np.dtype(np.int16) if stored.bits <= 16 else np.dtype(np.int32)


def windows_of(dataset: "Dataset", scale: Scale) -> tuple[Window, ...]:
    """The windows the header suggests (PS3.3 C.11.2), in the volume's values."""
    found: list[Window] = []
    for place in (dataset, *_voi_groups(dataset)):
        centres, widths = numbers(place, "WindowCenter"), numbers(place, "WindowWidth")
        names = _names(place)
        for i, (centre, width) in enumerate(zip(centres or (), widths or (), strict=False)):
            if width > 0:
                found.append(Window(_mirrored(centre, scale), width, names[i] if i < len(names) else ""))
        found += _table_window(place, scale)
    return tuple(dict.fromkeys(found))


def _table_window(dataset: "Dataset", scale: Scale) -> list[Window]:
    """The range of values that a VOI table maps, as a straight window."""
    table = group(dataset, "VOILUTSequence")
    described = None if table is None else numbers(table, "LUTDescriptor", 3)
    if table is None or described is None:
        return []
    width = described[0] or 65536.0
    return [Window(_mirrored(described[1] + width / 2, scale), width, text(table, "LUTExplanation"))]


def _mirrored(centre: float, scale: Scale) -> float:
    if scale.mirror is None:
        return centre
    return scale.slope * scale.mirror + 2 * scale.intercept - centre


def _voi_groups(dataset: "Dataset") -> list["Dataset"]:
    shared = group(dataset, "SharedFunctionalGroupsSequence")
    first = group(dataset, "PerFrameFunctionalGroupsSequence")
    found = [group(place, "FrameVOILUTSequence") for place in (shared, first) if place is not None]
    return [item for item in found if item is not None]


def _names(dataset: "Dataset") -> list[str]:
    try:
        found = dataset.get("WindowCenterWidthExplanation")
    except damage():
        return []
    if not found:
        return []
    return [found] if isinstance(found, str) else [str(name) for name in found]
