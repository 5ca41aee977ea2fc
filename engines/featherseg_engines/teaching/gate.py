"""The gate: a candidate comes into use only where it is better than the model in use on cases it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.teaching.order import CaseScore, Decision, Verdict

MAY_LOSE = 0.02
"""Mean Dice that no class may lose."""
MAY_BE_WORSE = 0.2
"""Bootstrap probability of being worse that is borne."""
USEFUL = 0.5
"""Mean Dice from which on a first model, with none to beat, comes into use by itself."""
RESAMPLES = 4000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Both models on one case, and whose case it is: a patient's cases are drawn together.

    ``familiar`` says that the model in use has learnt from this very case, which favours it.
    """

    score: CaseScore
    group: str
    familiar: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """Means over cases, and the paired difference with its 95 % bootstrap interval."""

    cases: int
    before: float
    after: float
    gain: float
    interval: tuple[float, float]
    worse: float


def compared(judged: Sequence[Judged]) -> Compared:
    """Both models over these cases, in pairs, patients drawn with replacement with a fixed seed.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 16 (paired, by cluster).
    """
    pairs = np.array([_means(one.score) for one in judged], np.float64)
    gains = pairs[:, 1] - pairs[:, 0]
    groups = list(dict.fromkeys(one.group for one in judged))
    whose = np.array([groups.index(one.group) for one in judged])
    sums = np.bincount(whose, gains, len(groups))
    sizes = np.bincount(whose, minlength=len(groups))
    drawn = np.random.default_rng(0).integers(0, len(groups), (RESAMPLES, len(groups)))
    means: Floats = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    before, after = (float(v) for v in pairs.mean(axis=0))
    worse = float(np.mean(means < -1e-9))
    return Compared(
        len(judged), before, after, float(gains.mean()), (round(float(low), 4), round(float(high), 4)), worse
    )


def per_class(scores: Sequence[CaseScore], classes: Sequence[str]) -> tuple[tuple[str, float, float], ...]:
    """Mean Dice of each class before and after, over the cases that have it in the mask or in an answer."""
    rows = []
    for index, name in enumerate(classes):
        pairs = [_pair(score, index) for score in scores]
        there = [pair for pair in pairs if pair is not None]
        if there:
            before, after = np.mean(there, axis=0)
            rows.append((name, float(before), float(after)))
    return tuple(rows)


def by_origin(scores: Sequence[CaseScore]) -> tuple[tuple[CaseScore, ...], tuple[CaseScore, ...]]:
    """Cases a person corrected, and those accepted as they came: the latter favour the model in use."""
    return tuple(s for s in scores if s.corrected), tuple(s for s in scores if not s.corrected)


def judge(
    judged: Sequence[Judged], classes: Sequence[str], *, folds: bool = False, rival: bool = True
) -> Verdict:
    """What the gate says of these cases.

    Better means: a paired mean gain above 0, no class down by more than :data:`MAY_LOSE`, and a bootstrap
    probability of being worse of at most :data:`MAY_BE_WORSE`. Where the model in use has learnt from some of the
    cases, the others decide; where too few others are left, a candidate that is not better even so is shown to the
    person instead of refused.

    Parameters
    ----------
    folds
        The cases were judged by the recipe's folds, not by the candidate itself.
    rival
        Whether there is a model in use; without one the comparison is with nothing found.
    """
    fresh = [one for one in judged if not one.familiar]
    unfair = len({one.group for one in fresh}) < 2 and len(fresh) < len(judged)
    counted = judged if unfair else fresh
    overall = compared(counted)
    classed = per_class([one.score for one in counted], classes)
    objection = _objection(overall, classed, rival)
    decision: Decision = "adopt" if not objection else "keep"
    if objection and (unfair or not rival):
        decision = "ask"
    sentence = _sentence(decision, overall, objection, counted, folds=folds, rival=rival)
    return Verdict(
        decision,
        sentence,
        "folds" if folds else "held out",
        overall.before,
        overall.after,
        overall.gain,
        overall.interval,
        overall.worse,
        classed,
        tuple(one.score for one in judged),
    )


