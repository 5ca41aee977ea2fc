"""Two kinds of picture told apart by a few numbers of each (:mod:`~featherseg_engines.imaging.measures`)."""

import numpy as np
import numpy.typing as npt
import torch

from featherseg_engines.networks.measured_look import Border

MAY_BE_WRONG = 0.15
"""Share of either side that may be taken for the other where they count as two kinds."""
RIDGE = 0.02
NEARLY_ALL, MOST = 0.975, 0.7
"""Of the parent's pictures, and of the person's: two kinds where so many of these lie farther off than so many of
those."""
RIDGE_FAR = 1e-4
BEYOND_ALL = 1.5
"""So many times as far off as the farthest of the parent's own, a picture is surely none of its kind (squared
distances). ``bench kinds`` measures it."""
Floats = npt.NDArray[np.float64]


def two_kinds(mine: Floats, theirs: Floats) -> bool:
    """Whether these numbers alone tell a person's pictures (n, m) from the parent's (k, m).

    Either one border parts the two (a linear discriminant, ridge regression on the two signs, tried on each picture
    with that one left out), or most of the person's lie farther from the parent's than nearly all of those do among
    themselves (Mahalanobis): few pictures that are unlike each other too.
    """
    if len(mine) < 2 or len(theirs) < 2:
        return False
    return _parted(mine, theirs) or _far(mine, theirs)


def border_between(mine: Floats, theirs: Floats) -> Border:
    """Where the parent's kind ends: beyond a line that parts both, or far from all that the parent was taught on.

    Where the line parts both at all, it lies no nearer to the person's pictures than to the parent's: of a person's
    few one may be the only one of its sort. Pictures far from all of the parent's are the person's on either side of
    it.
    """
    x, y, weight = _joined(mine, theirs)
    normal, bias = _discriminant(x, y, weight)
    nearest, farthest = (mine @ normal + bias).min(), (theirs @ normal + bias).max()
    if nearest > farthest:
        bias -= min((nearest + farthest) / 2, 0.0)
    whitening = np.linalg.cholesky(np.linalg.inv(_spread(theirs))).T
    among = [_distance(one, np.delete(theirs, i, axis=0)) for i, one in enumerate(theirs)]
    centre = theirs.mean(axis=0)
    told = (torch.from_numpy(value) for value in (normal, centre, whitening))
    return Border(next(told), float(bias), next(told), next(told), BEYOND_ALL * max(among))


def _joined(mine: Floats, theirs: Floats) -> tuple[Floats, Floats, Floats]:
    """All numbers, their signs, and weights that make both sides count the same."""
    x, y = np.array([*mine, *theirs]), np.r_[np.ones(len(mine)), -np.ones(len(theirs))]
    return x, y, np.where(y > 0, 0.5 / len(mine), 0.5 / len(theirs))


def _parted(mine: Floats, theirs: Floats) -> bool:
    x, y, weight = _joined(mine, theirs)
    wrong = np.array([_without(i, x, y, weight) for i in range(len(x))]) * y <= 0
    return bool(max(wrong[: len(mine)].mean(), wrong[len(mine) :].mean()) <= MAY_BE_WRONG)


def _far(mine: Floats, theirs: Floats) -> bool:
    among = [_distance(one, np.delete(theirs, i, axis=0)) for i, one in enumerate(theirs)]
    apart = np.array([_distance(one, theirs) for one in mine]) > np.quantile(among, NEARLY_ALL)
    return bool(apart.mean() >= MOST)


def _distance(one: Floats, of: Floats) -> float:
    """Squared Mahalanobis distance of measures (m,) from a set of them (n, m)."""
    away = one - of.mean(axis=0)
    return float(away @ np.linalg.solve(_spread(of), away))


def _spread(of: Floats) -> Floats:
    """Covariance (m, m), such that it can be inverted."""
    spread = np.atleast_2d(np.cov(of.T))
    return np.asarray(spread + RIDGE_FAR * max(np.trace(spread), RIDGE_FAR) * np.eye(len(spread)), np.float64)


def _without(i: int, x: Floats, y: Floats, weight: Floats) -> float:
    """What the discriminant of all others says of one: above 0, it is a person's."""
    kept = np.arange(len(x)) != i
    normal, bias = _discriminant(x[kept], y[kept], weight[kept] / weight[kept].sum())
    return float(x[i] @ normal + bias)


def _discriminant(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, float]:
    """Ridge regression on the signs ``y`` of standardised measures: the normal (m,) in their own units, the bias."""
    mean = weight @ x
    spread = np.sqrt(weight @ (x - mean) ** 2) + 1e-3
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    square = (z * weight[:, None]).T @ z + RIDGE * np.eye(z.shape[1])
    found = np.linalg.solve(square, (z * weight[:, None]).T @ y)
    normal = found[:-1] / spread
    return normal, float(found[-1] - normal @ mean)
