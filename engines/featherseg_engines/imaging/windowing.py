"""Grey-value windows: which ones a volume is offered, and which one it is first shown with.

Widths and centres of the CT presets are the ones in common clinical use (as in radiology teaching and in the
defaults of viewers); the file's own windows (DICOM VOI, PS3.3 C.11.2) come before them.
"""

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.volume import Volume, Window

CT_PRESETS = (
    Window(40.0, 400.0, "Abdomen"),
    Window(-600.0, 1500.0, "Lung"),
    Window(400.0, 1800.0, "Bone"),
    Window(40.0, 80.0, "Brain"),
)
AUTO, FULL = "Auto", "Full range"
SAMPLE = 400_000
"""Voxels looked at for the automatic window; more would not change it visibly."""


def presets_for(volume: Volume) -> tuple[Window, ...]:
    """Windows to choose from, the one to start with first; none for colour images."""
    if volume.channels != 1:
        return ()
    sample = _sample(volume.voxels)
    auto, full = _between(sample, 1.0, 99.0, AUTO), _between(sample, 0.0, 100.0, FULL)
    own = tuple(_named(window, i) for i, window in enumerate(volume.windows) if window.width > 0)
    if is_hounsfield(volume, sample):
        return (*own, *CT_PRESETS, auto, full)
    # windows in headers of MR are often of another series or scale: the image's own values come first
    own = (auto, *own, full) if volume.modality in ("MR", "") else (*own, auto, full)
    if not volume.windows and volume.voxels.dtype == np.uint8 and volume.geometry.shape[0] == 1:
        return Window(127.5, 255.0, FULL), auto
    return own


def is_hounsfield(volume: Volume, sample: npt.NDArray[np.float32] | None = None) -> bool:
    """Whether the values are CT's: the header says so, or it says nothing and they reach down to air."""
    if volume.modality:
        return volume.modality == "CT"
    values = _sample(volume.voxels) if sample is None else sample
    return bool(volume.geometry.calibrated and -4000 <= values.min() <= -900 and values.max() > 100)


def unit_of(volume: Volume) -> str:
    """Unit of the values where the header says which: "HU" for CT, else ""."""
    return "HU" if volume.modality == "CT" else ""


def in_words(window: Window) -> str:
    """As the status bar says it: "W 400 L 40"."""
    return f"W {_short(window.width)} L {_short(window.centre)}"


def limits(window: Window) -> tuple[float, float]:
    """The values that are shown black and white."""
    return window.centre - window.width / 2, window.centre + window.width / 2


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 20 or value == round(value) else f"{value:.3g}"


def _named(window: Window, number: int) -> Window:
    name = f"{window.name} (file)" if window.name else "From the file" + (f" {number + 1}" if number else "")
    return Window(window.centre, window.width, name)


def _sample(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    step = max(1, round((voxels.size / SAMPLE) ** (1 / 3)))
    deep = max(1, min(step, voxels.shape[0] // 8))
    wide = max(1, round((voxels.size / deep / SAMPLE) ** 0.5))
    values = voxels[::deep, ::wide, ::wide].astype(np.float32).ravel()
    values = values[np.isfinite(values)]
    return values if values.size else np.zeros(1, np.float32)


def _between(values: npt.NDArray[np.float32], low: float, high: float, name: str) -> Window:
    a, b = (float(v) for v in np.percentile(values, (low, high)))
    if b <= a:
        a, b = float(values.min()), float(values.max())
    return Window((a + b) / 2, b - a if b > a else 1.0, name)
