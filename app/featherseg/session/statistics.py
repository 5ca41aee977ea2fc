"""The measured labels of the open case: measured off the UI thread, and known to be out of date after an edit."""

from typing import Literal

from psygnal import Signal

from featherseg.session.background import Background, Ear, Task
from featherseg.session.case import OpenCase
from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.session.worker import Post
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.windowing import unit_of
from featherseg_engines.labels import Edit
from featherseg_engines.statistics import LabelStatistics, measure
from featherseg_engines.statistics_table import Table, table_of

SMALL = 2_000_000
"""Voxels up to which measuring again after every edit is felt by nobody."""
State = Literal["nothing", "unmeasured", "measuring", "current", "changed"]


class Statistics:
    """Belongs to one session; has a thread of its own, so that measuring never ends a reading.

    Parameters
    ----------
    post
        Runs a callable later on the session's thread.
    """

    changed = Signal()  # the state, the rows, or how far measuring is

    def __init__(self, session: Session, post: Post) -> None:
        self._session = session
        self._background = Background(post, "featherseg-statistics")
        self._edits = 0
        self._measured_at: int | None = None
        self.rows: list[LabelStatistics] = []
        self.part: float | None = None
        self.measuring = False
        session.opened.connect(self._on_opened)
        session.completed.connect(self._on_completed)
        session.edited.connect(self._on_edited)

    def close(self) -> None:
        """Stop the thread and let go of the session."""
        self._background.close()
        self._session.opened.disconnect(self._on_opened)
        self._session.completed.disconnect(self._on_completed)
        self._session.edited.disconnect(self._on_edited)

    @property
    def state(self) -> State:
        """What the rows are worth."""
        if self._session.case is None:
            return "nothing"
        if self.measuring:
            return "measuring"
        if self._measured_at is None:
            return "unmeasured"
        return "current" if self._measured_at == self._edits else "changed"

    @property
    def small(self) -> bool:
        """Whether the open case may be measured without being asked."""
        case = self._session.case
        return case is not None and case.labels.array.size <= SMALL and not case.growing

    def table(self) -> Table | None:
        """The rows with names and units; None before the first measurement."""
        case = self._session.case
        if case is None or self._measured_at is None:
            return None
        return table_of(self.rows, self._session.table, case.volume.geometry, unit_of(case.volume))

    def update(self) -> None:
        """Measure the labels as they are now; painting goes on meanwhile."""
        case = self._session.case
        if case is None:
            return
        volume, labels, edits = case.volume, case.labels.array, self._edits

        def work(ear: Ear) -> list[LabelStatistics]:
            # copied here, as a large copy would be felt there; an edit meanwhile makes the answer out of date
            return measure(volume, labels.copy(), Reading(ear.listen, ear.cancelled))

        def done(rows: list[LabelStatistics]) -> None:
            self.rows, self._measured_at, self.measuring = rows, edits, False
            self.changed.emit()

        self.part, self.measuring = None, True
        self.changed.emit()
        self._background.submit(Task(work, done, self._on_failed, self._on_heard))

    def cancel(self) -> None:
        """Stop measuring; the rows stay what they were."""
        self._background.cancel()
        self.measuring = False
        self.changed.emit()

    def _on_failed(self, sentence: str) -> None:
        self.measuring = False
        self._session.tell(Notice(sentence, "problem"))
        self.changed.emit()

    def _on_heard(self, part: float) -> None:
        self.part = part
        self.changed.emit()

    def _on_opened(self, case: OpenCase | None) -> None:
        self._measured_at, self.rows = None, []
        self.cancel()

    def _on_completed(self, case: OpenCase) -> None:
        self._edits += 1
        self.changed.emit()

    def _on_edited(self, edit: Edit, how: str) -> None:
        self._edits += 1
        self.changed.emit()
