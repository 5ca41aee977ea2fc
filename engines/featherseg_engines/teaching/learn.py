"""The lesson itself: from a person's cases and a parent to a taught network, in the time there is.

All weights learn, in the folded form, at a rate that rises over the first steps and falls to the end of the time;
the answer is a moving average (:mod:`~featherseg_engines.teaching.pace`). Norms keep their parent's statistics;
before the first step they take those of pictures of another kind at another size (Li et al., arXiv 1603.04779). A
lesson that finds nothing with them begins again. Slices whose structures would be too small are seen closer. Where
some of the parent's own images may ship, or its card tells how they look, they are compared with the person's. If
those are of another kind, the candidate holds its parent as it is and a look that says whose kind a picture is
(:mod:`~featherseg_engines.teaching.kinds`); if not, and the size is the parent's, every fourth image is one of the
parent's own, and the pupil is held to what its parent says (:mod:`~featherseg_engines.teaching.remembering`).
``bench teach`` measures it.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.card import Asking
from featherseg_engines.networks.registry import NetworkRegistry, default_registry
from featherseg_engines.teaching import pupil as pupils
from featherseg_engines.teaching.asking import asking_for
from featherseg_engines.teaching.breathing import Patient, breathe
from featherseg_engines.teaching.classes import Outputs, outputs_of
from featherseg_engines.teaching.helpings import Helpings, Piece, prepared
from featherseg_engines.teaching.kinds import KindLook, look_for
from featherseg_engines.teaching.looking import LookResult
from featherseg_engines.teaching.moving import Mover
from featherseg_engines.teaching.order import (
    Control,
    CurvePoint,
    Listen,
    Picture,
    TaughtCase,
    TeachOrder,
    TeachProgress,
)
from featherseg_engines.teaching.pace import QUIET, ROAMING, Pace, rate_for
from featherseg_engines.teaching.remembering import Remembering
from featherseg_engines.teaching.replay import replay_of
from featherseg_engines.teaching.school import Aids
from featherseg_engines.teaching.sight import in_colour, sight_for
from featherseg_engines.teaching.threads import Threads
from featherseg_engines.training.averages import pairs_of
from featherseg_engines.training.layout import in_half_here, last_channels
from featherseg_engines.training.losses import SoftCrossEntropyDice, batch_dice

BATCH = 8
APART_STEPS, APART_ALWAYS, STEPS_A_PIECE = 350, 500, 18
"""… and no more steps than this, where a label is always there than that, or this for each slice: further ones learn
few pictures by heart. Whoever tells the likeliest place anyway may be less sure."""
SETTLED_ON = 2
"""Batches that norms are settled on where pictures of another kind are seen at another size than the parent's."""
TRIED, FOUND = 40, 0.05
"""Where a lesson in slices finds less than this Dice in its own batches after so many steps, it begins again, with
norms that learn: with those of a parent that knows very different pictures, some find nothing for hundreds."""
NO_AIDS = Aids()
LOOKS = 4
MOST_WILD = 20
Clock = Callable[[], float]


Look = Callable[[nn.Module, Preprocessing, Asking], LookResult]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A taught network in eval mode, ready to export, and how it came about.

    ``asking`` is how it wants to be asked. ``look`` is what tells its kind of picture from that of the model it is to
    hold; None where it holds none.
    """

    network: nn.Module
    preprocessing: Preprocessing
    outputs: Outputs
    curve: tuple[CurvePoint, ...]
    seconds: float
    steps: int
    rate: float
    asking: Asking = field(default_factory=Asking)
    look: KindLook | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a lesson may last, by which clock (the benchmark counts processor time); or how many steps instead."""

    seconds: float
    clock: Clock = time.monotonic
    steps: int = 0


def learn(
    cases: Sequence[TaughtCase],
    order: TeachOrder,
    budget: float | Budget,
    control: Control,
    listen: Listen = lambda _: None,
    aids: Aids = NO_AIDS,
) -> Learned:
    """Teach ``order.parent`` (or a fresh network) these cases, for ``budget`` seconds.

    In slices, with a parent, it begins from the mean of the weights of the lessons before it, of parts of the cases:
    all began from one place, and what they have learnt in their time is not lost.

    Raises
    ------
    Cancelled
        ``control`` said so, between two steps.
    TrainingError
        No cases, a model that cannot be taught, or a loss that is not finite.
    """
    budget, control = budget if isinstance(budget, Budget) else Budget(budget), Patient(control)
    budget = replace(budget, clock=control.clock(budget.clock))
    torch.set_num_threads(order.settings.threads)
    torch.manual_seed(order.settings.seed)
    started = budget.clock()
    lesson = _prepared(cases, order, control)
    if order.parent is not None and lesson.pre.dims == 2:
        _begin_from(lesson, [one for one in aids.before if isinstance(one, Learned)])
    control.between()
    runner = _Run(lesson, order, budget, started)
    breathe(lesson.network, control.between)  # after its average was copied, which is what leaves the lesson
    while not runner.over():
        control.between()
        runner.step()
        if runner.looks_now():
            runner.look(aids.look)
        listen(runner.progress())
        if lesson.look:
            lesson.look.learn(control.between)
    if not runner.curve or runner.curve[-1].step < runner.steps:
        runner.look(aids.look)
        listen(runner.progress())
    if lesson.look:
        control.between()
        lesson.look.finish()
    network = runner.result()
    seconds = budget.clock() - started
    return Learned(
        network,
        lesson.pre,
        lesson.outputs,
        tuple(runner.curve),
        seconds,
        runner.steps,
        lesson.rate,
        lesson.asking,
        lesson.look,
    )


