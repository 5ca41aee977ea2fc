"""The journal of one case: every event committed before the call returns, and replayed after a crash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from featherseg_engines.annotation.history import Event, Kind, Stacks, Step
from featherseg_engines.annotation.packing import PackedEdit, unpack_crop
from featherseg_engines.annotation.store import Store
from featherseg_engines.errors import ReadError
from featherseg_engines.labels import Box, LabelMap, Source
from featherseg_engines.refine.prompts import Stroke
from featherseg_engines.refine.record import from_text, standing

KEEP_STEPS = 500
KEEP_BYTES = 256 * 2**20
"""How many steps of a case can be undone, and how many compressed bytes they may take on the disk."""

COLUMNS = "serial, name, source, detail, z0, y0, x0, z1, y1, x1, dtype, changed"


def utc_now() -> str:
    """The time as kept in the database: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class CaseJournal:
    """Keeps the events of one case in the workspace's database; an ``EditLog``.

    ``who`` are the initials of the person at work.
    """

    store: Store
    case_id: int
    who: str = ""

    def append(self, events: Sequence[Event]) -> None:
        """Commit all events, or none and JournalError."""
        now = utc_now()
        with self.store.writing() as db:
            for event in events:
                if event.edit is not None:
                    db.execute(
                        "INSERT INTO edits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (self.case_id, event.serial, *_columns(event.edit)),
                    )
                db.execute(
                    "INSERT INTO events (case_id, serial, kind, at, who) VALUES (?, ?, ?, ?, ?)",
                    (self.case_id, event.serial, event.kind, now, self.who),
                )
            db.execute(
                "UPDATE cases SET changed = ?, who = ?, "
                "state = CASE WHEN state IN ('new', 'proposed') THEN 'in work' ELSE state END WHERE id = ?",
                (now, self.who, self.case_id),
            )

    def fetch(self, serial: int) -> PackedEdit:
        """The edit of this number. *Raises* ReadError where the file is damaged or it was let go."""
        sql = f"SELECT {COLUMNS}, before, after FROM edits WHERE case_id = ? AND serial = ?"
        found = self.store.rows(sql, (self.case_id, serial))
        if not found or found[0][-1] is None:
            raise ReadError(f"Step {serial} is no longer in the workspace; it cannot be undone.")
        step, dtype = _step(found[0])
        before, after = cast(tuple[bytes, bytes], found[0][-2:])
        return PackedEdit(step.name, step.source, step.box, dtype, before, after, step.changed, step.detail)

    def newest(self) -> int:
        """The number of the newest event; 0 where there is none."""
        sql = "SELECT coalesce(max(seq), 0) FROM events WHERE case_id = ?"
        return int(cast(int, self.store.rows(sql, (self.case_id,))[0][0]))

    def stacks(self) -> tuple[Stacks, int]:
        """What can be undone and redone, and the next free edit number."""
        sql = f"SELECT {COLUMNS} FROM edits WHERE case_id = ? AND after IS NOT NULL"
        steps = {step.serial: step for step, _ in map(_step, self.store.rows(sql, (self.case_id,)))}
        stacks = Stacks([], [])
        for kind, serial in self._events(0, None):
            if serial in steps:
                stacks.move(kind, steps[serial])
            elif kind == "do":
                stacks.undone.clear()
        top = self.store.rows("SELECT coalesce(max(serial), 0) FROM edits WHERE case_id = ?", (self.case_id,))
        return stacks, int(cast(int, top[0][0])) + 1

    def complete(self) -> bool:
        """Whether the journal alone can rebuild the labels: no edit's voxels have been let go."""
        sql = "SELECT count(*) FROM edits WHERE case_id = ? AND after IS NULL"
        return not self.store.rows(sql, (self.case_id,))[0][0]

    def replay(self, labels: LabelMap, mark: int, upto: int | None = None) -> int:
        """Bring ``labels``, which hold all events up to ``mark``, to ``upto`` (the newest where None).

        Returns how many events there were.

        Each event sets its whole box, so labels that already hold some of the later events come out the same.
        """
        events = self._events(mark, upto)
        for kind, serial in events:
            column = "before" if kind == "undo" else "after"
            sql = f"SELECT {COLUMNS}, {column} FROM edits WHERE case_id = ? AND serial = ?"
            found = self.store.rows(sql, (self.case_id, serial))
            if not found or found[0][-1] is None:
                raise ReadError(
                    "The workspace's journal has a gap; the labels of this case cannot be rebuilt."
                )
            step, dtype = _step(found[0])
            labels.array[step.box.slices] = unpack_crop(cast(bytes, found[0][-1]), dtype, step.box)
        return len(events)

    def strokes(self) -> list[Stroke]:
        """The strokes on proposals of this case that stand now, oldest first: not taken back, not dropped.

        They outlive the voxels of old steps; a lesson looks at the places closely.
        """
        sql = (
            "SELECT e.detail, (SELECT kind FROM events v WHERE v.case_id = e.case_id AND v.serial = e.serial "
            "ORDER BY seq DESC LIMIT 1) FROM edits e WHERE case_id = ? AND source = 'stroke' ORDER BY serial"
        )
        done = (str(detail) for detail, kind in self.store.rows(sql, (self.case_id,)) if kind != "undo")
        return standing(mark for mark in map(from_text, done) if mark is not None)

    def standing(self) -> list[tuple[Step, PackedEdit | None]]:
        """Every edit that stands now, oldest first, with its voxels where they were not let go."""
        sql = (
            f"SELECT {COLUMNS}, before, after, (SELECT kind FROM events v WHERE v.case_id = e.case_id AND "
            "v.serial = e.serial ORDER BY seq DESC LIMIT 1) FROM edits e WHERE case_id = ? ORDER BY serial"
        )
        found: list[tuple[Step, PackedEdit | None]] = []
        for row in self.store.rows(sql, (self.case_id,)):
            if row[-1] == "undo":
                continue
            step, dtype = _step(row)
            before, after = cast(tuple[bytes | None, bytes | None], row[-3:-1])
            packed = None
            if before is not None and after is not None:
                packed = PackedEdit(
                    step.name, step.source, step.box, dtype, before, after, step.changed, step.detail
                )
            found.append((step, packed))
        return found

    def prune(self, mark: int) -> None:
        """Let the voxels go of steps that nobody can reach or that are beyond what is kept.

        Only steps whose every event is in the mask file (up to ``mark``); their names stay.
        """
        stacks, _ = self.stacks()
        sql = (
            "SELECT serial, length(before) + length(after) FROM edits e WHERE case_id = ? AND after IS NOT NULL "
            "AND ? >= (SELECT max(seq) FROM events v WHERE v.case_id = e.case_id AND v.serial = e.serial)"
        )
        sizes = {int(cast(int, s)): int(cast(int, n)) for s, n in self.store.rows(sql, (self.case_id, mark))}
        keep = {step.serial for step in stacks.undone}
        room, places = KEEP_BYTES, KEEP_STEPS
        for step in reversed(stacks.done):
            room, places = room - sizes.get(step.serial, 0), places - 1
            if room < 0 or places < 0:
                break
            keep.add(step.serial)
        gone = [(self.case_id, serial) for serial in sizes if serial not in keep]
        if gone:
            with self.store.writing() as db:
                db.executemany(
                    "UPDATE edits SET before = NULL, after = NULL WHERE case_id = ? AND serial = ?", gone
                )

    def forget(self) -> None:
        """Let the voxels of all steps go: undo begins anew. Nothing where the workspace is read-only."""
        if self.store.mode == "write":
            with self.store.writing() as db:
                db.execute("UPDATE edits SET before = NULL, after = NULL WHERE case_id = ?", (self.case_id,))

    def _events(self, after: int, upto: int | None) -> list[tuple[Kind, int]]:
        sql = "SELECT kind, serial FROM events WHERE case_id = ? AND seq > ? AND seq <= ? ORDER BY seq"
        last = 2**62 if upto is None else upto
        return [cast(tuple[Kind, int], row) for row in self.store.rows(sql, (self.case_id, after, last))]


def _columns(edit: PackedEdit) -> tuple[Any, ...]:
    corners = (*edit.box.start, *edit.box.stop)
    return edit.name, edit.source, edit.detail, *corners, edit.dtype, edit.changed, edit.before, edit.after


def _step(row: tuple[object, ...]) -> tuple[Step, str]:
    serial, name, source, detail, z0, y0, x0, z1, y1, x1, dtype, changed = cast(tuple[Any, ...], row[:12])
    box = Box((z0, y0, x0), (z1, y1, x1))
    return Step(serial, name, cast(Source, source), box, changed, detail), dtype
