"""Proposing for every case of a workspace: read, computed and kept one after the other, overnight if need be."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psygnal import Signal

from featherseg.session.background import Background, Ear, Task
from featherseg.session.notice import Notice
from featherseg.session.sweep import Heard, RunProgress, Sweep
from featherseg.session.workbench import Workbench
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.proposals import ProposalFiles, StoredProposal
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal, Request
from featherseg_engines.inference.volume_run import Step
from featherseg_engines.models.bundle import ModelBundle

NAMED = 3
"""Cases that failed and are named in the last sentence; of more the number is said."""


@dataclass(slots=True, eq=False)
class _Queue:
    """What is to be done and how far it is."""

    workspace: Workspace
    files: ProposalFiles
    model: ModelBundle
    cases: Sequence[Case]
    at: int = 0
    answered: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    sweep: Sweep | None = None
    worked: int = 0
    seconds: float = 0.0


class WorkspaceRun:
    """The queue over a workspace, and what it left for the case that is opened; lives on the session's thread.

    One case at a time: its image is read in a thread for that, answered in the inference thread behind whatever a
    person asks for, and its answer stored before the next one begins, so that a run that was ended goes on where it
    was. One volume is in memory at a time beside the open case.

    Attributes
    ----------
    on_answer
        Told of each new answer, on the session's thread, before it is stored.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.session = bench, bench.session
        self.on_answer: Callable[[Case, Volume, Proposal], None] | None = None
        self.paused = False
        self._queue: _Queue | None = None
        self._next_act: Callable[[], None] | None = None  # what a pause holds back
        self._reading = Background(self.session.post, "featherseg-queue")
        self._finding = Background(self.session.post, "featherseg-stored")
        bench.changed.connect(self._on_workspace)
        bench.opened.connect(self._on_case)
        self.session.model_changed.connect(self._on_model)
        self.session.whole.changed.connect(self._on_whole)

    def close(self) -> None:
        """Stop the threads; what is stored stays."""
        self.cancel()
        self._reading.close()
        self._finding.close()

    # -- orders -------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a queue goes on or is paused."""
        return self._queue is not None

    @property
    def progress(self) -> RunProgress | None:
        """How far the queue is; None where there is none."""
        queue = self._queue
        if queue is None:
            return None
        inside = queue.sweep.part if queue.sweep is not None else 0.0
        left = (len(queue.cases) - queue.at - inside) * queue.seconds / queue.worked if queue.worked else None
        text = f"Proposing for every case: {queue.at} of {len(queue.cases)} cases"
        return RunProgress(text, (queue.at + inside) / max(1, len(queue.cases)), left, self.paused)

    def start(self) -> None:
        """Propose for every listed case that is not accepted and has no stored proposal of this model."""
        workspace, model, tell = self.bench.workspace, self.session.model, self.session.tell
        if self._queue is not None:
            self.resume()
        elif workspace is None:
            tell(Notice("Open a workspace first: then its cases are proposed for one after the other."))
        elif workspace.read_only:
            tell(Notice("This workspace is open read-only, so proposals cannot be kept in it."))
        elif model is None:
            tell(Notice("There is no model to propose with; install one.", "problem"))
        else:
            cases = [case for case in self.bench.cases if case.state is not CaseState.ACCEPTED]
            if not cases:
                tell(Notice("Every case of this list is accepted; there is nothing to propose for."))
                return
            files = ProposalFiles(workspace.folder)
            files.sweep()
            self.paused = False
            self._queue = _Queue(workspace, files, model, cases)
            self._read()

    def pause(self) -> None:
        """Stop after the step that is being taken."""
        if self._queue is not None and not self.paused:
            self.paused = True
            self._hold()
            self.changed.emit()

    def resume(self) -> None:
        """Go on."""
        if self._queue is not None and self.paused:
            self.paused = False
            self._go_on()
            self.changed.emit()

    def cancel(self) -> None:
        """Stop; what is stored stays and is not computed again."""
        queue, self._queue = self._queue, None
        self._next_act = None
        if queue is None:
            return
        self._reading.cancel()
        if queue.sweep is not None:
            queue.sweep.silence()
            self.session.proposing.worker.stop(queue.sweep)
        self.changed.emit()

    # -- one case after the other ---------------------------------------------------------------------------

    @property
    def _held(self) -> bool:
        """Whether to wait: a person paused it, or wants all slices of the open case first."""
        whole = self.session.whole
        return self.paused or (whole.running and not whole.paused)

    def _act(self, what: Callable[[], None]) -> None:
        """Do the next thing, now or when nobody holds the queue back."""
        if self._held:
            self._next_act = what
        else:
            what()

    def _hold(self) -> None:
        if self._queue is not None and self._queue.sweep is not None:
            self.session.proposing.worker.stop(self._queue.sweep)

    def _go_on(self) -> None:
        if self._held or self._queue is None:
            return
        act, self._next_act = self._next_act, None
        if act is not None:
            act()
        elif self._queue.sweep is not None:
            self._hold()
            self.session.proposing.worker.run(self._queue.sweep)

    def _read(self) -> None:
        queue = self._queue
        assert queue is not None
        self.changed.emit()
        if queue.at >= len(queue.cases):
            self._finish()
            return
        case, files, model, workspace = queue.cases[queue.at], queue.files, queue.model, queue.workspace

        def read(_: Ear) -> tuple[Volume | None, float]:
            started = time.perf_counter()
            stored = files.get(case, model)
            volume = workspace.read_volume(case)  # what was stored may be of an image that was replaced since
            known = stored is not None and stored.answer(volume, model) is not None
            return None if known else volume, time.perf_counter() - started

        self._reading.submit(Task(read, self._on_read, self._on_failed, lambda _: None))

    def _on_read(self, found: tuple[Volume | None, float]) -> None:
        volume, seconds = found
        if volume is None:  # answered in an earlier run
            if self._queue is not None:
                self._mark(self._queue.cases[self._queue.at])
            self._go_to_next()
        elif self._queue is not None:
            self._queue.seconds += seconds
            self._act(lambda: self._compute(volume))

    def _compute(self, volume: Volume) -> None:
        queue = self._queue
        assert queue is not None
        several = volume.geometry.shape[0] > 1
        request = Request(0, volume, 0, queue.model, image=volume.content, whole=several)
        heard = Heard(lambda step: self._on_step(volume, step), self._on_failed)
        queue.sweep = Sweep(request, self.session.post, heard)
        self.session.proposing.worker.run(queue.sweep)

    def _on_step(self, volume: Volume, step: Step) -> None:
        queue = self._queue
        if queue is None:
            return
        queue.seconds += step.seconds
        if step.whole is None:
            self.changed.emit()
            return
        queue.sweep = None
        queue.worked += 1
        case, proposal, files = queue.cases[queue.at], step.whole, queue.files
        if self.on_answer is not None:
            self.on_answer(case, volume, proposal)
        task = Task(
            lambda _: files.put(case, proposal),
            lambda _: self._on_stored(case, proposal),
            self._on_not_stored,
            lambda _: None,
        )
        self._reading.submit(task)

    def _on_stored(self, case: Case, proposal: Proposal) -> None:
        queue = self._queue
        if queue is None:
            return
        queue.answered += 1
        self._mark(case)
        self._put_on_screen(proposal)
        self._go_to_next()

    def _on_failed(self, sentence: str) -> None:
        queue = self._queue
        if queue is not None:
            queue.sweep = None
            queue.failed.append((queue.cases[queue.at].name, sentence))
            self._go_to_next()

    def _on_not_stored(self, sentence: str) -> None:
        self.cancel()
        self.session.tell(Notice(f"Proposing for every case stopped. {sentence}", "problem"))

    def _go_to_next(self) -> None:
        if self._queue is not None:
            self._queue.at += 1
            self._act(self._read)

    def _finish(self) -> None:
        queue, self._queue = self._queue, None
        assert queue is not None
        self.changed.emit()
        there = len(queue.cases) - len(queue.failed)
        text = f"Proposals are there for {there} of {len(queue.cases)} cases."
        if queue.failed:
            names = ", ".join(f"'{name}'" for name, _ in queue.failed[:NAMED])
            more = f" and {len(queue.failed) - NAMED} more" if len(queue.failed) > NAMED else ""
            text = f"{text} Not for {names}{more}: {queue.failed[0][1]}"
        self.session.tell(Notice(text, "problem" if queue.failed else "info"))

    # -- what was stored, on screen ---------------------------------------------------------------------------

    def _find(self) -> None:
        """Look for a stored proposal of the case in hand and show it where nothing is drawn yet."""
        workspace, case, model, opened = (
            self.bench.workspace,
            self.bench.current,
            self.session.model,
            self.session.case,
        )
        if workspace is None or case is None or model is None or opened is None:
            self._finding.cancel()
            return
        files, volume = ProposalFiles(workspace.folder), opened.volume

        def show(stored: StoredProposal | None) -> None:
            proposal = None if stored is None else stored.answer(volume, model)
            if proposal is not None:
                self._put_on_screen(proposal)

        task = Task(lambda _: files.get(case, model), show, lambda _: None, lambda _: None)
        self._finding.submit(task)

    def _mark(self, case: Case) -> None:
        """The case has a proposal now, whether it is listed just now or not."""
        queue = self._queue
        if queue is None or queue.workspace is not self.bench.workspace:
            return
        try:
            known = queue.workspace.case(case.id)
        except FeathersegError:
            return  # taken off the list meanwhile
        if known.state is CaseState.NEW:
            self.bench.set_state([known], CaseState.PROPOSED)

    def _put_on_screen(self, proposal: Proposal) -> None:
        session, request = self.session, proposal.request
        opened = session.case
        if opened is None or session.model is None or opened.image != request.image:
            return
        fresh = not opened.history.done and not opened.labels.array.any()
        shown = session.proposal
        better = shown is None or (session.proposing.unasked and not shown.request.spans_volume)
        if fresh and session.model.identity == request.model.identity and better:
            if not request.spans_volume:
                session.proposing.cache.put(proposal)
            session.proposing.show(proposal, asked=False)

    def _on_case(self, case: Case | None) -> None:
        self._find()

    def _on_model(self, _: object) -> None:
        self._find()

    def _on_workspace(self, _: object) -> None:
        self.cancel()

    def _on_whole(self) -> None:
        if self._held:
            self._hold()
        else:
            self._go_on()
