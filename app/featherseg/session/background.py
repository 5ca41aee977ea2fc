"""One persistent thread for long work that is no proposal: reading, resampling. The newest order wins."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from featherseg.session.worker import Post
from featherseg_engines.errors import Cancelled, FeathersegError

T = TypeVar("T")
NO_MEMORY = "There is not enough memory for this; close other programs, or open a smaller image."
UNEXPECTED = "This failed for an unknown reason; the file may be damaged. What was open is untouched."


class Ear:
    """What work tells its progress to and asks whether to stop; passes on only the newest figure."""

    def __init__(self, post: Post, heard: Callable[[float], None]) -> None:
        self._post, self._heard = post, heard
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._newest: float | None = None

    def cancel(self) -> None:
        """Ask the work to stop; from any thread."""
        self._stop.set()

    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def listen(self, done: int, total: int) -> None:
        """Told by the work, in its thread."""
        with self._lock:
            on_its_way = self._newest is not None
            self._newest = done / max(total, 1)
        if not on_its_way:
            self._post(self._tell)

    def _tell(self) -> None:
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is not None and not self.cancelled():
            self._heard(newest)


@dataclass(frozen=True, slots=True, eq=False)
class Task(Generic[T]):
    """Work for the thread; ``done``, ``failed`` and ``heard`` are called on the thread that owns the state."""

    work: Callable[[Ear], T]
    done: Callable[[T], None]
    failed: Callable[[str], None]
    heard: Callable[[float], None]


class Background:
    """Does one task at a time; a new one stops the running one and replaces the waiting one."""

    def __init__(self, post: Post, name: str = "featherseg-background") -> None:
        self._post, self._name = post, name
        self._wake = threading.Condition()
        self._waiting: tuple[Callable[[], None], Ear] | None = None
        self._newest: Ear | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, task: Task[T]) -> None:
        """Do this as soon as the thread is free; nothing more is heard of older tasks."""
        self.cancel()
        ear = Ear(self._post, task.heard)
        with self._wake:
            if self._closed:
                return
            self._newest = ear
            self._waiting = (lambda: self._run(task, ear), ear)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()

    def cancel(self) -> None:
        """Drop what waits, ask what runs to stop; nothing more is heard of either."""
        with self._wake:
            self._waiting = None
            if self._newest is not None:
                self._newest.cancel()

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop the thread; a library that cannot be stopped is left to end with the program."""
        self.cancel()
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed or self._waiting is None:
                    return
                run, _ = self._waiting
                self._waiting = None
            run()
            del run, _  # they hold images, and the next task may be long in coming

    def _run(self, task: Task[T], ear: Ear) -> None:
        try:
            result = task.work(ear)
        except Cancelled:
            return
        except FeathersegError as error:
            self._answer(ear, task.failed, str(error))
        except MemoryError:
            self._answer(ear, task.failed, NO_MEMORY)
        except Exception:  # the thread's boundary: a strange file must not end it
            self._answer(ear, task.failed, UNEXPECTED)
        else:
            self._answer(ear, task.done, result)

    def _answer(self, ear: Ear, to: Callable[[T], None], what: T) -> None:
        def answer() -> None:
            if not ear.cancelled():
                to(what)

        self._post(answer)
