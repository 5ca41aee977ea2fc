"""Opening images, folders and overlays off the UI thread, with progress and Cancel in the notice bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from featherseg.session.background import Background, Ear, Task
from featherseg.session.notice import Notice, Offer
from featherseg.session.worker import Post
from featherseg_engines.errors import Cancelled, FeathersegError
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.readers import holds_series, list_series, read_growing, read_image
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.scan import Series

T = TypeVar("T")
PREVIEW = 96
"""Pixels of a thumbnail's longer side."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRow:
    """A series that a person can choose; ``picture`` is (y, x[, 3]) uint8, None where none can be decoded."""

    series: "Series"
    modality: str
    description: str
    slices: int
    size: str
    picture: npt.NDArray[np.uint8] | None = None


LONG = 60
"""Slices from which on a series is shown while it is being read."""


@dataclass(frozen=True, slots=True, eq=False)
class Early:
    """Who takes a volume before its slices are there, and hears when they will never come."""

    begun: Callable[[Volume], None]
    broken: Callable[[], None]


class Opening:
    """Reads one thing at a time; a newer order replaces an older one."""

    changed = Signal(bool)  # whether something is being read
    grew = Signal()  # more slices of a volume that was handed over early have come
    series_found = Signal(object, object, object)  # folder, list[SeriesRow], what to call with the chosen one

    def __init__(self, post: Post, tell: Callable[[Notice | None], None]) -> None:
        self.busy = False
        self._tell, self._post = tell, post
        self._broken: Callable[[], None] | None = None
        self._background = Background(post, "featherseg-reading")

    def open(
        self,
        path: Path,
        done: Callable[[Volume], None],
        series: "Series | None" = None,
        early: "Early | None" = None,
    ) -> None:
        """Read an image and hand it to ``done`` on this thread; of a folder with several series, ask which.

        With ``early``, a long series is handed over before its slices are there.
        """

        def read(ear: Ear) -> Volume | list[SeriesRow]:
            chosen = series
            if chosen is None and holds_series(path):
                found = list_series(path, ear.listen, ear.cancelled)
                if len(found) > 1:
                    return _rows_of(found, ear)
                chosen = found[0]
            if early is not None and chosen is not None and chosen.slices >= LONG:
                begin = partial(self._begin, ear, early)
                return with_content(read_growing(chosen, begin, ear.listen, ear.cancelled))
            return with_content(read_image(path, series=chosen, listen=ear.listen, cancelled=ear.cancelled))

        def sort_out(found: Volume | list[SeriesRow]) -> None:
            if isinstance(found, Volume):
                done(found)
            else:
                self.series_found.emit(path, found, lambda row: self.open(path, done, row.series, early))

        self._run(f"Reading '{path.name}'", read, sort_out)

    def compute(
        self,
        title: str,
        work: Callable[[Ear], T],
        done: Callable[[T], None],
        stopped: Callable[[], None] | None = None,
    ) -> None:
        """Do other long work with the same progress and Cancel; ``stopped`` hears that ``done`` never comes."""
        self._run(title, work, done)
        self._broken = stopped

    def _begin(self, ear: Ear, early: "Early", volume: Volume) -> None:
        """In the reading thread: hand the empty volume over, unless nobody wants it any more."""

        def begin() -> None:
            if not ear.cancelled():
                self._broken = early.broken
                early.begun(volume)

        self._post(begin)

    def cancel(self) -> None:
        """Stop reading; what was open stays open."""
        if self.busy:
            self._background.cancel()
            self._end()
            self._tell(None)
            self._break()

    def close(self) -> None:
        """Stop the thread."""
        self._background.close()

    def _run(self, title: str, work: Callable[[Ear], T], done: Callable[[T], None]) -> None:
        def finish(result: T) -> None:
            self._broken = None
            self._end()
            self._tell(None)
            done(result)

        def fail(sentence: str) -> None:
            self._end()
            self._break()
            self._tell(Notice(sentence, "problem"))

        def hear(part: float | None) -> None:
            self._tell(Notice(f"{title} …", "progress", (Offer("Cancel", self.cancel),), part))
            if self._broken is not None:
                self.grew.emit()

        self._break()
        self.busy = True
        self.changed.emit(True)
        hear(None)
        self._background.submit(Task(work, finish, fail, hear))

    def _break(self) -> None:
        """What was handed over early will not be completed."""
        broken, self._broken = self._broken, None
        if broken is not None:
            broken()

    def _end(self) -> None:
        self.busy = False
        self.changed.emit(False)


def _rows_of(found: "Sequence[Series]", ear: Ear) -> list[SeriesRow]:
    rows = []
    for number, series in enumerate(found):
        if ear.cancelled():
            raise Cancelled
        ear.listen(number, len(found))
        which = f" (part {series.part} of {series.parts})" if series.parts > 1 else ""
        size = f"{series.columns} × {series.rows}"
        rows.append(
            SeriesRow(
                series, series.modality, series.description + which, series.slices, size, _picture(series)
            )
        )
    return rows


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
