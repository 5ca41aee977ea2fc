"""What keeps a pupil from forgetting: the parent answers beside it, and the pupil is drawn to that answer.

Source of the idea: Hinton et al., arXiv 1503.02531 (distillation); Li and Hoiem, arXiv 1606.09282 (learning without
forgetting). Where some of the parent's own images ship, the pupil is held to the parent's answer on those; where none
do, on the person's own images, at the pixels where the parent agrees with the person.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.training.layout import in_half_here

REPLAYED_WEIGHT, OWN_WEIGHT = 1.0, 0.3
"""Of the parent's answer beside the loss of the labels: on images of its own, on the person's."""


class Remembering:
    """The parent's answers as a loss.

    Parameters
    ----------
    pupil
        The network before its first step: it answers as its parent does.
    kept
        Outputs of the parent, background included; they come first in the pupil too.
    """

    def __init__(self, pupil: nn.Module, kept: int) -> None:
        self._parent = copy.deepcopy(pupil).eval().requires_grad_(False)
        self._kept, self._half = kept, in_half_here(pupil)

    def loss(self, inputs: Tensor, logits: Tensor, labels: Tensor, replayed: int) -> Tensor:
        """Mean cross-entropy of the pupil against the parent's probabilities, weighed; a scalar.

        Parameters
        ----------
        inputs
            What both see, (b, c, ...), normalised; the last ``replayed`` are images of the parent's own.
        logits, labels
            The pupil's answer (b, outputs, ...) and the labels (b, ...).
        """
        if replayed:
            entropy = self._entropy(inputs[-replayed:], logits[-replayed:])[0]
            return REPLAYED_WEIGHT * entropy.mean()
        entropy, said = self._entropy(inputs, logits)
        agreed = said == labels
        return OWN_WEIGHT * (entropy * agreed).sum() / agreed.sum().clamp(min=1)

    def _entropy(self, inputs: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy per pixel, and what the parent says there."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            told = torch.softmax(self._parent(inputs).float()[:, : self._kept], dim=1)
        found = F.log_softmax(logits, dim=1)[:, : self._kept]
        return -(told * found).sum(dim=1), told.argmax(dim=1)
