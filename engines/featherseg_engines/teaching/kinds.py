"""Whether a person's pictures are of another kind than the parent's, and the look that tells the two apart.

A network taught a second kind of picture forgets the first in minutes, also when it is shown the first again. So the
candidate holds the model that shipped, unchanged, and a small look at the whole picture says whose kind it is
(:mod:`~featherseg_engines.inference.kind`); each sees at the size that suits it. Ours; no paper describes it (the
nearest: Aljundi et al., arXiv 1611.06194, an expert for each task and a gate that chooses).

Where some of the parent's own pictures ship (:mod:`~featherseg_engines.teaching.replay`), the look learns from them.
Where they may not, a few numbers of each stand in its card, and the look compares those
(:mod:`~featherseg_engines.teaching.likeness`). ``bench teach`` measures what it gives: how much of the parent's own
task is left.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.imaging.measures import measures
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import look_of, sight_of_kind
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.networks.measured_look import MeasuredLook
from featherseg_engines.networks.whole_look import kind_look
from featherseg_engines.teaching.helpings import Helpings, Piece
from featherseg_engines.teaching.likeness import Floats, border_between, two_kinds
from featherseg_engines.teaching.moving import Mover
from featherseg_engines.teaching.order import Control
from featherseg_engines.teaching.replay import replay_of

COMPARED = 32
"""Of the parent's pictures, at most so many are compared with the person's."""
RATE, PARENTS_WEIGHT = 1e-2, 6.0
"""Highest learning rate of the look, and the weight of the parent's pictures: what it takes from them is lost."""
OFTEN, ENOUGH = 4, 480
"""Batches that the look learns from for one of the network's, and in all; each takes some 20 milliseconds."""
BATCH = 8


class KindLook(Protocol):
    """Says of pictures, as ``sight_of_kind`` shows them, whether they are the person's or the ``known`` model's."""

    @property
    def known(self) -> ModelBundle:
        """The model to hold."""
        ...

    @property
    def network(self) -> nn.Module:
        """Normalised pictures (b, c, h, w) to (b, 1, 1, 1): above 0 where one is the person's."""
        ...

    def learn(self, between: Callable[[], None] = ...) -> None:
        """Learn a little, beside each step of the lesson; ``between`` waits while the person is at work."""
        ...

    def finish(self) -> None:
        """The lesson is over."""
        ...


def differ(own: Sequence[Piece], others: Sequence[Piece]) -> bool:
    """Whether a person's pictures are of another kind than the parent's, of which some are looked at."""
    step = max(1, len(others) // COMPARED)
    theirs = np.array([_measures(others[i]) for i in range(0, len(others), step)])
    return two_kinds(np.array([_measures(piece) for piece in own]), theirs)


def _measures(piece: Piece) -> Floats:
    return measures(_unit(piece))


def _unit(piece: Piece) -> Floats:
    return piece.sample.image.astype(np.float64) / 255


class LookCompares:
    """Compares a few numbers of a picture with those in the parent's card; nothing is learnt beside the lesson.

    Parameters
    ----------
    mine
        The person's pictures as (n, m) numbers.
    """

    def __init__(self, known: ModelBundle, mine: Floats) -> None:
        pre = known.card.preprocessing
        self.known = known
        border = border_between(mine, np.array(known.card.looks))
        self.network: nn.Module = MeasuredLook(border, torch.tensor(pre.mean), torch.tensor(pre.std))

    def learn(self, between: Callable[[], None] = lambda: None) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


class LookLearns:
    """Teaches a look, a few batches for each that the network itself learns from.

    Parameters
    ----------
    mine, theirs
        The person's pictures and those of the model's own, as ``sight_of_kind`` shows them.
    """

    def __init__(self, known: ModelBundle, mine: Sequence[Piece], theirs: Sequence[Piece], seed: int) -> None:
        pre = sight_of_kind(known.card.preprocessing)
        self.known, self.network = known, kind_look(pre.channels)
        self._mine, self._theirs = mine, theirs
        self._food = Helpings(mine, theirs, pre, BATCH, seed)
        self._mean, self._std = (torch.tensor(v).view(-1, 1, 1) for v in (pre.mean, pre.std))
        self._done = 0
        self._mover = Mover(self.network.parameters(), RATE)

    def learn(self, between: Callable[[], None] = lambda: None) -> None:
        """Learn from a few batches; nothing once done.

        ``between`` is called before each: it waits while the person is at work.
        """
        for _ in range(min(OFTEN, ENOUGH - self._done)):
            between()
            self._mover.rate = RATE * (1 + math.cos(math.pi * self._done / ENOUGH)) / 2
            self._done += 1
            loss = _entropy(self.kind(self._food.of_person()), 1.0)
            loss = loss + PARENTS_WEIGHT * _entropy(self.kind(self._food.of_parent()), 0.0)
            self._mover.clear()
            loss.backward()  # type: ignore[no-untyped-call]
            self._mover.step()

    @torch.no_grad()
    def finish(self) -> None:
        """Move the border towards the parent's pictures, half way to the nearest of them, where it parts both at all.

        Of a person's few pictures one may be the only one of its sort, and it weighs little while the look learns.
        """
        step = max(1, len(self._theirs) // COMPARED)
        nearest = min(self._of(piece) for piece in self._mine)
        farthest = max(self._of(self._theirs[i]) for i in range(0, len(self._theirs), step))
        last = self.network[-1]
        if nearest > farthest and isinstance(last, nn.Conv2d) and last.bias is not None:
            last.bias -= min((nearest + farthest) / 2, 0.0)

    def _of(self, piece: Piece) -> float:
        return float(self.kind(torch.from_numpy(piece.sample.image).float()[None] / 255))

    def kind(self, images: Tensor) -> Tensor:
        """Pictures (b, c, h, w) in 0..1 to (b, 1, 1, 1): above 0 where one is the person's."""
        answer: Tensor = self.network((images - self._mean) / self._std)
        return answer


def look_for(
    parent: ModelBundle,
    seen: Callable[[Preprocessing], Sequence[Piece]],
    control: Control,
    seed: int,
) -> KindLook | None:
    """A look that is to tell a person's cases from what the parent knows; None where they are of one kind.

    Of a parent that holds another, that other is what is kept: what shipped, not what was taught. ``seen`` gives the
    person's cases as the look sees them.
    """
    known = parent.known() or parent
    pre = known.card.preprocessing
    if known.card.dims != 2 or known.card.activation != "softmax":
        return None
    sight = sight_of_kind(pre)
    theirs = replay_of(known, sight, control)
    if theirs:
        own = seen(sight)
        return LookLearns(known, own, theirs, seed) if differ(own, theirs) else None
    if not known.card.looks:
        return None
    mine = np.array([look_of(pre, _unit(piece)) for piece in seen(sight)])
    return LookCompares(known, mine) if two_kinds(mine, np.array(known.card.looks)) else None


def _entropy(kind: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(kind, torch.full_like(kind, truth))
