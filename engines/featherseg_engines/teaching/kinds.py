"""Whether a person's pictures are of another kind than the parent's, and the look that tells the two apart.

A network taught a second kind of picture forgets the first in minutes, also when it is shown the first again. So the
candidate holds the model that shipped, unchanged, and a small look at the whole picture says whose kind it is
(:mod:`~featherseg_engines.inference.kind`); each sees at the size that suits it. Ours; no paper describes it (the
nearest: Aljundi et al., arXiv 1611.06194, an expert for each task and a gate that chooses).

Both only where some of the parent's own pictures ship (:mod:`~featherseg_engines.teaching.replay`). ``bench teach``
measures what it gives: how much of the parent's own task is left.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import sight_of_kind
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.networks.whole_look import kind_look
from featherseg_engines.teaching.appearance import measures
from featherseg_engines.teaching.helpings import Helpings, Piece
from featherseg_engines.teaching.moving import Mover
from featherseg_engines.teaching.order import Control
from featherseg_engines.teaching.replay import replay_of

COMPARED = 32
"""Of the parent's pictures, at most so many are compared with the person's."""
MAY_BE_WRONG = 0.15
"""Share of either side that may be taken for the other where they count as two kinds."""
RIDGE = 0.02
NEARLY_ALL, MOST = 0.975, 0.7
"""Of the parent's pictures, and of the person's: two kinds where so many of these lie farther off than so many of
those."""
RIDGE_FAR = 1e-4
RATE, PARENTS_WEIGHT = 1e-2, 6.0
"""Highest learning rate of the look, and the weight of the parent's pictures: what it takes from them is lost."""
OFTEN, ENOUGH = 4, 480
"""Batches that the look learns from for one of the network's, and in all; each takes some 20 milliseconds."""
BATCH = 8
Floats = npt.NDArray[np.float64]


def differ(own: Sequence[Piece], others: Sequence[Piece]) -> bool:
    """Whether mean, spread and gradient of the colours alone tell a person's pictures from the parent's.

    Either one border parts the two (a linear discriminant, ridge regression on the two signs, tried on each picture
    with that one left out), or most of the person's lie farther from the parent's than nearly all of those do among
    themselves (Mahalanobis): few pictures that are unlike each other too.
    """
    step = max(1, len(others) // COMPARED)
    theirs = np.array([_measures(others[i]) for i in range(0, len(others), step)])
    mine = np.array([_measures(piece) for piece in own])
    if len(mine) < 2 or len(theirs) < 2:
        return False
    return _parted(mine, theirs) or _far(mine, theirs)


def _parted(mine: Floats, theirs: Floats) -> bool:
    x, y = np.array([*mine, *theirs]), np.r_[np.ones(len(mine)), -np.ones(len(theirs))]
    weight = np.where(y > 0, 0.5 / len(mine), 0.5 / len(theirs))
    wrong = np.array([_without(i, x, y, weight) for i in range(len(x))]) * y <= 0
    return bool(max(wrong[: len(mine)].mean(), wrong[len(mine) :].mean()) <= MAY_BE_WRONG)


def _far(mine: Floats, theirs: Floats) -> bool:
    among = [_distance(one, np.delete(theirs, i, axis=0)) for i, one in enumerate(theirs)]
    apart = np.array([_distance(one, theirs) for one in mine]) > np.quantile(among, NEARLY_ALL)
    return bool(apart.mean() >= MOST)


def _distance(one: Floats, of: Floats) -> float:
    """Squared Mahalanobis distance of measures (m,) from a set of them (n, m)."""
    spread = np.atleast_2d(np.cov(of.T))
    away = one - of.mean(axis=0)
    return float(away @ np.linalg.solve(spread + RIDGE_FAR * np.trace(spread) * np.eye(len(away)), away))


def _measures(piece: Piece) -> Floats:
    return measures(piece.sample.image.astype(np.float64) / 255)


def _without(i: int, x: Floats, y: Floats, weight: Floats) -> float:
    """What the discriminant of all others says of one: above 0, it is a person's."""
    kept = np.arange(len(x)) != i
    w = weight[kept] / weight[kept].sum()
    mean = w @ x[kept]
    spread = np.sqrt(w @ (x[kept] - mean) ** 2) + 1e-3
    z = np.c_[(x[kept] - mean) / spread, np.ones(kept.sum())]
    normal = (z * w[:, None]).T @ z + RIDGE * np.eye(z.shape[1])
    found = np.linalg.solve(normal, (z * w[:, None]).T @ y[kept])
    return float(np.r_[(x[i] - mean) / spread, 1.0] @ found)


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
) -> LookLearns | None:
    """A look that is to tell a person's cases from what the parent knows; None where they are of one kind.

    Of a parent that holds another, that other is what is kept: what shipped, not what was taught. ``seen`` gives the
    person's cases as the look sees them.
    """
    known = parent.known() or parent
    if known.card.dims != 2 or known.card.activation != "softmax":
        return None
    sight = sight_of_kind(known.card.preprocessing)
    theirs = replay_of(known, sight, control)
    if not theirs:
        return None
    mine = seen(sight)
    return LookLearns(known, mine, theirs, seed) if differ(mine, theirs) else None


def _entropy(kind: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(kind, torch.full_like(kind, truth))
