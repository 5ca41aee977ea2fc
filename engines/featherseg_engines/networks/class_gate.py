"""A network that learns a second kind of image: a small look at the whole picture says which classes are meant.

Ours; no paper describes it. The networks draw their answer from a few channels (RepSegNet: eight). A class of another
kind of image looks much the same to them, a blob that stands out, and telling "lesion" from "nucleus" in every pixel
takes from what those channels should draw. What kind of image it is can be seen from its colours and texture alone:
two convolutions and a mean over the picture give each class one number that is added to its logits everywhere.
``bench teach`` measures what it gives.
"""

import copy

import torch
from torch import Tensor, nn

from featherseg_engines.networks.spec import deployed_form
from featherseg_engines.networks.whole_look import SEEN, whole_look

SWIFT = 10.0
"""Its numbers move so much faster than the rest of the network."""


class ClassGated(nn.Module):
    """``network`` with a number for each class added to its logits; in the beginning, none.

    Parameters
    ----------
    network
        Takes images (b, in_channels, h, w), answers logits (b, classes, h, w).
    """

    def __init__(self, network: nn.Module, in_channels: int, classes: int) -> None:
        super().__init__()
        self.network = network
        self.stride = int(getattr(network, "stride", 16))
        self.look = whole_look(in_channels)
        self.say = nn.Conv2d(SEEN, classes, 1)
        nn.init.zeros_(self.say.weight)
        assert self.say.bias is not None
        nn.init.zeros_(self.say.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w)."""
        # the network first: what reads features walks back from the answer along the first input
        return self.network(x) + SWIFT * self.say(self.look(x))

    @torch.no_grad()
    def deployed(self) -> nn.Module:
        """A copy in eval mode whose network is in its deployed form."""
        result = copy.deepcopy(self).eval()
        result.network = deployed_form(self.network)
        return result
