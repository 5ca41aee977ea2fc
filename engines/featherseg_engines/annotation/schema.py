"""The workspace's database: its tables, its version, and the steps from one version to the next."""

import sqlite3
from collections.abc import Callable, Sequence

Migration = Callable[[sqlite3.Connection], None]
APPLICATION_ID = 0x46534547
"""Written into the file's header so that it is known as ours ("FSEG")."""

TABLES = """
CREATE TABLE holder (
    only INTEGER PRIMARY KEY CHECK (only = 1), who TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    since TEXT NOT NULL);
CREATE TABLE cases (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, linked INTEGER NOT NULL,
    hint TEXT NOT NULL DEFAULT '', series_uid TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'new',
    geometry TEXT NOT NULL, channels INTEGER NOT NULL DEFAULT 1, dtype TEXT NOT NULL DEFAULT '|u1',
    volumes TEXT NOT NULL DEFAULT '{}', changed TEXT NOT NULL DEFAULT '', who TEXT NOT NULL DEFAULT '',
    mask TEXT NOT NULL, mark INTEGER NOT NULL DEFAULT 0, digest INTEGER NOT NULL DEFAULT 0,
    thumbnail BLOB NOT NULL DEFAULT x'');
CREATE TABLE edits (
    case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, serial INTEGER NOT NULL,
    name TEXT NOT NULL, source TEXT NOT NULL, detail TEXT NOT NULL,
    z0 INTEGER NOT NULL, y0 INTEGER NOT NULL, x0 INTEGER NOT NULL,
    z1 INTEGER NOT NULL, y1 INTEGER NOT NULL, x1 INTEGER NOT NULL,
    dtype TEXT NOT NULL, changed INTEGER NOT NULL, before BLOB, after BLOB,
    PRIMARY KEY (case_id, serial));
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, serial INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('do', 'undo', 'redo')), at TEXT NOT NULL, who TEXT NOT NULL);
CREATE INDEX events_of_case ON events (case_id, seq);
CREATE TABLE labels (
    value INTEGER PRIMARY KEY CHECK (value > 0), row TEXT NOT NULL);
"""


def _first(db: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _outlooks(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE outlooks (case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, "
        "weights TEXT NOT NULL, score REAL NOT NULL, descriptor BLOB NOT NULL, at TEXT NOT NULL, "
        "PRIMARY KEY (case_id, weights))"
    )


def _lesson_groups(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE lesson_groups (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
        "held_out INTEGER NOT NULL, at TEXT NOT NULL)"
    )


MIGRATIONS: tuple[Migration, ...] = (_first, _outlooks, _lesson_groups)
"""Step i makes version i + 1 out of version i; a new version appends a step and changes none before it."""


def version_of(db: sqlite3.Connection) -> int:
    """The version of the database; 0 where it is new."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, steps: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the newest version in one transaction; a failure leaves the old version whole."""
    version = version_of(db)
    if version == len(steps):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version:]:
            step(db)
        db.execute(f"PRAGMA user_version = {len(steps)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
