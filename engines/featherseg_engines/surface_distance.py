"""How far two outlines lie apart: HD95, exactly, through SciPy's search trees."""

import numpy as np
import numpy.typing as npt

Triple = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.generic]


def hd95(answer: Mask, truth: Mask, spacing: Triple = (1.0, 1.0, 1.0)) -> float | None:
    """95th percentile of the Hausdorff distance of two masks (z, y, x); None where one of them is empty.

    The larger of the two directed values (from the answer's surface voxels to the truth's and back), in the
    unit of ``spacing`` (z, y, x). A surface voxel has a face neighbour (in a single slice an edge neighbour)
    outside the mask.

    Source: Huttenlocher et al. 1993; percentile form as in MONAI's ``compute_hausdorff_distance``.
    """
    if not answer.any() or not truth.any():
        return None
    first, second = (_surface(mask) * np.asarray(spacing, np.float64) for mask in (answer, truth))
    return max(_directed(first, second), _directed(second, first))


def _surface(mask: Mask) -> Points:
    """Indices (n, 3) of the surface voxels."""
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(3, 1)
    if mask.shape[0] == 1:
        cross[[0, 2]] = False
    found = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    corner = [int(there[0]) for there in found]
    part = mask[tuple(slice(int(there[0]), int(there[-1]) + 1) for there in found)]
    return np.argwhere(part & ~ndimage.binary_erosion(part, cross)) + corner


def _directed(source: Points, target: Points) -> float:
    from scipy.spatial import KDTree

    distance, _ = KDTree(target).query(source)
    return float(np.percentile(distance, 95))
