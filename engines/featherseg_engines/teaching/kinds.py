"""Whether a person's pictures are of another kind than the parent's, and the look that tells the two apart.

Both only where some of the parent's own pictures ship (:mod:`~featherseg_engines.teaching.replay`). ``bench teach``
measures what it gives: how much of the parent's own task is left.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from featherseg_engines.networks.beside import Beside
from featherseg_engines.teaching.helpings import Helpings, Piece

COMPARED = 32
"""Of the parent's pictures, at most so many are compared with the person's."""
MAY_BE_WRONG = 0.15
"""Share of either side that may be taken for the other where they count as two kinds."""
RIDGE = 0.02
RATE, PARENTS_WEIGHT = 1e-2, 6.0
"""Highest learning rate of the look, and the weight of the parent's pictures: what it takes from them is lost."""
OFTEN, ENOUGH = 4, 480
"""Batches that the look learns from for one of the network's, and in all; each takes some 20 milliseconds."""
Floats = npt.NDArray[np.float64]


def differ(own: Sequence[Piece], others: Sequence[Piece]) -> bool:
    """Whether mean, spread and gradient of the colours alone tell a person's pictures from the parent's.

    A linear discriminant (ridge regression on the two signs), tried on each picture with that one left out.
    """
    step = max(1, len(others) // COMPARED)
    theirs = [_measures(others[i]) for i in range(0, len(others), step)]
    mine = [_measures(piece) for piece in own]
    if len(mine) < 2 or len(theirs) < 2:
        return False
    x, y = np.array([*mine, *theirs]), np.r_[np.ones(len(mine)), -np.ones(len(theirs))]
    weight = np.where(y > 0, 0.5 / len(mine), 0.5 / len(theirs))
    wrong = np.array([_without(i, x, y, weight) for i in range(len(x))]) * y <= 0
    return bool(max(wrong[: len(mine)].mean(), wrong[len(mine) :].mean()) <= MAY_BE_WRONG)


def _measures(piece: Piece) -> Floats:
    x = piece.sample.image.astype(np.float64) / 255
    slopes = [np.abs(np.diff(x, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return np.concatenate([x.mean(axis=(1, 2)), x.std(axis=(1, 2)), np.log(np.mean(slopes, axis=0) + 1e-3)])


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
    """Teaches the look of a :class:`Beside`, a few batches for each that the network itself learns from.

    Parameters
    ----------
    food
        The person's pictures, and the parent's where some ship; where none do, only that the person's are theirs.
    normalise
        Pictures in 0..1 to what the network sees.
    """

    def __init__(self, network: Beside, food: Helpings, normalise: Callable[[Tensor], Tensor]) -> None:
        self._network, self._food, self._normalise = network, food, normalise
        self._done = 0
        self._optimizer = torch.optim.AdamW(network.look.parameters(), lr=RATE, weight_decay=0.01)

    def learn(self, inputs: Tensor, between: Callable[[], None] = lambda: None) -> None:
        """Learn from a person's ``inputs`` (b, c, h, w), normalised, and more batches; nothing once done.

        ``between`` is called before each: it waits while the person is at work.
        """
        for turn in range(min(OFTEN, ENOUGH - self._done)):
            between()
            for group in self._optimizer.param_groups:
                group["lr"] = RATE * (1 + math.cos(math.pi * self._done / ENOUGH)) / 2
            self._done += 1
            mine = inputs if turn == 0 else self._normalise(self._food.of_person())
            loss = _entropy(self._network.kind(mine), 1.0)
            if self._food.has_replay:
                theirs = self._network.kind(self._normalise(self._food.of_parent()))
                loss = loss + PARENTS_WEIGHT * _entropy(theirs, 0.0)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()


def _entropy(kind: Tensor, truth: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(kind, torch.full_like(kind, truth))
