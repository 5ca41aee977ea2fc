"""One persistent trainer thread: one lesson at a time, of low priority, waiting while the person is at work."""

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from featherseg.session.worker import Post, let_others_go_first
from featherseg_engines.errors import Cancelled, FeathersegError
from featherseg_engines.teaching.order import CurvePoint, TeachProgress

T = TypeVar("T")
POLITENESS = 15
"""How much the trainer gives way to the window (nice levels): more than proposals do."""
INPUT_REST_S = 0.2
"""Mouse or keys that were felt so long ago still hold the next step back."""
LOOK_S = 0.02
"""How often one who waits looks whether to go on; a cancel wakes at once."""
NEVER = 1_000_000
"""Collections of the middle generation before a full one: more than there are in a lesson of hours."""
NO_MEMORY = "There is not enough memory for teaching; close other programs, or teach with fewer cases."
UNEXPECTED = "Teaching failed for an unknown reason. The model in use and your labels are untouched."


class Steering:
    """A lesson's way to be paused, held back and stopped; a :class:`~featherseg_engines.teaching.order.Control`.

    Set from any thread, asked in the trainer's; single flags and times, no lock is ever held.

    Parameters
    ----------
    busy
        Asked in the trainer's thread: whether a proposal is wanted or being computed.
    """

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self._busy = busy
        self._stop = threading.Event()
        self.felt_at = 0.0
        self.paused = False
        self.waited_s = 0.0

    def cancel(self) -> None:
        """Stop at the next step, or at once where it waits."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody said stop."""
        return self._stop.is_set()

    def felt_input(self) -> None:
        """The person moved the mouse with a button down, turned the wheel or pressed a key just now."""
        self.felt_at = time.monotonic()

    def between(self) -> None:
        """Wait while paused or while the person is at work. *Raises* Cancelled."""
        began = None
        while not self._stop.is_set() and self._held():
            began = began or time.monotonic()
            self._stop.wait(LOOK_S)
        if began is not None:
            self.waited_s += time.monotonic() - began
        if self._stop.is_set():
            raise Cancelled

    def _held(self) -> bool:
        return self.paused or time.monotonic() - self.felt_at < INPUT_REST_S or self._busy()


class Listening(Protocol):
    """What a lesson tells its progress to, in the trainer's thread."""

    def __call__(self, progress: TeachProgress, /) -> None:
        """Take the newest progress."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Lesson(Generic[T]):
    """Work for the trainer; ``heard``, and ``done`` or ``failed`` at its end, are called on the thread that owns the
    state. Of a lesson that was cancelled nothing more is heard."""

    work: Callable[[Steering, Listening], T]
    heard: Callable[[TeachProgress, tuple[CurvePoint, ...]], None]
    done: Callable[[T], None]
    failed: Callable[[str], None]


class _Mailbox:
    """Only the newest progress crosses; of the curve no point is lost, and a picture lasts until it was seen."""

    def __init__(self, post: Post, heard: Callable[[TeachProgress, tuple[CurvePoint, ...]], None]) -> None:
        self._post, self._heard = post, heard
        self._lock = threading.Lock()
        self._newest: TeachProgress | None = None
        self._points: list[CurvePoint] = []

    def put(self, progress: TeachProgress) -> None:
        with self._lock:
            before, on_its_way = self._newest, self._newest is not None
            if progress.picture is None and before is not None and before.picture is not None:
                progress = replace(progress, picture=before.picture)
            if progress.point is not None:
                self._points.append(progress.point)
            self._newest = progress
        if not on_its_way:
            self._post(self._tell)

    def _tell(self) -> None:
        with self._lock:
            newest, self._newest = self._newest, None
            points, self._points = tuple(self._points), []
        if newest is not None:
            self._heard(newest, points)


class Trainer:
    """Does one lesson at a time in a thread of its own; with nothing to teach the thread sleeps.

    Parameters
    ----------
    post
        Crosses back to the thread that owns the state.
    busy
        Whether a proposal is wanted or being computed; asked in the trainer's thread.
    """

    def __init__(self, post: Post, busy: Callable[[], bool] = lambda: False) -> None:
        self._post, self._busy = post, busy
        self._wake = threading.Condition()
        self._waiting: Callable[[], None] | None = None
        self._running: Steering | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def begin(self, lesson: Lesson[T]) -> Steering:
        """Begin a lesson; one that goes on is to be cancelled before, and ends first."""
        steering = Steering(self._busy)
        with self._wake:
            if self._closed:
                steering.cancel()
                return steering
            self._running = steering
            self._waiting = lambda: self._run(lesson, steering)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="featherseg-trainer", daemon=True)
                self._thread.start()
            self._wake.notify()
        return steering

    def close(self, timeout_s: float = 3.0) -> None:
        """Stop the lesson and the thread; nothing is heard after this."""
        with self._wake:
            self._closed = True
            self._waiting = None
            if self._running is not None:
                self._running.cancel()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        let_others_go_first(POLITENESS)
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed or self._waiting is None:
                    return
                run, self._waiting = self._waiting, None
            run()
            del run  # it holds images, and the next lesson may be long in coming

    def _run(self, lesson: Lesson[T], steering: Steering) -> None:
        def tell(what: Callable[[], None]) -> None:
            if not self._closed:
                self._post(lambda: None if steering.cancelled else what())

        mailbox = _Mailbox(tell, lesson.heard)
        try:
            with short_collections():
                result = lesson.work(steering, mailbox.put)
        except Cancelled:
            return
        except FeathersegError as error:
            sentence = str(error)
            tell(lambda: lesson.failed(sentence))
        except MemoryError:
            tell(lambda: lesson.failed(NO_MEMORY))
        except Exception:  # the thread's boundary: a strange case must not end it
            tell(lambda: lesson.failed(UNEXPECTED))
        else:
            tell(lambda: lesson.done(result))


@contextlib.contextmanager
def short_collections() -> Iterator[None]:
    """Put Python's full garbage collections off: with torch imported each holds the window for 300 ms and more.

    What a full collection would have found is found after the block; new objects are collected as ever.
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
