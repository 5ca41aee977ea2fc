"""What a training run is to do, and what it tells while it does it: frozen values."""

import math
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the run at one resolution: the longer side in pixels and the number of epochs."""

    long_side: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a run besides its data.

    ``stages`` are worked through in order (progressive resolution: the paper trains at one size; small
    images first make CPU training bearable). The learning rate falls along one schedule over all stages.

    ``form`` "folded" teaches a network with parallel branches as it is deployed
    (:mod:`~featherseg_engines.training.folded_form`); "folded_last" teaches the branches and folds them at the end.
    ``balance`` (on a device) shows rare kinds of picture more often: a kind of n counts as n ** (1 - balance).
    ``crops`` are the patches or blocks cut from each case in an epoch; the size of a stage is the side of its
    patches then. ``stop_at`` ends the run after so many epochs of its schedule (0: all of them).
    """

    stages: tuple[Stage, ...] = (Stage(128, 12), Stage(192, 4), Stage(256, 2))
    learning_rate: float = 5e-4
    final_learning_rate: float = 1e-6
    weight_decay: float = 0.01
    batch: int = 8
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    schedule: Literal["cosine", "poly", "constant"] = "cosine"
    cross_entropy_weight: float = 1.0
    dice_weight: float = 1.0
    label_smoothing: float = 0.05
    dice_smoothing: float = 0.05
    ema_decay: float = 0.99
    patience: int = 10
    seed: int = 42
    threads: int = 2
    mixed_precision: bool = True
    form: Literal["full", "folded", "folded_last"] = "full"
    crops: int = 1
    balance: float = 0.0
    stop_at: int = 0

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def long_side(self) -> int:
        """The longer side of the last stage."""
        return self.stages[-1].long_side

    def stage_of(self, epoch: int) -> Stage:
        """The stage in which ``epoch`` (from 0) lies."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise ValueError("no such epoch in this plan")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands; ``dice`` is the mean over the validation images, None before the first look."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    seconds_left: float
    dice: float | None = None
    best_dice: float | None = None


@dataclass(slots=True)
class History:
    """Curves of a run: a row per finished epoch (epoch, long_side, loss, dice, seconds).

    ``best_long_side`` is the size the best epoch learned and was judged at: the size to deploy at.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_dice: float = -1.0
    best_long_side: int = 0

    def add(self, epoch: int, long_side: int, loss: float, dice: float, seconds: float) -> bool:
        """Take in an epoch; whether it is the best so far."""
        row = {"epoch": epoch, "long_side": long_side, "loss": round(loss, 5), "dice": round(dice, 5)}
        self.rows.append({**row, "seconds": round(seconds, 1)})
        if dice <= self.best_dice and self.best_epoch >= 0:
            return False
        self.best_dice, self.best_epoch, self.best_long_side = dice, epoch, long_side
        return True


def rate_at(plan: Plan, done: float) -> float:
    """The learning rate when ``done`` (0..1) of the run lies behind, its rise at the beginning left out."""
    top, low = plan.learning_rate, plan.final_learning_rate
    falls = {"cosine": (1 + math.cos(math.pi * done)) / 2, "poly": (1 - done) ** 0.9, "constant": 1.0}
    return low + (top - low) * falls[plan.schedule]
