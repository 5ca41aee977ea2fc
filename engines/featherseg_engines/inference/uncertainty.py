"""Where a model is unsure and how much, from the levels of its answer alone."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.postprocess import Levels

Floats = npt.NDArray[np.float32]
Tally = npt.NDArray[np.int64]
"""(labels, 256): how many voxels of an answer stand at each level."""
MIDDLE = 128
"""The lowest level that a threshold of 0.5 takes in."""


def entropy(levels: Levels) -> Floats:
    """How unsure a model is of each voxel, (z, y, x): 0 is certain, 1 is as unsure as can be.

    Parameters
    ----------
    levels
        (labels, z, y, x), the probability of each label in steps of 1/255; what is left to 1 is the background.

    Notes
    -----
    Shannon's entropy of labels and background, as a share of the most it can be (one bit for one label). Source:
    Shannon, A Mathematical Theory of Communication, 1948, section 6.
    """
    if len(levels) == 1:
        return np.asarray(_binary()[levels[0]])
    terms = _terms()
    rest = np.maximum(255 - levels.sum(axis=0, dtype=np.int32), 0)
    bits = terms[rest]
    for plane in levels:
        bits += terms[plane]
    return np.asarray(np.minimum(bits / np.float32(np.log2(len(levels) + 1)), 1), np.float32)


def shades(levels: Levels) -> npt.NDArray[np.uint8]:
    """:func:`entropy` in steps of 1/255, (z, y, x): a quarter of the memory, for the screen."""
    if len(levels) == 1:
        return np.asarray(np.rint(_binary() * 255).astype(np.uint8)[levels[0]])
    out = np.empty(levels.shape[1:], np.uint8)
    for z in range(len(out)):  # slice by slice: a volume's floats would be many times its levels
        out[z] = np.rint(entropy(levels[:, z : z + 1])[0] * 255)
    return out


def tally(levels: Levels) -> Tally:
    """Count an answer's levels (labels, z, y, x); the sum of tallies is that of the slices together."""
    counts = np.zeros((len(levels), 256), np.int64)
    for label, planes in enumerate(levels):
        for plane in planes:
            counts[label] += np.bincount(plane.ravel(), minlength=256)
    return counts


def score_of(counts: Tally) -> float:
    """How unsure a model is of all that was counted, 0..1; see :func:`slice_score`."""
    areas = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1][:, 1:].astype(np.float64)
    found = areas[:, MIDDLE - 1 : MIDDLE]
    alike = np.ones_like(areas)
    np.divide(2 * np.minimum(areas, found), areas + found, out=alike, where=areas + found > 0)
    unsure = 1 - alike.mean(axis=1)
    present = found[:, 0] > 0
    return float(unsure[present].mean() if present.any() else unsure.max(initial=0.0))


def slice_score(levels: Levels) -> float:
    """How unsure a model is of an answer (labels, z, y, x): 0 is sure, 1 is as unsure as can be.

    1 - the mean Dice between the mask at 0.5 and the masks at all other thresholds: what the answer would score
    if the truth were one of its own level sets, each as likely. Where several labels were found it is their
    mean; where nothing was found it is the highest probability.

    Notes
    -----
    Level sets of a probability map as the likely shapes of a random set: Vorob'ev; see Molchanov, Theory of
    Random Sets, 2005, section 2.2. Chosen by measurement (``tests/benchmarks/uncertainty.py``): over nine shipped
    models its rank correlation with 1 - Dice on dev images is 0.57 on average; 1 - soft Dice of mask and
    probability has 0.51, entropy against the mask's area 0.35, mean entropy in the crop 0.28.
    """
    return score_of(tally(levels))


def case_score(answers: Iterable[Levels]) -> float:
    """As :func:`slice_score`, of a case's slices together; 0 where there is none."""
    counts = [tally(levels) for levels in answers]
    return score_of(np.sum(counts, axis=0)) if counts else 0.0


@lru_cache(maxsize=1)
def _terms() -> Floats:
    """-p log2 p for each level."""
    p = np.arange(256) / 255
    terms = np.zeros(256)
    terms[1:] = -p[1:] * np.log2(p[1:])
    return terms.astype(np.float32)


@lru_cache(maxsize=1)
def _binary() -> Floats:
    """Entropy in bits for each level of one label."""
    return np.asarray(_terms() + _terms()[::-1], np.float32)
