"""Replace a file only by a new one that is proven readable; what stood there before is never at risk."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from featherseg_engines.errors import WriteError


def write_verified(path: Path, write: Callable[[Path], None], verify: Callable[[Path], bool]) -> None:
    """Write beside ``path``, flush to the disk, verify, rename over it.

    Parameters
    ----------
    path
        The target; its folder must exist.
    write
        Writes the whole content to the path it is given (same folder, same ending).
    verify
        Reads it back and says whether it is what was meant.

    Raises
    ------
    WriteError
        The folder is missing or read-only, the disk is full, or the new file is not readable. The old file
        stands untouched.
    """
    name = path.name
    try:
        folder = Path(tempfile.mkdtemp(prefix=".featherseg-", dir=path.parent))
    except OSError as error:
        raise WriteError(
            f"'{name}' cannot be saved: its folder is missing or read-only; choose another folder."
        ) from error
    beside = folder / name
    try:
        write(beside)
        _flush(beside)
        if not verify(beside):
            raise WriteError(f"'{name}' could not be read back after writing; the old file was kept.")
        beside.replace(path)
        _flush_folder(path.parent)
    except WriteError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise WriteError(
            f"'{name}' cannot be saved (disk full, or the file is in use or read-only); the old file was kept."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
            folder.rmdir()


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
