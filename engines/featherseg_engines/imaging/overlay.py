"""A second volume on the grid of the first, to look at only: FLAIR on T1, PET on CT."""

import dataclasses
from typing import Any

import numpy as np

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume

UNSURE = "Nothing in the files says that '{other}' lies in the same space as '{base}'; check it by eye."


def laid_over(base: Volume, other: Volume) -> Volume:
    """``other`` resampled (linear, float32) onto the grid of ``base``; outside of it, its lowest value.

    Where nothing says that both lie in one frame of reference (DICOM PS3.3 C.7.4.1), a warning does.

    Raises
    ------
    ReadError
        The frames of reference differ, the volumes lie apart, or one has no place in space or no grey values.
    """
    check_overlay(base, other)
    warnings = () if _same_frame(base, other) else (UNSURE.format(other=other.name, base=base.name),)
    if _one_grid(base.geometry, other.geometry):
        return dataclasses.replace(other, warnings=warnings)
    import SimpleITK as sitk

    voxels = other.voxels if other.voxels.dtype != np.bool_ else other.voxels.astype(np.uint8)
    if voxels.dtype == np.float16:
        voxels = voxels.astype(np.float32)
    moving = _image(sitk.GetImageFromArray(voxels), other.geometry)
    resample = sitk.ResampleImageFilter()
    resample.SetSize([int(n) for n in base.geometry.shape[::-1]])
    resample.SetOutputSpacing(base.geometry.spacing_mm[::-1])
    resample.SetOutputOrigin(base.geometry.origin_mm)
    resample.SetOutputDirection(base.geometry.direction)
    resample.SetInterpolator(sitk.sitkLinear)
    resample.SetDefaultPixelValue(float(np.nanmin(voxels)))
    resample.SetOutputPixelType(sitk.sitkFloat32)
    shown = sitk.GetArrayFromImage(resample.Execute(moving))
    shown.setflags(write=False)
    return dataclasses.replace(other, voxels=shown, geometry=base.geometry, source=None, warnings=warnings)


def check_overlay(base: Volume, other: Volume) -> None:
    """Refuse what cannot be laid over.

    Raises
    ------
    ReadError
        As in :func:`laid_over`.
    """
    name = other.name
    if other.channels != 1:
        raise ReadError(f"'{name}' is a colour image; only grey volumes are laid over another.")
    if not (base.geometry.calibrated and other.geometry.calibrated):
        which = name if base.geometry.calibrated else base.name
        raise ReadError(f"'{which}' has no place in space (no spacing in the file); it cannot be laid over.")
    ours, theirs = _frame(base), _frame(other)
    if ours and theirs and ours != theirs:
        raise ReadError(
            f"'{name}' lies in another frame of reference than '{base.name}', so their places do not "
            "correspond; register them first."
        )
    if not _overlap(base.geometry, other.geometry):
        raise ReadError(f"'{name}' and '{base.name}' lie apart in space and have no voxel in common.")


def _frame(volume: Volume) -> str:
    return volume.source.frame_of_reference_uid if volume.source else ""


def _same_frame(base: Volume, other: Volume) -> bool:
    return bool(_frame(base)) and _frame(base) == _frame(other)


def _image(image: Any, geometry: Geometry) -> Any:
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image


def _one_grid(a: Geometry, b: Geometry) -> bool:
    if a.shape != b.shape:
        return False
    corners = _corners(a)
    return bool(np.allclose(a.to_world(corners), b.to_world(corners), atol=1e-3))


def _corners(geometry: Geometry) -> np.ndarray[Any, np.dtype[np.float64]]:
    ends = [(-0.5, n - 0.5) for n in geometry.shape]
    return np.array([[z, y, x] for z in ends[0] for y in ends[1] for x in ends[2]])


def _overlap(a: Geometry, b: Geometry) -> bool:
    """Whether the box of each grid, seen from the other, reaches into it."""
    for one, two in ((a, b), (b, a)):
        seen = one.to_index(two.to_world(_corners(two)))
        if (seen.max(axis=0) <= -0.5).any() or (seen.min(axis=0) >= np.array(one.shape) - 0.5).any():
            return False
    return True
