"""Two networks that answer as one: what the parent knew stays untouched beside what a person taught.

Ours; no paper describes it (the nearest: Aljundi et al., arXiv 1611.06194, an expert for each task and a gate that
chooses). A network taught a second kind of image forgets the first in minutes, also when it is shown the first again.
Here its parent answers beside it, unchanged, and a small look at the whole picture says whose kind it is: two
convolutions and a mean over the picture. It costs a second run of the network, a few milliseconds at the sizes the
shipped models see. ``bench teach`` measures what it gives.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.spec import deployed_form
from featherseg_engines.networks.whole_look import SEEN, whole_look

NEVER = -30.0
"""Logit of a class that the one who answers does not know."""


class Beside(nn.Module):
    """``learner`` answers for the kind of picture it was taught, ``known`` for its own.

    Parameters
    ----------
    learner
        Takes images (b, in_channels, h, w), answers logits (b, classes, h, w); what ``known`` answers comes first.
    known
        The same with fewer classes, ``kept`` of them; it never learns.
    """

    def __init__(self, learner: nn.Module, known: nn.Module, in_channels: int, kept: int) -> None:
        super().__init__()
        self.learner = learner
        self.known = known.requires_grad_(False)
        self.kept = kept
        self.stride = int(getattr(learner, "stride", 16))
        self.look = nn.Sequential(*whole_look(in_channels), nn.Conv2d(SEEN, 1, 1))

    def kind(self, x: Tensor) -> Tensor:
        """Images (b, in_channels, h, w) to (b, 1, 1, 1): above 0 where a picture is of the learner's kind."""
        answer: Tensor = self.look(x)
        return answer

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w) of the one whose kind it is."""
        learnt, known = self.learner(x), self.known(x)
        mine = (self.kind(x) > 0).to(learnt.dtype)
        known = F.pad(known, (0, 0, 0, 0, 0, learnt.shape[1] - self.kept), value=NEVER)
        # the learner first: what reads features walks back from the answer along the first input
        return learnt * mine + known * (1 - mine)

    @torch.no_grad()
    def deployed(self) -> nn.Module:
        """A copy in eval mode, both networks in their deployed form."""
        result = copy.deepcopy(self).eval()
        result.learner, result.known = deployed_form(self.learner), deployed_form(self.known)
        return result
