"""The label table of a workspace: name, colour, code, hot key, lock and visibility, in and out as JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from featherseg_engines.annotation.files import write_text
from featherseg_engines.annotation.store import Store
from featherseg_engines.imaging.label_table import read_table, table_from_json, table_to_json
from featherseg_engines.labels import Label, LabelTable

KEYS = frozenset({"", *"123456789"})


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label with its hot key: "1" to "9", or ""."""

    label: Label
    hotkey: str = ""

    def __post_init__(self) -> None:
        """Refuse hot keys that are not a digit from 1 to 9."""
        if self.hotkey not in KEYS:
            raise ValueError(f"a hot key is 1 to 9, got '{self.hotkey}'")


class LabelRows:
    """The rows in the workspace's database; changes are committed when a call returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self) -> list[LabelRow]:
        """All rows by number."""
        found = self._store.rows("SELECT row FROM labels ORDER BY value")
        return [_row(json.loads(cast(str, text))) for (text,) in found]

    def table(self) -> LabelTable:
        """The rows as the label table that drawing and exports take."""
        return LabelTable({row.label.value: row.label for row in self.rows()})

    def locked(self) -> frozenset[int]:
        """Numbers that no tool may change."""
        return frozenset(row.label.value for row in self.rows() if row.label.locked)

    def put(self, rows: Iterable[LabelRow]) -> None:
        """Add rows or replace those of the same number; a hot key moves to the row that asks for it last."""
        kept = {row.label.value: row for row in self.rows()}
        for row in rows:
            if row.label.value < 1:
                raise ValueError("label numbers start at 1; 0 is nothing")
            for value, other in kept.items():
                if row.hotkey and other.hotkey == row.hotkey:
                    kept[value] = LabelRow(other.label)
            kept[row.label.value] = row
        with self._store.writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO labels VALUES (?, ?)",
                [(value, json.dumps(_data(row))) for value, row in kept.items()],
            )

    def remove(self, value: int) -> None:
        """Take a row out; voxels with its number stay."""
        with self._store.writing() as db:
            db.execute("DELETE FROM labels WHERE value = ?", (value,))

    def export_json(self, path: Path) -> None:
        """Write the table to a file. *Raises* WriteError."""
        write_text(path, to_json(self.rows()))

    def import_json(self, path: Path) -> list[LabelRow]:
        """Put the rows of a file into the table. *Raises* ReadError where the file is no such table."""
        rows = from_json(path)
        self.put(rows)
        return rows


def to_json(rows: Iterable[LabelRow]) -> str:
    """Rows as text for a file; a label table beside a mask, with hot key, lock and visibility added."""
    kept = list(rows)
    data = table_to_json(LabelTable({row.label.value: row.label for row in kept}))
    return json.dumps(data | {"labels": [_data(row) for row in kept]}, indent=2, ensure_ascii=False) + "\n"


def from_json(path: Path) -> list[LabelRow]:
    """Rows of a file made by :func:`to_json`, or of a label table beside a mask. *Raises* ReadError."""
    table = read_table(path)
    data = json.loads(path.read_text(encoding="utf-8"))
    found = {int(entry["value"]): entry for entry in data["labels"]}
    return [_with_extras(label, found[label.value]) for label in table]


def _data(row: LabelRow) -> dict[str, Any]:
    (data,) = cast(list[dict[str, Any]], table_to_json(LabelTable({row.label.value: row.label}))["labels"])
    return data | {"visible": row.label.visible, "locked": row.label.locked, "hotkey": row.hotkey}


def _row(data: dict[str, Any]) -> LabelRow:
    (label,) = table_from_json({"labels": [data]})
    return _with_extras(label, data)


def _with_extras(label: Label, data: dict[str, Any]) -> LabelRow:
    visible, locked = bool(data.get("visible", True)), bool(data.get("locked", False))
    hotkey = str(data.get("hotkey", ""))
    return LabelRow(replace(label, visible=visible, locked=locked), hotkey if hotkey in KEYS else "")
