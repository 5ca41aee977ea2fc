"""The three steps a new person takes over a sample: propose, correct, teach. Shown once, then never again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

if TYPE_CHECKING:
    from featherseg.session.case import OpenCase
    from featherseg.session.session import Session
    from featherseg.session.teaching import Teaching
    from featherseg_engines.labels import Edit

Step = Literal["", "propose", "correct", "teach"]


class FirstSteps:
    """Which step comes next; each is over when the person has done it, not when they say so.

    Parameters
    ----------
    done
        Whether this person has closed or finished them before.
    keep
        Called once, when they are closed or finished: they must not come back.
    """

    changed = Signal()

    def __init__(
        self, session: "Session", teaching: "Teaching | None", done: bool, keep: Callable[[], None]
    ) -> None:
        self._session, self._teaching, self._done, self._keep = session, teaching, done, keep
        self.step: Step = ""
        self.many = False
        session.proposed.connect(self._on_proposed)
        session.edited.connect(self._on_edited)
        session.opened.connect(self._on_opened)
        if teaching is not None:
            teaching.changed.connect(self._on_teaching)

    def release(self) -> None:
        """Let go of the session."""
        self._session.proposed.disconnect(self._on_proposed)
        self._session.edited.disconnect(self._on_edited)
        self._session.opened.disconnect(self._on_opened)
        if self._teaching is not None:
            self._teaching.changed.disconnect(self._on_teaching)

    def begin(self, *, many: bool, again: bool = False) -> None:
        """A sample has been opened.

        Parameters
        ----------
        many
            Whether it is a workspace of several pictures, from which something can be taught.
        again
            The person asked for the steps: show them though they are done.
        """
        if self._done and not again:
            return
        self._done, self.many = False, many
        self._go("propose")

    def close(self) -> None:
        """The person does not want them, or is through."""
        if not self.step:
            return
        self._done = True
        self._go("")
        self._keep()

    def _go(self, step: Step) -> None:
        self.step = step
        self.changed.emit()

    def rest(self) -> None:
        """Something else is on screen; the next sample begins anew."""
        if self.step:
            self._go("")

    def _on_opened(self, case: "OpenCase | None") -> None:
        if case is None:
            self.rest()
        elif self.step == "correct":
            self._go("teach")  # the picture was accepted as it was

    def _on_proposed(self, proposal: object) -> None:
        if self.step == "propose" and proposal is not None:
            self._go("correct")

    def _on_edited(self, edit: "Edit", how: str) -> None:
        if how not in ("do", "adopt"):
            return
        if self.step == "propose" and edit.source == "proposal":
            self._go("correct")
        elif self.step in ("propose", "correct") and edit.source != "proposal":
            self._go("teach")

    def _on_teaching(self) -> None:
        if self.step and self._teaching is not None and self._teaching.running:
            self.close()
