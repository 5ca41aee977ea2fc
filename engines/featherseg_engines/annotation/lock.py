"""One program writes a workspace at a time: an operating-system lock, and a row that says who holds it."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from featherseg_engines.annotation.journal import utc_now
from featherseg_engines.annotation.store import Store
from featherseg_engines.errors import WorkspaceBusy, WriteError

LOCK = "featherseg.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has, or had, the workspace open: initials, computer, process, since when (UTC)."""

    who: str
    host: str
    pid: int
    since: str


class WorkspaceLock:
    """Held from construction to :meth:`release`; the operating system lets it go when the program dies.

    Raises
    ------
    BlockingIOError
        Another program holds it.
    WriteError
        The lock file cannot be made (read-only folder).
    """

    def __init__(self, folder: Path) -> None:
        import filelock

        self._lock = filelock.FileLock(folder / LOCK, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except (filelock.Timeout, RuntimeError) as error:  # RuntimeError: held by this very thread already
            raise BlockingIOError("the workspace is locked") from error
        except OSError as error:
            raise WriteError(
                f"The workspace '{folder.name}' cannot be opened for writing (read-only folder?); "
                "open it read-only or choose another folder."
            ) from error

    def release(self) -> None:
        """Let it go."""
        self._lock.release()


def holder_of(store: Store) -> Holder | None:
    """Who is written down as holding the workspace; None after a proper close."""
    rows = store.rows("SELECT who, host, pid, since FROM holder")
    return Holder(*cast(tuple[str, str, int, str], rows[0])) if rows else None


def sign_in(store: Store, who: str) -> Holder | None:
    """Write this program down as the holder; return the one who never signed out (it crashed), or None."""
    before = holder_of(store)
    row = (who, socket.gethostname(), os.getpid(), utc_now())
    with store.writing() as db:
        db.execute("INSERT OR REPLACE INTO holder VALUES (1, ?, ?, ?, ?)", row)
    return before


def sign_out(store: Store) -> None:
    """Cross the holder out: the workspace was closed properly."""
    with store.writing() as db:
        db.execute("DELETE FROM holder")


def busy(folder: Path) -> WorkspaceBusy:
    """The error that tells who has the workspace open."""
    try:
        store = Store(folder, "read")
    except (OSError, WriteError):
        return WorkspaceBusy(
            f"'{folder.name}' is open in another program; close it there or open it read-only."
        )
    try:
        holder = holder_of(store)
    finally:
        store.close()
    if holder is None:
        return WorkspaceBusy(
            f"'{folder.name}' is open in another program; close it there or open it read-only."
        )
    who = f" by {holder.who}" if holder.who else ""
    since = holder.since.replace("T", " ").removesuffix("+00:00")
    return WorkspaceBusy(
        f"'{folder.name}' has been open{who} on {holder.host} since {since} UTC; "
        "close it there or open it read-only."
    )
