"""Write masks: PNG and TIFF for single slices, NIfTI, NRRD and MetaImage on exactly the source's grid."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.endings import NIFTI_SUFFIXES
from featherseg_engines.imaging.nifti_writer import write_nifti
from featherseg_engines.imaging.readers import read_image, read_mask, suffix_of
from featherseg_engines.imaging.safe_write import write_verified

SLICE_SUFFIXES = (".png", ".tif", ".tiff")
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")


def write_mask(path: Path, labels: npt.NDArray[np.generic], geometry: Geometry) -> None:
    """Write label numbers (z, y, x) so that they lie where the image lies.

    Raises
    ------
    WriteError
        The ending is unknown, several slices are to go into a PNG, or the file cannot be written.
    """
    if labels.shape != geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {geometry.shape}")
    compact = labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)
    suffix = suffix_of(path)
    if suffix in SLICE_SUFFIXES and labels.shape[0] > 1:
        raise WriteError(
            f"'{path.name}' can hold one slice and the mask has {labels.shape[0]}; save it as .nii.gz instead."
        )
    if suffix in SLICE_SUFFIXES:
        write_verified(path, lambda p: Image.fromarray(compact[0]).save(p), lambda p: _same(p, compact))
    elif suffix in VOLUME_SUFFIXES:
        write_verified(
            path, lambda p: _write_grid(p, compact, geometry), lambda p: _same_grid(p, compact, geometry)
        )
    else:
        raise WriteError(
            f"'{path.name}' has an unknown ending; masks are saved as .png, .tif, .nii.gz, .nrrd or .mha."
        )


def _same(path: Path, labels: npt.NDArray[np.generic]) -> bool:
    try:
        return bool(np.array_equal(read_mask(path), labels))
    except ReadError:
        return False


def _same_grid(path: Path, labels: npt.NDArray[np.generic], geometry: Geometry) -> bool:
    if not _same(path, labels):
        return False
    corners = np.array([[0, 0, 0], [n - 1 for n in geometry.shape]])
    found = read_image(path).geometry
    return bool(np.allclose(found.to_world(corners), geometry.to_world(corners), atol=1e-2))


def _write_grid(path: Path, labels: npt.NDArray[np.generic], geometry: Geometry) -> None:
    if suffix_of(path) in NIFTI_SUFFIXES:
        write_nifti(path, labels, geometry)  # SimpleITK would straighten a sheared grid (gantry tilt)
        return
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(path), useCompression=True)
