"""``featherseg export`` and ``deidentify``: a mask for other programs, and images that name nobody."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from featherseg_engines.errors import WriteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap
    from featherseg_engines.imaging.volume import Volume
    from featherseg_engines.labels import LabelTable

Kind = Literal["dicom-seg", "dicom-labelmap", "rtstruct", "stl", "ply", "coco", "mask"]
BY_SUFFIX: dict[str, Kind] = {".dcm": "dicom-seg", ".stl": "stl", ".ply": "ply", ".json": "coco"}
DICOM_KINDS = ("dicom-seg", "dicom-labelmap", "rtstruct")
answers = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands to the program's."""
    app.command()(export)
    app.command()(deidentify)


@dataclass(frozen=True, slots=True, eq=False)
class _Mask:
    """What is to leave: labels (z, y, x) on the volume's grid, with their names."""

    labels: "npt.NDArray[np.uint16]"
    table: "LabelTable"
    volume: "Volume"


def export(
    mask: Annotated[Path, typer.Argument(help="Mask: NIfTI, NRRD, MetaImage, PNG, TIFF or DICOM-SEG")],
    source: Annotated[Path, typer.Argument(help="The image it was made on: file, or folder of DICOM files")],
    target: Annotated[Path, typer.Argument(help="File to write: .dcm, .stl, .ply, .json, .nii.gz, .nrrd …")],
    kind: Annotated[
        Kind | None, typer.Option("--as", help="What to write; default: by the ending (.dcm: dicom-seg)")
    ] = None,
    series: Annotated[int | None, typer.Option(help="Which of several series, from 1")] = None,
    labels: Annotated[Path | None, typer.Option(help="Label table (JSON); default: beside the mask")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder for de-identified copies of the images, with new identifiers")
    ] = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Take the patient's name, number and dates over")
    ] = False,
) -> None:
    """Write a mask for other programs: DICOM-SEG, RTSTRUCT, STL, PLY, COCO, or on the image's own grid."""
    from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap

    if images is not None and keep_identity:
        raise WriteError("--images writes de-identified copies and does not go with --keep-identity.")
    chosen = _kind_of(target, kind)
    subject = _subject(mask, source, series, labels)
    uids = UidMap() if images is not None else None
    if images is not None and uids is not None:
        _copy_images(subject.volume, images, uids)
    _write(target, chosen, subject, Disclosure(not keep_identity, uids))


def deidentify(
    source: Annotated[Path, typer.Argument(help="DICOM file, DICOMDIR or folder of DICOM files")],
    target: Annotated[Path, typer.Argument(help="Folder for the copies")],
    pixels_checked: Annotated[
        bool, typer.Option("--pixels-checked", help="I have looked: no pixel shows a name or a date")
    ] = False,
) -> None:
    """Copy DICOM files without what names the patient (PS3.15, basic profile); pixels stay as they are."""
    from featherseg_engines.errors import ReadError
    from featherseg_engines.imaging.dicom.deidentify import deidentify_instances
    from featherseg_engines.imaging.dicom.scan import dicom_files, is_directory_file
    from featherseg_engines.imaging.readers import holds_series

    files = dicom_files(source) if holds_series(source) else [source]
    files = [file for file in files if not (file.is_file() and is_directory_file(file))]
    if not files:
        raise ReadError(f"'{source.name}' is a folder without DICOM files; choose another.")
    written = deidentify_instances(files, _folder(target), pixels_checked=pixels_checked)
    answers.print(f"{len(written)} files written to '{target.name}'.", markup=False)


def _kind_of(target: Path, kind: Kind | None) -> Kind:
    from featherseg_engines.imaging.endings import suffix_of
    from featherseg_engines.imaging.writers import SLICE_SUFFIXES, VOLUME_SUFFIXES

    suffix = suffix_of(target)
    if kind is not None:
        wanted = (
            ".dcm" if kind in DICOM_KINDS else next((s for s, k in BY_SUFFIX.items() if k == kind), suffix)
        )
        if suffix != wanted:
            raise WriteError(f"'{target.name}' is written as {kind} and should end in {wanted}; rename it.")
        return kind
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if suffix in (*SLICE_SUFFIXES, *VOLUME_SUFFIXES):
        return "mask"
    raise WriteError(
        f"'{target.name}' has an unknown ending; masks leave as .dcm, .stl, .ply, .json, .nii.gz, .nrrd, .mha, .png "
        "or .tif."
    )


def _subject(mask: Path, source: Path, series: int | None, labels: Path | None) -> _Mask:
    from featherseg_engines.imaging.dicom.segmentation import is_segmentation, read_segmentation
    from featherseg_engines.imaging.endings import PHOTO_SUFFIXES, suffix_of
    from featherseg_engines.imaging.label_table import read_labels_beside, read_table
    from featherseg_engines.imaging.readers import read_image, read_mask
    from featherseg_engines.imaging.regrid import onto_grid
    from featherseg_engines.labels import LabelTable

    volume = read_image(source, series=series)
    if is_segmentation(mask):
        found = read_segmentation(mask, volume)
        for sentence in found.warnings:
            errors.print(sentence, markup=False)
        return _Mask(found.labels, read_table(labels) if labels else found.table, volume)
    geometry = read_image(mask).geometry
    if suffix_of(mask) in PHOTO_SUFFIXES:
        geometry = dataclasses.replace(geometry, calibrated=False)  # a picture does not say where it lies
    numbers = onto_grid(read_mask(mask), geometry, volume.geometry, mask.name)
    table = read_table(labels) if labels else read_labels_beside(mask)
    return _Mask(numbers, table or LabelTable(), volume)


def _copy_images(volume: "Volume", folder: Path, uids: "UidMap") -> None:
    from featherseg_engines.imaging.dicom.deidentify import deidentify_instances
    from featherseg_engines.imaging.dicom.headers import source_of

    deidentify_instances(source_of(volume, folder, "--images").paths, _folder(folder), uids)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise WriteError(f"The folder '{path.name}' cannot be made here; choose another place.") from error
    if any(path.iterdir()):
        raise WriteError(f"The folder '{path.name}' is not empty; choose a new one.")
    return path


def _write(target: Path, kind: Kind, subject: _Mask, disclosure: "Disclosure") -> None:
    labels, table, volume = subject.labels, subject.table, subject.volume
    if kind in ("dicom-seg", "dicom-labelmap"):
        from featherseg_engines.imaging.dicom.segmentation import write_segmentation

        how: Literal["binary", "labelmap"] = "binary" if kind == "dicom-seg" else "labelmap"
        write_segmentation(target, labels, table, volume, how, disclosure)
    elif kind == "rtstruct":
        from featherseg_engines.imaging.dicom.rtstruct import write_rtstruct

        write_rtstruct(target, labels, table, volume, disclosure)
    elif kind in ("stl", "ply"):
        from featherseg_engines.imaging.surface import write_surfaces

        for written in write_surfaces(target, labels, table, volume.geometry):
            answers.print(written.name, markup=False)
    elif kind == "coco":
        _write_coco(target, subject)
    else:
        from featherseg_engines.imaging.writers import write_mask

        write_mask(target, labels, volume.geometry, table if table.rows else None)


def _write_coco(target: Path, subject: _Mask) -> None:
    from featherseg_engines.imaging.coco import CocoImage, write_coco

    path = subject.volume.path
    if len(subject.labels) > 1 or path is None:
        raise WriteError(
            f"'{target.name}' cannot be written: COCO is for photographs; save as .nii.gz instead."
        )
    write_coco(target, [CocoImage(path.name, subject.labels[0])], subject.table)
