"""Images as others want them: NIfTI for volumes, PNG for photographs, the voxels as they were read."""

from pathlib import Path

import numpy as np

from featherseg_engines.annotation.export.registry import ExportItem
from featherseg_engines.annotation.files import copy_file
from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.imaging.readers import read_image, suffix_of
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.imaging.volume import Volume


def write_image(item: ExportItem, target: Path) -> None:
    """Write the case's image; a volume that has the target's ending already is copied as it is.

    Raises
    ------
    WriteError
        It cannot be written.
    ReadError
        The image is gone or damaged.
    """
    source = item.workspace.image_path(item.case)
    if (
        item.case.is_photograph
    ):  # written anew: palettes and turned photographs are read differently elsewhere
        _write_png(item.volume(), target)
    elif source.is_file() and suffix_of(source) == suffix_of(target):
        copy_file(source, target)
    else:
        _write_grid(item.volume(), target)


def _write_png(volume: Volume, target: Path) -> None:
    from PIL import Image

    pixels = np.asarray(volume.slice(0))
    if pixels.dtype not in (np.uint8, np.uint16):
        raise WriteError(
            f"'{target.name}' has {pixels.dtype} pixels, which PNG cannot hold; convert it first."
        )
    write_verified(target, lambda p: Image.fromarray(pixels).save(p), lambda p: _same(p, volume))


def _write_grid(volume: Volume, target: Path) -> None:
    import SimpleITK as sitk

    geometry = volume.geometry

    def write(path: Path) -> None:
        image = sitk.GetImageFromArray(volume.voxels, isVector=volume.channels > 1)
        image.SetSpacing(geometry.spacing_mm[::-1])
        image.SetOrigin(geometry.origin_mm)
        image.SetDirection(geometry.direction)
        sitk.WriteImage(image, str(path), useCompression=True)

    write_verified(target, write, lambda p: _same(p, volume))


def _same(path: Path, volume: Volume) -> bool:
    try:
        found = read_image(path)
    except ReadError:
        return False
    corners = np.array([[0, 0, 0], [n - 1 for n in volume.geometry.shape]])
    apart = found.geometry.to_world(corners) - volume.geometry.to_world(corners)
    return bool(np.array_equal(found.voxels, volume.voxels) and np.abs(apart).max() < 1e-2)
