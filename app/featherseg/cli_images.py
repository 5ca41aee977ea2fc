"""``featherseg info`` and ``convert``: what is in a file or folder, and one image as another kind of file."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from featherseg_engines.errors import ReadError

if TYPE_CHECKING:
    from featherseg_engines.imaging.volume import Volume

answers = Console(soft_wrap=True, highlight=False)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands to the program's."""
    app.command()(info)
    app.command()(convert)


def info(
    path: Annotated[
        Path, typer.Argument(help="Image, volume, DICOM file, DICOMDIR or folder of DICOM files")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: a list, one entry a series or image")
    ] = False,
) -> None:
    """Say what is in a file or folder: size, spacing, place, values, and what had to be guessed."""
    rows = [row_of(volume, more) for volume, more in _volumes(path)]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        return
    for row in rows:
        warnings = row.pop("warnings")
        answers.print("  ".join(f"{key} {value}" for key, value in row.items()), markup=False)
        for sentence in warnings:
            answers.print(f"  {sentence}", markup=False)


def convert(
    source: Annotated[Path, typer.Argument(help="Image, volume, DICOM file, DICOMDIR or folder")],
    target: Annotated[Path, typer.Argument(help="File to write: .nii.gz, .nii, .nrrd, .mha, .png, .tif")],
    series: Annotated[
        int | None, typer.Option("--series", help="Which of several series, from 1; see featherseg info")
    ] = None,
) -> None:
    """Write an image or a DICOM series as another kind of file, its values and its place kept."""
    from featherseg_engines.imaging.readers import read_image
    from featherseg_engines.imaging.volume_writer import check_target, write_volume

    check_target(target)
    volume = read_image(source, series=series)
    write_volume(target, volume)
    for sentence in volume.warnings:
        errors.print(sentence, markup=False)


def row_of(volume: "Volume", more: dict[str, Any]) -> dict[str, Any]:
    """A volume in words and numbers: (z, y, x[, c]) sizes, LPS mm, the direction's rows one after the other."""
    geometry = volume.geometry
    return {
        **more,
        "name": volume.name,
        "shape": [int(n) for n in volume.voxels.shape],
        "spacing_mm": [float(v) for v in geometry.spacing_mm],
        "origin_mm": [float(v) for v in geometry.origin_mm],
        "direction": [float(v) for v in geometry.direction],
        "calibrated": geometry.calibrated,
        "modality": volume.modality,
        "dtype": str(volume.voxels.dtype),
        "value_range": _range(volume),
        "windows": [dataclasses.asdict(window) for window in volume.windows],
        "warnings": list(volume.warnings),
    }


def _range(volume: "Volume") -> list[float | int | None]:
    import numpy as np

    voxels = volume.voxels
    if np.issubdtype(voxels.dtype, np.integer):
        return [int(voxels.min()), int(voxels.max())]
    low, high = float("inf"), float("-inf")
    for plane in voxels:  # slice by slice: no second volume for the mask of finite values
        finite = plane[np.isfinite(plane)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return [low, high] if low <= high else [None, None]


def _volumes(path: Path) -> Iterator[tuple["Volume", dict[str, Any]]]:
    """Every series of a folder, or the one image of a file; what is refused beside others is told on stderr."""
    from featherseg_engines.imaging.readers import holds_series, list_series, read_image

    if not holds_series(path):
        yield read_image(path), {}
        return
    found = list_series(path)
    refused = []
    for number, series in enumerate(found, 1):
        more = {"series": number, "description": series.description, "series_uid": series.uid}
        try:
            yield read_image(path, series=series), more
        except ReadError as error:
            refused.append(str(error))
    if len(refused) == len(found):
        raise ReadError(" ".join(refused))
    for sentence in refused:
        errors.print(sentence, markup=False)
