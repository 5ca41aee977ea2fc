"""Islands of the active label: keep or remove the one under the cursor, the largest, the small ones."""

import numpy as np

from featherseg_engines.annotation.tools.scene import Index, Mask, Scene, inside, whole_components
from featherseg_engines.errors import ToolError
from featherseg_engines.labels import Box, Edit


def keep_island(scene: Scene, at: Index) -> Edit:
    """Remove all but the island at voxel ``at``. *Raises* ToolError where there is none."""
    box, mask, island = _island(scene, at)
    return scene.edit("Keep island", box, mask & island)


def remove_island(scene: Scene, at: Index) -> Edit:
    """Remove the island at voxel ``at``. *Raises* ToolError where there is none."""
    box, mask, island = _island(scene, at)
    return scene.edit("Remove island", box, mask & ~island)


def keep_largest(scene: Scene) -> Edit:
    """Remove all but the largest island. *Raises* ToolError where there is none."""
    import SimpleITK as sitk

    box = scene.active_box()
    islands = sitk.ConnectedComponent(scene.image(scene.mask(box)), True)
    return scene.edit("Largest island", box, scene.array(sitk.RelabelComponent(islands)) == 1)


def remove_small(scene: Scene, smallest: float) -> Edit:
    """Remove islands smaller than ``smallest`` (ml; on a slice mm²). *Raises* ToolError where there are none."""
    import SimpleITK as sitk

    box = scene.active_box()
    islands = sitk.ConnectedComponent(scene.image(scene.mask(box)), True)
    voxels = int(np.ceil(smallest / scene.voxel_size - 1e-9))
    kept = scene.array(sitk.RelabelComponent(islands, max(voxels, 0))) > 0
    unit = "ml" if scene.plane is None else "mm²"
    return scene.edit("Remove small islands", box, kept, f"below {smallest:g} {unit}")


def _island(scene: Scene, at: Index) -> tuple[Box, Mask, Mask]:
    scene.check_inside(at)
    if scene.labels.array[at] != scene.active:
        raise ToolError(f"Label {scene.active} is not under the cursor; point at an island of it.")
    box = scene.active_box()
    mask = scene.mask(box)
    islands = whole_components(scene, mask)
    return box, mask, islands == islands[inside(box, at)]
