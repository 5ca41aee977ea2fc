"""One plane of a session's case as napari layers on a viewer model of our own."""

from collections.abc import Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels
from psygnal import Signal
from superqt.utils import qdebounced, qthrottled

from featherseg.session.case import OpenCase
from featherseg.session.overlay import Overlay
from featherseg.session.session import Session
from featherseg.session.viewing import Index
from featherseg.ui.connections import Connections
from featherseg.viewer.layers import ABOVE, PLANE_MODES, LabelsBinding, colormap
from featherseg.viewer.unsure import UnsureGlow
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.imaging.windowing import limits
from featherseg_engines.labels import Edit
from featherseg_engines.orientation import PLANES, PlaneView, oriented, plane_views, stored_plane

FILL_OPACITY = 0.4
REFRESH_MS = 40
STILL_MS = 120
"""A brush that rests so long gets its outline; drawn at each move it would slow the stroke (painting.py)."""
GROWTH_MS = 250
"""How often a volume that is still being read is drawn anew."""


class Canvas:
    """Shows a case: image and fill of the labels, each on the volume's own grid in mm.

    The voxels are never turned: the viewer's order of axes and the camera's orientation show the patient the
    right way round.

    Parameters
    ----------
    rank
        0 shows the plane in which the slices were stored, 1 and 2 the other two.
    """

    outline_changed = Signal()  # the contours of the plane on screen are to be drawn anew

    def __init__(self, session: Session, viewer: ViewerModel, rank: int = 0) -> None:
        self.session, self.viewer, self.rank = session, viewer, rank
        self.case: OpenCase | None = None
        self.awake = True
        self.view: PlaneView | None = None
        self._binding: LabelsBinding | None = None
        self.glow: UnsureGlow | None = None
        self._image: Image | None = None
        self._over: Image | None = None
        self.connections = Connections()
        self._refresh_soon = qthrottled(self._refresh_outline, timeout=REFRESH_MS)
        self._refresh_when_still = qdebounced(self._refresh_outline, timeout=STILL_MS)
        self._show_growth = qthrottled(self._refresh_image, timeout=GROWTH_MS)
        for signal, slot in (
            (session.edited, self._on_edited),
            (session.completed, self._on_completed),
            (session.opening.grew, self._on_grew),
            (session.labels_changed, self._on_label),
            (session.label_changed, self._on_label),
            (session.model_changed, self._on_label),
            (session.masks_hidden, self._on_hidden),
            (session.viewing.moved, self._on_moved),
            (session.viewing.window_changed, self._on_window),
            (session.viewing.overlay_changed, self._on_overlay),
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
        self._refresh_when_still.cancel()
        self._show_growth.cancel()
        self.show(None)

    def show(self, case: OpenCase | None) -> None:
        """Show this case from now on, or nothing."""
        self._clear()
        if case is None:
            return
        self.view = view_of(case.volume, self.rank)
        self._turn(case)
        self._add_layers(case)
        self.case = case
        self._on_overlay(self.session.viewing.overlay)
        if self.flat:
            return
        self.viewer.dims.axis_labels = ("slice", "y", "x")
        self._on_moved(self.session.viewing.position)

    def wake(self, awake: bool) -> None:
        """Follow the cross, or rest while nobody sees this plane."""
        self.awake = awake
        self._on_moved(self.session.viewing.position)
        self._refresh_outline()

    @property
    def flat(self) -> bool:
        """Whether the case is one slice, shown as a 2D image."""
        case = self.case
        return case is None or case.volume.geometry.shape[0] == 1

    def fit(self) -> None:
        """Show the whole image as large as the canvas allows."""
        self.viewer.reset_view(margin=0.02)

    def scroll(self, steps: int) -> None:
        """Go this many slices on."""
        if self.view is not None and not self.flat:
            at = list(self.session.viewing.position)
            at[self.view.depth] += steps
            self.session.go_to((at[0], at[1], at[2]))

    def voxel_at(self, down_mm: float, across_mm: float) -> Index | None:
        """The voxel under a point of the plane on screen, or None outside the volume."""
        if self.case is None or self.view is None:
            return None
        geometry, at = self.case.volume.geometry, list(self.session.viewing.position)
        at[self.view.vertical] = round(down_mm / geometry.spacing_mm[self.view.vertical])
        at[self.view.horizontal] = round(across_mm / geometry.spacing_mm[self.view.horizontal])
        inside = all(0 <= i < n for i, n in zip(at, geometry.shape, strict=True))
        return (at[0], at[1], at[2]) if inside else None

    def _clear(self) -> None:
        for part in (self._binding, self.glow):
            if part is not None:
                part.release()
        self._binding = self.glow = self.case = self.view = None
        self._image = self._over = None
        if self.viewer.layers:
            self.viewer.layers.clear()

    def _turn(self, case: OpenCase) -> None:
        view, dims = self.view, self.viewer.dims
        assert view is not None
        flat = case.volume.geometry.shape[0] == 1
        dims.ndim = 2 if flat else 3
        dims.order = (view.vertical - 1, view.horizontal - 1) if flat else view.order
        self.viewer.scene.camera.orientation2d = (
            "up" if view.flip_vertical else "down",
            "left" if view.flip_horizontal else "right",
        )

    def _add_layers(self, case: OpenCase) -> None:
        volume, array, session, viewer = case.volume, case.labels.array, self.session, self.viewer
        flat = volume.geometry.shape[0] == 1
        grid = layer_grid(volume.geometry, flat=flat)
        window = session.viewing.window
        pixels = volume.voxels[0] if flat else volume.voxels
        shades: dict[str, Any] = {"contrast_limits": limits(window)} if window else {"rgb": True}
        self._image = viewer.add_image(pixels, name="image", interpolation2d="linear", **shades, **grid)
        shown, colours = array[0] if flat else array, colormap(session)
        labels = viewer.add_labels(shown, name="labels", opacity=FILL_OPACITY, colormap=colours, **grid)
        self._binding = LabelsBinding(session, labels, PLANE_MODES)
        scale = grid["scale"]

        def place(at: Sequence[int]) -> list[float]:
            return [n * s for n, s in zip(at, scale, strict=True)]

        self.glow = UnsureGlow(
            session, viewer.layers, grid, place, lambda: viewer.layers.index(labels), flat=flat
        )
        labels.events.labels_update.connect(self._on_brush_moved)
        viewer.layers.selection.active = labels

    def _on_brush_moved(self, _: object = None) -> None:
        self._refresh_when_still()

    def _on_edited(self, edit: Edit, how: str) -> None:
        if not edit.box.empty:
            self._refresh_soon()

    def _on_grew(self) -> None:
        self._show_growth()

    def _refresh_image(self) -> None:
        if self._image is not None and self.case is not None and self.case.growing:
            self._image.refresh(thumbnail=False)

    def _on_completed(self, case: OpenCase) -> None:
        if self._image is None or case is not self.case:
            return
        if self._image.data is not case.volume.voxels:
            self._image.data = case.volume.voxels
        self._image.refresh()

    def _refresh_outline(self) -> None:
        if self.case is not None:
            self.outline_changed.emit()

    def _on_label(self, _: object = None) -> None:
        colours = colormap(self.session)
        for layer in self.viewer.layers:
            if isinstance(layer, Labels):
                layer.colormap = colours

    def _on_hidden(self, hidden: bool) -> None:
        for layer in self.viewer.layers:
            if isinstance(layer, Labels):
                layer.visible = not hidden

    def _on_window(self, window: Window | None) -> None:
        if window is not None and self._image is not None and self.case is self.session.case:
            self._image.contrast_limits = limits(window)

    def _on_overlay(self, overlay: Overlay | None) -> None:
        if self.case is None or self.case is not self.session.case:
            return
        if self._over is not None and (overlay is None or self._over.metadata["of"] is not overlay.volume):
            self.viewer.layers.remove(self._over)
            self._over = None
        if overlay is None:
            return
        if self._over is None:
            self._over = self._add_overlay(overlay)
        self._over.contrast_limits = limits(overlay.window)
        self._over.opacity, self._over.visible = overlay.opacity, overlay.visible

    def _add_overlay(self, overlay: Overlay) -> Image:
        volume, active = overlay.volume, self.viewer.layers.selection.active
        layer = Image(
            volume.voxels[0] if self.flat else volume.voxels,
            name="overlay",
            interpolation2d="linear",
            contrast_limits=limits(overlay.window),
            colormap="hot" if overlay.glows else "gray",
            blending="additive" if overlay.glows else ABOVE,
            metadata={"of": volume},
            **layer_grid(volume.geometry, flat=self.flat),
        )
        self.viewer.layers.insert(1, layer)
        self.viewer.layers.selection.active = active
        return layer

    def _on_step(self, _: object = None) -> None:
        if self.case is not None and self.view is not None and not self.flat:
            at = list(self.session.viewing.position)
            at[self.view.depth] = int(self.viewer.dims.current_step[self.view.depth])
            self.session.go_to((at[0], at[1], at[2]))

    def _on_moved(self, position: Index) -> None:
        if self.case is None or self.view is None or self.flat or self.case is not self.session.case:
            return
        depth = self.view.depth
        if self.awake and self.viewer.dims.current_step[depth] != position[depth]:
            self.viewer.dims.set_current_step(depth, position[depth])


def layer_grid(geometry: Geometry, *, flat: bool) -> dict[str, Any]:
    """Arguments of a napari layer on this grid: mm per voxel, and their name where the file knows them."""
    scale = geometry.spacing_mm[1:] if flat else geometry.spacing_mm
    return {"scale": scale, "units": ("mm",) * len(scale)} if geometry.calibrated else {"scale": scale}


def view_of(volume: Volume, rank: int) -> PlaneView:
    """The plane in which the slices were stored (rank 0), or another (1, 2), as the patient is to be seen."""
    geometry = volume.geometry
    if not oriented(volume.modality, calibrated=geometry.calibrated):
        geometry = Geometry(geometry.shape, geometry.spacing_mm)
    first = stored_plane(geometry)
    return plane_views(geometry)[[first, *(plane for plane in PLANES if plane != first)][rank]]
