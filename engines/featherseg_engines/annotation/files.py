"""Text files and copies, safely: written beside, read back, renamed."""

import contextlib
import filecmp
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.safe_write import write_verified


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text. *Raises* WriteError; what stood there before then still does."""

    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8", newline="\n")

    write_verified(path, write, lambda beside: beside.read_text(encoding="utf-8") == text)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's content. *Raises* WriteError; what stood at the target before then still does."""

    def write(beside: Path) -> None:
        shutil.copyfile(source, beside)

    write_verified(target, write, lambda beside: filecmp.cmp(source, beside, shallow=False))


@contextlib.contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A folder on the same disk as ``path``, gone afterwards. *Raises* WriteError where none can be made."""
    try:
        path.parent.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".featherseg-", dir=path.parent))
    except OSError as error:
        raise WriteError(
            f"'{path.name}' cannot be saved: its folder is missing or read-only, or the disk is full."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(new: Path, path: Path) -> None:
    """Rename a finished, verified file over ``path``, for good. *Raises* WriteError; then the old one stands."""
    try:
        new.replace(path)
    except OSError as error:
        raise WriteError(f"'{path.name}' is in use or read-only; the old file was kept.") from error
    if os.name == "posix":
        with contextlib.suppress(OSError):
            handle = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
