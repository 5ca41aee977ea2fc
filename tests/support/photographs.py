"""A folder of real photographs under names of the test's own."""

import shutil
from pathlib import Path

from support.paths import TINY

IMAGES = sorted((TINY / "dev" / "images").glob("*"))


def photographs(folder: Path, count: int, name: str = "photo{}.jpg") -> Path:
    """So many of the small data set's photographs, again from the first where there are not enough."""
    folder.mkdir()
    for i in range(count):
        shutil.copy(IMAGES[i % len(IMAGES)], folder / name.format(i))
    return folder
