"""From voxel indices to the patient: shape, spacing, origin and direction in LPS millimetres.

Arrays are (z, y, x[, c]) everywhere. World coordinates are DICOM's: L, P, S in millimetres. RAS and other
orders come in and go out only in ``imaging``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Triple = tuple[float, float, float]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a grid of voxels lies.

    Parameters
    ----------
    shape
        Voxels along (z, y, x).
    spacing_mm
        Distance between voxel centres along (z, y, x), in mm; 1 where the file gives none.
    origin_mm
        World position (L, P, S) of voxel (0, 0, 0).
    direction
        Row-major 3 x 3 matrix whose *columns* are the world directions of the x, y and z axes (SimpleITK's
        order).
    calibrated
        False where the spacing is made up because the file has none (photographs).
    """

    shape: tuple[int, int, int]
    spacing_mm: Triple = (1.0, 1.0, 1.0)
    origin_mm: Triple = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = IDENTITY
    calibrated: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be a grid."""
        if min(self.shape) < 1:
            raise ValueError(f"a grid needs at least one voxel along each axis, got {self.shape}")
        if not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise ValueError(f"spacing must be positive and finite, got {self.spacing_mm}")
        if len(self.direction) != 9 or abs(np.linalg.det(self._matrix())) < 1e-6:
            raise ValueError("the direction matrix must be 3 x 3 and invertible")

    def _matrix(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.direction, np.float64).reshape(3, 3)

    def to_world(self, index_zyx: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """World position (..., 3) in LPS mm of voxel indices (..., 3) given as (z, y, x)."""
        xyz = np.asarray(index_zyx, np.float64)[..., ::-1] * np.asarray(self.spacing_mm[::-1])
        return np.asarray(xyz @ self._matrix().T + np.asarray(self.origin_mm))

    def to_index(self, world_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional voxel indices (..., 3) as (z, y, x) of world positions (..., 3) in LPS mm."""
        xyz = (np.asarray(world_mm, np.float64) - np.asarray(self.origin_mm)) @ np.linalg.inv(
            self._matrix()
        ).T
        return np.asarray((xyz / np.asarray(self.spacing_mm[::-1]))[..., ::-1])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        z, y, x = self.spacing_mm
        return z * y * x / 1000.0
