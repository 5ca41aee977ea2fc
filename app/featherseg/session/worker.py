"""One persistent inference thread in which the newest request wins."""

import threading
from collections.abc import Callable

from featherseg_engines.errors import Cancelled, FeathersegError
from featherseg_engines.inference.proposal import CancelToken, Engine, Proposal, Request

Post = Callable[[Callable[[], None]], None]
"""Runs a callable later on the thread that owns the state (a queued Qt signal, or a queue in tests)."""

UNEXPECTED = "The model failed on this image for an unknown reason; try another model."


class InferenceWorker:
    """Computes proposals off the UI thread.

    A new request cancels the running one and *replaces* the waiting one. Answers come back through ``post``,
    so on the owner's thread; whether they are still wanted is for the receiver to check.

    Parameters
    ----------
    make_engine
        Called once, in the worker's thread, when the first request comes.
    post
        Crosses back to the thread that owns the state.
    answered, failed
        Called on that thread with the proposal, or with the request and one sentence.
    """

    def __init__(
        self,
        make_engine: Callable[[], Engine],
        post: Post,
        answered: Callable[[Proposal], None],
        failed: Callable[[Request, str], None],
    ) -> None:
        self._make_engine, self._post = make_engine, post
        self._answered, self._failed = answered, failed
        self._wake = threading.Condition()
        self._waiting: tuple[Request, CancelToken] | None = None
        self._running: CancelToken | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, request: Request) -> None:
        """Ask for a proposal; any older request is dropped."""
        with self._wake:
            if self._closed:
                return
            if self._running is not None:
                self._running.cancel()
            self._waiting = (request, CancelToken())
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="featherseg-inference", daemon=True)
                self._thread.start()
            self._wake.notify()

    def cancel(self) -> None:
        """Drop the waiting request and stop the running one between two steps."""
        with self._wake:
            self._waiting = None
            if self._running is not None:
                self._running.cancel()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop the thread; nothing is answered after this."""
        self.cancel()
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _next(self) -> tuple[Request, CancelToken] | None:
        with self._wake:
            self._running = None
            self._wake.wait_for(lambda: self._closed or self._waiting is not None)
            if self._closed or self._waiting is None:
                return None
            request, token = self._waiting
            self._waiting, self._running = None, token
            return request, token

    def _work(self) -> None:
        engine: Engine | None = None
        while (job := self._next()) is not None:
            request, token = job
            try:
                engine = engine or self._make_engine()
                proposal = engine.propose(request, token)
            except Cancelled:
                continue
            except FeathersegError as error:
                self._tell(request, str(error))
            except Exception:  # the thread's boundary: a bad model must not end it
                self._tell(request, UNEXPECTED)
            else:
                if not self._closed:
                    self._post(lambda p=proposal: self._answered(p))  # type: ignore[misc]

    def _tell(self, request: Request, sentence: str) -> None:
        if not self._closed:
            self._post(lambda: self._failed(request, sentence))
