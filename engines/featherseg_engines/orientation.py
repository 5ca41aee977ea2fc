"""How a stored grid is shown: which voxel axis lies across and down each view, and which way round.

Views follow the habit of the reading room (radiological convention): axial and coronal show the patient's
right on the left of the screen, sagittal shows anterior on the left; superior, and in the axial view anterior,
is up. The voxels stay on their own grid: a view chooses axes and flips, it never resamples. Where the grid
lies oblique to the patient, the nearest axes are taken and ``tilt_deg`` says how far off they are.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from featherseg_engines.geometry import Geometry

Plane = Literal["axial", "sagittal", "coronal"]
PLANES: tuple[Plane, ...] = ("axial", "sagittal", "coronal")

_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
"""What lies at the positive and at the negative end of the world axes L, P, S."""
_ACROSS: dict[Plane, tuple[int, int, int, int]] = {
    "axial": (2, 0, 1, 1),
    "sagittal": (0, 1, 2, -1),
    "coronal": (1, 0, 2, -1),
}
"""World axis along the depth, along the screen's right, along the screen's height, and whether the last one
grows down the screen (1) or up (-1)."""

_WITHOUT_PATIENT_AXES = frozenset(
    ["photo", "US", "IVUS", "XA", "RF", "CR", "DX", "MG", "IO", "PX", "ES", "GM", "SM", "XC", "OP", "OT"]
)
"""Defined terms of DICOM PS3.3 C.7.3.1.1.1, and ours for photographs."""


@dataclass(frozen=True, slots=True)
class PlaneView:
    """One plane through a grid as it stands on the screen.

    Parameters
    ----------
    plane
        Its name.
    depth, vertical, horizontal
        Array axes (0 = z, 1 = y, 2 = x): the one that slices are counted along, the one down the screen and
        the one across it.
    flip_vertical, flip_horizontal
        Whether growing indices go up the screen, and to its left.
    left, right, top, bottom
        What lies at each edge: one of R L A P S I.
    tilt_deg
        The largest angle between a voxel axis and the direction it is named after, in degrees.
    """

    plane: Plane
    depth: int
    vertical: int
    horizontal: int
    flip_vertical: bool
    flip_horizontal: bool
    left: str
    right: str
    top: str
    bottom: str
    tilt_deg: float

    @property
    def order(self) -> tuple[int, int, int]:
        """Array axes as depth, vertical, horizontal."""
        return self.depth, self.vertical, self.horizontal

    def picture(self, voxels: npt.NDArray[np.generic], index: int) -> npt.NDArray[np.generic]:
        """The slice (rows, columns[, c]) at ``index`` of a (z, y, x[, c]) array, as it is seen; a view."""
        plane = _at(voxels, self.depth, index)
        if self.vertical > self.horizontal:
            plane = plane.swapaxes(0, 1)
        down = slice(None, None, -1 if self.flip_vertical else 1)
        across = slice(None, None, -1 if self.flip_horizontal else 1)
        return np.asarray(plane[down, across])

    def caption(self, index: int, count: int) -> str:
        """What stands above the view: "axial 71 / 200", and how far it is from axial where it is oblique."""
        oblique = f", oblique {self.tilt_deg:.0f}°" if self.tilt_deg >= 1.5 else ""
        return f"{self.plane} {index + 1} / {count}{oblique}"


def _at(voxels: npt.NDArray[np.generic], axis: int, index: int) -> npt.NDArray[np.generic]:
    key: list[slice | int] = [slice(None)] * voxels.ndim
    key[axis] = index
    return np.asarray(voxels[tuple(key)])


def plane_views(geometry: Geometry) -> dict[Plane, PlaneView]:
    """The axial, sagittal and coronal view of a grid."""
    unit = np.asarray(geometry.direction, np.float64).reshape(3, 3)
    unit = unit / np.linalg.norm(unit, axis=0)
    columns = _nearest(unit)
    tilt = max(math.degrees(math.acos(min(1.0, abs(unit[w, c])))) for w, c in enumerate(columns))
    return {plane: _view(plane, unit, columns, tilt) for plane in PLANES}


def stored_plane(geometry: Geometry) -> Plane:
    """The plane that the slices were stored in: the one that z counts along."""
    views = plane_views(geometry)
    return next(plane for plane, view in views.items() if view.depth == 0)


def oriented(modality: str, *, calibrated: bool) -> bool:
    """Whether directions in the patient mean anything: not for photographs and projections."""
    return calibrated and modality not in _WITHOUT_PATIENT_AXES


def _nearest(unit: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    """For world axes L, P, S the column of the direction matrix that lies nearest, each column once."""
    choices: list[tuple[int, int, int]] = list(itertools.permutations(range(3)))  # type: ignore[arg-type]
    return max(choices, key=lambda choice: round(sum(abs(unit[w, c]) for w, c in enumerate(choice)), 9))


def _view(
    plane: Plane, unit: npt.NDArray[np.float64], columns: tuple[int, int, int], tilt: float
) -> PlaneView:
    deep, across, high, sense = _ACROSS[plane]
    rightward = unit[across, columns[across]] >= 0
    downward = (unit[high, columns[high]] >= 0) == (sense > 0)
    right, left = _LETTERS[across]
    bottom, top = _LETTERS[high] if sense > 0 else reversed(_LETTERS[high])
    return PlaneView(
        plane=plane,
        depth=2 - columns[deep],
        vertical=2 - columns[high],
        horizontal=2 - columns[across],
        flip_vertical=not downward,
        flip_horizontal=not rightward,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        tilt_deg=tilt,
    )
