"""By intensity: paint only within a range, and grow from a click."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.tools.scene import Index, Mask, Scene, inside
from featherseg_engines.errors import ToolError
from featherseg_engines.labels import Box, Edit

Voxels = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class IntensityRange:
    """Grey values from ``low`` to ``high``, both included; of a colour image the mean of its channels."""

    low: float
    high: float


def allowed(voxels: Voxels, within: IntensityRange) -> Mask:
    """Where voxels (z, y, x[, 3]) lie within a range."""
    grey = np.asarray(voxels, np.float32)
    if grey.ndim == 4:
        grey = grey.mean(axis=3)
    return np.asarray((grey >= within.low) & (grey <= within.high))


def keep_to_range(edit: Edit, voxels: Voxels, within: IntensityRange, locked: frozenset[int]) -> Edit:
    """A finished stroke cut to the voxels within a range and to those of no locked label.

    ``voxels`` are the whole image (z, y, x[, 3]); the answer has the stroke's box.
    """
    may = allowed(voxels[edit.box.slices], within) & ~np.isin(edit.before, list(locked))
    after = np.where(may, edit.after, edit.before).astype(edit.after.dtype)
    detail = f"{edit.detail} {within.low:g} to {within.high:g}".strip()
    return Edit(edit.name, edit.source, edit.box, edit.before, after, detail)


def grow_similar(
    scene: Scene, voxels: Voxels, at: Index, tolerance: float, within_mm: float | None = None
) -> Edit:
    """Add what is connected to a click and differs from it by at most ``tolerance`` in every channel.

    Parameters
    ----------
    voxels
        The whole image, (z, y, x) or (z, y, x, 3).
    within_mm
        Stay in a cube of twice this side around the click; None: in the whole region.

    Raises
    ------
    ToolError
        The click lies on another label, which this must not change.
    """
    import SimpleITK as sitk

    box = _around(scene, at, within_mm)
    crop = np.asarray(voxels[box.slices], np.float32)
    apart = np.abs(crop - crop[inside(box, at)])
    if apart.ndim == 4:
        apart = apart.max(axis=3)
    free = scene.free(box)
    apart[~free] = np.inf
    found = sitk.ConnectedThreshold(scene.image(apart), [_seed(scene, box, at)], 0.0, float(tolerance), 1)
    wanted = (scene.array(found) > 0) | scene.mask(box)
    return scene.edit("Grow from click", box, wanted, f"tolerance {tolerance:g}")


def grow_statistical(
    scene: Scene, voxels: Voxels, at: Index, spread: float = 2.5, within_mm: float | None = None
) -> Edit:
    """Add what is connected to a click and within ``spread`` standard deviations of what was found so far.

    At most five rounds, the first from the 5 x 5 (x 5) voxels around the click: the idea of ITK's
    confidence-connected filters, over which it has that other labels hold it up and that colours that do not
    vary do not stop it.
    Parameters and *Raises* as :func:`grow_similar`.
    """
    import SimpleITK as sitk

    box = _around(scene, at, within_mm)
    crop = np.asarray(voxels[box.slices], np.float32)
    crop = crop[..., None] if crop.ndim == 3 else crop
    free, place = scene.free(box), inside(box, at)
    found = np.zeros(free.shape, np.bool_)
    found[tuple(slice(max(i - 2, 0), i + 3) for i in place)] = True
    for _ in range(ROUNDS):
        deviations = _deviations(crop, crop[found])
        deviations[~free] = np.inf
        deviations[place] = 0.0
        grown = sitk.ConnectedThreshold(scene.image(deviations), [_seed(scene, box, at)], 0.0, spread, 1)
        before, found = found, np.asarray(scene.array(grown) > 0)
        if np.array_equal(found, before):
            break  # the same voxels have the same mean: another round would find them again
    return scene.edit("Grow from click", box, found | scene.mask(box), f"{spread:g} deviations")


def _deviations(crop: Floats, sample: Floats) -> Floats:
    """How many standard deviations (z, y, x) each voxel of (z, y, x, c) is off the mean of a sample (n, c)."""
    channels = crop.shape[-1]
    least = (1e-3 * float(np.ptp(crop)) + 1e-6) ** 2
    spread = (
        np.atleast_2d(np.cov(sample, rowvar=False)) if len(sample) > channels else np.zeros((channels,) * 2)
    )
    whitening = np.linalg.cholesky(np.linalg.inv(spread + least * np.eye(channels))).astype(np.float32)
    off = (crop - sample.mean(axis=0)) @ whitening  # its squares sum to the Mahalanobis distance's square
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", off, off) / channels), np.float32)


def _around(scene: Scene, at: Index, within_mm: float | None) -> Box:
    scene.check_inside(at)
    one = Box(at, (at[0] + 1, at[1] + 1, at[2] + 1))
    if not scene.free(one).all():
        raise ToolError("The click lies on another label; click beside it, or allow painting over it.")
    return scene.region if within_mm is None else scene.widened(one, within_mm)


def _seed(scene: Scene, box: Box, at: Index) -> list[int]:
    """The click in SimpleITK's order, on the slice where the scene is one."""
    place = list(inside(box, at))
    if scene.plane is not None:
        del place[scene.plane.axis]
    return place[::-1]
