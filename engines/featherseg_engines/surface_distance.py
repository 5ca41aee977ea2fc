"""How far two outlines lie apart: HD95, through SimpleITK's distance maps."""

from typing import Any

import numpy as np
import numpy.typing as npt

Triple = tuple[float, float, float]


def hd95(
    answer: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], spacing: Triple = (1.0, 1.0, 1.0)
) -> float | None:
    """95th percentile of the Hausdorff distance of two masks (z, y, x); None where one of them is empty.

    The larger of the two directed values (from the answer's surface voxels to the truth's and back), in the
    unit of ``spacing`` (z, y, x).

    Source: Huttenlocher et al. 1993; percentile form as in MONAI's ``compute_hausdorff_distance``.
    """
    if not answer.any() or not truth.any():
        return None
    where = np.argwhere(answer | truth)
    crop = tuple(slice(max(0, a - 1), b + 2) for a, b in zip(where.min(0), where.max(0), strict=True))
    first, second = _grid(answer[crop], spacing), _grid(truth[crop], spacing)
    return max(_directed(first, second), _directed(second, first))


def _grid(mask: npt.NDArray[np.bool_], spacing: Triple) -> Any:
    import SimpleITK as sitk

    flat = mask.shape[0] == 1
    image = sitk.GetImageFromArray((mask[0] if flat else mask).astype(np.uint8))
    image.SetSpacing(spacing[:0:-1] if flat else spacing[::-1])
    return image


def _directed(source: Any, target: Any) -> float:
    """95th percentile of the distances from the surface of ``source`` to the surface of ``target``."""
    import SimpleITK as sitk

    surface = sitk.GetArrayViewFromImage(_surface(source)) > 0
    distance = sitk.SignedMaurerDistanceMap(
        _surface(target), insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    return float(np.percentile(np.abs(sitk.GetArrayViewFromImage(distance))[surface], 95))


def _surface(mask: Any) -> Any:
    """Voxels of a mask that touch the background; those at the image's edge count too."""
    import SimpleITK as sitk

    dims = mask.GetDimension()
    grown = sitk.ConstantPad(mask, [1] * dims, [1] * dims, 0)
    contour = sitk.LabelContour(grown, fullyConnected=False)
    return sitk.Crop(contour, [1] * dims, [1] * dims)
