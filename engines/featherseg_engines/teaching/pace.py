"""How fast a lesson learns from its beginning to its end, and how far back its moving average reaches."""

import math
from dataclasses import dataclass

RATES = {2: 2e-3, 3: 1e-3}
"""Highest learning rate for slices and volumes."""
GENTLE = {"lgmsnet": 5e-4}
"""… and of networks that come apart at it."""
APART_FASTER = 1.5
"""… and so much higher where the candidate holds its parent: there is nothing to forget."""
WARM = 0.05
"""Share of the time over which the rate rises."""
LEAST = 0.005
"""The average takes at least this share of the newest weights."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lesson comes to its end.

    ``rate`` is the last learning rate as a share of the highest; the moving average reaches back over ``memory`` of
    the steps so far.
    """

    rate: float
    memory: float


QUIET = Ending(rate=0.005, memory=0.05)
"""The network itself comes to rest."""
ROAMING = Ending(rate=0.3, memory=0.3)
"""It goes on roaming, and the mean of the places it came through is the answer. That does better in pictures unlike
those learnt from (Izmailov et al., arXiv 1803.05407; Cha et al., arXiv 2102.08604). Where the parent is held apart:
lessons that have to remember it were not measured so."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``highest`` is the highest learning rate; times are shares of the whole lesson."""

    highest: float
    ending: Ending

    def rate(self, done: float, began: float = 0.0) -> float:
        """The learning rate at a time, of a lesson whose rate began to rise at another."""
        last = self.ending.rate * self.highest
        falling = last + (self.highest - last) * (1 + math.cos(math.pi * done)) / 2
        return falling * min(1.0, (done - began) / WARM + 0.02)

    def share(self, steps: int) -> float:
        """What the average takes of the newest weights after so many steps (0 to 1)."""
        return max(1.0 / (1.0 + self.ending.memory * steps), LEAST)


def rate_for(name: str, dims: int, *, apart: bool = False) -> float:
    """The highest learning rate of a lesson with a network of the registry."""
    return GENTLE.get(name, RATES[dims]) * (APART_FASTER if apart else 1.0)
