"""Islands of a ghost: which pixels go when one is kept alone, or sent away."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.labels import Box, changed_box
from featherseg_engines.refine.prompts import Mask

RIM = 3
"""Pixels around an island that go with it, so that its rim does not appear at a lower threshold."""


def others_of(plane: Mask, at: tuple[int, int], *, keep: bool) -> Mask:
    """Islands of a mask (y, x) that go: all but the one at a pixel where that one is kept, else that one alone.

    Pixels that touch at their corners are of one island, as in the tools on labels.
    """
    from scipy import ndimage

    numbers, _ = ndimage.label(plane, np.ones((3, 3)))
    mine: Mask = numbers == numbers[at]
    return plane & ~mine if keep else mine


@dataclass(frozen=True, slots=True)
class Place:
    """Where a crop lies: its slice, its first row and column, and the size (y, x) of the slice."""

    z: int
    y: int
    x: int
    shape: tuple[int, int]


def pixels_of(away: Mask, kept: Mask, place: Place) -> tuple[Box, Mask]:
    """The pixels of a slice that go with the islands ``away`` of a crop, and their box.

    A rim around them goes too, but nothing of the islands ``kept``.
    """
    from scipy import ndimage

    whole: npt.NDArray[np.bool_] = np.zeros((1, *place.shape), np.bool_)
    crop = np.s_[0, place.y : place.y + away.shape[0], place.x : place.x + away.shape[1]]
    whole[crop] = away
    whole[0] = ndimage.binary_dilation(whole[0], np.ones((3, 3)), RIM)
    whole[crop] &= ~kept
    tight = changed_box(whole)
    box = Box((place.z, *tight.start[1:]), (place.z + (not tight.empty), *tight.stop[1:]))
    return box, whole[tight.slices].copy()
