"""Labels of a case on the disk: the mask file plus what the journal holds beyond it."""

import json
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from featherseg_engines.annotation.cases import FIELDS, Case, case_of
from featherseg_engines.annotation.files import folder_beside, put_in_place
from featherseg_engines.annotation.history import Stacks
from featherseg_engines.annotation.journal import CaseJournal
from featherseg_engines.annotation.store import Store
from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.readers import read_mask
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import LabelMap, Labels


@dataclass(frozen=True, slots=True, eq=False)
class Recovered:
    """A case as rebuilt from the disk.

    ``replayed`` events were not in the mask file yet. ``foreign`` are the labels of the mask file where another
    program changed it; ``labels`` are ours then.
    """

    labels: LabelMap
    stacks: Stacks
    next_serial: int
    replayed: int
    warning: str = ""
    foreign: Labels | None = None


class MaskFiles:
    """Reads and writes the mask files of a workspace; any thread.

    A mask file is a fold of the journal, never of an array that a canvas is painting on: half a stroke is in
    no file. Order of a write: new file beside, flushed, verified, renamed, and only then the mark. A crash in
    between leaves a file that holds more than its mark says, which replaying sets right (see ``replay``).
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writers: dict[int, threading.Lock] = {}
        self._files: dict[int, threading.Lock] = {}
        self._closed = False

    def close(self) -> None:
        """Wait for what is being written; nothing is written from now on."""
        self._closed = True
        for lock in list(self._writers.values()):
            with lock:
                pass

    def case(self, case_id: int) -> Case:
        """The case of this number. *Raises* ReadError where there is none."""
        rows = self._store.rows(f"SELECT {FIELDS} FROM cases WHERE id = ?", (case_id,))
        if not rows:
            raise ReadError(f"There is no case {case_id} in this workspace; reload the case list.")
        return case_of(rows[0])

    def recover(self, case_id: int) -> Recovered:
        """Labels and undo history exactly as of the last event that was recorded.

        Raises
        ------
        ReadError
            The mask file is gone or damaged and the journal does not reach back to the beginning.
        """
        with self._files.setdefault(case_id, threading.Lock()):
            case = self.case(case_id)
            journal = CaseJournal(self._store, case_id)
            foreign = None
            if self._changed_outside(case, journal):
                foreign = self._read(case)
                warning = f"The mask of '{case.name}' was changed by another program; undo takes that back."
                labels, replayed = np.zeros(case.geometry.shape, case.dtype), 0
                if journal.complete():
                    journal.replay(LabelMap(labels), 0)
                else:
                    labels[...] = foreign
                    warning = f"The mask of '{case.name}' was changed by another program; undo begins anew."
                    journal.forget()
            else:
                labels, replayed, warning = self._fold(case)
            stacks, serial = journal.stacks()
        return Recovered(LabelMap(labels), stacks, serial, replayed, warning, foreign)

    def write_through(self, case_id: int) -> bool:
        """Bring the mask file up to the newest event; False where it was already.

        Raises
        ------
        WriteError
            The file cannot be written; the old one stands, and nothing is lost.
        """
        with self._writers.setdefault(case_id, threading.Lock()):
            if self._closed:
                return False
            case = self.case(case_id)
            journal = CaseJournal(self._store, case_id)
            newest = journal.newest()
            path = self._store.folder / case.mask
            if newest == case.mark and (path.exists() or not newest):
                return False
            reading = self._files.setdefault(case_id, threading.Lock())
            with reading:
                labels, _, _ = self._fold(case, newest)
            with folder_beside(path) as beside:
                write_mask(beside / path.name, labels, case.geometry)
                volumes = json.dumps(volumes_of(labels, case))
                with reading:  # held for a rename only: nobody who opens the case waits for the writing
                    put_in_place(beside / path.name, path)
                    with self._store.writing() as db:
                        sql = "UPDATE cases SET mark = ?, volumes = ?, digest = ? WHERE id = ?"
                        db.execute(sql, (newest, volumes, digest_of(path), case_id))
                    journal.prune(newest)
        return True

    def _fold(self, case: Case, upto: int | None = None) -> tuple[Labels, int, str]:
        journal = CaseJournal(self._store, case.id)
        labels, mark, warning = np.zeros(case.geometry.shape, case.dtype), 0, ""
        if case.mark:
            try:
                labels[...] = self._read(case)
                mark = case.mark
            except ReadError:
                if not journal.complete():
                    raise
                warning = (
                    f"The mask of '{case.name}' was missing or damaged and was rebuilt from the journal."
                )
        replayed = journal.replay(LabelMap(labels), mark, upto)
        return labels, replayed, warning

    def _read(self, case: Case) -> Labels:
        labels = read_mask(self._store.folder / case.mask, case.geometry.shape)
        if labels.max(initial=0) > np.iinfo(np.dtype(case.dtype)).max:
            raise ReadError(
                f"Another program put labels above {np.iinfo(np.dtype(case.dtype)).max} into the mask of "
                f"'{case.name}'; this case cannot hold them."
            )
        return labels

    def _changed_outside(self, case: Case, journal: CaseJournal) -> bool:
        """Whether the mask file is not the one that was marked.

        With later events in the journal this cannot be told from a crash before the mark, and is taken for one.
        """
        path = self._store.folder / case.mask
        if not case.mark or not path.exists() or journal.newest() != case.mark:
            return False
        return digest_of(path) != case.digest


def digest_of(path: Path) -> int:
    """CRC-32 of a file; 0 where it cannot be read."""
    try:
        return zlib.crc32(path.read_bytes())
    except OSError:
        return 0


def volumes_of(labels: Labels, case: Case) -> dict[int, float]:
    """Millilitres of each label number above 0 (pixels where the image has no physical size)."""
    counts = np.zeros(np.iinfo(labels.dtype).max + 1, np.int64)
    for plane in labels:  # counted by the slice: numpy widens what it counts to 64 bits
        counts += np.bincount(plane.ravel(), minlength=counts.size)
    unit = case.geometry.voxel_ml if case.geometry.calibrated else 1.0
    return {int(v): round(float(counts[v]) * unit, 6) for v in np.flatnonzero(counts) if v}


def thumbnail_of(store: Store, case_id: int) -> bytes:
    """The case's small PNG; empty where there is none."""
    rows = store.rows("SELECT thumbnail FROM cases WHERE id = ?", (case_id,))
    return cast(bytes, rows[0][0]) if rows else b""
