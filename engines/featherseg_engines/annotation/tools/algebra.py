"""Labels as sets: split one at its waist, merge two, and union, cut or difference with another mask."""

from typing import Literal

import numpy as np

from featherseg_engines.annotation.tools.scene import Index, Mask, Scene, inside, whole_components
from featherseg_engines.errors import ToolError
from featherseg_engines.labels import Box, Edit, Labels

Operation = Literal["union", "intersection", "difference", "either"]


def split(scene: Scene, at: Index, new: int, depth_mm: float = 1.0) -> Edit:
    """Give the part of an island that lies under the cursor the label number ``new``.

    Parts meet at waists: basins of the distance to the outline (ITK's morphological watershed); a waist must
    be ``depth_mm`` narrower than the parts beside it (in half widths).

    Raises
    ------
    ToolError
        The cursor is not on the active label, ``new`` is locked, or the island has no such waist.
    """
    import SimpleITK as sitk

    scene.check_inside(at)
    if scene.labels.array[at] != scene.active:
        raise ToolError(f"Label {scene.active} is not under the cursor; point at the part to split off.")
    if new in scene.locked:
        raise ToolError(f"Label {new} is locked; unlock it or split into another label.")
    if not 0 < new <= np.iinfo(scene.labels.array.dtype).max:
        raise ValueError(f"{new} is not a label number of these labels")
    box = scene.active_box()
    islands = whole_components(scene, scene.mask(box))
    island = islands == islands[inside(box, at)]
    depths = sitk.SignedMaurerDistanceMap(scene.image(np.pad(island, _rim(scene))), False, False, True)
    basins = sitk.MorphologicalWatershed(depths, depth_mm, False, True)
    parts = np.where(island, _without_rim(scene, scene.array(basins)), 0)
    part = parts == parts[inside(box, at)]
    if part.sum() == island.sum():
        raise ToolError("This island has no waist to split it at; lower the depth or cut it with the eraser.")
    after = scene.labels.array[box.slices].copy()
    after[part] = new
    return scene.labels.propose_edit("Split", "tool", box, after, f"into {new}, depth {depth_mm:g} mm")


def merge(scene: Scene, other: int) -> Edit:
    """Give all voxels of label ``other`` in the region to the active label. *Raises* ToolError."""
    if other in scene.locked:
        raise ToolError(f"Label {other} is locked; unlock it in the label list to merge it.")
    whole = Scene(scene.labels, scene.geometry, other, plane=scene.plane)
    box = whole.active_box()
    after = scene.labels.array[box.slices].copy()
    after[after == other] = scene.active
    return scene.labels.propose_edit("Merge", "tool", box, after, f"{other} into {scene.active}")


def combine(scene: Scene, other: Mask, operation: Operation) -> Edit:
    """The active label with another mask (z, y, x) of the whole grid: a copy, another case's, a file's.

    ``union`` adds it, ``intersection`` keeps what both have, ``difference`` takes it away, ``either`` keeps what
    only one of them has.
    """
    if other.shape != scene.geometry.shape:
        raise ValueError(f"the mask {other.shape} does not fit the grid {scene.geometry.shape}")
    box: Box = scene.region
    mine, theirs = scene.mask(box), np.asarray(other[box.slices], np.bool_)
    wanted = {
        "union": lambda: mine | theirs,
        "intersection": lambda: mine & theirs,
        "difference": lambda: mine & ~theirs,
        "either": lambda: mine ^ theirs,
    }[operation]()
    return scene.edit(operation.capitalize(), box, np.asarray(wanted))


def _rim(scene: Scene) -> list[tuple[int, int]]:
    """A voxel of outside around a crop, so that an island that fills it has an outline."""
    flat = scene.plane.axis if scene.plane else None
    return [(0, 0) if axis == flat else (1, 1) for axis in range(3)]


def _without_rim(scene: Scene, array: Labels) -> Labels:
    return array[tuple(slice(a, array.shape[i] - b) for i, (a, b) in enumerate(_rim(scene)))]
