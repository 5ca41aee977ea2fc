"""A workspace: a folder of cases that one program at a time labels, and that can be moved as it is."""

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from featherseg_engines.annotation import lock
from featherseg_engines.annotation.cases import FIELDS, Case, CaseState, case_of
from featherseg_engines.annotation.history import History
from featherseg_engines.annotation.journal import CaseJournal, utc_now
from featherseg_engines.annotation.label_rows import LabelRows
from featherseg_engines.annotation.masks import MaskFiles, thumbnail_of
from featherseg_engines.annotation.outlook import Outlooks
from featherseg_engines.annotation.store import DATABASE, Store
from featherseg_engines.errors import JournalError, ReadError, WriteError
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.readers import list_series, read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Stroke

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.scan import Series

Sort = Literal["added", "name", "state", "changed", "who", "useful"]
ORDERS: dict[Sort, str] = {
    "added": "id",
    "name": "name COLLATE NOCASE",
    "state": "CASE state WHEN 'flagged' THEN 0 WHEN 'new' THEN 1 WHEN 'proposed' THEN 2 WHEN 'in work' THEN 3 "
    "ELSE 4 END",
    "changed": "changed",
    "who": "who COLLATE NOCASE",
    "useful": "id",  # depends on the model in use; see annotation.outlook
}
ReadSource = Callable[[Path, str], Volume]
"""Reads a file, or the series of this UID in a folder."""


def read_file(path: Path, series_uid: str = "") -> Volume:
    """Read one image file, or from a folder the DICOM series that :func:`series_key` names. *Raises* ReadError."""
    if not path.is_dir() or not series_uid:
        return read_image(path)
    for series in list_series(path):
        if series_key(series) == series_uid:
            return read_image(path, series=series)
    raise ReadError(f"The DICOM series of this case is no longer in '{path.name}'; bring its files back.")


