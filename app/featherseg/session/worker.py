"""One persistent inference thread: the newest request first, then what may be wanted next, then long runs."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from featherseg_engines.errors import Cancelled, FeathersegError
from featherseg_engines.inference.proposal import CancelToken, Engine, Proposal, Request

Post = Callable[[Callable[[], None]], None]
"""Runs a callable later on the thread that owns the state (a queued Qt signal, or a queue in tests)."""

POLITENESS = 5
"""How much the inference thread gives way to the one that draws (nice levels)."""

DRAWING_S = 0.06
"""How long the thread rests after a change of slice before it looks ahead."""

UNEXPECTED = "The model failed on this image for an unknown reason; try another model."


class LongRun(Protocol):
    """Work of many steps that gives way to every request between two of them."""

    def step(self, engine: Engine) -> bool:
        """Do one step in the inference thread; whether there is more to do.

        Raises
        ------
        Cancelled
            It was stopped.
        FeathersegError
            It cannot go on; the sentence says why.
        """
        ...

    def broke(self, sentence: str) -> None:
        """Told in the inference thread that a step failed; no further step comes."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that is next, or is being answered; ``begin`` is a time of the monotonic clock."""

    request: Request
    token: CancelToken
    begin: float
    ahead: bool = False


class InferenceWorker:
    """Computes proposals off the UI thread.

    A new request cancels the running one and *replaces* the waiting one. While nothing is asked for, requests
    that may be wanted next are answered ahead, and after those the steps of long runs, oldest first. Answers come
    back through ``post``, so on the owner's thread; whether they are still wanted is for the receiver to check.
    With nothing to do the thread sleeps.

    Parameters
    ----------
    make_engine
        Called once, in the worker's thread, when the first request comes.
    post
        Crosses back to the thread that owns the state.
    answered, failed
        Called on that thread with the proposal, or with the request and one sentence. Of an answer ahead that
        failed nothing is said: it fails again when it is asked for.
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
        self._engine: Engine | None = None
        self._wake = threading.Condition()
        self._waiting: _Waiting | None = None
        self._running: _Waiting | None = None
        self._ahead: deque[Request] = deque()
        self._ahead_from = 0.0
        self._runs: list[LongRun] = []
        self._idle: list[LongRun] = []
        self._working = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, request: Request, after_s: float = 0.0) -> None:
        """Ask for a proposal; any older request is dropped.

        With ``after_s`` it is begun so many seconds from now, and nothing else before it: a newer one most likely
        takes its place until then, and the processor is left to whoever draws.
        """
        with self._wake:
            if self._running is not None and self._running.request.key != request.key:
                self._running.token.cancel()
            self._waiting = _Waiting(request, CancelToken(), time.monotonic() + after_s)
            self._start()

    def look_ahead(self, requests: Sequence[Request]) -> None:
        """Answer these in order while nothing else is asked for, in place of what was to be looked at before.

        The first is begun after a rest, in which what is on screen now is drawn.
        """
        with self._wake:
            self._ahead = deque(requests)
            self._ahead_from = time.monotonic() + DRAWING_S
            if requests:
                self._start()

    def run(self, run: LongRun, *, idle: bool = False) -> None:
        """Take the steps of a long run while nothing else is to be done; of an ``idle`` one after all others."""
        with self._wake:
            (self._idle if idle else self._runs).append(run)
            self._start()

    def stop(self, run: LongRun) -> None:
        """Take no further step of a long run; the one that is being taken ends."""
        with self._wake:
            for runs in (self._runs, self._idle):
                if run in runs:
                    runs.remove(run)

    @property
    def busy(self) -> bool:
        """Whether it computes something, or is about to."""
        with self._wake:
            return self._working or self._waiting is not None or bool(self._ahead or self._runs or self._idle)

    @property
    def answering(self) -> bool:
        """Whether a request waits or is being answered, long runs left out; from any thread, without a lock."""
        return self._waiting is not None or self._running is not None

    def cancel(self) -> None:
        """Drop the waiting request and stop the running one between two steps; what runs ahead goes on."""
        with self._wake:
            self._waiting = None
            if self._running is not None and not self._running.ahead:
                self._running.token.cancel()

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop the thread; nothing is answered after this."""
        with self._wake:
            self._closed = True
            self._waiting = None
            if self._running is not None:
                self._running.token.cancel()
            for waiting in (self._ahead, self._runs, self._idle):
                waiting.clear()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _start(self) -> None:
        if self._closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="featherseg-inference", daemon=True)
            self._thread.start()
        self._wake.notify()

    def _next(self) -> Callable[[], None] | None:
        with self._wake:
            self._running, self._working = None, False
            while not self._closed and (rest := self._rest()) != 0.0:
                self._wake.wait(rest)
            if self._closed:
                return None
            self._working = True
            if self._waiting is not None:
                self._running, self._waiting = self._waiting, None
                return partial(self._answer, self._running)
            if self._ahead:
                self._running = _Waiting(self._ahead.popleft(), CancelToken(), 0.0, ahead=True)
                return partial(self._answer, self._running)
            run = (self._runs or self._idle)[0]
            return lambda: self._step(run)

    def _rest(self) -> float | None:
        """Seconds to sleep before there is something to do; None until somebody says so."""
        if self._waiting is not None:
            return max(0.0, self._waiting.begin - time.monotonic())
        if self._ahead or self._runs or self._idle:
            return max(0.0, self._ahead_from - time.monotonic())
        return None

    def _work(self) -> None:
        let_others_go_first(POLITENESS)
        while True:
            job = self._next()
            if job is None:
                return
            job()
            del job  # it holds an image, and the next one may be long in coming

    def _ready(self) -> Engine:
        self._engine = self._engine or self._make_engine()
        return self._engine

    def _answer(self, asked: _Waiting) -> None:
        request = asked.request
        try:
            proposal = self._ready().propose(request, asked.token)
        except Cancelled:
            return
        except Exception as error:  # the thread's boundary: a bad model must not end it
            sentence = _sentence(error)
            if not asked.ahead:
                self._tell(lambda: self._failed(request, sentence))
        else:
            with self._wake:  # asked for while it was computed: it need not be computed again
                if self._waiting is not None and self._waiting.request.key == request.key:
                    self._waiting = None
            self._tell(lambda: self._answered(proposal))

    def _step(self, run: LongRun) -> None:
        more = False
        try:
            more = run.step(self._ready())
        except Cancelled:
            pass
        except Exception as error:  # the thread's boundary
            run.broke(_sentence(error))
        if not more:
            self.stop(run)

    def _tell(self, what: Callable[[], None]) -> None:
        if not self._closed:
            self._post(what)


def let_others_go_first(levels: int) -> None:
    """Lower the priority of this thread and of those it starts, where the system lets single threads differ.

    Linux does, though POSIX does not ask for it (setpriority(2), "Notes"); elsewhere nothing happens.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        try:
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + levels)
        except OSError:
            return


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, FeathersegError) else UNEXPECTED
