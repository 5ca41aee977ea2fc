"""Proposing for all slices of the open case: the slices come as they are found, at the end one proposal for all."""

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from featherseg.session.notice import Notice
from featherseg.session.sweep import Heard, RunProgress, Sweep
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.inference.volume_run import Step
from featherseg_engines.refine.prompts import UNPROMPTED

if TYPE_CHECKING:
    from featherseg.session.session import Session

AGREE_MM = 2.0
"""Standard deviation of the Gaussian along z where slices are to agree."""
LEAST, MOST = 0.5, 3.0
"""Slices that this is at least and at most; a volume without physical size takes 1."""


class WholeRun:
    """The run over the open case; lives on the session's thread.

    What is found for a slice goes into the proposals' cache, so it shows at once where the slice is on screen or
    comes there, and is not computed again after Cancel. Opening another case or choosing another model ends it.
    """

    changed = Signal()

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.agree = False
        self.paused = False
        self._sweep: Sweep | None = None
        session.opened.connect(self._on_opened)
        session.model_changed.connect(self._on_model)
        session.slice_changed.connect(self._on_slice)

    @property
    def running(self) -> bool:
        """Whether a run goes on or is paused."""
        return self._sweep is not None

    @property
    def progress(self) -> RunProgress | None:
        """How far the run is; None where there is none."""
        sweep = self._sweep
        if sweep is None:
            return None
        text = f"Proposing for all slices: {self._so_far(sweep)}"
        return RunProgress(text, sweep.part, sweep.left_s, self.paused)

    def start(self) -> None:
        """Propose for all slices, from the one on screen outwards; a paused run goes on."""
        session, proposing = self._session, self._session.proposing
        if self._sweep is not None:
            self.resume()
            return
        objection = proposing.objection()
        if objection is not None:
            session.tell(objection)
            return
        request = replace(proposing.request_at(session.z), whole=True, prompts=UNPROMPTED)
        depth = request.volume.geometry.shape[0]
        if depth == 1:
            session.proposing.propose()
            return
        if session.proposal is not None and session.proposal.request.spans_volume:
            proposing.let_go()
        before = None if self.agree else proposing.cache.get(request)
        if before is not None:
            proposing.show(before)
            return
        asked = {z: proposing.cache.get(request.at(z)) for z in range(depth)}
        known: dict[int, Proposal] = {z: found for z, found in asked.items() if found is not None}
        session.tell(None)
        self.paused = False
        self._sweep = Sweep(
            request, session.post, Heard(self._on_step, self._on_broke), known, self._slices_to_agree
        )
        proposing.worker.run(self._sweep)
        proposing.recall(request)
        self.changed.emit()

    def pause(self) -> None:
        """Stop after the step that is being taken."""
        if self._sweep is not None and not self.paused:
            self.paused = True
            self._session.proposing.worker.stop(self._sweep)
            self.changed.emit()

    def resume(self) -> None:
        """Go on."""
        if self._sweep is not None and self.paused:
            self.paused = False
            self._session.proposing.worker.run(self._sweep)
            self.changed.emit()

    def cancel(self) -> None:
        """Stop; what was found for single slices is kept."""
        self._end()

    def smooth(self, agree: bool) -> None:
        """Whether the answer for all slices is to agree along z; the run that goes on heeds it too."""
        self.agree = agree
        self.changed.emit()

    def _slices_to_agree(self) -> float:
        """In the inference thread; reads a flag and frozen values."""
        sweep = self._sweep
        if not self.agree or sweep is None:
            return 0.0
        geometry = sweep.request.volume.geometry
        return min(MOST, max(LEAST, AGREE_MM / geometry.spacing_mm[0])) if geometry.calibrated else 1.0

    def _so_far(self, sweep: Sweep) -> str:
        return f"{sweep.last.slices} of {sweep.request.volume.geometry.shape[0]} slices"

    def _on_step(self, step: Step) -> None:
        proposing = self._session.proposing
        for piece in step.pieces:
            proposing.take(piece)
        if step.whole is not None:
            if step.whole.request.model.card.dims == 3 and not self.agree:
                proposing.cache.put(step.whole)  # of slices the pieces are there
            self._end()
            proposing.show(step.whole)
        else:
            self.changed.emit()

    def _on_broke(self, sentence: str) -> None:
        self._end()
        self._session.tell(Notice(sentence, "problem"))

    def _on_slice(self, _: int) -> None:
        if self._sweep is not None:
            self._session.proposing.recall(self._sweep.request)

    def _on_opened(self, _: object) -> None:
        self._stop_because("another case was opened" if self._session.case else "the case was closed")

    def _on_model(self, _: object) -> None:
        self._stop_because("another model was chosen")

    def _stop_because(self, reason: str) -> None:
        sweep = self._sweep
        if sweep is not None:
            self._end()
            text = f"Proposing for all slices stopped at {self._so_far(sweep)}: {reason}."
            self._session.tell(Notice(text))

    def _end(self) -> None:
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            sweep.silence()
            self._session.proposing.worker.stop(sweep)
            self.changed.emit()
