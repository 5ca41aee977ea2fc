"""Write images: volumes with their place as NIfTI, NRRD and MetaImage, single slices as PNG, stacks as TIFF."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.endings import NIFTI_SUFFIXES, suffix_of
from featherseg_engines.imaging.nifti_writer import write_nifti
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.imaging.volume import Volume

GRIDS = (*NIFTI_SUFFIXES, ".nrrd", ".mha")
PICTURES = (".png", ".tif", ".tiff")
PICTURE_TYPES = ("uint8", "uint16")


def check_target(path: Path) -> None:
    """Refuse an unknown ending before anything is read.

    Raises
    ------
    WriteError
        It is unknown.
    """
    if suffix_of(path) not in GRIDS + PICTURES:
        raise WriteError(
            f"'{path.name}' has an unknown ending; images are saved as .nii.gz, .nii, .nrrd, .mha, .png or .tif."
        )


def write_volume(path: Path, volume: Volume) -> None:
    """Write an image so that its values and its place are kept.

    Raises
    ------
    WriteError
        The ending is unknown, a picture cannot hold the values or slices, or the file cannot be written.
    """
    check_target(path)
    if suffix_of(path) in GRIDS:
        write_verified(path, lambda p: _write_grid(p, volume), lambda p: _same(p, volume, placed=True))
        return
    kind = volume.voxels.dtype.name
    if kind not in PICTURE_TYPES or (kind != "uint8" and volume.channels > 1):
        raise WriteError(f"'{path.name}' cannot hold values of the type {kind}; save it as .nii.gz instead.")
    if suffix_of(path) == ".png" and volume.geometry.shape[0] > 1:
        slices = volume.geometry.shape[0]
        raise WriteError(
            f"'{path.name}' can hold one slice and the image has {slices}; save it as .nii.gz or .tif instead."
        )
    write_verified(path, lambda p: _write_pages(p, volume), lambda p: _same(p, volume, placed=False))


def _write_pages(path: Path, volume: Volume) -> None:
    first, *rest = [Image.fromarray(np.ascontiguousarray(plane)) for plane in volume.voxels]
    if suffix_of(path) == ".png":
        first.save(path)
    else:
        first.save(path, save_all=True, append_images=rest, compression="tiff_deflate")


def _write_grid(path: Path, volume: Volume) -> None:
    if suffix_of(path) in NIFTI_SUFFIXES:
        write_nifti(path, volume.voxels, volume.geometry)
        return
    import SimpleITK as sitk

    geometry = volume.geometry
    image = sitk.GetImageFromArray(_writable(volume.voxels), isVector=volume.channels > 1)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(path), useCompression=True)


def _writable(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return voxels.astype(np.float32) if voxels.dtype == np.float16 else voxels


def _same(path: Path, volume: Volume, placed: bool) -> bool:
    """Whether what was written reads back as what was meant."""
    from featherseg_engines.imaging.readers import read_image

    try:
        found = read_image(path)
    except ReadError:
        return False
    if found.voxels.shape != volume.voxels.shape or not all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(found.voxels, volume.voxels, strict=True)
    ):
        return False
    return not placed or _same_place(found.geometry, volume.geometry)


def _same_place(a: Geometry, b: Geometry) -> bool:
    corners = np.array([[0, 0, 0], [n - 1 for n in a.shape]])
    return bool(np.allclose(a.to_world(corners), b.to_world(corners), atol=1e-2))