def unjudged(scores: Sequence[CaseScore], classes: Sequence[str], cases: int) -> Verdict:
    """What is said where there are too few cases to judge by: the person looks.

    ``scores`` are those on cases that were learnt from; they say how well they were learnt and nothing more.
    """
    shown = [_means(score) for score in scores]
    before, after = (float(v) for v in np.mean(shown, axis=0)) if shown else (0.0, 0.0)
    what = "One case is" if cases == 1 else f"{cases} cases are"
    sentence = f"{what} too few to measure by. Look at both models side by side and choose."
    gain = after - before
    return Verdict(
        "ask",
        sentence,
        "nothing",
        before,
        after,
        gain,
        (gain, gain),
        0.5,
        per_class(scores, classes),
        tuple(scores),
    )


def _objection(overall: Compared, classed: Sequence[tuple[str, float, float]], rival: bool) -> str:
    """Why the candidate is not better, as a part of a sentence; "" where it is."""
    if not rival:
        return "" if overall.after >= USEFUL else f"it finds too little yet ({overall.after:.2f})"
    if overall.gain <= 0:
        return f"{_two(overall.before, overall.after)}"
    lost = [(name, before, after) for name, before, after in classed if after < before - MAY_LOSE]
    if lost:
        name, before, after = min(lost, key=lambda row: row[2] - row[1])
        return f"{name} lost: {_two(before, after)}"
    if overall.worse > MAY_BE_WORSE:
        return f"{_two(overall.before, overall.after)} may be chance on {_cases(overall.cases)}"
    return ""


def _sentence(
    decision: Decision,
    overall: Compared,
    objection: str,
    judged: Sequence[Judged],
    *,
    folds: bool,
    rival: bool,
) -> str:
    where = f"in trials on your {_cases(overall.cases)}" if folds else f"on your {_test_cases(overall.cases)}"
    if decision == "ask" and not rival:
        return f"A first model, but {objection} {where}. Look at it and choose."
    if decision == "ask":
        return (
            f"The old model knows these test cases, so they favour it ({objection}). Look at both and choose."
        )
    if decision == "keep":
        return f"Not better ({objection}). Kept the old model."
    if not rival:
        return f"A first model: {overall.after:.2f} {where}. In use now."
    return f"Better: {_two(overall.before, overall.after)} {where}.{_corrected(judged)} In use now."


def _corrected(judged: Sequence[Judged]) -> str:
    """The corrected cases by themselves, where there are others too."""
    own, others = by_origin([one.score for one in judged])
    if not own or not others:
        return ""
    before, after = np.mean([_means(score) for score in own], axis=0)
    what = "The one you corrected" if len(own) == 1 else f"The {len(own)} you corrected"
    return f" {what}: {_two(float(before), float(after))}."


def _means(score: CaseScore) -> tuple[float, float]:
    """Mean Dice of both models over the classes that mask or answer have; 1 where there is nothing at all."""
    pairs = [_pair(score, index) for index in range(len(score.parent))]
    there = [pair for pair in pairs if pair is not None]
    if not there:
        return 1.0, 1.0
    before, after = np.mean(there, axis=0)
    return float(before), float(after)


def _pair(score: CaseScore, index: int) -> tuple[float, float] | None:
    """Dice of one class before and after; a class that is rightly not found is 1; None where neither has it."""
    before, after = score.parent[index], score.candidate[index]
    if before is None and after is None:
        return None
    return 1.0 if before is None else before, 1.0 if after is None else after


def _two(before: float, after: float) -> str:
    """Both numbers with two digits, three where two would look the same."""
    digits = 2 if f"{before:.2f}" != f"{after:.2f}" else 3
    return f"{before:.{digits}f} → {after:.{digits}f}"


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _test_cases(count: int) -> str:
    return "1 test case" if count == 1 else f"{count} test cases"
