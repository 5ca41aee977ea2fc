"""One undo and redo for hand, tools and machine: each step recorded before the call returns, memory bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from featherseg_engines.annotation.packing import PackedEdit, pack, unpack
from featherseg_engines.labels import Box, Edit, LabelMap, Source

Kind = Literal["do", "undo", "redo"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An edit in the history list without its voxels; compared by identity."""

    serial: int
    name: str
    source: Source
    box: Box
    changed: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to edit ``serial``; ``edit`` comes with a "do" only."""

    kind: Kind
    serial: int
    edit: PackedEdit | None = None


class EditLog(Protocol):
    """Where events are kept, in order."""

    def append(self, events: Sequence[Event]) -> None:
        """Keep all events or none; they are safe when this returns. *Raises* JournalError."""

    def fetch(self, serial: int) -> PackedEdit:
        """The edit that was appended under this number. *Raises* ReadError."""


class MemoryLog:
    """A log that lasts as long as the program: for an image opened without a workspace."""

    def __init__(self) -> None:
        self._edits: dict[int, PackedEdit] = {}

    def append(self, events: Sequence[Event]) -> None:
        """Keep the edits in memory, compressed."""
        for event in events:
            if event.edit is not None:
                self._edits[event.serial] = event.edit

    def fetch(self, serial: int) -> PackedEdit:
        """The edit of this number."""
        return self._edits[serial]


@dataclass(slots=True)
class Stacks:
    """Steps done (oldest first) and steps taken back (the next to be redone last)."""

    done: list[Step]
    undone: list[Step]

    def move(self, kind: Kind, step: Step) -> None:
        """Follow one event."""
        if kind == "do":
            self.done.append(step)
            self.undone.clear()
        elif kind == "undo":
            self.done.remove(step)
            self.undone.append(step)
        else:
            self.undone.remove(step)
            self.done.append(step)


class History:
    """Undo and redo over the labels of one case; voxels of past edits stay in the log, not here.

    Every order first changes the labels and the lists, then records the event. Where recording fails it raises
    JournalError with the order carried out in memory: ``unsaved`` counts what is not on the disk yet, and the
    next order or :meth:`retry` records it all, in order.

    Parameters
    ----------
    labels
        The labels as they are after ``stacks.done``; shared, not copied.
    log
        Keeps the events.
    stacks
        What was done and taken back before (after a restart).
    next_serial
        The first number that no edit of the log has.
    """

    def __init__(
        self, labels: LabelMap, log: EditLog | None = None, stacks: Stacks | None = None, next_serial: int = 1
    ) -> None:
        self.labels = labels
        self._log: EditLog = log or MemoryLog()
        self._stacks = stacks or Stacks([], [])
        self._next = next_serial
        self._pending: list[Event] = []

    def do(self, edit: Edit) -> None:
        """Apply an edit and remember it; what had been taken back is forgotten."""
        self._check(edit)
        self.labels.apply(edit)
        self.adopt(edit)

    def adopt(self, edit: Edit) -> None:
        """Remember an edit that a canvas has applied already."""
        self._check(edit)
        packed = pack(edit)
        step = Step(self._next, edit.name, edit.source, edit.box, packed.changed, edit.detail)
        self._next += 1
        self._move("do", step, packed)

    def undo(self) -> Edit | None:
        """Take the newest edit back and return it; None where there is none."""
        if not self._stacks.done:
            return None
        step = self._stacks.done[-1]
        edit = self._fetch(step)
        self.labels.revert(edit)
        self._move("undo", step)
        return edit

    def redo(self) -> Edit | None:
        """Do the newest taken-back edit again and return it; None where there is none."""
        if not self._stacks.undone:
            return None
        step = self._stacks.undone[-1]
        edit = self._fetch(step)
        self.labels.apply(edit)
        self._move("redo", step)
        return edit

    def retry(self) -> None:
        """Record what could not be recorded before. *Raises* JournalError where it still cannot."""
        if self._pending:
            self._log.append(self._pending)
            self._pending.clear()

    @property
    def unsaved(self) -> int:
        """How many events are in memory only, because the disk refused them."""
        return len(self._pending)

    @property
    def done(self) -> Sequence[Step]:
        """Oldest first."""
        return tuple(self._stacks.done)

    @property
    def undone(self) -> Sequence[Step]:
        """The next to be redone last."""
        return tuple(self._stacks.undone)

    def _check(self, edit: Edit) -> None:
        if edit.after.dtype != self.labels.array.dtype or edit.before.dtype != self.labels.array.dtype:
            raise ValueError(f"the edit is {edit.after.dtype} and the labels {self.labels.array.dtype}")

    def _fetch(self, step: Step) -> Edit:
        for event in self._pending:
            if event.serial == step.serial and event.edit is not None:
                return unpack(event.edit)
        return unpack(self._log.fetch(step.serial))

    def _move(self, kind: Kind, step: Step, packed: PackedEdit | None = None) -> None:
        self._stacks.move(kind, step)
        self._pending.append(Event(kind, step.serial, packed))
        self.retry()


def not_saved(count: int) -> str:
    """A sentence for the status bar."""
    what = "edit is" if count == 1 else "edits are"
    return f"{count} {what} in memory only; make room on the disk and press Save."
