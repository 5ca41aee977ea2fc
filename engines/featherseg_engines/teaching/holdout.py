"""Which cases a lesson is judged by: held out for good, folded where there are few, or the person's own eye.

Chance, by the patient's (or file's) name, chooses what is held out; but the only picture of its kind is worth more
to learn from than to judge by (``bench teach``: of ten nuclei pictures the one that was stained).
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

import numpy as np

from featherseg_engines.imaging.measures import Look
from featherseg_engines.teaching.appearance import appearances
from featherseg_engines.teaching.order import TaughtCase

ENOUGH = 8
"""Patients (or files) from which on some are held out; with fewer, folds judge the recipe."""
FOR_FOLDS = 4
"""Patients (or files) from which on there are folds; with fewer, the person is asked to look."""
SHARE = 0.25
AT_MOST = 0.4
"""Of the patients so far that may be held out: chance must not take the lesson away."""
AT_LEAST = 2
ALONE = 3.0
"""A picture is alone where its nearest that is learnt from is so many times farther off than is usual ..."""
USUAL = 0.03
"""... which is at least this: a brightness of one part in thirty, where many are the same picture again."""
COMPARED = 100
"""What is usual is measured on the latest so many."""
FOLDS = 2
"""Few, so that each has time to learn: a trial cut short speaks against a lesson that is not."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Cases to learn from and the cases that judge it, in the order they came."""

    learn: tuple[TaughtCase, ...]
    judge: tuple[TaughtCase, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """How a lesson is judged.

    Parameters
    ----------
    learn
        The cases that the candidate itself learns from.
    rounds
        One round over ``learn`` and what was held out; or the folds, each learnt anew; or none.
    """

    how: Literal["held out", "folds", "nothing"]
    learn: tuple[TaughtCase, ...]
    rounds: tuple[Round, ...] = ()

    @property
    def judge(self) -> tuple[TaughtCase, ...]:
        """All cases that judge, each once."""
        return tuple(case for each in self.rounds for case in each.judge)


def place(group: str) -> float:
    """Where a patient (or file) falls between 0 and 1: from its name alone, the same on every machine."""
    digest = hashlib.sha256(f"featherseg hold-out {group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def held_out(
    groups: Sequence[str],
    kept: Mapping[str, bool] | None = None,
    looks: Mapping[str, Look] | None = None,
) -> frozenset[str]:
    """Patients (or files) that are never learnt from; none where there are fewer than :data:`ENOUGH`.

    One is held out for its own :func:`place`, whatever comes after it, unless none that looks like it would be
    learnt from. Only where fewer than two of the first eight were taken, the next in line among these eight are held
    out too; so what stands later in ``groups`` never moves what stands earlier.

    Parameters
    ----------
    kept
        What was decided before (True: held out), which stays; also of patients that are gone since.
    looks
        How their pictures look (:mod:`~featherseg_engines.teaching.appearance`), of those where that is known.
    """
    before = kept or {}
    order = list(dict.fromkeys([*before, *groups]))
    if len(order) < ENOUGH:
        return frozenset()
    chosen: set[str] = set()
    for count, group in enumerate(order, start=1):
        room = len(chosen) + 1 <= max(AT_LEAST, int(AT_MOST * count))
        if group in before:
            wanted = before[group]
        else:
            wanted = (
                place(group) < SHARE
                and room
                and not _alone(group, order[: max(count, ENOUGH)], chosen, looks)
            )
        if wanted:
            chosen.add(group)
        if count == ENOUGH:
            _fill(chosen, [g for g in order[:count] if g not in before], order[:count], looks)
    return frozenset(chosen)


def _fill(
    chosen: set[str], free: Sequence[str], there: Sequence[str], looks: Mapping[str, Look] | None
) -> None:
    """Add the next in line until there are enough: such as are not alone first."""
    for even_alone in (False, True):
        for group in sorted(free, key=place):
            fits = group not in chosen and (even_alone or not _alone(group, there, chosen, looks))
            if len(chosen) < AT_LEAST and fits:
                chosen.add(group)


def _alone(
    group: str, there: Sequence[str], chosen: AbstractSet[str], looks: Mapping[str, Look] | None
) -> bool:
    """Whether nothing that would be learnt from looks like a group's pictures."""
    known = {g: looks[g] for g in there if g in looks} if looks else {}
    learnt = [g for g in known if g not in chosen and g != group]
    if group not in known or not learnt:
        return False
    recent = np.array([*known.values()][-COMPARED:])
    far = np.linalg.norm(recent[:, None] - recent[None], axis=2)
    np.fill_diagonal(far, np.inf)
    usual = max(USUAL, float(np.median(far.min(axis=1))))
    return bool(
        np.linalg.norm(np.array([known[g] for g in learnt]) - known[group], axis=1).min() > ALONE * usual
    )


def split(cases: Sequence[TaughtCase], kept: frozenset[str] | None = None) -> Split:
    """How a lesson over these cases is judged; a patient's cases are never on both sides.

    ``kept`` are groups whose holding out was decided before; None decides now.
    """
    everything = tuple(cases)
    groups = list(dict.fromkeys(case.group for case in cases))
    looks = appearances(cases) if kept is None and len(groups) >= ENOUGH else None
    out = held_out(groups, looks=looks) if kept is None else kept & set(groups)
    if out and len(out) < len(groups) and len(groups) >= FOR_FOLDS:
        once = _round(everything, out)
        return Split("held out", once.learn, (once,))
    free = [group for group in groups if group not in out] if len(out) < len(groups) else groups
    learn = tuple(case for case in everything if case.group in free)
    if len(free) < FOR_FOLDS:
        return Split("nothing", learn)
    order = sorted(free, key=place)
    parts = [frozenset(order[k::FOLDS]) for k in range(FOLDS)]
    return Split("folds", learn, tuple(_round(learn, part) for part in parts))


def _round(cases: tuple[TaughtCase, ...], out: frozenset[str]) -> Round:
    learn = tuple(case for case in cases if case.group not in out)
    return Round(learn, tuple(case for case in cases if case.group in out))
