"""Text files and copies, safely: written beside, read back, renamed."""

import filecmp
import shutil
from pathlib import Path

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
