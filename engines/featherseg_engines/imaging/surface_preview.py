"""Coarse surfaces of labels for the screen: made in about a second, of any volume."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.geometry import Geometry, Triple
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.surface import Mesh
from featherseg_engines.labels import Labels

CELLS = 300_000
"""Of one label; marching cubes holds Python's lock for the time of these (20 ms)."""
ALL_CELLS, FEWEST_CELLS = 3_000_000, 30_000
"""Shared by all labels of a volume, and what each gets at least."""
LEVEL = 0.4
"""A little below the half: averaging thins what is thin already."""
FULL = 200.0
"""A voxel of the label before averaging; the highest of 8 bits would overflow when it is smoothed."""
SMOOTH = 0.6
"""Standard deviation in coarse voxels; takes the steps off the surface."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelSurface:
    """The surface of one label number."""

    value: int
    mesh: Mesh


def preview_surfaces(
    labels: Labels, geometry: Geometry, values: Sequence[int], reading: Reading = UNHEARD
) -> list[LabelSurface]:
    """Surfaces of the label numbers ``values`` as far as (z, y, x) ``labels`` holds them, smoothed and coarse.

    For looking, not for measuring: use :func:`featherseg_engines.imaging.surface.mesh_of` for that.

    Raises
    ------
    Cancelled
        Somebody asked to stop.
    """
    from scipy.ndimage import find_objects

    found = find_objects(labels)
    present = [v for v in values if 0 < v <= len(found) and found[v - 1] is not None]
    cells = min(max(ALL_CELLS // max(1, len(present)), FEWEST_CELLS), CELLS)
    surfaces = []
    for done, value in enumerate(present):
        reading.step(done, len(present))
        box = found[value - 1]
        start = (box[0].start, box[1].start, box[2].start)
        surfaces.append(LabelSurface(value, _mesh(labels[box] == value, start, geometry, cells)))
    return surfaces


def _mesh(mask: npt.NDArray[np.bool_], start: tuple[int, int, int], geometry: Geometry, cells: int) -> Mesh:
    from skimage.measure import marching_cubes

    steps = coarseness(mask.shape, geometry.spacing_mm, cells)
    block = _averaged(mask, steps)
    level = min(LEVEL * FULL, float(block.max()) / 2)
    index, faces, _, _ = marching_cubes(block, level)
    by = np.asarray(steps, np.float64)
    fine = (index - 1) * by + (by - 1) / 2 + start  # the first coarse voxel is all padding
    vertices = geometry.to_world(fine)
    if np.linalg.det(geometry.to_world(np.eye(3)) - geometry.to_world(np.zeros(3))) > 0:
        faces = faces[:, ::-1]
    return Mesh(vertices, np.ascontiguousarray(faces, np.int32))


def coarseness(shape: Sequence[int], spacing_mm: Triple, cells: int) -> tuple[int, int, int]:
    """How many voxels along (z, y, x) are averaged so that at most ``cells`` are left, as cubic as may be."""
    steps = [1, 1, 1]
    while np.prod([-(-n // s) + 2 for n, s in zip(shape, steps, strict=True)]) > cells:
        large = [axis for axis in range(3) if shape[axis] > steps[axis]]
        finest = min(large, key=lambda axis: steps[axis] * spacing_mm[axis])
        steps[finest] += 1
    return steps[0], steps[1], steps[2]


def _averaged(mask: npt.NDArray[np.bool_], steps: tuple[int, int, int]) -> npt.NDArray[np.float32]:
    """Means of blocks, 0..FULL, with an empty block all around; SimpleITK works without Python's lock."""
    import SimpleITK as sitk

    edges = [(s, s + -n % s) for n, s in zip(mask.shape, steps, strict=True)]
    image = sitk.GetImageFromArray(np.pad(mask.view(np.uint8), edges) * np.uint8(FULL))
    image = sitk.Cast(sitk.BinShrink(image, steps[::-1]), sitk.sitkFloat32)
    if min(image.GetSize()) >= 4:  # its recursive filter needs four voxels
        image = sitk.SmoothingRecursiveGaussian(image, SMOOTH)
    return np.asarray(sitk.GetArrayFromImage(image), np.float32)
