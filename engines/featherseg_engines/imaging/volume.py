"""Voxels with their geometry: what every reader gives and every engine takes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.source import DicomSource


@dataclass(frozen=True, slots=True)
class Window:
    """A grey-value window: ``centre`` and ``width`` in the volume's values, and what it is called."""

    centre: float
    width: float
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image as read; a photograph is a volume of one slice.

    Parameters
    ----------
    voxels
        (z, y, x) or (z, y, x, 3), any integer or float type, not to be written to.
    geometry
        Of the same (z, y, x) shape.
    modality
        DICOM's two letters where known ("CT", "MR"), "photo" for photographs, else "".
    name
        For display: the file's stem. Never a path.
    path
        Where it was read from, or None.
    source
        The DICOM instances behind it, or None.
    windows
        Windows that the file itself suggests, the first one first.
    warnings
        One sentence each for what was mended or guessed while reading.
    content
        Hash of the values, by which answers about them are found again; "" where nobody computed it.
    """

    voxels: npt.NDArray[np.generic]
    geometry: Geometry
    modality: str = ""
    name: str = ""
    path: Path | None = None
    source: DicomSource | None = None
    windows: tuple[Window, ...] = ()
    warnings: tuple[str, ...] = ()
    content: str = ""

    def __post_init__(self) -> None:
        """Refuse voxels that do not fit their geometry."""
        if self.voxels.shape[:3] != self.geometry.shape or self.voxels.ndim not in (3, 4):
            raise ValueError(f"voxels {self.voxels.shape} do not fit the grid {self.geometry.shape}")

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 1 if self.voxels.ndim == 3 else int(self.voxels.shape[3])

    @property
    def is_photograph(self) -> bool:
        """Whether this is a single slice without physical size."""
        return self.geometry.shape[0] == 1 and not self.geometry.calibrated

    def slice(self, z: int) -> npt.NDArray[np.generic]:
        """The plane (y, x[, 3]) at ``z``; a view."""
        return np.asarray(self.voxels[z])
