"""The loss of every lesson: cross-entropy with label smoothing plus soft Dice."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.training.plan import Plan
from featherseg_engines.training.samples import IGNORE


class SoftCrossEntropyDice(nn.Module):
    """Cross-entropy (label smoothing) + Dice over batch and pixels.

    One logit channel is read as sigmoid (binary), several as softmax with the background first. Pixels
    labelled :data:`IGNORE` take no part. A class that a batch does not hold takes no part in Dice.

    Each part has its weight: the papers weigh them differently.

    Source: RepSegNet's recipe (smoothing 0.05 each, weights 1 : 1). Dice is MONAI's ``DiceLoss`` over batch and
    pixels, written out: importing MONAI takes longer than torch, and a lesson is to begin soon after the click.
    """

    def __init__(
        self,
        label_smoothing: float = 0.05,
        dice_smoothing: float = 0.05,
        *,
        cross_entropy_weight: float = 1.0,
        dice_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.weights = (cross_entropy_weight, dice_weight)
        self.dice_smoothing = dice_smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits (b, c, ...) against labels (b, ...)."""
        if logits.shape[1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
        classes = logits.shape[1]
        known = (labels != IGNORE).unsqueeze(1)
        target = F.one_hot(labels.masked_fill(labels == IGNORE, 0), classes).movedim(-1, 1).float() * known
        entropy = F.cross_entropy(
            logits, labels, ignore_index=IGNORE, label_smoothing=self.label_smoothing, reduction="mean"
        )
        per_class = self._dice(torch.softmax(logits, dim=1) * known, target)
        present = (target.flatten(2).sum(dim=(0, 2)) > 0).float()
        dice = (per_class * present).sum() / present.sum().clamp(min=1.0)
        return self.weights[0] * entropy + self.weights[1] * dice

    def _dice(self, found: Tensor, target: Tensor) -> Tensor:
        """1 - Dice of each class (c,), over the whole batch."""
        axes = (0, *range(2, found.ndim))
        both = (found * target).sum(dim=axes)
        size = found.sum(dim=axes) + target.sum(dim=axes)
        return 1.0 - (2.0 * both + self.dice_smoothing) / (size + self.dice_smoothing)


def loss_of(plan: Plan) -> SoftCrossEntropyDice:
    """The loss a plan names."""
    return SoftCrossEntropyDice(
        plan.label_smoothing,
        plan.dice_smoothing,
        cross_entropy_weight=plan.cross_entropy_weight,
        dice_weight=plan.dice_weight,
    )


def batch_dice(logits: Tensor, labels: Tensor) -> float:
    """Mean Dice of the outputs that a batch holds (0..1), where somebody has looked."""
    found = logits.argmax(dim=1)
    seen = labels != IGNORE
    values = []
    for output in range(1, logits.shape[1]):
        truth, answer = (labels == output) & seen, (found == output) & seen
        if truth.any():
            values.append(2 * float((truth & answer).sum()) / float(truth.sum() + answer.sum()))
    return sum(values) / len(values) if values else 1.0
