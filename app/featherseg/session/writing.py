"""Mask files of a workspace, written behind the person's back by one thread; the journal is ahead of them."""

import threading
import time
from collections.abc import Callable

from featherseg.session.worker import Post
from featherseg_engines.errors import FeathersegError

QUIET_S = 2.0
"""A case is written when nothing was done to it for so long."""
LONGEST_S = 20.0
"""… or when it has waited this long."""
UNEXPECTED = "A mask file could not be written; the journal holds every edit, and it is tried again."


class Writing:
    """Brings the mask files of touched cases up to date.

    Parameters
    ----------
    write
        Writes one case's file; any thread; raises FeathersegError.
    post
        Runs a callable on the thread that owns the state.
    failed
        Told there, with a sentence; the case is tried again when it is touched next.
    written
        Told there, with the case's number.
    """

    def __init__(
        self,
        write: Callable[[int], object],
        post: Post,
        failed: Callable[[str], None],
        written: Callable[[int], None],
        quiet_s: float | None = None,
    ) -> None:
        self._write, self._post, self._failed, self._written = write, post, failed, written
        self._quiet_s = QUIET_S if quiet_s is None else quiet_s
        self._wake = threading.Condition()
        self._due: dict[int, tuple[float, float]] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="featherseg-writing", daemon=True)
        self._thread.start()

    def touch(self, case: int, *, soon: bool = False) -> None:
        """Something was done to this case; write it when it is quiet, or ``soon``."""
        now = time.monotonic()
        with self._wake:
            latest = self._due.get(case, (0.0, now + LONGEST_S))[1]
            self._due[case] = (now if soon else min(now + self._quiet_s, latest), latest)
            self._wake.notify()

    @property
    def waiting(self) -> int:
        """How many cases are still to be written."""
        with self._wake:
            return len(self._due)

    def close(self, timeout_s: float = 30.0) -> None:
        """Write what waits, then stop; what takes too long is left to the journal."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while (case := self._next()) is not None:
            try:
                self._write(case)
            except FeathersegError as error:
                self._tell(str(error))
            except Exception:  # the thread's boundary: one strange file must not stop the others
                self._tell(UNEXPECTED)
            else:
                self._post(lambda n=case: self._written(n))  # type: ignore[misc]

    def _tell(self, sentence: str) -> None:
        self._post(lambda: self._failed(sentence))

    def _next(self) -> int | None:
        """The next case that is due; None when all is written and nobody wants more."""
        with self._wake:
            while True:
                if not self._due:
                    if self._closed:
                        return None
                    self._wake.wait()
                    continue
                case, (when, _) = min(self._due.items(), key=lambda item: item[1][0])
                rest = when - time.monotonic()
                if rest <= 0 or self._closed:
                    del self._due[case]
                    return case
                self._wake.wait(rest)
