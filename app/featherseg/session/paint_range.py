"""The range of grey values that strokes keep to: chosen, found around the cross, switched on and off."""

import numpy as np
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.session.viewing import Index
from featherseg_engines.annotation.tools.growing import IntensityRange, allowed
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.windowing import limits, unit_of
from featherseg_engines.labels import Edit

SPREAD = 2.0
AROUND_MM = 3.0
"""Half the side of the block whose values are looked at; two voxels at least."""


class PaintRange:
    """Remembers a range while it is switched off; of a colour image it is about the mean of the channels."""

    changed = Signal()  # the range, or whether strokes keep to it

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kind = ""
        self.chosen = IntensityRange(0.0, 255.0)
        self._pointed: Index | None = None
        session.viewing.pointed.connect(self._on_pointed)
        session.opened.connect(self._on_opened)
        session.edited.connect(self._on_edited)
        session.editing.range_changed.connect(self._on_range)
        self._on_opened(session.case)

    @property
    def on(self) -> bool:
        """Whether strokes keep to the range."""
        return self._session.editing.within is not None

    @property
    def unit(self) -> str:
        """Of the open image's values; "" where nobody knows."""
        case = self._session.case
        return unit_of(case.volume) if case is not None else ""

    @property
    def whole(self) -> bool:
        """Whether the open image's values are whole numbers."""
        case = self._session.case
        return case is not None and bool(np.issubdtype(case.volume.voxels.dtype, np.integer))

    def switch(self, on: bool) -> None:
        """Keep to the range from now on, or paint everywhere."""
        self._session.editing.set_range(self.chosen if on else None)

    def toggle(self) -> None:
        """Switch it on or off."""
        self.switch(not self.on)

    def choose(self, low: float, high: float) -> None:
        """Another range; limits in the wrong order are exchanged."""
        self.chosen = IntensityRange(min(low, high), max(low, high))
        if self.on:
            self.switch(True)
        else:
            self.changed.emit()

    def from_here(self) -> None:
        """Take mean and two standard deviations of the values around the mouse; off the image, around the cross."""
        case = self._session.case
        if case is None:
            return
        values = _around(case.volume, self._pointed or self._session.viewing.position)
        values = values[np.isfinite(values)]
        if not values.size:
            return
        middle, off = float(values.mean()), SPREAD * float(values.std())
        low, high = middle - off, middle + off
        if self.whole:
            low, high = float(np.floor(low)), float(np.ceil(high))
        self.chosen = IntensityRange(low, high)
        self.switch(True)

    def _on_pointed(self, voxel: Index | None) -> None:
        self._pointed = voxel

    def _on_range(self, within: IntensityRange | None) -> None:
        if within is not None:
            self.chosen = within
        self.changed.emit()

    def _on_opened(self, case: OpenCase | None) -> None:
        self._pointed = None
        if case is None:
            return
        kind = f"{case.volume.modality} {case.volume.voxels.dtype} {case.volume.channels}"
        if kind != self._kind:  # the values of another kind of image mean something else
            window = self._session.viewing.window
            self.chosen = IntensityRange(*limits(window)) if window else IntensityRange(0.0, 255.0)
            self._kind = kind
            self.switch(False)

    def _on_edited(self, edit: Edit, how: str) -> None:
        """A stroke of which the range left nothing looks like a broken brush: say why."""
        within, case = self._session.editing.within, self._session.case
        if within is None or case is None or how != "do" or edit.source != "hand" or edit.changed:
            return
        if edit.box.empty or not allowed(case.volume.voxels[edit.box.slices], within).any():
            values = f"{within.low:g} to {within.high:g} {self.unit}".strip()
            self._session.tell(
                Notice(f"Nothing was painted: no value there lies in the range {values}; I turns it off.")
            )


def _around(volume: Volume, at: tuple[int, int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    half = [min(max(2, round(AROUND_MM / s)), 10) for s in volume.geometry.spacing_mm]
    half[0] = 0 if volume.geometry.shape[0] == 1 else min(half[0], 2)
    block = tuple(slice(max(i - h, 0), i + h + 1) for i, h in zip(at, half, strict=True))
    values = np.asarray(volume.voxels[block], np.float64)
    return values.mean(axis=3) if values.ndim == 4 else values
