"""Who made a DICOM object (PS3.3, C.7.5.1, the equipment module), and how it gets into a file."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.quiet import damage, quiet_python

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAKER = "Featherseg"
SERIAL_NUMBER = "1"
"""Required in enhanced equipment; a program has none, and it must not name the computer."""


def software_version() -> str:
    """The version of this program; "0" where it runs without being installed."""
    try:
        return version("featherseg")
    except PackageNotFoundError:
        return "0"


def save_object(dataset: "Dataset", path: Path) -> None:
    """Write a DICOM file.

    Raises
    ------
    WriteError
        A value taken over from the images cannot be written.
    OSError
        The disk is full or the folder gone.
    """
    try:
        with quiet_python():
            dataset.save_as(path, enforce_file_format=True)
    except OSError:
        raise
    except damage() as error:
        raise WriteError(
            f"'{path.name}' cannot be written: the headers of the images it is made from are damaged."
        ) from error
