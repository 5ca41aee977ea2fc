"""Masks from and for other programs: whatever the kind of file, on the volume's grid and with their names."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.endings import PHOTO_SUFFIXES, suffix_of
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import LabelTable

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.disclosure import Disclosure

Kind = Literal["dicom-seg", "dicom-labelmap", "rtstruct", "stl", "ply", "coco", "mask"]
BY_SUFFIX: dict[str, Kind] = {".dcm": "dicom-seg", ".stl": "stl", ".ply": "ply", ".json": "coco"}
DICOM_KINDS = ("dicom-seg", "dicom-labelmap", "rtstruct")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Labels (z, y, x) on the grid of ``volume``; ``table`` is None where no names came with them."""

    labels: npt.NDArray[np.integer]
    table: LabelTable | None
    volume: Volume
    warnings: tuple[str, ...] = ()


def load_mask(path: Path, volume: Volume) -> Mask:
    """Read a mask made on ``volume``: DICOM-SEG by where its frames lie, anything else by its grid.

    A mask that was stored turned or mirrored is put the volume's way round.

    Raises
    ------
    ReadError
        The file is damaged, is no mask, or lies on another grid.
    """
    from featherseg_engines.imaging.dicom.segmentation import is_segmentation, read_segmentation
    from featherseg_engines.imaging.label_table import read_labels_beside
    from featherseg_engines.imaging.readers import as_mask, read_image
    from featherseg_engines.imaging.regrid import onto_grid

    if is_segmentation(path):
        found = read_segmentation(path, volume)
        return Mask(found.labels, found.table, volume, found.warnings)
    image = read_image(path)
    geometry = image.geometry
    if suffix_of(path) in PHOTO_SUFFIXES:
        geometry = dataclasses.replace(geometry, calibrated=False)  # a picture does not say where it lies
    labels = onto_grid(as_mask(image, path.name), geometry, volume.geometry, path.name)
    return Mask(labels, read_labels_beside(path), volume)


def export_mask(path: Path, kind: Kind, mask: Mask, disclosure: "Disclosure | None" = None) -> list[Path]:
    """Write a mask for other programs and say which files were written.

    ``disclosure`` says how much of the patient's header goes along into DICOM; nothing by default.

    Raises
    ------
    WriteError
        The mask is empty or does not fit this kind of file, or it cannot be written.
    """
    labels, volume = mask.labels, mask.volume
    table = mask.table or LabelTable()
    if kind in DICOM_KINDS:
        _write_dicom(path, kind, dataclasses.replace(mask, table=table), disclosure)
    elif kind in ("stl", "ply"):
        from featherseg_engines.imaging.surface import write_surfaces

        return write_surfaces(path, labels, table, volume.geometry)
    elif kind == "coco":
        from featherseg_engines.imaging.coco import CocoImage, write_coco

        if len(labels) > 1 or volume.path is None:
            raise WriteError(
                f"'{path.name}' cannot be written: COCO is for photographs; save as .nii.gz instead."
            )
        write_coco(path, [CocoImage(volume.path.name, labels[0])], table)
    else:
        from featherseg_engines.imaging.writers import write_mask

        write_mask(path, labels, volume.geometry, table if table.rows else None)
    return [path]


def _write_dicom(path: Path, kind: Kind, mask: Mask, disclosure: "Disclosure | None") -> None:
    from featherseg_engines.imaging.dicom.disclosure import DEIDENTIFIED
    from featherseg_engines.imaging.dicom.rtstruct import write_rtstruct
    from featherseg_engines.imaging.dicom.segmentation import write_segmentation

    assert mask.table is not None
    shown = disclosure or DEIDENTIFIED
    if kind == "rtstruct":
        write_rtstruct(path, mask.labels, mask.table, mask.volume, shown)
        return
    how: Literal["binary", "labelmap"] = "binary" if kind == "dicom-seg" else "labelmap"
    write_segmentation(path, mask.labels, mask.table, mask.volume, how, shown)
