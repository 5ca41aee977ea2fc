"""A small picture of a case for the case list."""

import io

import numpy as np
from PIL import Image

from featherseg_engines.imaging.volume import Volume

SIDE = 96
"""Pixels of the longer side."""


def thumbnail(volume: Volume) -> bytes:
    """PNG of the middle slice, its 1st to 99th percentile spread over the greys, in the right proportions."""
    plane = np.asarray(volume.slice(volume.geometry.shape[0] // 2), np.float32)
    finite = plane[np.isfinite(plane)]
    low, high = (0.0, 255.0)
    if volume.voxels.dtype != np.uint8 and finite.size:
        low, high = (float(v) for v in np.percentile(finite, (1, 99)))
    grey = np.clip((np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(
        np.uint8
    )
    _, dy, dx = volume.geometry.spacing_mm
    height, width = plane.shape[0] * dy, plane.shape[1] * dx
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    out = io.BytesIO()
    Image.fromarray(grey).resize(size, Image.Resampling.BOX).save(out, "PNG")
    return out.getvalue()
