"""What the tools go by: sizes in mm, where they work, and how long they take."""

import math
from dataclasses import dataclass
from typing import Literal

from featherseg_engines.annotation.tools.scene import Plane
from featherseg_engines.imaging.volume import Volume, Window

Way = Literal["spread", "tolerance"]
GROWING, SPLITTING = 6, 8
"""How much longer these take for a voxel than the other tools."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the tools go by. Lengths are mm, and px where the image has no physical size.

    Parameters
    ----------
    in_volume
        Work on all slices; False: on one.
    smallest_area, smallest_ml
        Islands below go: mm² (px²) on a slice, ml in a volume.
    way
        Grow over values like those around the click ("spread", in standard deviations), or over those within
        ``tolerance`` of the clicked value.
    reach_mm
        How far from the click the growing may go on all slices; without physical size, everywhere.
    """

    in_volume: bool = False
    margin_mm: float = 2.0
    smooth_mm: float = 1.0
    smallest_area: float = 20.0
    smallest_ml: float = 0.1
    way: Way = "spread"
    spread: float = 2.5
    tolerance: float = 20.0
    reach_mm: float = 100.0


def other_way(way: Way) -> Way:
    """The one that Shift takes."""
    return "tolerance" if way == "spread" else "spread"


def voxels_within(volume: Volume, plane: Plane | None, reach_mm: float | None) -> int:
    """Voxels of a slice or of a volume; at most of a cube that reaches that far from its middle."""
    sides = []
    for axis, (n, spacing) in enumerate(zip(volume.geometry.shape, volume.geometry.spacing_mm, strict=True)):
        most = n if reach_mm is None else min(n, round(2 * reach_mm / spacing) + 3)
        sides.append(1 if plane is not None and axis == plane.axis else most)
    return math.prod(sides)


def tolerance_for(window: Window | None) -> float:
    """A twentieth of what is on screen from black to white, rounded to one digit; 20 of a colour's 255."""
    if window is None:
        return 20.0
    value = max(window.width / 20, 1e-6)
    digit = 10.0 ** math.floor(math.log10(value))
    return round(value / digit) * digit
