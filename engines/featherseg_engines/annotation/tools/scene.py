"""What a tool works on: labels, their grid, the active and the locked labels, a slice or everything."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ToolError
from featherseg_engines.geometry import Geometry
from featherseg_engines.labels import EMPTY_BOX, Box, Edit, LabelMap, Labels

Mask = npt.NDArray[np.bool_]
Index = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Plane:
    """A slice across ``axis`` (0, 1, 2 = z, y, x)."""

    axis: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Labels and what may be done to them.

    Parameters
    ----------
    labels
        Shared, not copied; tools read them and change nothing.
    geometry
        Their grid; sizes in mm are true on anisotropic grids too.
    active
        The label number that tools work on.
    locked
        Label numbers that no tool may change.
    plane
        Work in this slice only (2D); None: in the whole volume (3D).
    over_others
        Whether other labels that are not locked may be overwritten where the active one grows.
    """

    labels: LabelMap
    geometry: Geometry
    active: int
    locked: frozenset[int] = frozenset()
    plane: Plane | None = None
    over_others: bool = False

    def __post_init__(self) -> None:
        """Refuse a grid or a plane that does not fit, and a locked active label (ToolError)."""
        if self.labels.array.shape != self.geometry.shape:
            raise ValueError(f"labels {self.labels.array.shape} do not fit the grid {self.geometry.shape}")
        if self.plane and not 0 <= self.plane.index < self.geometry.shape[self.plane.axis]:
            raise ValueError(f"there is no slice {self.plane.index} across axis {self.plane.axis}")
        if self.active in self.locked:
            raise ToolError(f"Label {self.active} is locked; unlock it in the label list to change it.")

    @property
    def region(self) -> Box:
        """The block that may change."""
        start, stop = [0, 0, 0], list(self.geometry.shape)
        if self.plane is not None:
            start[self.plane.axis], stop[self.plane.axis] = self.plane.index, self.plane.index + 1
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    @property
    def voxel_size(self) -> float:
        """Millilitres of a voxel; in a slice, square millimetres."""
        if self.plane is None:
            return self.geometry.voxel_ml
        return math.prod(s for a, s in enumerate(self.geometry.spacing_mm) if a != self.plane.axis)

    def mask(self, box: Box) -> Mask:
        """Where the active label is in ``box``."""
        return np.asarray(self.labels.array[box.slices] == self.active)

    def free(self, box: Box) -> Mask:
        """Where the active label is or may come to be in ``box``."""
        current = self.labels.array[box.slices]
        if self.over_others:
            return np.asarray(~np.isin(current, list(self.locked)))
        return np.asarray((current == 0) | (current == self.active))

    def active_box(self, pad_mm: float = 0.0) -> Box:
        """The smallest box in the region around the active label, widened by a voxel and ``pad_mm``.

        Raises
        ------
        ToolError
            There is nothing of it.
        """
        box = _box_of(self.labels.array[self.region.slices], self.active)
        if box.empty:
            where = "on this slice" if self.plane else "in this case"
            raise ToolError(f"There is nothing of label {self.active} {where}; paint it first.")
        start = tuple(a + b for a, b in zip(box.start, self.region.start, strict=True))
        stop = tuple(a + b for a, b in zip(box.stop, self.region.start, strict=True))
        return self.widened(Box(_triple(start), _triple(stop)), pad_mm)

    def widened(self, box: Box, pad_mm: float) -> Box:
        """``box`` with a voxel and ``pad_mm`` more on each side, as far as the region goes."""
        pad = [math.ceil(pad_mm / spacing) + 1 for spacing in self.geometry.spacing_mm]
        limits = zip(box.start, box.stop, pad, self.region.start, self.region.stop, strict=True)
        pairs = [(max(a - p, low), min(b + p, high)) for a, b, p, low, high in limits]
        return Box(_triple(tuple(a for a, _ in pairs)), _triple(tuple(b for _, b in pairs)))

    def check_inside(self, at: Index) -> None:
        """Refuse a voxel that the region does not hold (ValueError)."""
        if not all(a <= i < b for i, a, b in zip(at, self.region.start, self.region.stop, strict=True)):
            raise ValueError(f"voxel {at} is not in the region {self.region}")

    def image(self, voxels: npt.NDArray[Any], colour: bool = False) -> Any:
        """A SimpleITK image of a crop (z, y, x[, c]) in mm; two-dimensional where the scene is a slice."""
        import SimpleITK as sitk

        spacing = list(self.geometry.spacing_mm)
        if self.plane is not None:
            voxels = voxels.take(0, axis=self.plane.axis)
            del spacing[self.plane.axis]
        if voxels.dtype == np.bool_:
            voxels = voxels.view(np.uint8)
        image = sitk.GetImageFromArray(np.ascontiguousarray(voxels), isVector=colour)
        image.SetSpacing(spacing[::-1])
        return image

    def array(self, image: Any) -> npt.NDArray[Any]:
        """A crop (z, y, x) of an image made by :meth:`image`."""
        import SimpleITK as sitk

        array = sitk.GetArrayFromImage(image)
        return array if self.plane is None else np.expand_dims(array, self.plane.axis)

    def edit(self, name: str, box: Box, wanted: Mask, detail: str = "") -> Edit:
        """The edit after which the active label is where ``wanted`` (a mask of ``box``) says, as far as it may."""
        current = self.labels.array[box.slices]
        after = current.copy()
        after[(current == self.active) & ~wanted] = 0
        after[wanted & self.free(box)] = self.active
        return self.labels.propose_edit(name, "tool", box, after, detail)


def whole_components(scene: Scene, mask: Mask) -> Labels:
    """Number of the island of each voxel of a mask, 0 outside; voxels that share a corner belong together."""
    import SimpleITK as sitk

    return np.asarray(scene.array(sitk.ConnectedComponent(scene.image(mask), True)))


def inside(box: Box, at: Index) -> Index:
    """A voxel's place in a crop."""
    return _triple(tuple(i - a for i, a in zip(at, box.start, strict=True)))


def _triple(values: tuple[int, ...]) -> Index:
    z, y, x = values
    return z, y, x


def _box_of(array: Labels, value: int) -> Box:
    """The smallest box around a label number; looked at slice by slice to save memory."""
    _, height, width = array.shape
    rows, columns, planes = np.zeros(height, np.bool_), np.zeros(width, np.bool_), []
    for z, plane in enumerate(array):
        found = plane == value
        if found.any():
            planes.append(z)
            rows |= found.any(axis=1)
            columns |= found.any(axis=0)
    if not planes:
        return EMPTY_BOX
    (y, x) = np.flatnonzero(rows), np.flatnonzero(columns)
    return Box((planes[0], int(y[0]), int(x[0])), (planes[-1] + 1, int(y[-1]) + 1, int(x[-1]) + 1))
