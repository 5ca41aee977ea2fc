"""How the open volume is looked at: where the cross stands, one plane or three, and the grey-value window."""

from dataclasses import replace

import numpy as np
from psygnal import Signal

from featherseg.session.overlay import Overlay, new_overlay
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.imaging.windowing import presets_for

Index = tuple[int, int, int]
DOUBLING = 150.0
"""Pixels of drag that double the window's width."""
SMALLEST = 1e-4
"""Narrowest window, as a part of the first preset's width."""


class Viewing:
    """State of the views; lives on the UI thread, knows no screen. Positions are voxels (z, y, x)."""

    moved = Signal(object)  # Index of the cross
    pointed = Signal(object)  # Index under the mouse, or None
    clicked = Signal(object)  # Click with a tool in hand that acts on one voxel
    window_changed = Signal(object)  # Window, or None for colour
    overlay_changed = Signal(object)  # Overlay, or None
    layout_changed = Signal(bool)  # whether all three planes are on screen

    def __init__(self) -> None:
        self.volume: Volume | None = None
        self.position: Index = (0, 0, 0)
        self.presets: tuple[Window, ...] = ()
        self.window: Window | None = None
        self.overlay: Overlay | None = None
        self._wants_planes = False

    @property
    def has_planes(self) -> bool:
        """Whether there is more than one plane to look at."""
        return self.volume is not None and min(self.volume.geometry.shape) > 1

    @property
    def planes(self) -> bool:
        """Whether all three planes are on screen."""
        return self._wants_planes and self.has_planes

    def open(self, volume: Volume | None) -> None:
        """Look at another volume from now on, its middle first across and down."""
        before = self.planes
        self.volume = volume
        self.remove_overlay()
        shape = volume.geometry.shape if volume else (1, 1, 1)
        self.position = (0, shape[1] // 2, shape[2] // 2)
        self.presets = presets_for(volume) if volume else ()
        self.window = self.presets[0] if self.presets else None
        self.window_changed.emit(self.window)
        if self.planes != before:
            self.layout_changed.emit(self.planes)

    def complete(self, volume: Volume) -> None:
        """All values of the open volume are there: windows that follow from them are found anew."""
        untouched = self.window == (self.presets[0] if self.presets else None)
        self.volume, self.presets = volume, presets_for(volume)
        if untouched and self.presets:
            self.choose_window(self.presets[0])

    def go_to(self, index: Index) -> None:
        """Put the cross on a voxel, or on the nearest there is."""
        if self.volume is None:
            return
        z, y, x = (min(max(int(i), 0), n - 1) for i, n in zip(index, self.volume.geometry.shape, strict=True))
        if (z, y, x) != self.position:
            self.position = (z, y, x)
            self.moved.emit(self.position)

    def show_planes(self, wanted: bool) -> None:
        """Show all three planes, or the stored one alone; a photograph has only one."""
        before = self.planes
        self._wants_planes = wanted
        if self.planes != before:
            self.layout_changed.emit(self.planes)

    def choose_window(self, window: Window) -> None:
        """Show the values of this window from black to white."""
        if self.window is not None:
            self.window = window
            self.window_changed.emit(window)

    def lay_over(self, volume: Volume) -> None:
        """Show a second volume, which is on the same grid, over the first; in place of an earlier one."""
        self.overlay = new_overlay(volume)
        self.overlay_changed.emit(self.overlay)

    def change_overlay(self, window: Window, opacity: float, visible: bool) -> None:
        """Show the second volume in another way."""
        if self.overlay is not None:
            self.overlay = replace(self.overlay, window=window, opacity=opacity, visible=visible)
            self.overlay_changed.emit(self.overlay)

    def remove_overlay(self) -> None:
        """Show the first volume alone."""
        if self.overlay is not None:
            self.overlay = None
            self.overlay_changed.emit(None)

    def drag_window(self, across: float, down: float) -> None:
        """Change the window as a drag does: pixels to the right widen it, pixels down raise its centre."""
        window = self.window
        if window is None or self.volume is None:
            return
        whole = np.issubdtype(self.volume.voxels.dtype, np.integer)
        narrowest = 1.0 if whole else self.presets[0].width * SMALLEST
        width = max(window.width * 2 ** (across / DOUBLING), narrowest)
        self.choose_window(Window(window.centre + down * window.width / 300, width))
