"""Marks on the proposal in plain napari: strokes with the mouse on a labels layer, shown on a layer of their own."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils import DirectLabelColormap

from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.session.tool import MARKING
from featherseg.ui.connections import Connections
from featherseg.viewer.layers import ABOVE
from featherseg.viewer.stroke_look import colour_against
from featherseg_engines.labels import Box
from featherseg_engines.refine.drawing import lasso, rectangle, stroke_along
from featherseg_engines.refine.prompts import Mask, Region, Stroke

MARKS_NAME = "Featherseg strokes"
HERE, NOT_HERE, ROUND = 1, 2, 3
"""Numbers on the layer: a stroke is full, one that says not here is striped, a box or lasso is a line."""
PREVIEW_S = 0.05
ELSEWHERE = "The model proposes slices along napari's first axis: mark the proposal there."
Place = tuple[float, float]
Marking = tuple[Box, Mask, int]


class DockStrokes:
    """Listens to one labels layer while a marking tool is in hand.

    Parameters
    ----------
    viewer
        Where the marks are shown.
    grid
        Arguments of a layer on the image's grid.
    place
        Gives such a layer's ``translate`` for a voxel offset of the layer's dimension.
    """

    def __init__(
        self,
        session: Session,
        viewer: Any,
        layer: Labels,
        grid: dict[str, Any],
        place: Callable[[Sequence[int]], Sequence[float]],
    ) -> None:
        self._session, self._viewer, self._layer = session, viewer, layer
        self._grid, self._at = grid, place
        self.marks: Labels | None = None
        self._shown_s = 0.0
        layer.mouse_drag_callbacks.append(self._on_pressed)
        self.connections = Connections()
        for signal in (session.smart.changed, session.slice_changed, session.label_changed):
            self.connections.add(signal, self._on_changed)
        self._on_changed()

    def release(self) -> None:
        """Let go of layer and session; the marks go."""
        self.connections.clear()
        if self._on_pressed in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._on_pressed)
        self._remove()

    def _on_pressed(self, layer: Any, event: Any) -> Iterator[None]:
        session, displayed = self._session, list(event.dims_displayed)
        if session.tool not in MARKING or event.button != 1 or len(displayed) != 2 or session.case is None:
            return
        extra = len(event.position) - layer.ndim
        if {d - extra + 3 - layer.ndim for d in displayed} != {1, 2}:
            session.tell(Notice(ELSEWHERE))
            return
        objection = session.smart.objection()
        if objection is not None:
            session.tell(objection)
            return
        positive = (session.tool == "smart") != ("Shift" in event.modifiers)
        path, z = [self._place(layer, event)], session.z
        yield
        while event.type == "mouse_move":
            path.append(self._place(layer, event))
            if time.monotonic() - self._shown_s > PREVIEW_S:
                self._preview(path, positive=positive)
            yield
        if session.z == z and session.case is not None:
            self._finish(path, positive=positive)
        self._on_changed()

    def _place(self, layer: Any, event: Any) -> Place:
        y, x = (float(v) for v in layer.world_to_data(event.position)[-2:])
        return y, x

    def _drawn(self, path: list[Place], *, positive: bool) -> Stroke | Region | None:
        session, case = self._session, self._session.case
        if case is None:
            return None
        shape = case.volume.geometry.shape[1:]
        if session.tool == "box":
            return rectangle(path[0], path[-1], session.z, shape)
        if session.tool == "lasso":
            return lasso(path, session.z, shape)
        return stroke_along(path, session.brush_size, session.z, shape, positive=positive)

    def _finish(self, path: list[Place], *, positive: bool) -> None:
        drawn = self._drawn(path, positive=positive)
        if isinstance(drawn, Stroke):
            self._session.smart.stroke(drawn)
        elif drawn is not None and min(drawn.box.shape[1:]) > 1:
            self._session.smart.keep_within(drawn)

    def _preview(self, path: list[Place], *, positive: bool) -> None:
        drawn = self._drawn(path, positive=positive)
        if drawn is not None:
            number = ROUND if isinstance(drawn, Region) else HERE if positive else NOT_HERE
            self._show([*self._there(), (drawn.box, drawn.mask, number)])
        self._shown_s = time.monotonic()

    def _there(self) -> list[Marking]:
        """What is marked on the slice on screen."""
        smart = self._session.smart
        found: list[Marking] = [
            (mark.box, mark.mask, HERE if mark.positive else NOT_HERE)
            for mark in smart.marks()
            if mark.kind == "stroke" and mark.box is not None and mark.mask is not None
        ]
        region = smart.region
        return found if region is None else [(region.box, region.mask, ROUND), *found]

    def _on_changed(self, _: object = None) -> None:
        self._show(self._there())

    def _show(self, marks: list[Marking]) -> None:
        if not marks:
            self._remove()
            return
        start = np.min([box.start for box, _, _ in marks], axis=0)
        stop = np.max([box.stop for box, _, _ in marks], axis=0)
        picture = np.zeros(stop - start, np.uint8)
        for box, mask, number in marks:
            part = picture[
                tuple(slice(a - s, b - s) for a, b, s in zip(box.start, box.stop, start, strict=True))
            ]
            part[_pattern(mask, number)] = number
        flat = self._layer.ndim == 2
        layer = self._need()
        layer.data = picture[0] if flat else picture
        layer.translate = self._at([int(n) for n in (start[1:] if flat else start)])
        layer.colormap = self._colours()

    def _colours(self) -> DirectLabelColormap:
        row = self._session.table.rows.get(self._session.active_label)
        colour = row.colour if row is not None else "#ffffff"
        against = colour_against(colour).name()
        clear = np.zeros(4)
        return DirectLabelColormap(
            color_dict={None: clear, 0: clear, HERE: colour, NOT_HERE: against, ROUND: "white"}
        )

    def _need(self) -> Labels:
        if self.marks is None:
            active, flat = self._viewer.layers.selection.active, self._layer.ndim == 2
            blank = np.zeros((1,) * (2 if flat else 3), np.uint8)
            self.marks = self._viewer.add_labels(
                blank, name=MARKS_NAME, blending=ABOVE, opacity=0.6, **self._grid
            )
            self.marks.editable = False
            self._viewer.layers.selection.active = active
        return self.marks

    def _remove(self) -> None:
        marks, self.marks = self.marks, None
        if marks is not None and marks in self._viewer.layers:
            self._viewer.layers.remove(marks)

    def gone(self) -> None:
        """Somebody took the layer of marks off napari's list."""
        self.marks = None


def _pattern(mask: Mask, number: int) -> Mask:
    """Which pixels of a mark are drawn."""
    if number == HERE:
        return mask
    plane = mask[0]
    if number == NOT_HERE:
        y, x = np.indices(plane.shape)
        return (plane & ((y + x) % 4 < 2))[None]
    inner = np.zeros_like(plane)
    inner[1:-1, 1:-1] = plane[:-2, 1:-1] & plane[2:, 1:-1] & plane[1:-1, :-2] & plane[1:-1, 2:]
    return (plane & ~inner)[None]
