"""The shape of the active label: holes filled, outline smoothed, a margin added or taken, all in mm."""

import math

import numpy as np

from featherseg_engines.annotation.tools.scene import Mask, Scene
from featherseg_engines.labels import Edit


def fill_holes(scene: Scene) -> Edit:
    """Fill what the active label encloses wholly. *Raises* ToolError where there is none of it."""
    import SimpleITK as sitk

    box = scene.active_box()
    filled = sitk.BinaryFillhole(scene.image(scene.mask(box)), False, 1)
    return scene.edit("Fill holes", box, scene.array(filled) > 0)


def smooth(scene: Scene, sigma_mm: float) -> Edit:
    """Smooth the outline: a Gaussian of ``sigma_mm`` over the mask, cut at one half.

    What is thinner than about ``sigma_mm`` goes. *Raises* ToolError where there is nothing of the label.
    """
    import SimpleITK as sitk

    if sigma_mm <= 0:
        raise ValueError(f"sigma must be positive, got {sigma_mm}")
    box = scene.active_box(3 * sigma_mm)
    image = scene.image(scene.mask(box).astype(np.float32))
    width = 2 * math.ceil(4 * sigma_mm / min(scene.geometry.spacing_mm)) + 1
    soft = scene.array(sitk.DiscreteGaussian(image, sigma_mm**2, width, 0.005, True))
    return scene.edit("Smooth", box, soft >= 0.5, f"sigma {sigma_mm:g} mm")


def margin(scene: Scene, by_mm: float) -> Edit:
    """Grow the active label by ``by_mm``, or shrink it where that is negative.

    A voxel joins (goes) where its centre is within that distance of the centre of one inside (outside). The
    edge of the image is no outside: a structure cut off there does not shrink from it.

    Raises
    ------
    ToolError
        There is nothing of the label.
    """
    box = scene.active_box(max(by_mm, 0.0))
    mask = scene.mask(box)
    if by_mm >= 0:
        return scene.edit("Grow", box, _near(scene, mask, by_mm), f"by {by_mm:g} mm")
    return scene.edit("Shrink", box, ~_near(scene, ~mask, -by_mm), f"by {-by_mm:g} mm")


def _near(scene: Scene, mask: Mask, distance_mm: float) -> Mask:
    """Voxels within a distance of a mask's, by exact Euclidean distances."""
    import SimpleITK as sitk

    if not mask.any() or mask.all():
        return mask
    distances = sitk.SignedMaurerDistanceMap(scene.image(mask), False, False, True)
    return np.asarray(scene.array(distances) <= distance_mm + 1e-4) | mask
