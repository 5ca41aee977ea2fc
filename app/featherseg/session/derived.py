"""What is computed from the labels of the open case, off the UI thread, and known to be out of date after an edit."""

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from psygnal import Signal

from featherseg.session.background import Background, Ear, Task
from featherseg.session.case import OpenCase
from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.session.worker import Post
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Edit, Labels

T = TypeVar("T")
State = Literal["nothing", "none", "working", "current", "changed"]
"""No case, nothing computed yet, being computed, up to date, the labels are others now."""


class Derived(Generic[T]):
    """A result that follows the open case when it is told to.

    It has a thread of its own and no notice of its progress: looking at the labels in another way must neither
    end a reading nor take away a sentence.

    Parameters
    ----------
    post
        Runs a callable later on the session's thread.
    name
        Of the thread.
    work
        Called in the thread with the volume, a copy of its labels, and who listens and may stop it.
    """

    changed = Signal()  # the state, the result, or how far the work is

    def __init__(
        self, session: Session, post: Post, name: str, work: Callable[[Volume, Labels, Reading], T]
    ) -> None:
        self._session, self._work = session, work
        self._background = Background(post, name)
        self._edits = 0
        self._made_at: int | None = None
        self._working = False
        self.result: T | None = None
        self.part: float | None = None
        session.opened.connect(self._on_opened)
        session.completed.connect(self._on_completed)
        session.edited.connect(self._on_edited)

    def close(self) -> None:
        """Stop the thread and let go of the session."""
        self._background.close()
        self._session.opened.disconnect(self._on_opened)
        self._session.completed.disconnect(self._on_completed)
        self._session.edited.disconnect(self._on_edited)

    @property
    def state(self) -> State:
        """What the result is worth."""
        if self._session.case is None:
            return "nothing"
        if self._working:
            return "working"
        if self._made_at is None:
            return "none"
        return "current" if self._made_at == self._edits else "changed"

    @property
    def voxels(self) -> int:
        """How much there is to do; 0 without a case."""
        case = self._session.case
        return 0 if case is None else int(case.labels.array.size)

    def update(self) -> None:
        """Compute from the labels as they are now; painting goes on meanwhile."""
        case = self._session.case
        if case is None:
            return
        volume, labels, edits, do = case.volume, case.labels.array, self._edits, self._work

        def work(ear: Ear) -> T:
            # copied here, as a large copy would be felt there; an edit meanwhile makes the answer out of date
            return do(volume, labels.copy(), Reading(ear.listen, ear.cancelled))

        def done(result: T) -> None:
            self.result, self._made_at, self._working = result, edits, False
            self.changed.emit()

        self.part, self._working = None, True
        self.changed.emit()
        self._background.submit(Task(work, done, self._on_failed, self._on_heard))

    def cancel(self) -> None:
        """Stop the work; the result stays what it was."""
        if self._working:
            self._background.cancel()
            self._working = False
            self.changed.emit()

    def _on_failed(self, sentence: str) -> None:
        self._working = False
        self._session.tell(Notice(sentence, "problem"))
        self.changed.emit()

    def _on_heard(self, part: float) -> None:
        self.part = part
        self.changed.emit()

    def _on_opened(self, case: OpenCase | None) -> None:
        self._background.cancel()
        self._made_at, self.result, self._working = None, None, False
        self.changed.emit()

    def _on_completed(self, case: OpenCase) -> None:
        self._on_edited()

    def _on_edited(self, edit: Edit | None = None, _: str = "") -> None:
        if edit is not None and edit.box.empty:
            return  # no label is another now
        self._edits += 1
        self.changed.emit()
