"""From the evidence of a slice and what a person marked on it to a new answer."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import resized
from featherseg_engines.refine.evidence import POSITIONS, Evidence
from featherseg_engines.refine.fit import Rows, fitted
from featherseg_engines.refine.marks import IS, NOT, UNMARKED, Marks, allowed, marked, shrunk
from featherseg_engines.refine.prompts import Head, Prompts
from featherseg_engines.refine.spread import spread

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was found by measurement on the train parts (``python3 dev.py bench strokes``)."""

    stroke_weight: float = 12.0
    sure_weight: float = 12.0
    sure_at: float = 0.9
    sure_points: int = 600
    stroke_points: int = 600
    near: float = 20.0
    hold_logit: float = 4.0
    hold_maps: float = 4.0
    hold_position: float = 4.0
    hold_offset: float = 1.0
    trust: float = 0.05
    contrast: float = 1.0


class Refined(NamedTuple):
    """The new answer (labels, y, x) at the slice's own size, and the head that was fitted."""

    probability: Floats
    head: Head


def refined(evidence: Evidence, prompts: Prompts, tuning: Tuning = Tuning()) -> Refined:
    """Read the evidence the way the marks say; the same marks give the same answer.

    Marked pixels end as the last stroke over them says, nothing is proposed outside the region, and other labels
    share what is left.
    """
    label = min(prompts.label, len(evidence.logits) - 1)
    marks = marked(prompts.strokes, evidence.size)
    small = shrunk(marks, evidence.work)
    weights = _weights(evidence, small, label, prompts, tuning)
    logit = _scored(evidence, weights, label)
    touched = bool(np.any(small != UNMARKED))
    answer = _spread(evidence, logit, small, tuning) if touched else _sigmoid(logit)
    answer = resized(answer, evidence.size).copy()
    answer[marks == IS], answer[marks == NOT] = 1, 0
    inside = allowed(prompts.region, evidence.size)
    probability = _shared(evidence.probability, answer, label)
    if inside is not None:
        probability *= inside
    return Refined(probability, Head(weights, evidence.model, len(prompts.strokes)))


def _weights(evidence: Evidence, marks: Marks, label: int, prompts: Prompts, tuning: Tuning) -> Doubles:
    count = sum(len(m.values) for m in evidence.maps) + POSITIONS + 1
    start = np.zeros(count + 1)
    head = prompts.head
    if head is not None and head.model == evidence.model and head.weights.shape == start.shape:
        start = np.where(np.isfinite(head.weights), head.weights, 0.0)
    held = np.full(count + 1, tuning.hold_maps)
    held[0], held[-1] = tuning.hold_logit, tuning.hold_offset
    held[1 : 1 + POSITIONS] = tuning.hold_position
    held[1 + POSITIONS : -1] *= (count - 1 - POSITIONS) ** 0.5
    return fitted(_rows(evidence, marks, label, tuning), held, start)


def _rows(evidence: Evidence, marks: Marks, label: int, tuning: Tuning) -> Rows:
    from scipy.ndimage import distance_transform_edt

    logit = evidence.logits[label]
    places, targets, weights = [], [], []
    for kind in (NOT, IS):
        where = np.flatnonzero(marks == kind)
        if len(where):
            chosen = where[:: -(-len(where) // tuning.stroke_points)]
            total = tuning.stroke_weight * (len(where) / 100) ** 0.5
            places.append(chosen)
            targets.append(np.full(len(chosen), float(kind == IS)))
            weights.append(np.full(len(chosen), total / len(chosen)))
    if not places:
        return Rows(np.zeros((0, 0), np.float32), *(np.zeros(0, np.float32),) * 3)
    far = distance_transform_edt(marks == UNMARKED) > tuning.near
    certain = np.log(tuning.sure_at / (1 - tuning.sure_at))
    sure = np.flatnonzero((np.abs(logit) >= certain) & far)
    if len(sure):
        chosen = sure[:: -(-len(sure) // tuning.sure_points)]
        places.append(chosen)
        targets.append((logit.flat[chosen] > 0).astype(float))
        weights.append(np.full(len(chosen), tuning.sure_weight / len(chosen)))
    where = np.concatenate(places)
    return Rows(
        _features_at(evidence, where, label),
        logit.flat[where],
        np.concatenate(targets).astype(np.float32),
        np.concatenate(weights).astype(np.float32),
    )


def _features_at(evidence: Evidence, where: npt.NDArray[np.intp], label: int) -> Floats:
    """(n, k) at cells of the work grid: the logit, positions, then every map's channels."""
    height, width = evidence.work
    down = ((where // width + 0.5) / height).astype(np.float32)
    across = ((where % width + 0.5) / width).astype(np.float32)
    y, x = down * 2 - 1, across * 2 - 1
    columns = [evidence.logits[label].flat[where] / 3, y, x, y * y, x * x, y * x]
    return np.concatenate([np.stack(columns, axis=1), *(m.at(down, across) for m in evidence.maps)], axis=1)


def _scored(evidence: Evidence, weights: Doubles, label: int) -> Floats:
    """The new logit (h, w) of every pixel of the work grid."""
    height, width = evidence.work
    w = weights.astype(np.float32)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)[None]
    logit = evidence.logits[label] * (1 + w[0] / 3) + w[-1]
    logit += y * w[1] + x * w[2] + y * y * w[3] + x * x * w[4] + y * x * w[5]
    first = 1 + POSITIONS
    for each in evidence.maps:
        logit += each.scored(w[first : first + len(each.values)], evidence.work)
        first += len(each.values)
    return np.asarray(logit, np.float32)


def _spread(evidence: Evidence, logit: Floats, marks: Marks, tuning: Tuning) -> Floats:
    guess = _sigmoid(logit)
    trust = tuning.trust * (np.float32(0.1) + np.abs(2 * guess - 1))
    return spread(guess, trust.astype(np.float32), evidence.colours, marks, tuning.contrast)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logit)), np.float32)


def _shared(before: npt.NDArray[np.float16], answer: Floats, label: int) -> Floats:
    """All labels (labels, y, x): one has the new answer, the others scaled to what is left."""
    out = before.astype(np.float32)
    left = (1 - answer) / np.maximum(1 - out[label], np.float32(1e-4))
    if len(out) > 1:
        others = np.minimum(out * left, 1)
        total = others.sum(axis=0) - others[label]
        out = others * np.minimum(1, (1 - answer) / np.maximum(total, np.float32(1e-6)))
    out[label] = answer
    return out
