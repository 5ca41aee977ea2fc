"""A polygon while it is being drawn on a slice: corners come and go, and at the end it is filled."""

import numpy as np
from psygnal import Signal

from featherseg.session.tool import Click
from featherseg_engines.labels import Box, Edit, LabelMap

FEWEST = 3
"""Corners that enclose something."""


class Polygon:
    """Corners are voxels (z, y, x) of one slice, in the order they were clicked."""

    changed = Signal()

    def __init__(self) -> None:
        self.axis = 0
        self.corners: list[tuple[int, int, int]] = []

    @property
    def index(self) -> int | None:
        """The slice across ``axis`` that it lies in; None while there is no corner."""
        return self.corners[0][self.axis] if self.corners else None

    def add(self, click: Click) -> None:
        """Add a corner; one on another slice begins a new polygon."""
        if click.axis != self.axis or click.at[click.axis] != self.index:
            self.corners.clear()
        self.axis = click.axis
        if click.at not in self.corners[-1:]:
            self.corners.append(click.at)
            self.changed.emit()

    def take_back(self) -> None:
        """Remove the newest corner."""
        if self.corners:
            self.corners.pop()
            self.changed.emit()

    def clear(self) -> None:
        """Let it go."""
        if self.corners:
            self.corners.clear()
            self.changed.emit()

    def filled(self, labels: LabelMap, value: int) -> Edit | None:
        """The edit that fills it, outline included, with ``value``; None where it encloses nothing yet."""
        from PIL import Image, ImageDraw

        if len(self.corners) < FEWEST:
            return None
        low, high = np.min(self.corners, axis=0), np.max(self.corners, axis=0) + 1
        box = Box(tuple(low.tolist()), tuple(high.tolist()))
        across = [a for a in range(3) if a != self.axis]
        points = [
            (corner[across[1]] - low[across[1]], corner[across[0]] - low[across[0]])
            for corner in self.corners
        ]
        picture = Image.new("L", (box.shape[across[1]], box.shape[across[0]]))
        ImageDraw.Draw(picture).polygon([(int(x), int(y)) for x, y in points], fill=1, outline=1)
        flat = np.asarray(picture) > 0
        after = labels.array[box.slices].copy()
        after[np.expand_dims(flat, self.axis)] = value
        return labels.propose_edit("Polygon", "hand", box, after)
