"""Which slices hold which labels, in all three directions, kept up to date without looking at all voxels again."""

import time
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.commands import Command
from featherseg.session.session import Session
from featherseg_engines.labels import Box, Edit, Labels

Bits = npt.NDArray[np.uint64]
LAST = 64
"""Label numbers from here on share the last bit."""
PATIENCE_S = 0.1
"""How long a key may wait for slices that were not looked at yet."""


class Occupancy:
    """Bit ``v - 1`` for label ``v`` in every row and column of every slice of ``labels`` (z, y, x).

    What an edit touched is noted by :meth:`touch` at once and looked at later by :meth:`look`, a few
    milliseconds at a time. Looking twice gives the same as looking once, so that a stroke which is half done
    leaves nothing wrong behind.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        z, y, x = labels.shape
        self._rows: Bits = np.zeros((z, y), np.uint64)
        self._columns: Bits = np.zeros((z, x), np.uint64)
        self._from = np.zeros((z, 2), np.int64)
        self._to = np.tile(np.array([y, x], np.int64), (z, 1))
        self._due = np.ones(z, np.bool_)
        self._table = _bit_of_value()

    @property
    def pending(self) -> bool:
        """Whether something was not looked at yet."""
        return bool(self._due.any())

    def touch(self, box: Box) -> None:
        """The labels in ``box`` may have changed."""
        if box.empty:
            return
        (z0, *start), (z1, *stop) = box.start, box.stop
        fresh = ~self._due[z0:z1, None]
        self._from[z0:z1] = np.where(fresh, start, np.minimum(self._from[z0:z1], start))
        self._to[z0:z1] = np.where(fresh, stop, np.maximum(self._to[z0:z1], stop))
        self._due[z0:z1] = True

    def look(self, seconds: float) -> bool:
        """Look at what is due for about this long; whether the answer of :meth:`slices` may have changed."""
        end, changed = time.perf_counter() + seconds, False
        for z in np.flatnonzero(self._due):
            changed |= self._look_at(int(z))
            if time.perf_counter() > end:
                break
        return changed

    def slices(self, axis: int) -> Bits:
        """The bits of all labels in each slice along an array axis, as far as was looked."""
        if axis == 2:
            return np.asarray(np.bitwise_or.reduce(self._columns, axis=0))
        return np.asarray(np.bitwise_or.reduce(self._rows, axis=1 - axis))

    def _look_at(self, z: int) -> bool:
        self._due[z] = False
        (y0, x0), (y1, x1) = self._from[z], self._to[z]
        plane = self._labels[z]
        rows, columns = self._bits(plane[y0:y1], 1), self._bits(plane[:, x0:x1], 0)
        same = np.array_equal(rows, self._rows[z, y0:y1]) and np.array_equal(columns, self._columns[z, x0:x1])
        self._rows[z, y0:y1], self._columns[z, x0:x1] = rows, columns
        return not same

    def _bits(self, block: Labels, axis: int) -> Bits:
        if not block.any():
            return np.zeros(block.shape[1 - axis], np.uint64)
        values = block if block.dtype == np.uint8 else np.clip(block, 0, LAST)
        return np.asarray(np.bitwise_or.reduce(self._table[values], axis=axis))


def labels_in(bits: int) -> tuple[int, ...]:
    """The label numbers that these bits stand for, smallest first; ``LAST`` for itself and all above."""
    return tuple(v for v in range(1, LAST + 1) if bits >> (v - 1) & 1)


def _bit_of_value() -> Bits:
    table = np.zeros(256, np.uint64)
    for value in range(1, 256):
        table[value] = np.uint64(1) << np.uint64(min(value, LAST) - 1)
    return table


class Annotated:
    """The occupancy of the session's open case; somebody with a clock has to call :meth:`look` while ``due``."""

    changed = Signal()  # other slices hold labels now
    due = Signal()  # there is something to look at

    def __init__(self, session: Session) -> None:
        self._session = session
        self._occupancy: Occupancy | None = None
        session.opened.connect(self._on_opened)
        session.edited.connect(self._on_edited)
        self._on_opened(session.case)

    def release(self) -> None:
        """Let go of the session."""
        self._session.opened.disconnect(self._on_opened)
        self._session.edited.disconnect(self._on_edited)

    @property
    def pending(self) -> bool:
        """Whether something was not looked at yet."""
        return self._occupancy is not None and self._occupancy.pending

    def look(self, seconds: float) -> None:
        """Look at what is due for about this long."""
        if self._occupancy is not None and self._occupancy.look(seconds):
            self.changed.emit()

    def slices(self, axis: int) -> Bits:
        """The bits of all labels in each slice along an array axis (0: z, 1: y, 2: x); empty without a case."""
        return np.zeros(0, np.uint64) if self._occupancy is None else self._occupancy.slices(axis)

    def beside(self, index: int, step: int, axis: int = 0) -> int | None:
        """The nearest slice with a label above (``step`` 1) or below (-1) ``index``; None where there is none."""
        self.look(PATIENCE_S)
        held = np.flatnonzero(self.slices(axis))
        further: Iterable[int] = held[held > index] if step > 0 else held[held < index][::-1]
        return next((int(i) for i in further), None)

    def _on_opened(self, case: OpenCase | None) -> None:
        self._occupancy = Occupancy(case.labels.array) if case is not None else None
        self.changed.emit()
        self.due.emit()

    def _on_edited(self, edit: Edit, how: str) -> None:
        if self._occupancy is not None:
            self._occupancy.touch(edit.box)
            self.due.emit()


def annotated_commands(session: Session, annotated: Annotated) -> list[Command]:
    """Going from labelled slice to labelled slice."""

    def go(step: int) -> None:
        found = annotated.beside(session.z, step)
        if found is not None:
            session.go_to_slice(found)

    return [
        Command(
            "view.next_annotated", "Next annotated slice", "Shift+Up", "View", lambda: go(1), repeats=True
        ),
        Command(
            "view.previous_annotated",
            "Previous annotated slice",
            "Shift+Down",
            "View",
            lambda: go(-1),
            repeats=True,
        ),
    ]
