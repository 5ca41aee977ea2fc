"""The moving average of a network's weights, which answers better than the newest (Polyak and Juditsky, 1992)."""

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, newest: nn.Module, share: float) -> None:
    """Move a network's weights and statistics by a ``share`` (0 to 1) towards those of another of its kind.

    What is no fraction (counters) is taken over.
    """
    old, new = average.state_dict(), newest.state_dict()
    fractions = [name for name, value in old.items() if value.is_floating_point()]
    torch._foreach_lerp_([old[name] for name in fractions], [new[name] for name in fractions], share)
    for name in old.keys() - set(fractions):
        old[name].copy_(new[name])
