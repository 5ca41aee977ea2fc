"""The contours of labels and ghost: from label numbers to the pixels that are drawn."""

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.postprocess import labels_at_levels
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Labels

Plane = npt.NDArray[np.integer]
Place = tuple[int, int]


def border(labels: Plane, thickness: int) -> npt.NDArray[np.bool_]:
    """Labelled pixels (y, x) within ``thickness`` steps of a pixel with another number.

    The image's own edge is no border: what is cut off there goes on beyond it.
    """
    inner = np.ones(labels.shape, np.bool_)
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        same = labels[a] == labels[b]
        inner[a] &= same
        inner[b] &= same
    for _ in range(thickness - 1):
        before = inner.copy()
        for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
            inner[a] &= before[b]
            inner[b] &= before[a]
    return ~inner & (labels != 0)


def tight(labels: Plane) -> tuple[Plane, Place]:
    """The part of a plane that holds labels, a pixel around it where there is one, and where it begins."""
    rows = np.flatnonzero(labels.any(axis=1))
    if not rows.size:
        return labels[:0, :0], (0, 0)
    y0, y1 = max(0, int(rows[0]) - 1), int(rows[-1]) + 2
    columns = np.flatnonzero(labels[y0:y1].any(axis=0))
    x0, x1 = max(0, int(columns[0]) - 1), int(columns[-1]) + 2
    return labels[y0:y1, x0:x1], (y0, x0)


def in_colour(labels: Plane, thickness: int, colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGBA (y, x, 4) of the contours; ``colours`` (numbers, 4) gives each label's, clear for those not shown."""
    edge = border(labels, thickness)
    picture = np.zeros((*labels.shape, 4), np.uint8)
    picture[edge] = colours[np.minimum(labels[edge].astype(np.int64), len(colours) - 1)]
    return picture


def dots(picture: npt.NDArray[np.uint8], length: int) -> npt.NDArray[np.uint8]:
    """The same contours (y, x, 4) as dots of this many pixels with as much room between them."""
    down, across = np.ogrid[: picture.shape[0], : picture.shape[1]]
    gaps = (down + across) // max(length, 1) % 2 == 1
    out = picture.copy()
    out[gaps] = 0
    return out


def cut(proposal: Proposal, axis: int, index: int, threshold: float) -> tuple[Labels, Place] | None:
    """Class numbers of a proposal in one plane of the volume, and where they begin; None outside the crop."""
    box = proposal.box
    at = index - box.start[axis]
    if box.empty or not 0 <= at < box.shape[axis]:
        return None
    where: list[int | slice] = [slice(None)] * 4
    where[axis + 1] = at
    first, second = (start for i, start in enumerate(box.start) if i != axis)
    return labels_at_levels(proposal.levels[tuple(where)], threshold), (first, second)
