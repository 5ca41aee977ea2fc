"""How far two outlines lie apart: HD95, through SciPy's exact distance maps."""

import numpy as np
import numpy.typing as npt

Triple = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]


def hd95(answer: Mask, truth: Mask, spacing: Triple = (1.0, 1.0, 1.0)) -> float | None:
    """95th percentile of the Hausdorff distance of two masks (z, y, x); None where one of them is empty.

    The larger of the two directed values (from the answer's surface voxels to the truth's and back), in the
    unit of ``spacing`` (z, y, x). A surface voxel has a face neighbour (in a single slice an edge neighbour)
    outside the mask.

    Source: Huttenlocher et al. 1993; percentile form as in MONAI's ``compute_hausdorff_distance``.
    """
    if not answer.any() or not truth.any():
        return None
    where = np.argwhere(answer | truth)
    crop = tuple(slice(a, b + 1) for a, b in zip(where.min(0), where.max(0), strict=True))
    first, second = _surface(answer[crop]), _surface(truth[crop])
    return max(_directed(first, second, spacing), _directed(second, first, spacing))


def _surface(mask: Mask) -> Mask:
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(3, 1)
    if mask.shape[0] == 1:
        cross[[0, 2]] = False
    return np.asarray(mask & ~ndimage.binary_erosion(mask, cross))


def _directed(source: Mask, target: Mask, spacing: Triple) -> float:
    from scipy import ndimage

    distance = ndimage.distance_transform_edt(~target, sampling=spacing)
    return float(np.percentile(distance[source], 95))