def _begin_from(lesson: "_Lesson", before: Sequence[Learned]) -> None:
    """Some cases may have seemed to be of the parent's kind and others not: then norms differ, and none is taken."""
    if all((one.look is None) == (lesson.look is None) for one in before):
        pupils.begin_from(lesson.network, [one.network for one in before])


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    network: nn.Module
    still: list[nn.Module]
    norms: list[nn.Module]
    remembering: Remembering | None
    look: KindLook | None
    asking: Asking
    most_steps: int
    food: Helpings
    pre: Preprocessing
    outputs: Outputs
    rate: float

    def normalise(self, images: Tensor) -> Tensor:
        mean, std = (torch.tensor(v).view(-1, *[1] * self.pre.dims) for v in (self.pre.mean, self.pre.std))
        return last_channels((images - mean) / std)


def _prepared(cases: Sequence[TaughtCase], order: TeachOrder, control: Control) -> _Lesson:
    registry = default_registry()
    outputs = outputs_of(order)
    pre = _sight(cases, order, registry)
    pieces = prepared(cases, pre, outputs, control)

    def seen(sight: Preprocessing) -> Sequence[Piece]:
        return pieces if sight == pre else prepared(cases, sight, outputs, control)

    look = look_for(order.parent, seen, control, order.settings.seed) if order.parent else None
    # at another size the parent's own images are strange to it, and so are its answers
    as_parent = order.parent is not None and pre == order.parent.card.preprocessing
    same = as_parent and not look
    replay = replay_of(order.parent, pre, control) if order.parent and same else ()
    batch = BATCH if pre.dims == 2 else 2
    food = Helpings(pieces, replay, pre, batch, order.settings.seed)
    mean, std = (torch.tensor(v).view(-1, *[1] * pre.dims) for v in (pre.mean, pre.std))

    def first() -> Iterator[Tensor]:
        for _ in range(SETTLED_ON):
            control.between()
            yield (food.next()[0] - mean) / std

    if order.parent:
        strange = first if look and not as_parent else None
        network = pupils.pupil(
            order.parent, outputs, registry, channels=pre.channels, apart=bool(look), first=strange
        )
    else:
        network = pupils.blank(
            order.settings.network, pre, outputs, registry, lambda: [(i - mean) / std for i in food.plain(8)]
        )
    if pre.dims == 2:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    remembering = None
    if same and pre.dims == 2:
        remembering = Remembering(network, outputs.of_parent + 1)
    still = pupils.hold_still(network, order.settings)
    norms = pupils.norms(network) if order.parent is not None else []
    name = order.parent.card.network if order.parent else order.settings.network
    rate = rate_for(registry.get(name).name, pre.dims, apart=bool(look))
    asking = asking_for(cases) if look else Asking()
    fewest = APART_ALWAYS if asking.always else APART_STEPS
    most = max(fewest, STEPS_A_PIECE * len(pieces)) if look else 0
    return _Lesson(network, still, norms, remembering, look, asking, most, food, pre, outputs, rate)


def _sight(cases: Sequence[TaughtCase], order: TeachOrder, registry: NetworkRegistry) -> Preprocessing:
    parent = order.parent.card.preprocessing if order.parent else None
    spec = registry.get(order.parent.card.network if order.parent else order.settings.network)
    if spec.dims == 2:
        return in_colour(sight_for(cases, parent, Preprocessing(stride=spec.stride)), cases)
    if parent is not None:
        return in_colour(parent, cases)
    typical = np.median([case.labels.shape for case in cases], axis=0)
    sides = tuple(int(min(96, max(spec.stride, round(n / spec.stride) * spec.stride))) for n in typical)
    values = Preprocessing(
        channels=1,
        long_side=0,
        stride=spec.stride,
        intensity="percentile",
        mean=(0.5,),
        std=(0.25,),
        patch=sides,
    )
    return in_colour(values, cases)


