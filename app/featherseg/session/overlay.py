"""A second series laid over the first: how it is shown."""

from dataclasses import dataclass

import numpy as np

from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.imaging.windowing import limits, presets_for

GLOWING = ("PT", "NM")
"""Modalities whose values glow over the anatomy rather than replace it."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """``volume`` is on the grid of what it is laid over; ``opacity`` is 0..1, ``full`` its extreme values."""

    volume: Volume
    window: Window
    full: tuple[float, float]
    opacity: float = 0.5
    visible: bool = True

    @property
    def glows(self) -> bool:
        """Whether it is shown in glowing colours that are added to the grey image."""
        return self.volume.modality in GLOWING


def new_overlay(volume: Volume) -> Overlay:
    """The overlay as it is first shown: in its own first window."""
    window = presets_for(volume)[0]
    low, high = float(np.nanmin(volume.voxels)), float(np.nanmax(volume.voxels))
    bottom, top = limits(window)
    return Overlay(volume, window, (min(low, bottom), max(high, top)))
