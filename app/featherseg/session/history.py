"""One undo for everything: hand, tools and machine alike."""

from collections.abc import Sequence

from featherseg_engines.labels import Edit, LabelMap


class UndoHistory:
    """Edits done and edits taken back on one label map."""

    def __init__(self, labels: LabelMap) -> None:
        self.labels = labels
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    def do(self, edit: Edit) -> None:
        """Apply an edit and remember it; what had been taken back is forgotten."""
        self.labels.apply(edit)
        self.adopt(edit)

    def adopt(self, edit: Edit) -> None:
        """Remember an edit that a canvas has applied already."""
        self._done.append(edit)
        self._undone.clear()

    def undo(self) -> Edit | None:
        """Take the newest edit back and return it; None where there is none."""
        if not self._done:
            return None
        edit = self._done.pop()
        self.labels.revert(edit)
        self._undone.append(edit)
        return edit

    def redo(self) -> Edit | None:
        """Do the newest taken-back edit again and return it; None where there is none."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self.labels.apply(edit)
        self._done.append(edit)
        return edit

    @property
    def done(self) -> Sequence[Edit]:
        """Oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> Sequence[Edit]:
        """The next to be redone last."""
        return tuple(self._undone)
