"""The pixels a head is fitted to: those of strokes, and those the network is sure of where no stroke is near."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from featherseg_engines.refine.evidence import POSITIONS, SURE, Evidence, FeatureMap
from featherseg_engines.refine.fit import Rows
from featherseg_engines.refine.marks import IS, NOT, UNMARKED, Marks
from featherseg_engines.refine.tuning import Tuning

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
DISC = 113
"""Pixels of the stroke that weighs as much as one."""
FEW = 0.5
"""Of what the network is sure of: so much has to lie away from all strokes."""
WHOLE_KIND = 100
"""Pixels from which on what the network is sure of weighs fully; less may be a mistake of it."""


class Sure(NamedTuple):
    """What the network is sure of: what it weighs together, and whether a small thing counts beside a stroke too."""

    weight: float
    near: bool


def rows_of(
    evidence: Evidence,
    maps: tuple[FeatureMap, ...],
    marks: Marks,
    label: int,
    sure: tuple[Sure, Sure],
    tuning: Tuning,
) -> Rows:
    """Features, prior, target and weight of the chosen pixels; the same marks choose the same ones."""
    from scipy.ndimage import distance_transform_edt

    logit = evidence.logits[label]
    places: list[Indices] = []
    targets: list[Doubles] = []
    weights: list[Doubles] = []
    for kind in (NOT, IS):
        there = marks == kind
        where = np.flatnonzero(there)
        if len(where):
            chosen = _spaced(where, tuning.stroke_points)
            share = _depth(there).flat[chosen] ** tuning.central
            places.append(chosen)
            targets.append(np.full(len(chosen), float(kind == IS)))
            weights.append(tuning.stroke_weight * (len(where) / DISC) ** 0.5 * share / share.sum())
    away = distance_transform_edt(marks == UNMARKED)
    certain = np.log(tuning.sure_at / (1 - tuning.sure_at))
    for kind, sign in ((NOT, -1), (IS, 1)):
        all_sure = (sign * logit >= certain) & (away > 0)
        where = np.flatnonzero(all_sure & (away > tuning.sure_away))
        if sure[kind].near and len(where) < FEW * np.count_nonzero(all_sure):
            where = np.flatnonzero(all_sure & (away > tuning.sure_away / 4))
        if len(where):
            chosen = _spaced(where, tuning.sure_points)
            weight = sure[kind].weight * min(1.0, len(where) / WHOLE_KIND)
            places.append(chosen)
            targets.append(np.full(len(chosen), float(kind == IS)))
            weights.append(np.full(len(chosen), weight / len(chosen)))
    where = np.concatenate(places) if places else np.zeros(0, np.intp)
    return Rows(
        features_at(evidence, maps, where, label),
        logit.flat[where],
        np.concatenate([*targets, np.zeros(0)]).astype(np.float32),
        np.concatenate([*weights, np.zeros(0)]).astype(np.float32),
    )


def rows_of_answer(evidence: Evidence, answer: Floats, label: int, weight: float, tuning: Tuning) -> Rows:
    """As :func:`rows_of`, of the slice as it was answered (h, w): what a head for its neighbours is fitted to."""
    flat = answer.ravel()
    sides = [np.flatnonzero(flat < 0.5), np.flatnonzero(flat >= 0.5)]
    chosen = [_spaced(where, tuning.sure_points) for where in sides if len(where)]
    where = np.concatenate(chosen)
    share = np.concatenate([np.full(len(each), weight / len(each)) for each in chosen])
    prior = evidence.logits[label].flat[where]
    return Rows(
        features_at(evidence, evidence.maps, where, label), prior, flat[where], share.astype(np.float32)
    )


def features_at(evidence: Evidence, maps: tuple[FeatureMap, ...], where: Indices, label: int) -> Floats:
    """(n, k) at cells of the work grid: the logit, positions, then every map's channels."""
    height, width = evidence.work
    down = ((where // width + 0.5) / height).astype(np.float32)
    across = ((where % width + 0.5) / width).astype(np.float32)
    y, x = down * 2 - 1, across * 2 - 1
    columns = [evidence.logits[label].flat[where] / (SURE / 2), y, x, y * y, x * x, y * x]
    return np.concatenate([np.stack(columns, axis=1), *(m.at(down, across) for m in maps)], axis=1)


def scored(evidence: Evidence, maps: tuple[FeatureMap, ...], weights: Doubles, label: int) -> Floats:
    """The new logit (h, w) of every cell of the work grid; ``weights`` as in :func:`features_at`, the offset last."""
    height, width = evidence.work
    w = weights.astype(np.float32)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)[None]
    logit = evidence.logits[label] * (1 + w[0] / np.float32(SURE / 2)) + w[-1]
    logit += y * w[1] + x * w[2] + y * y * w[3] + x * x * w[4] + y * x * w[5]
    first = 1 + POSITIONS
    for each in maps:
        if len(each.values):
            logit += each.scored(w[first : first + len(each.values)], evidence.work)
        first += len(each.values)
    return np.asarray(logit, np.float32)


def _depth(there: Mask) -> Doubles:
    """How deep in its mark each marked pixel lies, (h, w); the image's edge is no border of it."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    sides = [
        (int(rows[0] > 0), int(rows[-1] < there.shape[0] - 1)),
        (int(columns[0] > 0), int(columns[-1] < there.shape[1] - 1)),
    ]
    found = np.ones(there.shape)
    framed = np.pad(there[part], sides)
    if not framed.all():
        inner = tuple(slice(a, n - b) for (a, b), n in zip(sides, framed.shape, strict=True))
        found[part] = distance_transform_edt(framed)[inner]
    return found


def _spaced(where: Indices, most: int) -> Indices:
    """Every so many of them, so that there are at most ``most``."""
    return where[:: -(-len(where) // most)]
