"""Outlines of a mask's islands in a plane: one closed contour each, holes joined to it by a keyhole."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def outlines(plane: npt.NDArray[np.bool_]) -> Iterator[Points]:
    """Closed contours (n, 2) as (y, x) in pixels, pixel centres at whole numbers, one for each island.

    The contour runs half-way between pixels of the mask and pixels beside it; the last point is not the first one
    again. Pixels that touch only at a corner are islands of their own. A hole is joined to its island's outline
    by a channel of no width, there and back along the same line, so that by the even-odd rule as by the winding
    rule exactly the mask's pixel centres lie inside (the keyhole technique, DICOM PS3.3 C.8.8.6.3).
    """
    from skimage.measure import find_contours, label, regionprops

    for island in regionprops(label(plane, connectivity=1)):
        corner = np.array(island.bbox[:2], float) - 1
        lines = find_contours(np.pad(island.image, 1).astype(np.float32), 0.5)
        rings = sorted((_without_straights(line[:-1]) for line in lines), key=_area, reverse=True)
        yield _keyholed(rings) + corner


def _area(ring: Points) -> float:
    """Area inside a closed ring, whichever way round it runs."""
    y, x = ring.T
    return float(abs(np.dot(y, np.roll(x, -1)) - np.dot(x, np.roll(y, -1))) / 2)


def _without_straights(ring: Points) -> Points:
    """Leave out points that lie on the line between their neighbours."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    return ring[turns]


def _keyholed(rings: list[Points]) -> Points:
    """The first ring with all others joined to it from top to bottom, each by its topmost point."""
    outline = rings[0]
    for hole in sorted(rings[1:], key=lambda ring: float(ring[:, 0].min())):
        start = int(hole[:, 0].argmin())
        at = int(np.square(outline - hole[start]).sum(axis=1).argmin())
        around = np.concatenate([hole[start:], hole[: start + 1]])
        outline = np.concatenate([outline[: at + 1], around, outline[at:]])
    return outline
