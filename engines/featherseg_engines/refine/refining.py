"""From the evidence of a slice and what a person marked on it to a new answer."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import resized
from featherseg_engines.refine.evidence import POSITIONS, Evidence, FeatureMap
from featherseg_engines.refine.fit import fitted
from featherseg_engines.refine.local import surprises, surroundings
from featherseg_engines.refine.marks import IS, NOT, UNMARKED, Marks, allowed, core, marked, shrunk
from featherseg_engines.refine.prompts import Head, Prompts
from featherseg_engines.refine.rows import Sure, rows_of, rows_of_answer, scored
from featherseg_engines.refine.spread import spread
from featherseg_engines.refine.threads import one_thread
from featherseg_engines.refine.tuning import MEASURED, Tuning

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class Refined(NamedTuple):
    """The new answer (labels, y, x) at the slice's own size, and the head that was fitted."""

    probability: Floats
    head: Head


def refined(evidence: Evidence, prompts: Prompts, tuning: Tuning = MEASURED) -> Refined:
    """Read the evidence the way the marks say; the same marks give the same answer.

    Marked pixels end as the last stroke over them says, nothing is proposed outside the region, and other labels
    share what is left.
    """
    with one_thread():
        return _refined(evidence, prompts, tuning)


def _refined(evidence: Evidence, prompts: Prompts, tuning: Tuning) -> Refined:
    label = min(prompts.label, len(evidence.logits) - 1)
    marks = marked(prompts.strokes, evidence.size)
    small = shrunk(marks, evidence.work)
    head = _carried(evidence, prompts.head)
    if np.any(small != UNMARKED):
        logit = _read(evidence, prompts, label, small, head, tuning)
        aimed = shrunk(marked([core(stroke) for stroke in prompts.strokes], evidence.size), evidence.work)
        answer = _spread(evidence, logit, (small, aimed), tuning)
        head = _learnt(evidence, answer, label, head, tuning)
    else:
        answer = _sigmoid(scored(evidence, evidence.maps, head, label))
    answer = resized(answer, evidence.size).copy()
    answer[marks == IS], answer[marks == NOT] = 1, 0
    probability = _shared(evidence.probability, answer, label)
    inside = allowed(prompts.region, evidence.size)
    if inside is not None:
        probability *= inside
    return Refined(probability, Head(head, evidence.model, len(prompts.strokes)))


def _carried(evidence: Evidence, head: Head | None) -> Doubles:
    """The weights to begin with: those of a head that fits, else zeros: the network's own answer."""
    start = np.zeros(1 + POSITIONS + sum(len(m.values) for m in evidence.maps) + 1)
    if head is None or head.model != evidence.model or head.weights.shape != start.shape:
        return start
    return np.where(np.isfinite(head.weights), head.weights, 0.0)


def _read(
    evidence: Evidence, prompts: Prompts, label: int, marks: Marks, start: Doubles, tuning: Tuning
) -> Floats:
    """The logit of every cell as the strokes say."""
    near = surroundings(evidence, prompts.strokes, label, tuning)
    maps = (*evidence.maps, near)
    sure = _sure(surprises(evidence, prompts.strokes, label), prompts, tuning)
    rows = rows_of(evidence, maps, marks, label, sure, tuning)
    own = len(start) - 1
    begin = np.concatenate([start[:own], np.zeros(len(near.values)), start[own:]])
    weights = fitted(rows, _held(evidence.maps, len(near.values), tuning), begin)
    return scored(evidence, maps, weights, label)


def _learnt(evidence: Evidence, answer: Floats, label: int, start: Doubles, tuning: Tuning) -> Doubles:
    """The head that would have answered so: with it a neighbouring slice needs no strokes to be read alike."""
    rows = rows_of_answer(evidence, answer, label, tuning.answer_weight, tuning)
    return fitted(rows, _held(evidence.maps, 0, tuning), start)


def _held(maps: tuple[FeatureMap, ...], near: int, tuning: Tuning) -> Doubles:
    """How strongly each weight is held; the more features there are, the less each one may say."""
    count = sum(len(m.values) for m in maps)
    return np.concatenate(
        [
            [tuning.hold_logit],
            np.full(POSITIONS, tuning.hold_position),
            np.full(count, tuning.hold_features * count),
            np.full(near, tuning.hold_local),
            [tuning.hold_offset],
        ]
    )


def _sure(surprise: Floats, prompts: Prompts, tuning: Tuning) -> tuple[Sure, Sure]:
    """How what the network is sure of counts: less where strokes found it surely wrong.

    A stroke along the border of a small thing, where the network wavers anyway, does not send it away; one across
    its middle does.
    """
    weight = tuning.sure_weight / _doubt(surprise, tuning)
    positive = np.asarray([stroke.positive for stroke in prompts.strokes], np.bool_)
    mild = surprise < tuning.doubt
    return Sure(weight, bool(np.all(mild[positive]))), Sure(weight, bool(np.all(mild[~positive])))


def _doubt(surprise: Floats, tuning: Tuning) -> float:
    """By how much what the network is sure of loses weight."""
    total = float(surprise.sum())
    mean = (total + 2 * tuning.usual_doubt) / (len(surprise) + 2)
    return float((1 + (mean / tuning.doubt) ** 4) * (1 + (total / tuning.doubt_in_all) ** 3))


def _spread(evidence: Evidence, logit: Floats, marks: tuple[Marks, Marks], tuning: Tuning) -> Floats:
    """The answer along the image's borders, from marks whole and aimed: what spilled over is obeyed, not spread."""
    whole, aimed = marks
    fixed = np.where(aimed == whole, aimed, UNMARKED).astype(np.int8)
    rim = (whole != UNMARKED) & (fixed == UNMARKED)
    guess = _sigmoid(logit)
    trust = np.where(rim, tuning.rim_trust, tuning.trust * (0.1 + np.abs(2 * guess - 1)))
    guess = np.where(rim, whole == IS, guess).astype(np.float32)
    return spread(guess, trust.astype(np.float32), evidence.colours, fixed, tuning.contrast)


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logit)), np.float32)


def _shared(before: npt.NDArray[np.float16], answer: Floats, label: int) -> Floats:
    """All labels (labels, y, x): one has the new answer, the others scaled to share what is left."""
    out = np.nan_to_num(before.astype(np.float32))
    if len(out) > 1:
        others = out.sum(axis=0) - out[label]
        was = np.maximum(1 - out[label], np.float32(1e-4))
        out *= np.minimum((1 - answer) / was, (1 - answer) / np.maximum(others, np.float32(1e-4)))
    out[label] = answer
    return out
