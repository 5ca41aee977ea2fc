"""From slice to slice: fill the gaps between annotated slices, copy a slice to the next.

Between two slices the signed distances to both outlines are blended linearly (Raya and Udupa, "Shape-based
interpolation of multidimensional objects", IEEE TMI 9(1), 1990); outlines that do not overlap are first laid
over each other by their centres. ITK's morphological contour interpolation was tried: its wheel needs ITK's own
Python packages, 1.5 GB on the disk and 0.9 GB of memory at the first call, so it is not used.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.tools.scene import Mask, Plane, Scene
from featherseg_engines.errors import ToolError
from featherseg_engines.labels import Box, Edit

Floats = npt.NDArray[np.float32]


def interpolate(scene: Scene, axis: int = 0) -> Edit:
    """Fill the slices across ``axis`` that lie between annotated ones; annotated slices stay as they are.

    Other labels are never overwritten, whatever the scene allows.

    Raises
    ------
    ToolError
        Fewer than two slices are annotated, or there is no gap between them.
    """
    if scene.plane is not None:
        scene = Scene(scene.labels, scene.geometry, scene.active, scene.locked)
    box = scene.active_box()
    stack = np.moveaxis(scene.mask(box), axis, 0).copy()
    annotated = np.flatnonzero(stack.any(axis=(1, 2)))
    gaps = [(int(a), int(b)) for a, b in pairwise(annotated) if b - a > 1]
    if not gaps:
        raise ToolError(
            f"There is no gap between annotated slices of label {scene.active}; paint it on two slices apart."
        )
    spacing = tuple(s for a, s in enumerate(scene.geometry.spacing_mm) if a != axis)
    for first, last in gaps:
        _fill(stack, first, last, (spacing[0], spacing[1]))
    wanted = np.moveaxis(stack, 0, axis) & ((scene.labels.array[box.slices] == 0) | scene.mask(box))
    return scene.edit("Interpolate", box, wanted, f"{sum(b - a - 1 for a, b in gaps)} slices")


def copy_slice(scene: Scene, step: int = 1) -> Edit:
    """Add the active label of the scene's slice to the slice ``step`` further on.

    Raises
    ------
    ToolError
        The slice is empty, or there is no slice that way.
    """
    if scene.plane is None:
        raise ValueError("copying needs a slice")
    source, axis = scene.active_box(), scene.plane.axis
    index = scene.plane.index + step
    if not 0 <= index < scene.geometry.shape[axis]:
        raise ToolError("There is no slice that way; this is the last one.")
    target = Scene(
        scene.labels, scene.geometry, scene.active, scene.locked, Plane(axis, index), scene.over_others
    )
    start, stop = list(source.start), list(source.stop)
    start[axis], stop[axis] = index, index + 1
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return target.edit("Copy slice", box, scene.mask(source) | target.mask(box), f"by {step:+d}")


def _fill(stack: Mask, first: int, last: int, spacing_mm: tuple[float, float]) -> None:
    below, above = stack[first], stack[last]
    apart = not (below & above).any()
    shift = _centre(above) - _centre(below) if apart else np.zeros(2)
    room = int(np.abs(shift).max()) + 2
    low, high = (signed_distance(np.pad(mask, room), spacing_mm) for mask in (below, above))
    for z in range(first + 1, last):
        weight = (z - first) / (last - first)
        blend = (1 - weight) * _moved(low, weight * shift) + weight * _moved(high, (weight - 1) * shift)
        stack[z] = (blend <= 0)[room:-room, room:-room]


def signed_distance(mask: Mask, spacing_mm: tuple[float, float]) -> Floats:
    """Distance in mm to the outline of a mask (y, x), negative inside; both kinds of voxel must occur."""
    import SimpleITK as sitk

    def outside(part: Mask) -> Floats:
        image = sitk.GetImageFromArray(part.astype(np.uint8))
        image.SetSpacing(spacing_mm[::-1])
        distances = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, False, False, True))
        return np.asarray(np.maximum(distances, 0), np.float32)

    return outside(mask) - outside(~mask)


def _centre(mask: Mask) -> npt.NDArray[np.float64]:
    return np.asarray(np.argwhere(mask).mean(axis=0))


def _moved(plane: Floats, by: npt.NDArray[np.float64]) -> Floats:
    """A plane moved by whole voxels, round the corner: its rim is far outside of any outline."""
    steps = np.rint(by).astype(int)
    return np.roll(plane, (int(steps[0]), int(steps[1])), axis=(0, 1))
