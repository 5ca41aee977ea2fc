"""The workspace that is open: its case list, the case in hand, and the way from one to the next."""

from collections.abc import Sequence
from pathlib import Path

from psygnal import Signal

from featherseg.session.background import Ear
from featherseg.session.case import OpenCase
from featherseg.session.case_order import Shown
from featherseg.session.notice import Notice, Offer
from featherseg.session.opening import Opening
from featherseg.session.outlooks import CaseOutlooks
from featherseg.session.session import Session
from featherseg.session.worker import Post
from featherseg.session.writing import Writing
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.store import DATABASE
from featherseg_engines.annotation.workspace import OpenedCase, Progress, Workspace
from featherseg_engines.errors import FeathersegError, JournalError, WorkspaceBusy
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Edit


class Workbench:
    """Composes a workspace and a session; lives on the UI thread.

    Every edit of a workspace case is in the journal before the next event is taken (the case's history sees to
    that); here the mask files follow in the background, and states and the label table are kept.
    """

    changed = Signal(object)  # Workspace, or None when it was closed
    listed = Signal()  # the rows, their states or their order are other than before
    opened = Signal(object)  # Case that is in hand now, or None
    signed = Signal(str)  # other initials from now on
    wrote = Signal(int)  # a case's mask file is up to date

    def __init__(self, session: Session, post: Post, who: str = "") -> None:
        self.session, self.who = session, who
        self.workspace: Workspace | None = None
        self.shown = Shown()
        self.cases: list[Case] = []
        self.current: Case | None = None
        self._coming: Case | None = None  # being read, to be in hand soon
        self.errands = Opening(post, session.tell)  # long work that goes on while cases are opened
        self._post = post
        self._writing: Writing | None = None
        self.outlooks = CaseOutlooks(self, post)
        session.opened.connect(self._on_opened)
        session.edited.connect(self._on_edited)
        session.labelling.changed.connect(self._on_labels)

    # -- opening and closing ----------------------------------------------------------------------------

    def open(self, folder: Path, *, read_only: bool = False) -> bool:
        """Open a workspace (made where there is none) in place of the one before; whether it is open now."""
        if not self.close():
            return False
        try:
            workspace = Workspace(folder, self.who, read_only)
        except WorkspaceBusy as error:
            look = Offer("Open read-only", lambda: _drop(self.open(folder, read_only=True)))
            self.session.tell(Notice(str(error), "problem", (look,)))
            return False
        except FeathersegError as error:
            self.session.tell(Notice(str(error), "problem"))
            return False
        self._take(workspace)
        return True

    def _take(self, workspace: Workspace) -> None:
        self.workspace, self.shown = workspace, Shown()
        labelling = self.session.labelling
        rows = workspace.labels.rows()
        labelling.shared = True
        if rows:
            labelling.load(rows)
        else:
            self._on_labels()
        if not workspace.read_only:
            self._writing = Writing(workspace.write_through, self._post, self._not_written, self._on_written)
            for number in workspace.behind():
                self._writing.touch(number, soon=True)
        self.session.use(None)
        self.outlooks.use(workspace)
        self.changed.emit(workspace)
        self.refresh()
        self._greet(workspace)

    def _greet(self, workspace: Workspace) -> None:
        if workspace.read_only:
            self.session.tell(Notice(f"'{workspace.folder.name}' is open read-only: nothing can be changed."))
        elif workspace.crashed is not None:
            text = "The program ended unexpectedly last time; every finished edit was kept."
            self.session.tell(Notice(text))

    def close(self, *, lose: bool = False) -> bool:
        """Write the mask files, let the workspace go; False where edits would be lost and nothing was done.

        ``lose`` closes all the same: the person said so.
        """
        workspace, writing = self.workspace, self._writing
        if workspace is None:
            return True
        if self.current is not None and not self.session.editing.retry() and not lose:
            return False
        self.session.opening.cancel()
        self.errands.cancel()
        if self.current is not None:
            self.session.use(None)
        self._coming = None
        if writing is not None:
            writing.close()
        self.outlooks.close()
        workspace.close()
        self.workspace = self._writing = None
        self.session.labelling.shared = False
        self.cases = []
        self.changed.emit(None)
        self.listed.emit()
        return True

    def end(self) -> None:
        """Close the workspace, whatever the disk refused, and stop the threads: the program ends."""
        self.close(lose=True)
        self.errands.close()

    # -- the case list ------------------------------------------------------------------------------------

    @property
    def progress(self) -> Progress | None:
        """How far the work is."""
        return self.workspace.progress() if self.workspace else None

    def show(self, shown: Shown) -> None:
        """List other cases, or in another order."""
        self.shown = shown
        self.refresh()

    def refresh(self) -> None:
        """Read the case list anew."""
        if self.workspace is not None:
            s = self.shown
            cases = self.workspace.cases(s.states, s.text, s.sort, s.descending and s.sort != "useful")
            self.cases = self.outlooks.arranged(cases, s)
            if self.current is not None:
                self.current = self.workspace.case(self.current.id)
        self.listed.emit()

    def _renew(self, numbers: Sequence[int]) -> None:
        """Read a few cases anew; the whole list only where its order or choice may be another now."""
        if self.workspace is None:
            return
        if self.shown.states or self.shown.sort in ("state", "changed", "who"):
            self.refresh()
            return
        new = {number: self.workspace.case(number) for number in numbers}
        if self.shown.sort == "useful" and any(new.get(c.id, c).state is not c.state for c in self.cases):
            self.refresh()
            return
        self.cases = [new.get(case.id, case) for case in self.cases]
        if self.current is not None:
            self.current = new.get(self.current.id, self.current)
        self.listed.emit()

    def thumbnail(self, case: Case) -> bytes:
        """The case's small PNG; empty where there is none."""
        return self.workspace.thumbnail(case.id) if self.workspace else b""

    def step_times(self) -> dict[int, str]:
        """When each step of the case in hand was done (ISO 8601, UTC), by the step's number."""
        return self.workspace.step_times(self.current.id) if self.workspace and self.current else {}

    def set_state(self, cases: Sequence[Case], state: CaseState) -> None:
        """Put cases into a state."""
        if self.workspace is None or not cases:
            return
        try:
            self.workspace.set_state([case.id for case in cases], state)
        except JournalError as error:
            self.session.tell(Notice(str(error), "problem"))
        self._renew([case.id for case in cases])

    def remove(self, cases: Sequence[Case]) -> None:
        """Take cases and their history out of the list; image and mask files stay."""
        if self.workspace is None:
            return
        gone = {case.id for case in cases}
        if self._coming is not None and self._coming.id in gone:
            self.session.opening.cancel()
        if self.current is not None and self.current.id in gone:
            self.session.use(None)
        try:
            self.workspace.remove_cases(sorted(gone))
            self.outlooks.gone(gone)
        except JournalError as error:
            self.session.tell(Notice(str(error), "problem"))
        self.refresh()

    def relink(self, case: Case, path: Path) -> None:
        """The image of a case lies here now; open it."""
        if self.workspace is None:
            return
        try:
            self.workspace.relink(case.id, path)
        except FeathersegError as error:
            self.session.tell(Notice(str(error), "problem"))
            return
        self.refresh()
        self.open_case(self.workspace.case(case.id))

    def sign(self, who: str) -> None:
        """Put these initials beside every change from now on."""
        if who == self.who:
            return
        self.who = who
        self.signed.emit(who)
        workspace, case, current = self.workspace, self.session.case, self.current
        if workspace is None:
            return
        workspace.who = who
        if case is None or current is None or case.unsaved or workspace.read_only:
            return
        try:
            self._use(case.volume, workspace.open_case(current.id))  # its journal has the old initials
        except FeathersegError as error:
            self.session.tell(Notice(str(error), "problem"))

    def flag(self) -> None:
        """Mark the case in hand for a second look, or take the mark away."""
        if self.current is not None:
            flagged = self.current.state is CaseState.FLAGGED
            self.set_state([self.current], CaseState.IN_WORK if flagged else CaseState.FLAGGED)

    # -- the case in hand ---------------------------------------------------------------------------------

    def open_case(self, case: Case) -> None:
        """Read a case's image and labels off this thread and take it in hand."""
        workspace = self.workspace
        if workspace is None:
            return
        if self.current is not None and self.current.id == case.id:
            self._stay()
            return
        if not self.session.editing.retry() or not self._loose_may_go(case):
            return

        def read(_: Ear) -> tuple[Volume, OpenedCase]:
            return workspace.read_volume(case), workspace.open_case(case.id)

        def use(found: tuple[Volume, OpenedCase]) -> None:
            self._coming = None
            if self.workspace is workspace:
                self._use(*found)

        self.session.opening.compute(f"Opening '{case.name}'", read, use, self._not_coming)
        self._coming = case

    def _stay(self) -> None:
        """Back to the case in hand before another was there."""
        if self._coming is not None:
            self.session.opening.cancel()

    def _not_coming(self) -> None:
        self._coming = None

    def _loose_may_go(self, case: Case) -> bool:
        """Whether an image opened beside the workspace has nothing to lose; else a notice offers what to do."""
        loose = self.session.case
        if loose is None or loose.number is not None or not loose.unsaved:
            return True

        def discard() -> None:
            self.session.use(None)
            self.open_case(case)

        text = f"The labels of '{loose.title}' are not saved; save them first."
        self.session.tell(Notice(text, offers=(Offer(f"Discard them, open '{case.name}'", discard),)))
        return False

    def _use(self, volume: Volume, found: OpenedCase) -> None:
        if self._writing is not None and self.current is not None:
            self._writing.touch(self.current.id, soon=True)
        case = found.case
        self.current = case
        self.session.labelling.ensure(int(v) for v in case.volumes_ml)
        self.session.use(OpenCase(volume, found.history, number=case.id, name=case.name))
        sentences = [found.told, *volume.warnings]
        if any(sentences):
            self.session.tell(Notice(" ".join(s for s in sentences if s)))
        self.opened.emit(case)
        self.listed.emit()

    def next(self, *, backwards: bool = False) -> None:
        """Open the case after (before) the one in hand or on its way, as the list shows them."""
        if self.workspace is not None:
            after = self._coming or self.current
            case = self.workspace.next_case(after.id if after else None, self.cases, backwards)
            if case is not None:
                self.open_case(case)

    def accept(self) -> None:
        """Accept the case in hand as it is and open the next one, or the most useful one, that is not."""
        case = self.current
        if case is None or self.workspace is None:
            self.session.tell(Notice("Open a workspace first: then Enter accepts a case and opens the next."))
            return
        if self.session.proposal is not None:
            text = "A proposal is still on screen: Space takes it in, Esc drops it; then accept the case."
            self.session.tell(Notice(text))
            return
        if not self.session.editing.retry():
            return
        following = self.outlooks.after(
            case, self.cases, self.shown
        )  # before a filter takes the accepted one off the list
        self.set_state([case], CaseState.ACCEPTED)
        if self._writing is not None:
            self._writing.touch(case.id, soon=True)
        if following is not None:
            self.open_case(following)
        else:
            self.session.tell(Notice("Every case of this list is accepted."))

    @property
    def ready(self) -> bool:
        """Whether accepting the case is what comes next: one slice, labelled, no ghost on screen."""
        case = self.session.case
        if case is None or self.current is None or self.current.state is CaseState.ACCEPTED:
            return False
        waiting = self.session.proposal is not None or self.session.busy
        return not waiting and case.volume.geometry.shape[0] == 1 and bool(case.history.done)

    def save(self) -> None:
        """Record what the disk refused, and bring the mask file of the case in hand up to date now."""
        if self.session.editing.retry() and self._writing is not None and self.current is not None:
            self._writing.touch(self.current.id, soon=True)

    # -- what the session tells -----------------------------------------------------------------------------

    def _on_opened(self, case: OpenCase | None) -> None:
        if self.current is not None and (case is None or case.number != self.current.id):
            if self._writing is not None:
                self._writing.touch(self.current.id, soon=True)
            self.current = None
            self.opened.emit(None)
        if case is not None and case.number is not None and self.workspace is not None and not self.current:
            self.current = self.workspace.case(case.number)  # an image that could not be read gave way again
            self.opened.emit(self.current)

    def _on_edited(self, edit: Edit, how: str) -> None:
        case = self.session.case
        if self.workspace is None or self.current is None or case is None or case.number != self.current.id:
            return
        if self._writing is not None:
            self._writing.touch(self.current.id)
        if self.current.state is CaseState.ACCEPTED:  # changed after it was accepted: to be looked at again
            self.set_state([self.current], CaseState.IN_WORK)
        elif self.current.state is not CaseState.IN_WORK and self.current.state is not CaseState.FLAGGED:
            self._renew([self.current.id])

    def _on_labels(self) -> None:
        workspace = self.workspace
        if workspace is None or workspace.read_only:
            return
        rows = self.session.labelling.rows()
        try:
            for row in workspace.labels.rows():
                if row.label.value not in self.session.table.rows:
                    workspace.labels.remove(row.label.value)
            workspace.labels.put(rows)
        except JournalError as error:
            self.session.tell(Notice(str(error), "problem"))

    def _on_written(self, number: int) -> None:
        if any(case.id == number for case in (*self.cases, self.current) if case is not None):
            self._renew([number])
        self.wrote.emit(number)

    def _not_written(self, sentence: str) -> None:
        self.session.tell(Notice(sentence, "problem", (Offer("Try again", self.save),)))


def is_workspace(folder: Path) -> bool:
    """Whether a folder holds a workspace."""
    return (folder / DATABASE).is_file()


def _drop(_: object) -> None:
    """Offers give no answer."""
