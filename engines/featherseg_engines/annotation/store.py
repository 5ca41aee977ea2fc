"""The workspace's SQLite file: opened so that what is committed survives a crash, errors told in sentences."""

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from featherseg_engines.annotation.schema import APPLICATION_ID, MIGRATIONS, Migration, migrate, version_of
from featherseg_engines.annotation.shares import on_network_share
from featherseg_engines.errors import JournalError, ReadError

DATABASE = "featherseg.sqlite"
BUSY_S = 10.0
NEWER = "'{}' was made by a newer Featherseg; update this program to open it."
DAMAGED = "The workspace '{}' is damaged or is not one; restore the folder from a backup."


class Store:
    """One connection, shared by the threads of this program through a lock.

    Parameters
    ----------
    folder
        The workspace folder; it must exist.
    mode
        ``write`` makes the database where there is none and brings an older one up to date (a copy of the old
        one stays beside); ``read`` changes nothing in the folder.
    steps
        The migrations; given by tests only.

    Raises
    ------
    ReadError
        The database is damaged, newer than this program, or not a workspace.
    JournalError
        It cannot be made or brought up to date here.
    """

    def __init__(
        self,
        folder: Path,
        mode: Literal["write", "read"] = "write",
        steps: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.folder = folder
        self.mode = mode
        self.journal_mode = ""
        self._lock = threading.RLock()
        self._copy: Path | None = None
        path = folder / DATABASE
        if mode == "read" and not path.exists():
            raise ReadError(f"'{folder.name}' is not a workspace; choose a folder that Featherseg made.")
        try:
            self.connection = self._opened(path, steps)
        except sqlite3.OperationalError as error:
            raise JournalError(sentence(error)) from error
        except sqlite3.DatabaseError as error:
            raise ReadError(DAMAGED.format(folder.name)) from error

    def close(self) -> None:
        """Let the file go; committed work is in it."""
        with self._lock:
            self.connection.close()
            if self._copy is not None:
                shutil.rmtree(self._copy, ignore_errors=True)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when the block has ended, or nothing of it and JournalError."""
        if self.mode == "read":
            raise JournalError(
                "This workspace is open read-only; close it elsewhere and open it again to edit."
            )
        with self._lock:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException as error:
                if self.connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self.connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):  # the others are a programmer's
                    raise JournalError(sentence(error)) from error
                raise

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of a question. *Raises* ReadError where the file cannot be read."""
        with self._lock:
            try:
                return list(self.connection.execute(sql, values))
            except sqlite3.Error as error:
                raise ReadError(DAMAGED.format(self.folder.name)) from error

    # -- opening ----------------------------------------------------------------------------------------

    def _opened(self, path: Path, steps: Sequence[Migration]) -> sqlite3.Connection:
        if self.mode == "read":
            return self._checked(self._read_only(path), len(steps))
        db = _connect(f"{path.resolve().as_uri()}?mode=rwc")
        try:
            self.journal_mode = _choose_journal(db, on_network_share(self.folder))
            db.execute("PRAGMA foreign_keys = ON")
            self._checked(db, len(steps), new=True)
            if 0 < version_of(db) < len(steps):
                _keep_copy(db, path.with_name(f"featherseg.version-{version_of(db)}.sqlite"))
            migrate(db, steps)
            db.execute(
                "BEGIN IMMEDIATE"
            )  # a file without the right to write opens, and begins, without a word
            db.execute(f"PRAGMA user_version = {len(steps)}")
            db.execute("ROLLBACK")
        except BaseException:
            db.close()
            raise
        return db

    def _read_only(self, path: Path) -> sqlite3.Connection:
        db = _connect(f"{path.resolve().as_uri()}?mode=ro")
        try:
            version_of(db)
        except sqlite3.OperationalError:  # a log that cannot be read without writing beside it: read a copy
            db.close()
            self._copy = Path(tempfile.mkdtemp(prefix="featherseg-"))
            for file in path.parent.glob(DATABASE + "*"):
                if not file.name.endswith("-shm"):
                    shutil.copy2(file, self._copy)
            db = _connect(f"{(self._copy / DATABASE).as_uri()}?mode=rw")
        return db

    def _checked(self, db: sqlite3.Connection, newest: int, new: bool = False) -> sqlite3.Connection:
        version = version_of(db)
        known = int(db.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
        empty = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not known and not (new and empty):
            raise ReadError(DAMAGED.format(self.folder.name))
        if version > newest:
            raise ReadError(NEWER.format(self.folder.name))
        return db


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _choose_journal(db: sqlite3.Connection, remote: bool) -> str:
    """Write-ahead log where the disk is our own, else the rollback journal; every commit is flushed."""
    if remote:  # exclusive first: a log left by a local session is then read without shared memory
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    wanted = "delete" if remote else "wal"
    answer = str(db.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0])
    if answer != wanted and not remote:
        answer = str(db.execute("PRAGMA journal_mode = delete").fetchone()[0])
    if remote:
        db.execute("PRAGMA locking_mode = NORMAL")
        version_of(db)
    db.execute("PRAGMA synchronous = FULL")
    return answer


def _keep_copy(db: sqlite3.Connection, path: Path) -> None:
    copy = sqlite3.connect(path)
    try:
        db.backup(copy)
    finally:
        copy.close()


def sentence(error: sqlite3.Error) -> str:
    """What a person is told when the database refuses a change."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return "The disk is full, so the last change is not saved; make room and press Save."
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "The workspace is read-only, so the last change is not saved; allow writing and press Save."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            "Another program holds the database, so the last change is not saved; close it there, press Save."
        )
    return "The disk refused the last change, so it is not saved; check the disk and press Save."
