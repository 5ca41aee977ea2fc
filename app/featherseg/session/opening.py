"""Opening images, folders and overlays off the UI thread, with progress and Cancel in the notice bar."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from featherseg.session.background import Background, Ear, Task
from featherseg.session.notice import Notice, Offer
from featherseg.session.worker import Post
from featherseg_engines.errors import FeathersegError, ReadError
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.scan import Series

T = TypeVar("T")
PREVIEW = 96
"""Pixels of a thumbnail's longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRow:
    """A series that a person can choose; ``number`` is what the reader calls it, ``picture`` (y, x[, 3]) uint8."""

    number: int
    modality: str
    description: str
    slices: int
    size: str
    picture: npt.NDArray[np.uint8] | None = None


class Opening:
    """Reads one thing at a time; a newer order replaces an older one."""

    changed = Signal(bool)  # whether something is being read
    series_found = Signal(
        object, object, object
    )  # folder, list[SeriesRow], and what to call with the chosen row

    def __init__(self, post: Post, tell: Callable[[Notice | None], None]) -> None:
        self.busy = False
        self._tell = tell
        self._background = Background(post, "featherseg-reading")

    def open(self, path: Path, done: Callable[[Volume], None], series: int | None = None) -> None:
        """Read an image and hand it to ``done`` on this thread; of a folder with several series, ask which."""
        if series is None and _holds_series(path):
            look = _rows_of(path)
            self._run(f"Looking into '{path.name}'", look, lambda rows: self._choose(path, rows, done))
            return

        def read(ear: Ear) -> Volume:
            return read_image(path, series=series, listen=ear.listen, cancelled=ear.cancelled)

        self._run(f"Reading '{path.name}'", read, done)

    def compute(self, title: str, work: Callable[[Ear], Volume], done: Callable[[Volume], None]) -> None:
        """Do other long work with the same progress and Cancel."""
        self._run(title, work, done)

    def cancel(self) -> None:
        """Stop reading; what was open stays open."""
        if self.busy:
            self._background.cancel()
            self._end()
            self._tell(None)

    def close(self) -> None:
        """Stop the thread."""
        self._background.close()

    def _choose(self, path: Path, rows: list[SeriesRow], done: Callable[[Volume], None]) -> None:
        if len(rows) == 1:
            self.open(path, done, rows[0].number)
        else:
            self.series_found.emit(path, rows, lambda row: self.open(path, done, row.number))

    def _run(self, title: str, work: Callable[[Ear], T], done: Callable[[T], None]) -> None:
        def finish(result: T) -> None:
            self._end()
            self._tell(None)
            done(result)

        def fail(sentence: str) -> None:
            self._end()
            self._tell(Notice(sentence, "problem"))

        def hear(part: float | None) -> None:
            self._tell(Notice(f"{title} …", "progress", (Offer("Cancel", self.cancel),), part))

        self.busy = True
        self.changed.emit(True)
        hear(None)
        self._background.submit(Task(work, finish, fail, hear))

    def _end(self) -> None:
        self.busy = False
        self.changed.emit(False)


def _holds_series(path: Path) -> bool:
    return path.is_dir() or path.name.upper() == "DICOMDIR"


def _rows_of(folder: Path) -> Callable[[Ear], list[SeriesRow]]:
    def look(ear: Ear) -> list[SeriesRow]:
        from featherseg_engines.imaging.dicom.scan import list_series
        from featherseg_engines.imaging.progress import Reading

        found = list_series(folder, Reading(ear.listen, ear.cancelled))
        if not found:
            raise ReadError(
                f"'{folder.name}' holds no DICOM images; choose another folder, or one image file."
            )
        rows = []
        for number, series in enumerate(found, 1):
            size = f"{series.columns} × {series.rows}"
            which = f" (part {series.part} of {series.parts})" if series.parts > 1 else ""
            words = series.description + which
            picture = _picture(series) if len(found) > 1 else None
            rows.append(SeriesRow(number, series.modality, words, series.slices, size, picture))
        return rows

    return look


def _picture(series: "Series") -> npt.NDArray[np.uint8] | None:
    """A small grey or colour picture of the middle slice; None where it cannot be decoded."""
    from featherseg_engines.imaging.dicom.series import preview

    try:
        values = np.asarray(preview(series))
    except FeathersegError:
        return None
    step = max(1, max(values.shape[:2]) // PREVIEW)
    small = values[::step, ::step].astype(np.float32)
    low, high = np.percentile(small[np.isfinite(small)], (1, 99)) if np.isfinite(small).any() else (0, 1)
    shades = np.clip((small - low) / max(float(high - low), 1e-6), 0, 1)
    return np.nan_to_num(shades * 255).astype(np.uint8)
