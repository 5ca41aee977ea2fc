"""Lines that a person laid over slices, and how long they are."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.commands import Command
from featherseg.session.session import Session
from featherseg_engines.geometry import Geometry

Point = tuple[float, float, float]
"""A place in the volume in voxels (z, y, x), also between their centres."""
Image = tuple[Path, str, Geometry]
"""Tells images from each other; a DICOM folder may hold several."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """A line within one slice: array axis that slices are counted along, and its ends in voxels."""

    axis: int
    start: Point
    end: Point

    @property
    def index(self) -> int:
        """The slice that it lies in."""
        return round(self.start[self.axis])

    def length(self, geometry: Geometry) -> float:
        """In mm, or in pixels where the image has no physical size; oblique and sheared grids are heeded."""
        if not geometry.calibrated:
            return math.dist(self.start, self.end)
        start, end = geometry.to_world((self.start, self.end))
        return float(np.linalg.norm(end - start))

    def in_words(self, geometry: Geometry) -> str:
        """The length as it stands beside the line: "23.4 mm"."""
        return f"{self.length(geometry):.1f} {'mm' if geometry.calibrated else 'px'}"


class Rulers:
    """The lines of the open case; of cases with a file they are there again when it is opened again."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._of: dict[Image | None, list[Ruler]] = {}
        session.opened.connect(self._on_opened)

    def release(self) -> None:
        """Let go of the session."""
        self._session.opened.disconnect(self._on_opened)

    def in_slice(self, axis: int, index: int) -> list[Ruler]:
        """The lines of one slice, oldest first."""
        return [ruler for ruler in self._here() if ruler.axis == axis and ruler.index == index]

    def __len__(self) -> int:
        """How many lines the open case has."""
        return len(self._here())

    def add(self, ruler: Ruler) -> None:
        """Keep a line."""
        self._here().append(ruler)
        self.changed.emit()

    def remove_last(self) -> None:
        """Take the newest line away."""
        if self._here():
            self._here().pop()
            self.changed.emit()

    def clear(self) -> None:
        """Take all lines of the open case away."""
        self._here().clear()
        self.changed.emit()

    def _here(self) -> list[Ruler]:
        case = self._session.case
        return self._of.setdefault(_image_of(case), []) if case is not None else []

    def _on_opened(self, case: OpenCase | None) -> None:
        self._of.pop(None, None)  # images without a file cannot be told from each other
        self.changed.emit()


def _image_of(case: OpenCase) -> Image | None:
    volume = case.volume
    return (volume.path, volume.name, volume.geometry) if volume.path is not None else None


def ruler_commands(session: Session, rulers: Rulers) -> list[Command]:
    """Measuring with the mouse."""
    return [
        Command("tool.ruler", "Ruler", "M", "View", lambda: session.choose_tool("ruler")),
        Command("ruler.clear", "Clear rulers", "Shift+M", "View", rulers.clear),
    ]
