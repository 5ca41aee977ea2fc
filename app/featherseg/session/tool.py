"""What a person can take in hand, and a click with it on a plane."""

from dataclasses import dataclass
from typing import Literal

Tool = Literal[
    "browse",
    "brush",
    "eraser",
    "fill",
    "polygon",
    "picker",
    "grow",
    "keep_island",
    "remove_island",
    "split",
    "ruler",
    "smart",
    "smart_not",
    "lasso",
    "box",
]
CLICK_TOOLS = frozenset({"grow", "keep_island", "remove_island", "split"})
"""Tools that act at the voxel that is clicked; the canvas itself does nothing with the click."""
MARKING = frozenset({"smart", "smart_not", "lasso", "box"})
"""Tools that mark the proposal; the canvas itself does nothing with their strokes."""
CHANGING = CLICK_TOOLS | MARKING | {"brush", "eraser", "fill", "polygon"}
"""Tools that change the active label, or what is proposed for it."""


@dataclass(frozen=True, slots=True)
class Click:
    """A press of the left button with a click tool in hand.

    ``at`` is the voxel (z, y, x); ``axis`` the array axis (0, 1, 2 = z, y, x) that the slices of the plane
    clicked in are counted along; ``other_way`` whether Shift was held.
    """

    at: tuple[int, int, int]
    axis: int = 0
    other_way: bool = False