def series_key(series: "Series") -> str:
    """What a workspace calls a series: its UID, and "/2" for the second of its parts."""
    return series.uid if series.part == 1 else f"{series.uid}/{series.part}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many cases are in each state."""

    counts: dict[CaseState, int]

    @property
    def total(self) -> int:
        """All cases."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        """Text for the case list."""
        return f"{self.counts[CaseState.ACCEPTED]} of {self.total} accepted"


@dataclass(frozen=True, slots=True, eq=False)
class OpenedCase:
    """A case being labelled: its row as it was when opened, its labels and undo, and what was recovered.

    ``recovered`` events had been recorded but were not in the mask file yet; ``told`` is a sentence for the
    person, or "".
    """

    case: Case
    history: History
    recovered: int
    told: str = ""


@dataclass(frozen=True, slots=True)
class PastStep:
    """A row of the history across cases."""

    case: str
    kind: str
    name: str
    at: str
    who: str


class Workspace:
    """An open workspace; everything but ``write_through`` belongs on one thread.

    Parameters
    ----------
    folder
        Made where it does not exist.
    who
        Initials of the person at work.
    read_only
        Look, change nothing; also while another program has it open.
    reader
        Reads the cases' images.

    Raises
    ------
    WorkspaceBusy
        Another program has it open; the sentence says who and since when.
    ReadError
        It is damaged, newer than this program, or (read-only) not there.
    WriteError
        It cannot be made or written here.
    """

    def __init__(
        self, folder: Path, who: str = "", read_only: bool = False, reader: ReadSource = read_file
    ) -> None:
        self.folder = folder
        self.who = who
        self.read_only = read_only
        self.reader = reader
        self.crashed: lock.Holder | None = None
        self._lock: lock.WorkspaceLock | None = None
        if read_only:
            self.store = Store(folder, "read")
        else:
            self.store = self._open_for_writing()
        self.masks = MaskFiles(self.store)
        self.labels = LabelRows(self.store)
        self.outlooks = Outlooks(self.store)

    def close(self) -> None:
        """Sign out and let the folder go; masks that were not written through stay in the journal."""
        self.masks.close()
        if self._lock is not None:
            with contextlib.suppress(JournalError):
                lock.sign_out(self.store)
        self.store.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "Workspace":
        """For ``with``."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _open_for_writing(self) -> Store:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(
                f"The folder '{self.folder.name}' cannot be made; choose a folder you may write to."
            ) from error
        try:
            self._lock = lock.WorkspaceLock(self.folder)
        except BlockingIOError as error:
            raise lock.busy(self.folder) from error
        try:
            if not (self.folder / DATABASE).exists() and any((self.folder / "masks").glob("*")):
                raise ReadError(
                    f"'{self.folder.name}' holds masks but no '{DATABASE}'; restore it or choose another folder."
                )
            store = Store(self.folder)
        except BaseException:
            self._lock.release()
            raise
        with contextlib.suppress(JournalError):  # a full disk must not keep anyone from looking
            self.crashed = lock.sign_in(store, self.who)
        _sweep(self.folder / "masks")
        return store

    # -- the case list ------------------------------------------------------------------------------------

    def cases(
        self,
        states: Collection[CaseState] = (),
        text: str = "",
        sort: Sort = "added",
        descending: bool = False,
    ) -> list[Case]:
        """Cases in any of ``states`` (all where empty) whose name holds ``text``, in order."""
        sql = f"SELECT {FIELDS} FROM cases WHERE instr(lower(name), lower(?)) > 0"
        if states:
            sql += f" AND state IN ({', '.join('?' * len(states))})"
        sql += f" ORDER BY {ORDERS[sort]} {'DESC' if descending else 'ASC'}, id"
        return [case_of(row) for row in self.store.rows(sql, (text, *(s.value for s in states)))]

    def case(self, case_id: int) -> Case:
        """The case of this number. *Raises* ReadError where there is none."""
        return self.masks.case(case_id)

    def numbers(self, state: CaseState) -> list[int]:
        """Numbers of all cases in a state."""
        rows = self.store.rows("SELECT id FROM cases WHERE state = ? ORDER BY id", (state.value,))
        return [cast(int, number) for (number,) in rows]

    def next_case(self, after: int | None, among: Sequence[Case], backwards: bool = False) -> Case | None:
        """The case after the one numbered ``after`` in a list as shown, round the corner; None where it is empty.

        The first (last) of the list where ``after`` is None or not in it.
        """
        if not among:
            return None
        places = [i for i, case in enumerate(among) if case.id == after]
        if not places:
            return among[-1 if backwards else 0]
        return among[(places[0] + (-1 if backwards else 1)) % len(among)]

    def progress(self) -> Progress:
        """How far the work is."""
        found = cast(
            list[tuple[str, int]], self.store.rows("SELECT state, count(*) FROM cases GROUP BY state")
        )
        return Progress({state: dict(found).get(state.value, 0) for state in CaseState})

    def set_state(self, case_ids: Sequence[int], state: CaseState) -> None:
        """Put cases into a state. *Raises* JournalError."""
        with self.store.writing() as db:
            db.executemany(
                "UPDATE cases SET state = ?, changed = ?, who = ? WHERE id = ?",
                [(state.value, utc_now(), self.who, case_id) for case_id in case_ids],
            )

    def remove_cases(self, case_ids: Sequence[int]) -> None:
        """Take cases and their undo history out of the list; image and mask files stay where they are."""
        with self.store.writing() as db:
            db.executemany("DELETE FROM cases WHERE id = ?", [(case_id,) for case_id in case_ids])

    def thumbnail(self, case_id: int) -> bytes:
        """The case's small PNG; empty where there is none."""
        return thumbnail_of(self.store, case_id)

    def past(self, limit: int = 200) -> list[PastStep]:
        """What was done lately in all cases, the newest first."""
        sql = (
            "SELECT c.name, v.kind, e.name, v.at, v.who FROM events v JOIN cases c ON c.id = v.case_id "
            "JOIN edits e ON e.case_id = v.case_id AND e.serial = v.serial ORDER BY v.seq DESC LIMIT ?"
        )
        return [
            PastStep(*cast(tuple[str, str, str, str, str], row)) for row in self.store.rows(sql, (limit,))
        ]

    def step_times(self, case_id: int) -> dict[int, str]:
        """When each edit of a case was done (ISO 8601, UTC), by its number."""
        sql = "SELECT serial, at FROM events WHERE case_id = ? AND kind = 'do'"
        return dict(cast(list[tuple[int, str]], self.store.rows(sql, (case_id,))))

    # -- images and labels ----------------------------------------------------------------------------------

    def image_path(self, case: Case) -> Path:
        """Where the case's image lies now. *Raises* ReadError where it is gone."""
        places = (
            [self.folder / case.image] if not case.linked else [Path(case.image), self.folder / case.hint]
        )
        for place in places:
            if place.exists():
                return place
        raise ReadError(
            f"The image of '{case.name}' is not where it was; bring '{places[0].name}' back or link it anew."
        )

    def read_volume(self, case: Case) -> Volume:
        """Read the case's image. *Raises* ReadError, also where its grid is no longer the case's."""
        volume = self.reader(self.image_path(case), case.series_uid)
        if volume.geometry.shape != case.geometry.shape:
            raise ReadError(
                f"The image of '{case.name}' has another size than when it was added; add it as a new case."
            )
        return with_content(volume)

    def relink(self, case_id: int, path: Path) -> None:
        """Point a linked case to where its image lies now. *Raises* ReadError, JournalError."""
        with self.store.writing() as db:
            sql = "UPDATE cases SET image = ?, hint = ?, linked = 1 WHERE id = ?"
            db.execute(sql, (str(path.resolve()), hint_for(self.folder, path), case_id))

    def open_case(self, case_id: int) -> OpenedCase:
        """Labels and undo history of a case, exactly as of the last recorded event. *Raises* ReadError.

        One history a case at a time: one that was opened before, or before a mask was imported, is out of date.
        """
        found = self.masks.recover(case_id)
        case = self.case(case_id)
        journal = CaseJournal(self.store, case_id, self.who)
        history = History(found.labels, journal, found.stacks, found.next_serial)
        if found.foreign is not None:
            whole = Box((0, 0, 0), case.geometry.shape)
            edit = found.labels.propose_edit("Changed by another program", "file", whole, found.foreign)
            with contextlib.suppress(JournalError):  # then it is in memory, and history.unsaved says so
                history.do(edit)
        return OpenedCase(case, history, found.replayed, found.warning or self._told(found.replayed))

    def strokes(self, case_id: int) -> list[Stroke]:
        """A person's strokes on proposals of a case that stand now, oldest first. Any thread."""
        return CaseJournal(self.store, case_id, self.who).strokes()

    def _told(self, replayed: int) -> str:
        if self.crashed is None or not replayed:
            return ""
        what = "1 step was" if replayed == 1 else f"{replayed} steps were"
        return f"The program ended unexpectedly; {what} recovered from the journal and nothing is missing."

    def write_through(self, case_id: int) -> bool:
        """Bring the case's mask file up to date; False where it was. Any thread. *Raises* WriteError."""
        return self.masks.write_through(case_id)

    def behind(self) -> list[int]:
        """Cases whose mask file lacks recorded events."""
        sql = (
            "SELECT id FROM cases c WHERE mark < (SELECT coalesce(max(seq), 0) FROM events WHERE case_id = c.id) "
            "ORDER BY id"
        )
        return [cast(int, row[0]) for row in self.store.rows(sql)]


def hint_for(folder: Path, path: Path) -> str:
    """``path`` as seen from the workspace, with ``/``; "" where there is no such way (another drive)."""
    with contextlib.suppress(ValueError):
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    return ""


def _sweep(masks: Path) -> None:
    """Remove what a killed program was writing beside the masks."""
    for folder in masks.glob(".featherseg-*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
