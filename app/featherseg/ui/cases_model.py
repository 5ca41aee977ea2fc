"""The case list for Qt's views: rows on demand, thumbnails decoded when they are first seen."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtGui import QPixmap

from featherseg.session.case_words import told_in_full
from featherseg.session.workbench import Workbench
from featherseg_engines.annotation.cases import Case

CASE = Qt.ItemDataRole.UserRole
CURRENT = Qt.ItemDataRole.UserRole + 1
KEPT_PICTURES = 300


class CasesModel(QAbstractListModel):
    """Mirrors the workbench's list; only what differs is told to the views."""

    def __init__(self, bench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._cases: list[Case] = []
        self._current: int | None = None
        self._pictures: OrderedDict[int, QPixmap] = OrderedDict()

    def forget(self) -> None:
        """Another workspace: numbers mean other cases now."""
        self._pictures.clear()

    def follow(self) -> None:
        """Take the workbench's list as it is now."""
        cases = self._bench.cases
        current = self._bench.current.id if self._bench.current else None
        if [case.id for case in cases] != [case.id for case in self._cases]:
            self.beginResetModel()
            self._cases, self._current = list(cases), current
            self.endResetModel()
            return
        moved = {current, self._current} if current != self._current else {None}
        changed = [
            row
            for row, (old, new) in enumerate(zip(self._cases, cases, strict=True))
            if new.id in moved or (old is not new and _looks(old) != _looks(new))
        ]
        self._cases, self._current = list(cases), current
        for row in changed:
            self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, case_id: int) -> int | None:
        """Where a case stands; None where the filter hides it."""
        return next((row for row, case in enumerate(self._cases) if case.id == case_id), None)

    def cases_at(self, indexes: Sequence[QModelIndex]) -> list[Case]:
        """The cases of some rows, in the list's order."""
        return [self._cases[row] for row in sorted({index.row() for index in indexes})]

    def picture(self, case: Case) -> QPixmap:
        """The thumbnail, decoded once; a null pixmap where there is none."""
        known = self._pictures.get(case.id)
        if known is None:
            known = QPixmap()
            known.loadFromData(self._bench.thumbnail(case))
            self._pictures[case.id] = known
            if len(self._pictures) > KEPT_PICTURES:
                self._pictures.popitem(last=False)
        else:
            self._pictures.move_to_end(case.id)
        return known

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's own signature)
        """How many cases the list shows."""
        return 0 if parent.isValid() else len(self._cases)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The case itself, its name, or all about it in words."""
        if not index.isValid() or index.row() >= len(self._cases):
            return None
        case = self._cases[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return case.name
        if role == CASE:
            return case
        if role == CURRENT:
            return case.id == self._current
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return told_in_full(case, self._bench.session.table.rows, self._bench.outlooks.score(case))
        return None


def _looks(case: Case) -> tuple[object, ...]:
    """What a row shows."""
    return case.state, case.changed, case.who, case.volumes_ml, case.name
