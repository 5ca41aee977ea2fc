"""One lesson from its cases to a judged candidate, in the order things happen."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.breathing import Patient
from featherseg_engines.teaching.examining import SHOWN, Pair, Rival, examine, seconds_to_examine
from featherseg_engines.teaching.gate import Judged, judge, unjudged
from featherseg_engines.teaching.holdout import Round, Split, split
from featherseg_engines.teaching.looking import Glance
from featherseg_engines.teaching.order import (
    Control,
    CurvePoint,
    Listen,
    Outcome,
    TaughtCase,
    TeachOrder,
    TeachProgress,
    Verdict,
)
from featherseg_engines.teaching.record import LessonRecord, called, case_key, write_record
from featherseg_engines.teaching.school import Aids, Learnt, Naming, School

SLICE_MINUTES, VOLUME_MINUTES = 3.0, 10.0
"""Time for learning where nobody says otherwise."""
FOLDS_SHARE = 0.5
"""Of the time for learning that goes to all folds together, where there are folds."""
EXPORT_S = 4.0
"""What writing and checking a candidate takes, roughly."""


def budget_s(order: TeachOrder) -> float:
    """Seconds for learning: what the settings say, else what slices or volumes need."""
    if order.settings.minutes > 0:
        return 60 * order.settings.minutes
    volumes = order.settings.network.endswith("3d") if order.parent is None else order.parent.card.dims == 3
    return 60 * (VOLUME_MINUTES if volumes else SLICE_MINUTES)


def after_s(order: TeachOrder, plan: Split) -> float:
    """Seconds beside learning: writing each candidate, and both models over the cases that judge."""
    exports = 1 + (len(plan.rounds) if plan.how == "folds" else 0)
    twice = 2 if plan.how == "folds" else 1  # the trial of each fold, and the candidate for the pictures
    shown = plan.judge or plan.learn[:SHOWN]
    return exports * EXPORT_S + twice * seconds_to_examine(order, shown)


@dataclass(slots=True)
class Lesson:
    """A lesson over usable cases, worked in the folder ``run``."""

    order: TeachOrder
    cases: tuple[TaughtCase, ...]
    run: Path
    school: School
    control: Control
    listen: Listen
    began: float = field(default_factory=time.monotonic)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def give(self, name: str) -> Outcome:
        """The candidate, whole in the run's folder, and what the gate says of it."""
        plan, rival = split(self.cases, self.order.held_out), Rival(self.order)
        budget, after = budget_s(self.order), after_s(self.order, plan)
        self.listen(TeachProgress("preparing", 0.0, budget + after))
        self.control.between()
        judged: list[Judged] = []
        curve: tuple[CurvePoint, ...] = ()
        before: list[Learnt] = []
        look, share = None, 0.0
        if plan.how == "folds":
            share = FOLDS_SHARE
            judged, curve, before = self._folds(plan, rival, budget, after)
        elif plan.how == "held out":
            look = Glance(plan.judge, self.order, rival, self.control)
        learnt = self.school.learn(
            plan.learn,
            self.order,
            budget * (1 - share),
            self.control,
            _part(self.listen, share, 1.0, after),
            Aids(look, before),
        )
        held_out = len(plan.judge) if plan.how == "held out" else 0
        candidate = self._export(learnt, self.run, Naming(name, held_out))
        looked, pairs = self._examined(candidate, rival, plan, after)
        verdict = self._verdict(plan, rival, judged if plan.how == "folds" else looked)
        self._write_record(plan, verdict, curve or learnt.curve)
        shown = tuple(pairs[:SHOWN]) if verdict.decision == "ask" else ()
        seconds = time.monotonic() - self.began
        return Outcome(candidate, verdict, seconds, curve or learnt.curve, shown)

    def _folds(
        self, plan: Split, rival: Rival, budget: float, after: float
    ) -> tuple[list[Judged], tuple[CurvePoint, ...], list[Learnt]]:
        """The recipe judged on cases it did not learn from, a part of them at a time; the first fold's curve; the
        folds, from which the candidate begins: their time is not lost.
        """
        judged: list[Judged] = []
        curve: tuple[CurvePoint, ...] = ()
        folds: list[Learnt] = []
        each = FOLDS_SHARE / len(plan.rounds)
        for number, fold in enumerate(plan.rounds):
            begin, end = each * number, each * (number + 1)
            listen = _part(self.listen, begin, end, budget * (1 - end) + after)
            found, learnt = self._fold(fold, rival, budget * each, listen)
            judged += found
            curve = curve or learnt.curve
            folds.append(learnt)
        return judged, curve, folds

    def _fold(self, fold: Round, rival: Rival, budget: float, listen: Listen) -> tuple[list[Judged], Learnt]:
        look = Glance(fold.judge, self.order, rival, self.control)
        learnt = self.school.learn(fold.learn, self.order, budget, self.control, listen, Aids(look))
        folder = self.run / "fold"
        folder.mkdir()
        try:
            trial = self._export(learnt, folder, Naming("trial.fold"))
            found = [one for one, _ in examine(trial, rival, fold.judge, self.order, self.control)]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return found, learnt

    def _export(self, learnt: Learnt, folder: Path, naming: Naming) -> ModelBundle:
        self.control.between()
        return self.school.export(learnt, self.order, folder, naming, self.control)

    def _examined(
        self, candidate: ModelBundle, rival: Rival, plan: Split, after: float
    ) -> tuple[list[Judged], list[Pair]]:
        shown = plan.judge or plan.learn[:SHOWN]
        judged: list[Judged] = []
        pairs: list[Pair] = []
        self.listen(TeachProgress("measuring", 0.0, after))
        control = Patient(self.control)
        seconds = control.clock()
        began = seconds()
        for one, pair in examine(candidate, rival, shown, self.order, control):
            judged.append(one)
            pairs.append(pair)
            done = len(judged) / len(shown)
            # by its own pace: a candidate may want to be asked over mirror images, which nobody knew before
            self.listen(TeachProgress("measuring", done, (seconds() - began) * (1 - done) / done))
        return judged, pairs

    def _verdict(self, plan: Split, rival: Rival, judged: Sequence[Judged]) -> Verdict:
        classes = self.order.classes
        if plan.how == "nothing":
            verdict = unjudged([one.score for one in judged], classes, len(self.cases))
        else:
            verdict = judge(judged, classes, folds=plan.how == "folds", rival=rival.there)
        told = [verdict.sentence]
        for left, why in (
            (len(self.order.cases) - len(self.cases), "image and mask do not fit"),
            (len(self.order.left_out), "the image cannot be read"),
        ):
            if left:
                told.append(f"{'One case was' if left == 1 else f'{left} cases were'} left out: {why}.")
        return replace(verdict, sentence=" ".join(told))

    def _write_record(self, plan: Split, verdict: Verdict, curve: tuple[CurvePoint, ...]) -> None:
        order, learnt = self.order, {case_key(case.name) for case in plan.learn}
        held = tuple(key for case in self.cases if (key := case_key(case.name)) not in learnt)
        record = LessonRecord(
            parent=called(order.parent),
            beaten=called(order.in_use),
            learnt=tuple(sorted(learnt)),
            held_out=held,
            at=self.at,
            seconds=round(time.monotonic() - self.began, 1),
            verdict=verdict,
            settings=order.settings,
            curve=curve,
            classes=order.classes,
        )
        write_record(self.run, record)


def _part(listen: Listen, begin: float, end: float, after: float) -> Listen:
    """Hears a part of the learning and tells it as a part of the whole, with what comes ``after`` (seconds)."""

    def hear(progress: TeachProgress) -> None:
        done = begin + (end - begin) * min(1.0, max(0.0, progress.done))
        listen(replace(progress, done=done, seconds_left=progress.seconds_left + after))

    return hear
