"""The steps of the open case for Qt's views: the newest on top, what was taken back above what is done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtGui import QFont, QPalette
from qtpy.QtWidgets import QApplication

from featherseg.session.session import Session
from featherseg.session.slice_marks import AFTER
from featherseg_engines.annotation.history import Step
from featherseg_engines.labels import Edit
from featherseg_engines.refine.record import from_text

SOURCES = {
    "hand": "by hand",
    "proposal": "proposal",
    "file": "from a file",
    "tool": "by a tool",
    "stroke": "on the proposal",
}
START = "As opened"


class HistoryModel(QAbstractListModel):
    """Follows the open case's history; an edit costs as much as the rows that it changes.

    ``times`` gives the times of the steps that are known when a case is opened.
    """

    def __init__(
        self, session: Session, times: Callable[[], Mapping[int, str]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._times_of = session, times
        self._steps: list[Step] = []  # oldest first, those taken back at the end
        self._done = 0
        self._times: dict[int, str] = {}

    def restart(self) -> None:
        """Another case."""
        self.beginResetModel()
        self._steps, self._done = self._timeline()
        self._times = dict(self._times_of())
        self.endResetModel()

    def follow(self, edit: Edit, how: str) -> None:
        """One more step, or one taken back or done again."""
        steps, done = self._timeline()
        same = 0
        for old, new in zip(self._steps, steps, strict=False):
            if old is not new:
                break
            same += 1
        if len(self._steps) > same:
            self.beginRemoveRows(QModelIndex(), 0, len(self._steps) - same - 1)
            del self._steps[same:]
            self.endRemoveRows()
        if len(steps) > same:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self.beginInsertRows(QModelIndex(), 0, len(steps) - same - 1)
            self._steps += steps[same:]
            self._times |= {step.serial: now for step in steps[same:]}
            self.endInsertRows()
        first, last = sorted((self.row_of(self._done), self.row_of(done)))
        self._done = done
        self.dataChanged.emit(self.index(max(first, 0)), self.index(last))

    def _timeline(self) -> tuple[list[Step], int]:
        case = self._session.case
        if case is None:
            return [], 0
        done = case.history.done
        return [*done, *reversed(case.history.undone)], len(done)

    def count_at(self, row: int) -> int:
        """How many steps are done at the state that a row stands for."""
        return len(self._steps) - row

    def row_of(self, count: int) -> int:
        """The row of the state after ``count`` steps."""
        return len(self._steps) - count

    @property
    def now(self) -> int:
        """The row of the labels as they are."""
        return self.row_of(self._done)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """A row for each step and one for the beginning."""
        return 0 if parent.isValid() or self._session.case is None else len(self._steps) + 1

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Name and time; what was taken back is grey, in italics and says so."""
        if not index.isValid() or not 0 <= index.row() <= len(self._steps):
            return None
        count = self.count_at(index.row())
        step = self._steps[count - 1] if count else None
        undone = count > self._done
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(step, undone=undone)
        if role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setItalic(undone)
            font.setBold(count == self._done)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and undone:
            return QApplication.palette().brush(QPalette.ColorRole.PlaceholderText)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Go back to the beginning" if step is None else self._about(step)
        return None

    def _words(self, step: Step | None, *, undone: bool) -> str:
        if step is None:
            return START
        at = self._times.get(step.serial, "")
        when = f"   {datetime.fromisoformat(at).astimezone():%H:%M}" if at else ""
        return f"{'↶ ' if undone else ''}{step.name}{when}"

    def _about(self, step: Step) -> str:
        at = self._times.get(step.serial, "")
        when = f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}" if at else ""
        if step.source == "stroke":  # its detail is the mark itself
            mark = from_text(step.detail)
            where = f"slice {mark.z + 1}" if mark is not None else ""
            return ", ".join(part for part in (SOURCES[step.source], where, when) if part)
        detail = step.detail.split(AFTER)[0] + (" after strokes" if AFTER in step.detail else "")
        parts = (SOURCES[step.source], detail, f"{step.changed} voxels", when)
        return ", ".join(part for part in parts if part)
