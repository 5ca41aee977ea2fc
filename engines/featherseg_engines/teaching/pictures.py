"""One slice of a case with the person's mask and a model's answer, small enough for the panel."""

import numpy as np
import numpy.typing as npt

from featherseg_engines.teaching.order import UNSEEN, Picture, TaughtCase
from featherseg_engines.teaching.scoring import Numbers

LONG_SIDE = 512


def shown_slice(case: TaughtCase) -> int:
    """The slice with most label on it; the middle one where there is none."""
    sizes = ((case.labels > 0) & (case.labels != UNSEEN)).sum(axis=(1, 2))
    return int(sizes.argmax()) if sizes.any() else len(case.labels) // 2


def picture(case: TaughtCase, z: int, answer: Numbers) -> Picture:
    """Slice ``z`` of a case with an answer (y, x) of class numbers, brought to at most 512 pixels a side."""
    step = max(1, -(-max(answer.shape) // LONG_SIDE))
    truth = np.where(case.labels[z] == UNSEEN, 0, case.labels[z]).astype(np.uint8)
    thin = (slice(None, None, step), slice(None, None, step))
    shown = (grey_or_colour(case.voxels[z]), truth, answer)
    pixels, truth, answer = (np.ascontiguousarray(plane[thin]) for plane in shown)
    return Picture(case.name, pixels, truth, answer)


def grey_or_colour(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """A slice (y, x[, 3]) as 8-bit colours (y, x, 3); other values between their 1st and 99th percentile."""
    if pixels.dtype != np.uint8:
        values = np.asarray(pixels, np.float32)
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
        scaled = (np.nan_to_num(values, nan=low) - low) / max(float(high - low), 1e-6)
        pixels = np.asarray(np.clip(scaled, 0, 1) * 255, np.uint8)
    plain = np.asarray(pixels, np.uint8)
    return plain if plain.ndim == 3 else np.repeat(plain[..., None], 3, axis=2)
