"""Write masks: NIfTI, NRRD and MetaImage on exactly the source's grid, PNG and TIFF for slices and stacks."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.endings import NIFTI_SUFFIXES, suffix_of
from featherseg_engines.imaging.label_table import nrrd_fields, write_labels_beside
from featherseg_engines.imaging.nifti_writer import write_nifti
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.labels import LabelTable

SLICE_SUFFIXES = (".png", ".tif", ".tiff")
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
NRRD = ".nrrd"
MAX_LABEL = 65535


def write_mask(
    path: Path,
    labels: npt.NDArray[np.generic],
    geometry: Geometry,
    table: LabelTable | None = None,
) -> None:
    """Write label numbers (z, y, x) so that they lie where the image lies.

    Numbers above 255 make the file 16-bit. A table goes with the mask: into the header of NRRD (as 3D Slicer
    does it), else into ``<name>.labels.json`` beside. A TIFF stack keeps the spacing (in ImageJ's fields) but has
    no place for origin and direction.

    Raises
    ------
    WriteError
        The ending is unknown, several slices are to go into a PNG, the grid is not one that the format holds, or
        the file cannot be written.
    """
    if labels.shape != geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {geometry.shape}")
    if labels.min(initial=0) < 0 or labels.max(initial=0) > MAX_LABEL:
        raise ValueError(f"label numbers are from 0 to {MAX_LABEL}")
    compact = labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)
    suffix = suffix_of(path)
    if suffix == ".png" and labels.shape[0] > 1:
        raise WriteError(
            f"'{path.name}' can hold one slice and the mask has {labels.shape[0]}; save it as .nii.gz instead."
        )
    if suffix in SLICE_SUFFIXES:
        write_verified(path, lambda p: _write_slices(p, compact, geometry), lambda p: _same(p, compact))
    elif suffix in VOLUME_SUFFIXES:
        fields = nrrd_fields(table, compact) if table is not None and suffix == NRRD else {}
        write_verified(
            path,
            lambda p: _write_grid(p, compact, geometry, fields),
            lambda p: _same_grid(p, compact, geometry),
        )
    else:
        raise WriteError(
            f"'{path.name}' has an unknown ending; masks are saved as .png, .tif, .nii.gz, .nrrd or .mha."
        )
    if table is not None and suffix != NRRD:
        write_labels_beside(path, table)


def _write_slices(path: Path, labels: npt.NDArray[np.generic], geometry: Geometry) -> None:
    first = Image.fromarray(labels[0])
    if suffix_of(path) == ".png":
        first.save(path)
        return
    others = [Image.fromarray(plane) for plane in labels[1:]]
    first.save(
        path,
        save_all=True,
        append_images=others,
        compression="tiff_deflate",
        tiffinfo=_imagej_fields(geometry) if geometry.calibrated else {},
    )


def _imagej_fields(geometry: Geometry) -> dict[int, object]:
    """TIFF fields by which ImageJ and napari know the spacing (ImageDescription, X and Y resolution, no unit)."""
    z, y, x = geometry.spacing_mm
    lines = (
        "ImageJ=1.54f",
        f"images={geometry.shape[0]}",
        f"slices={geometry.shape[0]}",
        "unit=mm",
        f"spacing={z}",
    )
    return {270: "\n".join(lines) + "\n", 282: 1 / x, 283: 1 / y, 296: 1}


def _same(path: Path, labels: npt.NDArray[np.generic]) -> bool:
    with Image.open(path) as image:
        planes = [np.asarray(page) for page in ImageSequence.Iterator(image)]
    return len(planes) == len(labels) and all(
        np.array_equal(found, meant) for found, meant in zip(planes, labels, strict=True)
    )


def _same_grid(path: Path, labels: npt.NDArray[np.generic], geometry: Geometry) -> bool:
    """Whether the voxels are the same and all corners lie where they should, to a hundredth of a millimetre."""
    try:
        found = read_image(path)
    except ReadError:
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in geometry.shape])).reshape(3, -1).T
    return bool(
        np.array_equal(found.voxels, labels)
        and np.allclose(found.geometry.to_world(corners), geometry.to_world(corners), atol=1e-2)
    )


def _write_grid(
    path: Path, labels: npt.NDArray[np.generic], geometry: Geometry, fields: dict[str, str]
) -> None:
    if suffix_of(path) in NIFTI_SUFFIXES:
        write_nifti(path, labels, geometry)  # SimpleITK would straighten a sheared grid (gantry tilt)
        return
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    for key, text in fields.items():
        image.SetMetaData(key, text)
    sitk.WriteImage(image, str(path), useCompression=True)
