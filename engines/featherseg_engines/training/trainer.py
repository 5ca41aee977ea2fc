"""The trainer: teaches a network from samples, tells its progress, stops when asked, resumes where it was."""

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from featherseg_engines.errors import Cancelled, TrainingError
from featherseg_engines.training import checkpoint
from featherseg_engines.training.averages import Pairs, pairs_of
from featherseg_engines.training.feeds import Feed
from featherseg_engines.training.layout import in_half_here, last_channels
from featherseg_engines.training.losses import loss_of
from featherseg_engines.training.plan import History, Plan, Progress, rate_at

Listen = Callable[[Progress], None]
Judge = Callable[[nn.Module, int], float]


SETTLING = 12
"""Batches over which slow BatchNorm statistics are measured afresh before each look at the validation images."""


MOST_WILD = 20
"""Steps in a row whose gradient is not finite (they are left out) before a lesson is given up."""


def make_optimizer(network: nn.Module, plan: Plan, fused: bool | None = None) -> torch.optim.Optimizer:
    """The optimizer a plan names; ``fused`` is torch's own word for one kernel for all weights."""
    rate, decay = plan.learning_rate, plan.weight_decay
    if plan.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=decay, fused=fused)
    kind = torch.optim.AdamW if plan.optimizer == "adamw" else torch.optim.Adam
    return kind(network.parameters(), lr=rate, weight_decay=decay, fused=fused)


class Trainer:
    """Teaches ``network`` in place.

    Parameters
    ----------
    network
        Training form, float32.
    feed
        Gives the batches.
    normalise
        Images (b, c, ...) in 0..1 to the network's input.
    judge
        Mean validation Dice of a network in eval mode at a longer side in pixels; called after each epoch
        with the averaged weights and the size they are learning at.
    folder
        Where the run's state is kept for resuming; None keeps nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: Plan,
        feed: Feed,
        normalise: Callable[[Tensor], Tensor],
        judge: Judge,
        folder: Path | None = None,
    ) -> None:
        self.network, self.plan, self.folder, self.history = network, plan, folder, History()
        self._feed, self._normalise, self._judge = feed, normalise, judge
        self._average = copy.deepcopy(self.network).eval()
        self._pairs: Pairs | None = None
        self._best: dict[str, Tensor] = {}
        self._loss = loss_of(plan)
        self._optimizer = make_optimizer(self.network, plan)
        self._updates = self._wild = 0
        self._half = plan.mixed_precision and in_half_here(network)

    def run(self, listen: Listen = lambda _: None, cancelled: Callable[[], bool] = lambda: False) -> History:
        """Work through the plan and leave the best weights (by ``judge``) in ``network``.

        Raises
        ------
        Cancelled
            ``cancelled`` said so between two steps; what had been saved can be resumed.
        TrainingError
            No samples, or the loss is not finite.
        """
        torch.set_num_threads(self.plan.threads)
        self._resume()
        last = min(self.plan.epochs, self.plan.stop_at or self.plan.epochs)
        for epoch in range(len(self.history.rows), last):
            if epoch - self.history.best_epoch > self.plan.patience and self.history.best_epoch >= 0:
                break
            self._epoch(epoch, listen, cancelled)
        self.network.load_state_dict(self._best)
        self.network.eval()
        return self.history

    def _epoch(self, epoch: int, listen: Listen, cancelled: Callable[[], bool]) -> None:
        started = time.monotonic()
        stage = self.plan.stage_of(epoch)
        count = self._feed.begin(stage.long_side, epoch)
        torch.manual_seed(self.plan.seed + epoch)
        self.network.train()
        losses: list[float] = []
        for step in range(count):
            if cancelled():
                raise Cancelled
            self._set_rate(epoch + step / count)
            losses.append(self._step(*self._feed.batch(step)))
            left = (time.monotonic() - started) / (step + 1) * (count - step - 1)
            recent = float(np.mean(losses[-20:]))
            listen(Progress(epoch, self.plan.epochs, step + 1, count, recent, left))
        self._settle_norms(min(count, SETTLING))
        dice = self._judge(copy.deepcopy(self._average).eval(), stage.long_side)
        self._record(epoch, float(np.mean(losses)), dice, time.monotonic() - started)
        best = self.history.best_dice
        listen(Progress(epoch, self.plan.epochs, count, count, float(np.mean(losses)), 0.0, dice, best))

    def _step(self, images: Tensor, labels: Tensor) -> float:
        inputs = last_channels(self._normalise(images))
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            logits = self.network(inputs)
        loss = self._loss(logits.float(), labels)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "The lesson was stopped because its loss is no longer a number; nothing was changed."
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), 5.0, foreach=True))
        self._wild = 0 if math.isfinite(norm) else self._wild + 1
        if self._wild > MOST_WILD:
            raise TrainingError("The lesson was stopped because it does not settle; nothing was changed.")
        if not self._wild:
            self._optimizer.step()
        self._follow()
        return value

    def _follow(self) -> None:
        """Move the averaged weights a step toward the newest (exponential moving average, warmed up)."""
        self._updates += 1
        keep = min(self.plan.ema_decay, (1 + self._updates) / (10 + self._updates))
        self._pairs = self._pairs or pairs_of(self._average, self.network)
        self._pairs.follow(1.0 - keep)

    @torch.no_grad()
    def _settle_norms(self, count: int) -> None:
        """Measure slow BatchNorm statistics of the averaged weights afresh.

        Some papers' momentum (0.01 in REUnet, 0.03 in TinyU-Net) is too slow for a lesson of minutes.
        """
        norms = [
            module
            for module in self._average.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.momentum or 0.1) < 0.1
        ]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
            norm.train()
        for step in range(count if norms else 0):
            inputs = last_channels(self._normalise(self._feed.batch(step)[0]))
            with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
                self._average(inputs)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()

    def _set_rate(self, epoch: float) -> None:
        warm = min(1.0, (self._updates + 1) / 50)
        rate = rate_at(self.plan, epoch / self.plan.epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * warm

    def _record(self, epoch: int, loss: float, dice: float, seconds: float) -> None:
        if self.history.add(epoch, self.plan.stage_of(epoch).long_side, loss, dice, seconds):
            self._best = {k: v.clone() for k, v in self._average.state_dict().items()}
        self._save()

    def _save(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        parts = {
            "network": self.network.state_dict(),
            "average": self._average.state_dict(),
            "best": self._best,
            "optimizer": checkpoint.optimizer_tensors(self._optimizer),
        }
        tensors = {f"{part}:{name}": v for part, entries in parts.items() for name, v in entries.items()}
        checkpoint.save_tensors(self.folder / "state.safetensors", tensors)
        state = {"plan": asdict(self.plan), "history": asdict(self.history), "updates": self._updates}
        checkpoint.save_json(self.folder / "state.json", state)

    def _resume(self) -> None:
        if self.folder is None or not (self.folder / "state.json").exists():
            return
        state = json.loads((self.folder / "state.json").read_text("utf-8"))
        parts: dict[str, dict[str, Tensor]] = {}
        for key, value in load_file(str(self.folder / "state.safetensors")).items():
            part, name = key.split(":", 1)
            parts.setdefault(part, {})[name] = value
        self.network.load_state_dict(parts["network"])
        self._average.load_state_dict(parts["average"])
        self._best = parts["best"]
        checkpoint.restore_optimizer(self._optimizer, parts.get("optimizer", {}))
        self.history = History(**state["history"])
        self._updates = int(state["updates"])
