"""Read images and masks from files, or refuse with one sentence."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
GRID_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
SUFFIXES = PHOTO_SUFFIXES + GRID_SUFFIXES
"""What :func:`read_image` reads."""

MAX_PIXELS = 200_000_000
"""Photographs with more pixels than this are refused rather than filling the memory."""


def suffix_of(path: Path) -> str:
    """The file's ending in lower case, ``.nii.gz`` in one piece."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def stem_of(path: Path) -> str:
    """The file's name without its ending, ``.nii.gz`` in one piece."""
    return path.name[: len(path.name) - len(suffix_of(path))]


def read_image(path: Path) -> Volume:
    """Read one image or volume.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged or of a kind that is not read.
    """
    reader = _reader_for(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(path)
    except ReadError:
        raise
    except (
        OSError,
        ValueError,
        RuntimeError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        raise ReadError(
            f"'{path.name}' is damaged or is not a {_kind(path)}; choose another file."
        ) from error


def read_mask(path: Path, shape: tuple[int, int, int] | None = None) -> npt.NDArray[np.uint16]:
    """Read label numbers (z, y, x) from a one-channel image or volume.

    Raises
    ------
    ReadError
        As :func:`read_image`; also where the mask is not of ``shape`` or holds other than whole numbers from
        0 to 65535.
    """
    voxels = read_image(path).voxels
    if voxels.ndim == 4:
        if not (voxels == voxels[..., :1]).all():
            raise ReadError(f"'{path.name}' is a colour image, not a mask of label numbers.")
        voxels = voxels[..., 0]
    if shape is not None and voxels.shape != shape:
        raise ReadError(
            f"The mask '{path.name}' has {_by(voxels.shape)} pixels and the image {_by(shape)}; "
            "they must be the same."
        )
    labels = voxels.astype(np.uint16)
    if not np.array_equal(labels, voxels):
        raise ReadError(f"'{path.name}' holds values that are not whole label numbers from 0 to 65535.")
    return labels


def _by(shape: tuple[int, ...]) -> str:
    sides = shape[::-1]
    return " x ".join(str(n) for n in (sides[:2] if sides[-1] == 1 else sides))


def _kind(path: Path) -> str:
    return {".jpg": "JPEG", ".jpeg": "JPEG", ".nii.gz": "NIfTI", ".nii": "NIfTI", ".dcm": "DICOM"}.get(
        suffix_of(path), suffix_of(path).strip(".").upper()
    ) + " image"


def _reader_for(path: Path) -> Callable[[Path], Volume]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ReadError(f"There is no file '{path.name}' that can be read; check the name.") from error
    if path.is_dir():
        raise ReadError(f"'{path.name}' is a folder; choose one image file.")
    if size == 0:
        raise ReadError(f"'{path.name}' is empty (0 bytes); choose another file.")
    suffix = suffix_of(path)
    if suffix in PHOTO_SUFFIXES:
        return _read_photo
    if suffix in GRID_SUFFIXES:
        return _read_grid
    raise ReadError(
        f"'{path.name}' is of a kind that is not read; open PNG, JPEG, BMP, TIFF, NIfTI, NRRD or MetaImage."
    )


def _read_photo(path: Path) -> Volume:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ReadError(
                f"'{path.name}' has {image.width} x {image.height} pixels, more than "
                f"{MAX_PIXELS // 1_000_000} million; make a smaller copy."
            )
        pixels = _pixels(ImageOps.exif_transpose(image))
    geometry = Geometry((1, *pixels.shape[:2]), calibrated=False)
    return Volume(_frozen(pixels[None]), geometry, "photo", stem_of(path), path)


def _pixels(image: Image.Image) -> npt.NDArray[np.generic]:
    if image.mode in ("L", "I;16", "I;16B", "I;16L", "F", "I"):
        pixels = np.asarray(image)
        return pixels.astype(np.uint16) if image.mode.startswith("I;16") else pixels
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode == "LA":
        return np.asarray(image.getchannel("L"))
    if image.mode == "P" and image.palette is not None and "transparency" not in image.info:
        return np.asarray(image.convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _read_grid(path: Path) -> Volume:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    image: Any = sitk.ReadImage(str(path))
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3:
        raise ReadError(f"'{path.name}' has {image.GetDimension()} dimensions; 2 and 3 are read.")
    if image.GetNumberOfComponentsPerPixel() not in (1, 3):
        raise ReadError(
            f"'{path.name}' has {image.GetNumberOfComponentsPerPixel()} channels; 1 and 3 are read."
        )
    voxels = sitk.GetArrayFromImage(image)
    spacing = image.GetSpacing()[::-1]
    geometry = Geometry(voxels.shape[:3], spacing, image.GetOrigin(), image.GetDirection())
    modality = image.GetMetaData("0008|0060").strip() if image.HasMetaDataKey("0008|0060") else ""
    return Volume(_frozen(voxels), geometry, modality, stem_of(path), path)


def _frozen(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    voxels = np.ascontiguousarray(voxels)
    voxels.setflags(write=False)
    return voxels
