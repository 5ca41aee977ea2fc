"""The moving average of a network's weights, which answers better than the newest (Polyak and Juditsky, 1992)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The weights of an average beside those it follows; ``counters`` are no fractions, and taken over."""

    old: list[Tensor]
    new: list[Tensor]
    counters: list[tuple[Tensor, Tensor]]

    @torch.no_grad()
    def follow(self, share: float) -> None:
        """Move the old weights and statistics by a ``share`` (0 to 1) towards the new."""
        torch._foreach_lerp_(self.old, self.new, share)
        for old, new in self.counters:
            old.copy_(new)


def pairs_of(average: nn.Module, newest: nn.Module) -> Pairs:
    """Of two networks of a kind, for as long as neither moves to another device or layout."""
    old, new = average.state_dict(), newest.state_dict()
    fractions = [name for name, value in old.items() if value.is_floating_point()]
    counters = [(old[name], new[name]) for name in old if name not in fractions]
    return Pairs([old[name] for name in fractions], [new[name] for name in fractions], counters)
