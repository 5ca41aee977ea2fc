"""Every change of the labels goes through here: rights, undo, and what the disk says."""

from collections.abc import Callable

import numpy as np
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.labelling import Labelling
from featherseg.session.notice import Notice, Offer
from featherseg.session.polygon import Polygon
from featherseg_engines.annotation.history import not_saved
from featherseg_engines.annotation.tools.growing import IntensityRange, allowed
from featherseg_engines.errors import JournalError, ReadError
from featherseg_engines.labels import Box, Edit, Labels

Tell = Callable[[Notice | None], None]


class Editing:
    """Orders on the open case's labels; lives on the UI thread.

    A locked label is changed by nobody, whatever asks. Strokes that add by hand keep to ``within`` where it is
    set. Where the workspace's disk refuses an edit it stays in memory, and a notice offers to try again.
    """

    edited = Signal(object, str)  # Edit and "do", "adopt", "undo" or "redo"
    range_changed = Signal(object)  # IntensityRange or None
    kept_changed = Signal(int)  # how many edits the disk has refused so far

    def __init__(self, labelling: Labelling, tell: Tell) -> None:
        self.case: OpenCase | None = None
        self.within: IntensityRange | None = None
        self.polygon = Polygon()
        self._labelling, self._tell = labelling, tell

    def set_range(self, within: IntensityRange | None) -> None:
        """Paint only where the image's values lie within this range; None: everywhere."""
        self.within = within
        self.range_changed.emit(within)

    def do(self, edit: Edit) -> None:
        """Apply an edit as one step, as far as the locks let it."""
        case = self.case
        if case is None:
            return
        kept = self._permitted(self._in_range(edit))
        if kept.changed or not edit.changed:
            self._record(lambda: case.history.do(kept), kept, "do")

    def adopt(self, edit: Edit) -> Edit:
        """Take in an edit that a canvas has applied already; the labels are put right where it went too far.

        Returns what was kept: the same edit where nothing had to be put right.
        """
        case = self.case
        if case is None:
            return edit
        kept = self._permitted(self._in_range(edit))
        if kept is not edit:
            case.labels.apply(kept)
        if kept.changed:
            self._record(lambda: case.history.adopt(kept), kept, "adopt")
        elif edit.changed:
            self.edited.emit(kept, "do")
        return kept

    def finish_polygon(self) -> None:
        """Fill the polygon with the active label as one step; with too few corners it just goes."""
        edit = self.polygon.filled(self.case.labels, self._labelling.active) if self.case else None
        self.polygon.clear()
        if edit is not None and edit.changed:
            self.do(edit)

    def undo(self) -> None:
        """Take back the newest step, whoever did it."""
        self._step("undo")

    def redo(self) -> None:
        """Do the newest taken-back step again."""
        self._step("redo")

    def back_to(self, count: int) -> None:
        """Undo or redo until ``count`` steps are done."""
        case = self.case
        while case is not None and len(case.history.done) != count:
            how = "undo" if len(case.history.done) > count else "redo"
            before = len(case.history.done)
            self._step(how)
            if len(case.history.done) == before:
                return

    def retry(self) -> bool:
        """Record what the disk refused before; whether all is recorded now."""
        case = self.case
        if case is None or not case.history.unsaved:
            return True
        try:
            case.history.retry()
        except JournalError as error:
            self._refused(error)
            return False
        self._tell(Notice("Every edit is saved now."))
        self.kept_changed.emit(0)
        return True

    def _step(self, how: str) -> None:
        case = self.case
        steps = () if case is None else (case.history.done if how == "undo" else case.history.undone)
        if case is None or not steps:
            return
        box = steps[-1].box
        before = case.labels.array[box.slices].copy()
        order = case.history.undo if how == "undo" else case.history.redo
        try:
            edit = order()
        except ReadError as error:
            self._tell(Notice(str(error), "problem"))
            return
        except JournalError as error:  # done in memory all the same
            self._refused(error)
            edit = None
        if edit is None:
            after = case.labels.array[box.slices].copy()
            first, second = (after, before) if how == "undo" else (before, after)
            edit = Edit(steps[-1].name, steps[-1].source, box, first, second)
        self.edited.emit(edit, how)

    def _record(self, order: Callable[[], None], edit: Edit, how: str) -> None:
        try:
            order()
        except JournalError as error:
            self._refused(error)
        self.edited.emit(edit, how)

    def _refused(self, error: JournalError) -> None:
        count = self.case.history.unsaved if self.case else 0
        text = f"{error} {not_saved(count)}" if count > 1 else str(error)
        self._tell(Notice(text, "problem", (Offer("Try again", lambda: _drop(self.retry())),)))
        self.kept_changed.emit(count)

    def _in_range(self, edit: Edit) -> Edit:
        """A stroke by hand cut to the range; taking away is not held to it."""
        case = self.case
        if self.within is None or edit.source != "hand" or case is None or edit.box.empty:
            return edit
        outside = ~allowed(case.volume.voxels[edit.box.slices], self.within) & (edit.after > 0)
        return _restored(edit, outside)

    def _permitted(self, edit: Edit) -> Edit:
        """The edit without its changes of locked labels; a notice names the label where it wanted any."""
        locked = self._labelling.locked
        if not locked or edit.box.empty:
            return edit
        numbers = list(locked)
        wrong = (edit.before != edit.after) & (np.isin(edit.before, numbers) | np.isin(edit.after, numbers))
        if not wrong.any():
            return edit
        self._tell(Notice(_locked_sentence(self._labelling, edit.before[wrong], edit.after[wrong])))
        return _restored(edit, wrong)


def _restored(edit: Edit, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Edit:
    """The edit with the voxels of ``where`` left as they were; the same object where nothing changes."""
    if not (where & (edit.before != edit.after)).any():
        return edit
    after = np.where(where, edit.before, edit.after).astype(edit.after.dtype)
    return Edit(edit.name, edit.source, edit.box, edit.before, after, edit.detail)


def _locked_sentence(labelling: Labelling, before: Labels, after: Labels) -> str:
    touched = (set(np.unique(before).tolist()) | set(np.unique(after).tolist())) & labelling.locked
    names = ", ".join(f"'{labelling.table.rows[v].name}'" for v in sorted(touched))
    verb = "is" if len(touched) == 1 else "are"
    return f"{names} {verb} locked and stayed as before; unlock in the label list to change."


def whole(case: OpenCase) -> Box:
    """The box of all voxels."""
    return Box((0, 0, 0), case.volume.geometry.shape)


def _drop(_: object) -> None:
    """Offers give no answer."""
