"""Reading in plain napari: volumes, DICOM files and folders, through the same door as the window."""

from collections.abc import Callable
from pathlib import Path

from featherseg_napari.layers import LayerData, layer_of


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """napari asks whether we read ``path``: one file of a kind we know, or a folder with DICOM files."""
    from featherseg_engines.imaging.readers import GRID_SUFFIXES, suffix_of

    if not isinstance(path, str):
        return None
    if Path(path).is_dir():
        return read_folder if _has_dicom(Path(path)) else None
    return read_file if suffix_of(Path(path)) in GRID_SUFFIXES else None


def read_file(path: str | list[str]) -> list[LayerData]:
    """One image layer for a file.

    Raises
    ------
    ReadError
        With one sentence; napari shows it.
    """
    from featherseg_engines.imaging.readers import read_image

    return [layer_of(read_image(Path(_one(path))))]


def read_folder(path: str | list[str]) -> list[LayerData]:
    """The series of a folder as an image layer; of several, the one with the most slices.

    Raises
    ------
    ReadError
        With one sentence; napari shows it.
    """
    from featherseg_engines.imaging.readers import list_series, read_image

    folder = Path(_one(path))
    found = list_series(folder)
    largest = max(found, key=lambda series: series.slices)
    if len(found) > 1:
        from napari.utils.notifications import show_info

        show_info(f"'{folder.name}' holds {len(found)} series; the largest was opened: {largest.label}.")
    return [layer_of(read_image(folder, series=largest))]


def _one(path: str | list[str]) -> str:
    return path if isinstance(path, str) else path[0]


def _has_dicom(folder: Path) -> bool:
    from featherseg_engines.imaging.dicom.scan import is_dicom

    return any(file.is_file() and is_dicom(file) for file in folder.rglob("*"))
