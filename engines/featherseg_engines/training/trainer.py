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
from featherseg_engines.training.augment import augmentation, augmented
from featherseg_engines.training.losses import SoftCrossEntropyDice
from featherseg_engines.training.plan import History, Plan, Progress
from featherseg_engines.training.samples import Sample, batches, canvas, padded

Listen = Callable[[Progress], None]
Judge = Callable[[nn.Module, int], float]


class Trainer:
    """Teaches ``network`` in place.

    Parameters
    ----------
    network
        Training form, float32.
    samples_at
        Gives all training samples scaled to a longer side in pixels; called once per stage.
    normalise
        Image batch (b, c, h, w) in 0..1 to the network's input.
    judge
        Mean validation Dice of a network in eval mode at a longer side in pixels; called after each epoch with
        the averaged weights and the size they are learning at.
    folder
        Where the run's state is kept for resuming; None keeps nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: Plan,
        samples_at: Callable[[int], list[Sample]],
        normalise: Callable[[Tensor], Tensor],
        judge: Judge,
        folder: Path | None = None,
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.plan, self.folder, self.history = plan, folder, History()
        self._samples_at, self._normalise, self._judge = samples_at, normalise, judge
        self._average = copy.deepcopy(self.network).eval()
        self._best: dict[str, Tensor] = {}
        self._loss = SoftCrossEntropyDice(plan.label_smoothing, plan.dice_smoothing)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self._updates = 0
        self._scaled: tuple[int, list[Sample]] = (-1, [])

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
        for epoch in range(len(self.history.rows), self.plan.epochs):
            if epoch - self.history.best_epoch > self.plan.patience and self.history.best_epoch >= 0:
                break
            self._epoch(epoch, listen, cancelled)
        self.network.load_state_dict(self._best)
        self.network.eval()
        return self.history

    def _epoch(self, epoch: int, listen: Listen, cancelled: Callable[[], bool]) -> None:
        started = time.monotonic()
        stage = self.plan.stage_of(epoch)
        if self._scaled[0] != stage.long_side:
            self._scaled = (stage.long_side, self._samples_at(stage.long_side))
        samples = self._scaled[1]
        if not samples:
            raise TrainingError("There are no cases to learn from.")
        stride = int(getattr(self.network, "stride", 16))
        size = canvas(samples, stride)
        transform = augmentation(self.plan.seed + epoch, size)
        order = list(batches(len(samples), self.plan.batch, np.random.default_rng(self.plan.seed + epoch)))
        torch.manual_seed(self.plan.seed + epoch)
        self.network.train()
        losses: list[float] = []
        for step, indices in enumerate(order):
            if cancelled():
                raise Cancelled
            self._set_rate(epoch + step / len(order))
            pairs = [augmented(transform, padded(samples[i], size)) for i in indices]
            losses.append(self._step(torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])))
            left = (time.monotonic() - started) / (step + 1) * (len(order) - step - 1)
            recent = float(np.mean(losses[-20:]))
            listen(Progress(epoch, self.plan.epochs, step + 1, len(order), recent, left))
        dice = self._judge(copy.deepcopy(self._average).eval(), stage.long_side)
        self._record(epoch, float(np.mean(losses)), dice, time.monotonic() - started)
        best = self.history.best_dice
        listen(
            Progress(epoch, self.plan.epochs, len(order), len(order), float(np.mean(losses)), 0.0, dice, best)
        )

    def _step(self, images: Tensor, labels: Tensor) -> float:
        inputs = self._normalise(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.mixed_precision):
            logits = self.network(inputs)
        loss = self._loss(logits.float(), labels)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "The lesson was stopped because its loss is no longer a number; nothing was changed."
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimizer.step()
        self._follow()
        return value

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights a step toward the newest (exponential moving average, warmed up)."""
        self._updates += 1
        keep = min(self.plan.ema_decay, (1 + self._updates) / (10 + self._updates))
        newest = self.network.state_dict()
        for name, value in self._average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(newest[name], 1.0 - keep)
            else:
                value.copy_(newest[name])

    def _set_rate(self, epoch: float) -> None:
        top, low = self.plan.learning_rate, self.plan.final_learning_rate
        warm = min(1.0, (self._updates + 1) / 50)
        rate = low + (top - low) * (1 + math.cos(math.pi * epoch / self.plan.epochs)) / 2
        for group in self._optimizer.param_groups:
            group["lr"] = rate * warm

    def _record(self, epoch: int, loss: float, dice: float, seconds: float) -> None:
        side = self.plan.stage_of(epoch).long_side
        row = {"epoch": epoch, "long_side": side, "loss": round(loss, 5), "dice": round(dice, 5)}
        self.history.rows.append({**row, "seconds": round(seconds, 1)})
        if dice > self.history.best_dice or not self._best:
            self.history.best_dice, self.history.best_epoch = dice, epoch
            self.history.best_long_side = side
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