class _Run:
    """The steps of one lesson and their moving average."""

    def __init__(self, lesson: _Lesson, order: TeachOrder, budget: Budget, started: float) -> None:
        self._lesson, self._budget, self._started = lesson, budget, started
        self.steps, self._wild = 0, 0
        self.curve: list[CurvePoint] = []
        self._average = copy.deepcopy(lesson.network).eval()
        self._pairs = pairs_of(self._average, lesson.network)
        self._loss = SoftCrossEntropyDice()
        self._learners = list(pupils.learners(lesson.network))
        self._pace = Pace(lesson.rate, ROAMING if lesson.look else QUIET)
        self._mover = Mover(self._learners, 0.0)
        self._half = in_half_here(lesson.network)
        self._recent: list[float] = []
        self._train_dice = 0.0
        self._picture: Picture | None = None
        self._threads = Threads(order.settings.threads, budget.clock)
        self._still = [*lesson.still, *lesson.norms]
        self._start = (
            copy.deepcopy(lesson.network.state_dict()) if lesson.norms and lesson.pre.dims == 2 else None
        )
        self._began_at, self._first = 0.0, 0

    @property
    def done(self) -> float:
        """Share of the lesson that is over, by time or by steps."""
        if self._budget.steps:
            return self.steps / self._budget.steps
        by_time = self._spent() / max(self._budget.seconds, 1e-6)
        most = self._lesson.most_steps
        return max(by_time, self.steps / most) if most else by_time

    def _spent(self) -> float:
        return self._budget.clock() - self._started

    def over(self) -> bool:
        """Whether the time is up; there is always one step."""
        return self.steps > 0 and self.done >= 1.0

    def step(self) -> None:
        """Learn from one batch, with as many threads as are fastest now."""
        torch.set_num_threads(self._threads.begin())
        self._step()
        self._threads.end()
        if self._start is not None and self.steps == TRIED:
            if self._train_dice < FOUND:
                self._begin_again(self._start)
            self._start = None

    def _begin_again(self, start: dict[str, Tensor]) -> None:
        """From the parent's weights, with norms that learn; steps and time go on."""
        for network in (self._lesson.network, self._average):
            network.load_state_dict(start)
        self._mover = Mover(self._learners, 0.0)
        self._still = self._lesson.still
        self._began_at, self._first = self.done, self.steps

    def _step(self) -> None:
        network = self._lesson.network
        network.train()
        for module in self._still:
            module.eval()
        self._mover.rate = self._pace.rate(min(self.done, 1.0), self._began_at)
        images, labels = self._lesson.food.next()
        lesson, inputs = self._lesson, self._lesson.normalise(images)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            logits = network(inputs).float()
        loss = self._loss(logits, labels)
        if lesson.remembering:
            loss = loss + lesson.remembering.loss(inputs, logits, labels, lesson.food.replayed)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "The lesson was stopped because its loss is no longer a number; the model in use stays as it is."
            )
        self._mover.clear()
        loss.backward()
        self._move()
        self.steps += 1
        self._pairs.follow(self._pace.share(self.steps - self._first))
        self._recent = [*self._recent[-19:], value]
        self._train_dice += (batch_dice(logits.detach(), labels) - self._train_dice) * 0.1

    def _move(self) -> None:
        norm = float(nn.utils.clip_grad_norm_(self._learners, 5.0, foreach=True))
        self._wild = 0 if math.isfinite(norm) else self._wild + 1
        if self._wild > MOST_WILD:
            raise TrainingError(
                "The lesson was stopped because it does not settle; the model in use stays as it is."
            )
        if not self._wild:
            self._mover.step()

    def looks_now(self) -> bool:
        """Whether it is time for a look at the held-out cases."""
        return self.done * LOOKS >= len(self.curve) + 1

    def look(self, look: Look | None) -> None:
        """Add a point to the curve."""
        result = look(self.result(), self._lesson.pre, self._lesson.asking) if look else LookResult(0.0, 0.0)
        seconds = self._budget.clock() - self._started
        loss = float(np.mean(self._recent))
        self.curve.append(
            CurvePoint(self.steps, seconds, loss, self._train_dice, result.dice, result.parent_dice)
        )
        self._picture = result.picture

    def progress(self) -> TeachProgress:
        """Where the lesson stands; the newest point and picture go with it."""
        done, spent = min(self.done, 1.0), self._spent()
        left = max(0.0, self._budget.seconds - spent)
        if self._lesson.most_steps and done > 0:
            left = min(left, spent * (1 - done) / done)
        point = self.curve[-1] if self.curve else None
        return TeachProgress("learning", done, left, point, self._picture)

    def result(self) -> nn.Module:
        """A copy of the averaged network in eval mode."""
        network = copy.deepcopy(self._average).eval().requires_grad_(True)
        pupils.wake(network)
        return network
