"""One network's lesson on a device, step by step, so that several may take turns on one GPU."""

import copy
import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from featherseg_engines.errors import TrainingError
from featherseg_engines.training import checkpoint
from featherseg_engines.training.accelerator.changes import Changes
from featherseg_engines.training.accelerator.pool import Room
from featherseg_engines.training.accelerator.step import Step
from featherseg_engines.training.averages import Pairs, pairs_of
from featherseg_engines.training.layout import learns_in_half
from featherseg_engines.training.losses import loss_of
from featherseg_engines.training.plan import History, Plan, rate_at
from featherseg_engines.training.trainer import make_optimizer

LOOKS = 25
"""How often in a course the validation images are looked at."""
FOLLOWED = 4
"""Steps between two moves of the averaged weights."""
RAN_AWAY = "The course was stopped because its loss is no longer a number."
AGAIN = 3
"""So often a course whose numbers ran away goes back to its best weights, each time at half the rate."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a course is bound by.

    Parameters
    ----------
    ends_at
        Of ``time.monotonic()``: it ends then, whatever the plan's number of epochs; 0: after the plan's epochs.
    changes
        How far the images are changed.
    ema_decay
        Of the averaged weights, a step.
    heed
        Weight of what the teachers say, against the labels' 1 - ``heed``.
    """

    ends_at: float = 0.0
    changes: Changes = field(default_factory=Changes)
    ema_decay: float = 0.998
    heed: float = 0.0


class Course:
    """Teaches ``network`` in place; what was best by the validation images is kept in ``folder``.

    :func:`~featherseg_engines.training.lesson.teach` finds it there and goes on to publish it. A course that is
    killed leaves its best so far, from which another may begin.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: Plan,
        room: Room,
        terms: Terms,
        folder: Path,
        teachers: Sequence[nn.Module] = (),
    ) -> None:
        self.device = room.mean.device
        self.network = network.to(self.device)
        self.plan, self.folder, self.history = plan, folder, History()
        self._room, self._terms = room, terms
        self._average = copy.deepcopy(self.network).eval()
        self._half = plan.mixed_precision and learns_in_half(network)
        self._step = Step(self.network, loss_of(plan), room, self._half, teachers, terms.heed)
        self._optimizer = self._fresh_optimizer()
        self._updates = 0
        self._best: dict[str, Tensor] = {}
        self._first = {k: v.clone() for k, v in self.network.state_dict().items()}
        self._again = 0
        self._pairs: Pairs | None = None

    def steps(self) -> Iterator[None]:
        """Work through the course, a step at a time; afterwards the best weights are in ``network``.

        Raises
        ------
        TrainingError
            The loss is not finite, again and again.
        """
        torch.manual_seed(self.plan.seed)
        self.network.train()
        count, batch = self._room.pool.count * self.plan.crops, self.plan.batch
        batches = max(1, count // batch)
        losses: list[Tensor] = []
        order = torch.empty(0)
        done, next_look, started = 0.0, 1 / LOOKS, 0.0
        looked = time.monotonic()
        while done < 1.0:
            at = self._updates % batches
            if at == 0:
                order = self._room.pool.order(count, self.plan.balance)
            losses.append(self._learn(order[at * batch : (at + 1) * batch], done))
            started = started or time.monotonic()
            done = self._done(started, batches)
            if done >= next_look:
                next_look = (math.floor(done * LOOKS) + 1) / LOOKS
                self._look(self._updates / batches, losses, time.monotonic() - looked)
                losses, looked = [], time.monotonic()
            yield
        if not self._best:
            raise TrainingError(RAN_AWAY)
        self.network.load_state_dict(self._best)
        self._save()  # the curves to their end

    def _done(self, started: float, batches: int) -> float:
        """How much of the course lies behind, from 0 to 1."""
        if not self._terms.ends_at:
            return self._updates / (self.plan.epochs * batches)
        return (time.monotonic() - started) / max(self._terms.ends_at - started, 1.0)

    def _learn(self, indices: Tensor, done: float) -> Tensor:
        rate = rate_at(self.plan, min(done, 1.0)) * min(1.0, (self._updates + 1) / 100) / 2**self._again
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        images, labels = self._room.pool.batch(indices, self._terms.changes)
        loss = self._step(images, labels)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimizer.step()
        self._updates += 1
        if self._updates % FOLLOWED == 0:
            keep = min(self._terms.ema_decay, (1 + self._updates) / (10 + self._updates)) ** FOLLOWED
            self._pairs = self._pairs or pairs_of(self._average, self.network)
            self._pairs.follow(1.0 - keep)
        return loss

    def _look(self, epochs: float, losses: list[Tensor], seconds: float) -> None:
        loss = float(torch.stack(losses).mean()) if losses else math.nan
        if not math.isfinite(loss):
            self._go_back()
            return
        dice = self._room.judged.dice(self._average, self._room.mean, self._room.std, self._half)
        epoch = max(0, math.ceil(epochs) - 1)
        if self.history.add(epoch, self.plan.long_side, loss, dice, seconds):
            self._best = {k: v.clone() for k, v in self._average.state_dict().items()}
            self._save()

    def _fresh_optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.network, self.plan, fused=True if self.device.type == "cuda" else None)

    def _go_back(self) -> None:
        self._again += 1
        if self._again > AGAIN:
            raise TrainingError(RAN_AWAY)
        for network in (self.network, self._average):
            network.load_state_dict(self._best or self._first)
        self._optimizer = self._fresh_optimizer()

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"best:{k}": v for k, v in checkpoint.half_kernels(self._best).items()}
        checkpoint.save_tensors(self.folder / "state.safetensors", tensors)
        state = {
            "plan": dataclasses.asdict(self.plan),
            "history": dataclasses.asdict(self.history),
            "updates": self._updates,
            "finished": True,
        }
        checkpoint.save_json(self.folder / "state.json", state)
