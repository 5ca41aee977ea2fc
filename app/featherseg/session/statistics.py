"""The measured labels of the open case, and the table that a person reads."""

from featherseg.session.derived import Derived
from featherseg.session.session import Session
from featherseg.session.worker import Post
from featherseg_engines.imaging.windowing import unit_of
from featherseg_engines.statistics import LabelStatistics, measure
from featherseg_engines.statistics_table import Table, table_of

SMALL = 2_000_000
"""Voxels up to which measuring again after every edit is felt by nobody."""


class Statistics:
    """Belongs to one session; ``measured`` says what the rows are worth and measures when it is told to."""

    def __init__(self, session: Session, post: Post) -> None:
        self._session = session
        self.measured: Derived[list[LabelStatistics]] = Derived(
            session, post, "featherseg-statistics", measure
        )

    @property
    def rows(self) -> list[LabelStatistics]:
        """What was measured last in this case."""
        return self.measured.result or []

    @property
    def small(self) -> bool:
        """Whether the open case may be measured without being asked."""
        case = self._session.case
        return case is not None and self.measured.voxels <= SMALL and not case.growing

    def table(self) -> Table | None:
        """The rows with names and units; None before the first measurement."""
        case = self._session.case
        if case is None or self.measured.result is None:
            return None
        return table_of(self.rows, self._session.table, case.volume.geometry, unit_of(case.volume))
