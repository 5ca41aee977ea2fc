"""The standalone canvas: a session's case as napari layers on a viewer model of our own."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from superqt.utils import qthrottled

from featherseg.session.case import OpenCase
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.viewer.layers import ABOVE, Ghost, LabelsBinding, colormap
from featherseg_engines.labels import Edit

FILL_OPACITY = 0.4
REFRESH_MS = 40


class Canvas:
    """Shows whatever case the session has open: image, fill and outline of the labels, ghost."""

    def __init__(self, session: Session, viewer: ViewerModel) -> None:
        self.session, self.viewer = session, viewer
        self._binding: LabelsBinding | None = None
        self._ghost: Ghost | None = None
        self._outline: Labels | None = None
        self.connections = Connections()
        self._refresh_soon = qthrottled(self._refresh_outline, timeout=REFRESH_MS)
        for signal, slot in (
            (session.opened, self._on_opened),
            (session.edited, self._on_edited),
            (session.label_changed, self._on_label),
            (session.model_changed, self._on_label),
            (session.masks_hidden, self._on_hidden),
            (session.slice_changed, self._on_slice),
        ):
            self.connections.add(signal, slot)
        self.connections.add(viewer.dims.events.current_step, self._on_step)
        for overlay in viewer.canvas.overlays.values():
            overlay.box = (
                False  # napari 0.9.2 draws the box of the brush's circle as a dark spot at the cursor
            )

    def release(self) -> None:
        """Let go of the session and drop the layers."""
        self.connections.clear()
        self._refresh_soon.cancel()
        self._clear()

    def _clear(self) -> None:
        for part in (self._binding, self._ghost):
            if part is not None:
                part.release()
        self._binding = self._ghost = self._outline = None
        self.viewer.layers.clear()

    def _on_opened(self, case: OpenCase | None) -> None:
        self._clear()
        if case is None:
            return
        volume, array = case.volume, case.labels.array
        flat = volume.geometry.shape[0] == 1
        scale = volume.geometry.spacing_mm[1:] if flat else volume.geometry.spacing_mm
        pixels = volume.voxels[0] if flat else volume.voxels
        viewer, session = self.viewer, self.session
        viewer.add_image(
            pixels, name="image", scale=scale, rgb=volume.channels == 3, interpolation2d="linear"
        )
        shown = array[0] if flat else array
        colours = colormap(session)
        labels = viewer.add_labels(shown, name="labels", scale=scale, opacity=FILL_OPACITY, colormap=colours)
        self._outline = viewer.add_labels(shown, name="outline", scale=scale, opacity=1.0, colormap=colours)
        self._outline.contour = 1
        self._outline.blending = ABOVE
        self._outline.editable = False
        blank = np.zeros((1,) * shown.ndim, np.uint8)
        ghost = viewer.add_labels(blank, name="proposal", scale=scale, colormap=colours)
        ghost.blending = ABOVE
        self._binding = LabelsBinding(session, labels)
        self._ghost = Ghost(
            session, ghost, lambda at: [n * s for n, s in zip(at, scale, strict=True)], flat=flat
        )
        labels.events.labels_update.connect(self._on_brush_moved)
        viewer.layers.selection.active = labels
        if not flat:
            viewer.dims.axis_labels = ("slice", "y", "x")
            viewer.dims.set_current_step(0, volume.geometry.shape[0] // 2)
            self._on_step()  # the slider may have stood there before
        self.fit()

    def fit(self) -> None:
        """Show the whole image as large as the canvas allows."""
        self.viewer.reset_view(margin=0.02)

    def _on_brush_moved(self, _: object = None) -> None:
        self._refresh_soon()

    def _on_edited(self, edit: Edit, how: str) -> None:
        self._refresh_soon()

    def _refresh_outline(self) -> None:
        if self._outline is not None:
            self._outline.refresh()

    def _on_label(self, _: object = None) -> None:
        colours = colormap(self.session)
        for layer in self.viewer.layers:
            if isinstance(layer, Labels):
                layer.colormap = colours

    def _on_hidden(self, hidden: bool) -> None:
        for layer in self.viewer.layers:
            if isinstance(layer, Labels):
                layer.visible = not hidden

    def _on_step(self, _: object = None) -> None:
        case = self.session.case
        if case is not None and case.volume.geometry.shape[0] > 1 and self.viewer.dims.ndim == 3:
            self.session.go_to_slice(int(self.viewer.dims.current_step[0]))

    def _on_slice(self, z: int) -> None:
        if self.viewer.dims.ndim == 3 and self.viewer.dims.current_step[0] != z:
            self.viewer.dims.set_current_step(0, z)
