"""Between a volume with its geometry and napari's layer data, both ways.

napari paints only on grids that lie along its axes: a volume keeps its voxel grid, spacing and (where its axes
run along the patient's) place and sense; a permuted or oblique direction stays in the metadata alone.
"""

from typing import Any

import numpy as np

from featherseg.viewer.dock_view import VOLUME_KEY
from featherseg_engines.geometry import Geometry, Triple
from featherseg_engines.imaging.volume import Volume

LayerData = tuple[Any, dict[str, Any], str]


def layer_of(volume: Volume) -> LayerData:
    """An image layer; a single slice is 2D. World coordinates are z, y, x in mm (DICOM's S, P, L)."""
    first = 1 if volume.geometry.shape[0] == 1 else 0
    pixels = volume.voxels[0] if first else volume.voxels
    options = {
        "name": volume.name,
        "rgb": volume.channels == 3,
        "metadata": {VOLUME_KEY: volume},
        **transform_of(volume.geometry, first),
    }
    if volume.channels == 1:
        from featherseg_engines.imaging.windowing import limits, presets_for

        options["contrast_limits"] = limits(presets_for(volume)[0])
    return pixels, options, "image"


def transform_of(geometry: Geometry, first: int = 0) -> dict[str, Any]:
    """Scale, translate and units of a layer on this grid, from axis ``first`` on."""
    signs = _signs(geometry)
    spacing, origin = np.asarray(geometry.spacing_mm), np.asarray(geometry.origin_mm)[::-1]
    scale = spacing if signs is None else spacing * signs
    options: dict[str, Any] = {"scale": tuple(scale[first:])}
    if signs is not None:
        options["translate"] = tuple(origin[first:])
    if geometry.calibrated:
        options["units"] = ("mm",) * (3 - first)
    return options


def geometry_of(shape: tuple[int, ...], meta: dict[str, Any]) -> Geometry:
    """Where a layer's voxels lie: the volume's own geometry where the layer carries one of its shape."""
    known = meta.get("metadata", {}).get(VOLUME_KEY)
    full = shape if len(shape) == 3 else (1, *shape)
    grid = (int(full[0]), int(full[1]), int(full[2]))
    if isinstance(known, Volume) and known.geometry.shape == grid:
        return known.geometry
    scale = _three(meta.get("scale"), len(shape), 1.0)
    origin = _three(meta.get("translate"), len(shape), 0.0)
    sense = np.where(np.asarray(scale) < 0, -1.0, 1.0)[::-1]
    spacing = (abs(scale[0]) or 1.0, abs(scale[1]) or 1.0, abs(scale[2]) or 1.0)
    direction = tuple(float(v) for v in np.diag(sense).ravel())
    calibrated = any(s != 1.0 for s in scale)
    return Geometry(grid, spacing, (origin[2], origin[1], origin[0]), direction, calibrated)


def _signs(geometry: Geometry) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Which way each of z, y, x runs along S, P, L; None where an axis runs along another."""
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    signs = np.sign(np.diag(matrix))
    return signs[::-1] if np.allclose(matrix, np.diag(signs), atol=1e-3) else None


def _three(values: Any, ndim: int, missing: float) -> Triple:
    found = [missing] * 3 if values is None else [float(v) for v in np.asarray(values)[-ndim:]]
    z, y, x = [missing] * (3 - len(found)) + found
    return z, y, x
