"""Who made a DICOM object: the equipment module of all that is written here (PS3.3, C.7.5.1)."""

from importlib.metadata import PackageNotFoundError, version

MAKER = "Featherseg"
SERIAL_NUMBER = "1"
"""Required in enhanced equipment; a program has none, and it must not name the computer."""


def software_version() -> str:
    """The version of this program; "0" where it runs without being installed."""
    try:
        return version("featherseg")
    except PackageNotFoundError:
        return "0"
