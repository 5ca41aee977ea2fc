"""Draws the contours of labels and ghost straight into a plane's scene.

As napari layers the two cost 30 ms and 50 ms a change on two cores, most of it in events between the layers
(tests/benchmarks/live.py); drawn here they cost a millisecond or two, and their lines keep their width on the screen.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from napari.qt import QtViewer
from qtpy.QtGui import QColor
from vispy.scene.visuals import Image as Picture
from vispy.visuals.transforms import STTransform

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.viewer.canvas import Canvas
from featherseg.viewer.contours import Place, cut, dots, in_colour, tight
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Labels

GHOST_WIDTH, OUTLINE_WIDTH, BEFORE_WIDTH = 2.5, 1.2, 1.2
"""Pixels of the screen: a ghost is a strong contour without a fill, a label a thin one around its fill;
what the ghost was before the newest stroke is thin, dotted and has no fill."""
THICKEST = 12
"""Voxels; where one pixel of the screen shows more, the contour gets thinner after all."""
ABOVE_LAYERS = 1000
"""Place in the order of drawing; napari numbers its layers from 0."""


class ContourSheet:
    """Three pictures over a plane's layers, each no larger than what it shows; follows session and canvas."""

    def __init__(self, canvas: Canvas, qt_viewer: QtViewer) -> None:
        self.canvas, self.session = canvas, canvas.session
        scene = qt_viewer.canvas.view.scene
        self.outline, self.ghost = _picture(scene, ABOVE_LAYERS), _picture(scene, ABOVE_LAYERS + 2)
        self.before = _picture(scene, ABOVE_LAYERS + 1)
        self._hidden = False
        self._widths = (1, 1, 1)
        session = self.session
        self.connections = Connections()
        for signal in (session.proposed, session.threshold_changed):
            self.connections.add(signal, self._on_proposed)
        for signal in (session.viewing.moved, session.labels_changed, session.label_changed):
            self.connections.add(signal, self._on_changed)
        self.connections.add(session.model_changed, self._on_changed)
        self.connections.add(session.masks_hidden, self._on_hidden)
        self.connections.add(canvas.outline_changed, self.renew)
        self.connections.add(canvas.viewer.scene.camera.events.zoom, self._on_zoom)

    def renew(self) -> None:
        """Draw all anew."""
        self._widths = self._widths_now()
        self._outline()
        self._on_proposed()

    def _on_changed(self, _: object = None) -> None:
        self.renew()

    def _on_zoom(self, _: object = None) -> None:
        if self._widths_now() != self._widths:
            self.renew()

    def _on_hidden(self, hidden: bool) -> None:
        self._hidden = hidden
        self.renew()

    def _outline(self) -> None:
        plane = None if self._hidden else self._labels()
        found = None if plane is None else tight(plane)
        if found is None or not found[0].size:
            self.outline.visible = False
        else:
            self._draw(self.outline, found, self._widths[1])

    def _on_proposed(self, _: object = None) -> None:
        self._show_ghost(self.ghost, self.session.proposal, self._widths[0])
        self._show_ghost(self.before, self.session.smart.previous, self._widths[2], dotted=True)

    def _show_ghost(
        self, picture: Any, proposal: Proposal | None, thickness: int, *, dotted: bool = False
    ) -> None:
        session, view = self.session, self.canvas.view
        if proposal is None or view is None or self._hidden or not self._shows_session():
            picture.visible = False
            return
        found = cut(proposal, view.depth, session.viewing.position[view.depth], session.threshold)
        if found is None or not found[0].any():
            picture.visible = False
            return
        numbers = session.label_values(proposal)[found[0]]
        self._draw(picture, self._turned((numbers, found[1])), thickness, dotted=dotted)

    def _shows_session(self) -> bool:
        canvas = self.canvas
        return canvas.awake and canvas.case is not None and canvas.case is self.session.case

    def _labels(self) -> Labels | None:
        """Label numbers (down, across) of the plane on screen."""
        case, view = self.canvas.case, self.canvas.view
        if case is None or view is None or not self._shows_session():
            return None
        where: list[int | slice] = [slice(None)] * 3
        where[view.depth] = self.session.viewing.position[view.depth]
        return self._turned((case.labels.array[tuple(where)], (0, 0)))[0]

    def _turned(self, found: tuple[Labels, Place]) -> tuple[Labels, Place]:
        """From the array's order of axes to (down, across)."""
        view, (plane, at) = self.canvas.view, found
        assert view is not None
        return (plane, at) if view.vertical < view.horizontal else (plane.T, (at[1], at[0]))

    def _draw(
        self, picture: Any, found: tuple[Labels, Place], thickness: int, *, dotted: bool = False
    ) -> None:
        case, view, (plane, at) = self.canvas.case, self.canvas.view, found
        assert case is not None and view is not None
        spacing = case.volume.geometry.spacing_mm
        down, across = spacing[view.vertical], spacing[view.horizontal]
        image = in_colour(plane, thickness, colours_of(self.session))
        picture.set_data(dots(image, 2 * thickness) if dotted else image)
        picture.transform.scale = across, down  # a new transform would have the shader compiled anew
        picture.transform.translate = (at[1] - 0.5) * across, (at[0] - 0.5) * down
        picture.visible = True

    def _widths_now(self) -> tuple[int, int, int]:
        """Voxels that the three lines are wide, so that they keep their width on the screen."""
        case, view = self.canvas.case, self.canvas.view
        if case is None or view is None:
            return 1, 1, 1
        spacing = case.volume.geometry.spacing_mm
        voxel = self.canvas.viewer.scene.camera.zoom * min(spacing[view.vertical], spacing[view.horizontal])
        ghost, outline, before = (
            min(max(round(w / max(voxel, 1e-6)), 1), THICKEST)
            for w in (GHOST_WIDTH, OUTLINE_WIDTH, BEFORE_WIDTH)
        )
        return ghost, outline, before


def colours_of(session: Session) -> npt.NDArray[np.uint8]:
    """RGBA of the label numbers from 0 on; the last row, clear, is that of all numbers above."""
    rows = [row for row in session.table if row.visible]
    table = np.zeros((max((row.value for row in rows), default=0) + 2, 4), np.uint8)
    for row in rows:
        colour = QColor(row.colour)
        table[row.value] = colour.red(), colour.green(), colour.blue(), 255
    return table


def _picture(scene: Any, order: int) -> Any:
    picture = Picture(np.zeros((1, 1, 4), np.uint8), interpolation="nearest", parent=scene)
    picture.set_gl_state("translucent", depth_test=False)
    picture.transform = STTransform()
    picture.order = order
    picture.visible = False
    return picture
