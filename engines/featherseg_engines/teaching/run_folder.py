"""The folder a lesson works in: whole at the end or gone, and what a killed run left is known by its lock."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from featherseg_engines.errors import TrainingError, WriteError
from featherseg_engines.models.bundle import CARD
from featherseg_engines.models.taught import UNFINISHED

ENDING = UNFINISHED
LOCK = ".lock"
LEFT_S = 24 * 3600.0
"""Age from which on a run's folder without a lock is a leftover too."""


@contextlib.contextmanager
def run_folder(target: Path) -> Iterator[Path]:
    """A new folder beside ``target`` to work in, renamed to it when the block ends well, removed when it does not.

    A target that itself ends in ``.training`` is worked in as it is. While the block runs, a lock beside the folder
    is held, which the system lets go when the program is killed.

    Raises
    ------
    WriteError
        The folder cannot be made, or something stands at ``target``.
    TrainingError
        Another lesson works there.
    """
    run = target if target.name.endswith(ENDING) else target.with_name(target.name + ENDING)
    _refuse_occupied(target)
    lock = FileLock(str(lock_of(run)), timeout=0)
    try:
        run.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        _remove(run)
        run.mkdir()
    except Timeout as error:
        raise TrainingError(f"Another lesson works in '{target.name}'; wait for its end.") from error
    except OSError as error:
        raise WriteError(
            f"'{target.name}' cannot be made: its folder is read-only or the disk is full."
        ) from error
    try:
        yield run
        if run != target:
            _put(run, target)
    except BaseException:
        _remove(run)
        raise
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            lock_of(run).unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what killed lessons left in ``folder``; how many there were. Lessons that go on are left alone."""
    removed = 0
    for run in sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []:
        if run.is_dir() and _left(run):
            _remove(run)
            with contextlib.suppress(OSError):
                lock_of(run).unlink(missing_ok=True)
            removed += 1
    return removed


def lock_of(run: Path) -> Path:
    """The lock beside a run's folder."""
    return run.with_name(run.name + LOCK)


def _left(run: Path) -> bool:
    if not lock_of(run).exists():
        with contextlib.suppress(OSError):
            return time.time() - run.stat().st_mtime > LEFT_S
        return False
    lock = FileLock(str(lock_of(run)), timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return False
    lock.release()
    return True


def _refuse_occupied(target: Path) -> None:
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        raise WriteError(f"'{target.name}' is there already; choose another name.")


def _put(run: Path, target: Path) -> None:
    if not (run / CARD).is_file():
        raise ValueError("a finished lesson has a card")
    try:
        if target.is_dir():
            target.rmdir()
        run.replace(target)
    except OSError as error:
        raise WriteError(f"'{target.name}' cannot be put in place; the old model was kept.") from error


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
