"""One click teaches: the state of a lesson, and how what it learnt comes into use or does not."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from featherseg.session import lesson_mark
from featherseg.session.lesson_plan import Archive, Plan, Source, Stock, Wishes
from featherseg.session.notice import Notice, Offer
from featherseg.session.trainer import Lesson, Listening, Steering, Trainer
from featherseg_engines.errors import FeathersegError
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.order import (
    CurvePoint,
    Outcome,
    Picture,
    Teacher,
    TeachProgress,
)

if TYPE_CHECKING:
    from featherseg.session.session import Session

Stage = Literal["idle", "gathering", "learning", "measuring", "asking", "finished", "failed", "cancelled"]
RUNNING: tuple[Stage, ...] = ("gathering", "learning", "measuring")
SLICE_MINUTES, VOLUME_MINUTES = 3.0, 10.0
"""What a lesson takes where nobody says otherwise (:class:`~featherseg_engines.teaching.order.Settings`)."""
STOPPED = "Teaching was stopped. The model in use is as it was."


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What came of a lesson: the outcome, where the candidate is kept, and the model that was in use before."""

    outcome: Outcome
    bundle: ModelBundle
    before: ModelBundle | None


class Teaching:
    """Orders and state of the lesson; lives on the session's thread.

    A lesson gives way: between two of its steps it waits while paused, while a proposal is wanted or computed, and
    while :meth:`felt_input` was called in the last 200 ms. It changes no label, and no model before the gate or the
    person says so.

    Parameters
    ----------
    make_teacher
        Called in the trainer's thread; what needs torch imports it there.
    """

    changed = Signal()  # stage, pause, progress, settings or stock
    learnt = Signal(object)  # Learnt, when a lesson came to its end

    def __init__(
        self, session: "Session", source: Source, archive: Archive, make_teacher: Callable[[], Teacher]
    ) -> None:
        self.session, self.source, self.archive = session, source, archive
        self._make_teacher = make_teacher
        self._teacher: Teacher | None = None  # of the trainer's thread
        self._trainer = Trainer(session.post, session.proposing.wanting)
        self.steering = Steering()
        self._mark: Path | None = None
        self.stage: Stage = "idle"
        self.wishes = Wishes()
        self.cases = 0
        self.progress: TeachProgress | None = None
        self.curve: tuple[CurvePoint, ...] = ()
        self.picture: Picture | None = None
        self.colours: tuple[str, ...] = ()
        self.sentence = ""
        self.result: Learnt | None = None
        source.changed.connect(self._on_source)

    def close(self) -> None:
        """Stop a lesson and the thread."""
        self._trainer.close()
        lesson_mark.clear(self._mark)  # also where the last step took too long to wait for

    # -- orders -------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a lesson goes on or is paused."""
        return self.stage in RUNNING

    @property
    def paused(self) -> bool:
        """Whether the person holds it."""
        return self.steering.paused

    @property
    def stock(self) -> Stock:
        """What there is to learn from now."""
        return self.source.stock(self.wishes)

    @property
    def minutes(self) -> float:
        """How long the next lesson is going to take, roughly."""
        return self.wishes.settings.minutes or (VOLUME_MINUTES if self._dims == 3 else SLICE_MINUTES)

    @property
    def _dims(self) -> int:
        model, wishes = self.session.model, self.wishes
        return (
            (3 if wishes.settings.network.endswith("3d") else 2)
            if wishes.new_task or model is None
            else model.card.dims
        )

    def start(self) -> None:
        """Begin a lesson with all there is to learn from; one that is paused goes on, one that runs goes on too."""
        if self.running:
            self.resume()
            return
        stock = self.stock
        if stock.objection:
            self.session.tell(Notice(stock.objection))
            return
        plan = self.source.plan(self.wishes)
        self._mark = plan.mark
        self.cases, self.progress, self.curve, self.picture = plan.cases, None, (), None
        self.result, self.sentence = None, ""
        self.steering = self._trainer.begin(
            Lesson(self._work_of(plan), self._on_heard, self._on_done, self._on_failed)
        )
        self._go("gathering")

    def pause(self) -> None:
        """Wait after the step that is being taken."""
        if self.running and not self.paused:
            self.steering.paused = True
            self.changed.emit()

    def resume(self) -> None:
        """Go on."""
        if self.running and self.paused:
            self.steering.paused = False
            self.changed.emit()

    def cancel(self) -> None:
        """Stop within a second; the model in use and all labels are as they were."""
        if self.running:
            self.steering.cancel()
            self._go("cancelled", STOPPED)

    def felt_input(self) -> None:
        """The person is at work just now; cheap enough for every mouse event."""
        self.steering.felt_input()

    def change(self, wishes: Wishes) -> None:
        """Teach like this from the next lesson on."""
        self.wishes = wishes
        self.changed.emit()

    def use_new(self) -> None:
        """Take what was learnt into use, whatever the gate said: the person looked."""
        if self.result is not None and not self.running:
            self._adopt(self.result, f"'{_title(self.result.bundle)}' is in use now.")

    def keep_old(self) -> None:
        """Leave the model in use as it is; what was learnt stays in the history."""
        if self.stage == "asking":
            self._go("finished", "The old model stays. The new one is kept in Model, Your models.")

    def undo(self) -> None:
        """Back to the model that was in use before the lesson."""
        learnt = self.result
        if learnt is None or learnt.before is None or self.running:
            return
        self.session.swap_model(learnt.before)
        self._note(learnt.bundle, in_use=False)
        self._go("finished", f"'{_title(learnt.before)}' is in use again.")
        self.session.tell(Notice(self.sentence))

    @property
    def may_undo(self) -> bool:
        """Whether the model in use is what the last lesson gave, and there was one before it."""
        learnt, model = self.result, self.session.model
        if learnt is None or learnt.before is None or model is None or self.stage != "finished":
            return False
        return model.identity == learnt.bundle.identity

    # -- in the trainer's thread --------------------------------------------------------------------------

    def _work_of(self, plan: Plan) -> Callable[[Steering, Listening], Learnt]:
        archive, before = self.archive, self.session.model

        def learn(steering: Steering, listen: Listening) -> Learnt:
            steering.between()
            order = plan.gather(steering)
            self.session.post(lambda: self._on_gathered(order.colours, len(order.cases)))
            steering.between()
            self._teacher = self._teacher or self._make_teacher()
            seconds = self._teacher.estimate(order)
            listen(TeachProgress("preparing", 0.0, seconds))
            folder = archive.scratch()
            try:
                outcome = self._teacher.teach(order, folder, steering, listen)
                return Learnt(outcome, archive.keep(order, outcome), before)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

        def work(steering: Steering, listen: Listening) -> Learnt:
            lesson_mark.put(plan.mark, plan.cases)
            try:
                return learn(steering, listen)
            finally:
                lesson_mark.clear(plan.mark)

        return work

    # -- what it tells, on the session's thread -------------------------------------------------------------

    def _on_gathered(self, colours: tuple[str, ...], cases: int) -> None:
        self.colours, self.cases = colours, cases
        self.changed.emit()

    def _on_heard(self, progress: TeachProgress, points: tuple[CurvePoint, ...]) -> None:
        self.progress = progress
        self.curve += points
        self.picture = progress.picture or self.picture
        self._go("measuring" if progress.phase == "measuring" else "learning")

    def _on_done(self, learnt: Learnt) -> None:
        self.result = learnt
        verdict = learnt.outcome.verdict
        if verdict.decision == "adopt":
            self._adopt(learnt, verdict.sentence)
        elif verdict.decision == "ask":
            self._go("asking", verdict.sentence)
        else:
            self._go("finished", verdict.sentence)
            self.session.tell(Notice(verdict.sentence))
        self.learnt.emit(learnt)

    def _on_failed(self, sentence: str) -> None:
        self._go("failed", sentence)
        self.session.tell(Notice(sentence, "problem", (Offer("Teach again", self.start),)))

    def _adopt(self, learnt: Learnt, sentence: str) -> None:
        self.session.swap_model(learnt.bundle)
        self._note(learnt.bundle, in_use=True)
        self._go("finished", sentence)
        offers = (Offer("Undo", self.undo),) if learnt.before is not None else ()
        self.session.tell(Notice(sentence, offers=offers))

    def _note(self, bundle: ModelBundle, *, in_use: bool) -> None:
        try:
            self.archive.note(bundle, in_use=in_use)
        except FeathersegError as error:
            self.session.tell(Notice(str(error), "problem"))

    def _go(self, stage: Stage, sentence: str = "") -> None:
        self.stage, self.sentence = stage, sentence
        self.changed.emit()

    def _on_source(self) -> None:
        self.changed.emit()


def _title(bundle: ModelBundle) -> str:
    return bundle.card.title or bundle.card.name
