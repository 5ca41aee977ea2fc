"""What single strokes say of their surroundings, and how much they surprise the network."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from featherseg_engines.refine.evidence import SURE, Evidence, FeatureMap
from featherseg_engines.refine.prompts import Stroke
from featherseg_engines.refine.tuning import Tuning

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
LATEST = 32
"""Strokes that speak for their surroundings, the latest; older ones speak through the features only."""
COARSE = 2
"""Cells of the work grid to one of the grid on which surroundings are computed; they are smooth."""


def surroundings(evidence: Evidence, strokes: Sequence[Stroke], label: int, tuning: Tuning) -> FeatureMap:
    """One plane a stroke: 1 at its middle, falling with the distance from it and with the difference from its looks.

    As features with a weight of their own they take up what a stroke says before it is known whether the features
    of the network say it too, and hold it to where it was said.
    """
    like = np.concatenate([_smoothed(evidence), evidence.logits[label : label + 1] / (SURE / 2)])
    looks = like[:, ::COARSE, ::COARSE]
    y = np.arange(0, evidence.work[0], COARSE, dtype=np.float32)[:, None]
    x = np.arange(0, evidence.work[1], COARSE, dtype=np.float32)[None]
    planes = []
    for stroke in strokes[-LATEST:]:
        rows, columns = cells(evidence, stroke)
        if not len(rows):
            continue
        middle = np.median(like[:, rows, columns], axis=1).astype(np.float32)
        away = (np.square(y - rows.mean()) + np.square(x - columns.mean())) / np.float32(tuning.reach**2)
        unlike = np.square(looks - middle[:, None, None]).sum(axis=0) / np.float32(tuning.likeness**2)
        planes.append(np.exp(np.float32(-0.5) * (away + unlike)))
    found = np.stack(planes) if planes else np.zeros((0, *looks.shape[1:]), np.float32)
    height, width = (n / COARSE for n in evidence.work)
    return FeatureMap(np.asarray(found, np.float32), (height, width))


def surprises(evidence: Evidence, strokes: Sequence[Stroke], label: int) -> Floats:
    """How surely wrong the network was at each stroke, 0..1: its mean logit against what the stroke says."""
    found = []
    for stroke in strokes:
        rows, columns = cells(evidence, stroke)
        logit = evidence.logits[label][rows, columns]
        against = np.clip(-logit if stroke.positive else logit, 0, SURE)
        found.append(float(against.mean()) / SURE if len(rows) else 0.0)
    return np.asarray(found, np.float32)


def cells(evidence: Evidence, stroke: Stroke) -> tuple[Indices, Indices]:
    """Rows and columns of the work grid that a stroke's pixels lie in, one for each pixel on the image."""
    height, width = evidence.size
    _, y, x = np.nonzero(stroke.mask)
    y, x = y + stroke.box.start[1], x + stroke.box.start[2]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return y[inside] * evidence.work[0] // height, x[inside] * evidence.work[1] // width


def _smoothed(evidence: Evidence) -> Floats:
    """The colours smoothed a little, of all that the first map holds."""
    channels = len(evidence.colours)
    return evidence.maps[0].values[channels : 2 * channels]
