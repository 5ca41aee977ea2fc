"""A mask from one grid onto another that has the same voxels in another order: axes turned or counted backwards."""

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry

TOLERANCE = 0.1
"""How far apart, in voxels, centres may lie that are taken for the same."""


def onto_grid(
    labels: npt.NDArray[np.uint16], geometry: Geometry, target: Geometry, name: str
) -> npt.NDArray[np.uint16]:
    """Labels (z, y, x) on ``geometry`` as labels on ``target``; the same array where the grids are the same.

    Photographs have no place, only a shape.

    Raises
    ------
    ReadError
        The voxels do not coincide, or labelled ones lie outside of the target; ``name`` goes into the sentence.
    """
    if not (geometry.calibrated and target.calibrated):
        if geometry.shape != target.shape:
            raise ReadError(f"The mask '{name}' has {_by(geometry)} pixels and the image {_by(target)}.")
        return labels
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    index = target.to_index(geometry.to_world(corners))
    start, steps = np.rint(index[0]), np.rint(index[1:] - index[0])
    drift = np.abs(index[0] - start) + (np.array(geometry.shape) - 1) @ np.abs(index[1:] - index[0] - steps)
    turned = np.array_equal(np.abs(steps).sum(axis=0), [1, 1, 1]) and abs(np.linalg.det(steps)) > 0.5
    if drift.max() > TOLERANCE or not turned:
        raise ReadError(
            f"The mask '{name}' lies on other voxels than the image (another place, direction or spacing); resample "
            "it onto the image first."
        )
    if geometry.shape == target.shape and np.array_equal(steps, np.eye(3)) and not start.any():
        return labels
    at = np.nonzero(labels)
    there = start.astype(np.intp) + np.stack(at, axis=1) @ steps.astype(np.intp)
    if there.size and (there.min() < 0 or np.any(there >= target.shape)):
        raise ReadError(f"The mask '{name}' has labels outside of the image; open the image it was made on.")
    placed = np.zeros(target.shape, np.uint16)
    placed[tuple(there.T)] = labels[at]
    return placed


def _by(geometry: Geometry) -> str:
    return " x ".join(str(n) for n in geometry.shape[::-1])
