"""The label table in hand: names, colours, hot keys, locks, and which label is painted."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from psygnal import Signal

from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.labels import OKABE_ITO, Label, Labels, LabelTable

MOST = 255
"""Highest label number that every case can hold."""


class Labelling:
    """State of the label table; lives on the UI thread.

    ``shared`` is True while the table belongs to a workspace: a model's own label names do not replace it then.
    """

    changed = Signal()  # a row came, went or looks different
    chosen = Signal(int)  # another label is painted from now on

    def __init__(self) -> None:
        self.table = LabelTable()
        self.active = 1
        self.shared = False
        self._keys: dict[int, str] = {}

    @property
    def locked(self) -> frozenset[int]:
        """Numbers that nothing may change."""
        return frozenset(row.value for row in self.table if row.locked)

    def rows(self) -> list[LabelRow]:
        """The table with its hot keys, by number."""
        return [LabelRow(label, self.key_of(label.value)) for label in self.table]

    def key_of(self, value: int) -> str:
        """The digit that chooses a label; "" where another label has it."""
        if value in self._keys:
            return self._keys[value]
        own = str(value)
        return own if value <= 9 and own not in self._keys.values() else ""

    def by_key(self, digit: str) -> int:
        """The label that a digit chooses; one that has none yet is its own number."""
        for label in self.table:
            if self.key_of(label.value) == digit:
                return label.value
        return int(digit)

    def choose(self, value: int) -> None:
        """Paint and accept with this label from now on; it joins the table where it is new."""
        self.ensure((value,))
        self.active = value
        self.chosen.emit(value)

    def ensure(self, values: Iterable[int]) -> None:
        """Have a row for each of these numbers."""
        new = [v for v in values if v not in self.table.rows]
        for value in new:
            self.table.put(Label(value, f"label {value}", OKABE_ITO[(value - 1) % len(OKABE_ITO)]))
        if new:
            self.changed.emit()

    def add(self) -> int | None:
        """Add a row with the lowest free number and choose it; None where the table is full."""
        free = next((n for n in range(1, MOST + 1) if n not in self.table.rows), None)
        if free is not None:
            self.choose(free)
        return free

    def put(self, label: Label, hotkey: str | None = None) -> None:
        """Add a row or replace the one of its number; a hot key that another row had moves here."""
        self.table.put(label)
        if hotkey is not None:
            self._take(label.value, hotkey)
        self.changed.emit()

    def lock(self, value: int, locked: bool) -> None:
        """Let nothing, or everything again, change a label."""
        self.put(replace(self.table.rows[value], locked=locked))

    def show(self, value: int, visible: bool) -> None:
        """Draw a label or not; hidden ones stay what they are."""
        self.put(replace(self.table.rows[value], visible=visible))

    def remove(self, value: int) -> None:
        """Take a row out; voxels with its number stay and get a plain row again when they are met."""
        self.table.rows.pop(value, None)
        self._keys.pop(value, None)
        self.ensure((self.active,))
        self.changed.emit()

    def load(self, rows: Iterable[LabelRow], *, shared: bool | None = None) -> None:
        """Replace the whole table (a preset, a file, a workspace's)."""
        kept = list(rows)
        self.table.rows.clear()
        self._keys.clear()
        for row in kept:
            self.table.put(row.label)
            if row.hotkey:
                self._take(row.label.value, row.hotkey)
        if shared is not None:
            self.shared = shared
        if self.active not in self.table.rows:
            self.active = min(self.table.rows, default=1)
        self.ensure((self.active,))
        self.changed.emit()
        self.chosen.emit(self.active)

    def _take(self, value: int, digit: str) -> None:
        if digit:
            for other in [v for v in self.table.rows if v != value and self.key_of(v) == digit]:
                self._keys[other] = ""
        self._keys[value] = digit


def names_in(labels: Labels, rows: dict[int, Label]) -> LabelTable:
    """Names and colours of the numbers that a label array (z, y, x) holds; it is looked through once."""
    used = np.unique(labels)
    return LabelTable({v: rows[v] for v in map(int, used) if v in rows}).covering(used)
