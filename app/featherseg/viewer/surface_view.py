"""Surfaces on a canvas of vispy's own: a napari viewer for them alone would cost half a second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget
from vispy.scene import SceneCanvas, TurntableCamera
from vispy.scene.visuals import Mesh as MeshVisual

from featherseg_engines.imaging.surface import Mesh

Vector = npt.NDArray[np.float64]
MARGIN = 1.15
"""How much wider than the surfaces the view is."""


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A surface and its colour: red, green, blue and opacity, 0..1."""

    mesh: Mesh
    colour: tuple[float, float, float, float]


class SurfaceView:
    """L, P, S in mm: seen from the front at first, superior is up however it is turned with the mouse.

    Parameters
    ----------
    turned
        Called when it is seen from another side.
    """

    def __init__(self, turned: Callable[[], None]) -> None:
        self._canvas = SceneCanvas(keys=None, bgcolor="black")
        self.native: QWidget = self._canvas.native
        self.native.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go on reaching the planes
        self._view = self._canvas.central_widget.add_view()
        self._camera = TurntableCamera(fov=0, elevation=0, azimuth=0)
        self._view.camera = self._camera
        self._visual = MeshVisual(shading="smooth", parent=self._view.scene)
        self._turned = turned
        self._corners: tuple[Vector, Vector] | None = None
        self._view.scene.transform.changed.connect(self._on_turned)

    @property
    def vertices_mm(self) -> npt.NDArray[np.float32]:
        """What is on screen (n, 3) as L, P, S."""
        return np.asarray(self._visual.mesh_data.get_vertices())

    @property
    def colours(self) -> npt.NDArray[np.float32]:
        """Of each vertex, red, green, blue and opacity."""
        return np.asarray(self._visual.mesh_data.get_vertex_colors())

    def show(self, surfaces: Sequence[Painted]) -> None:
        """Show these, at least one, instead of what was there; the point of view stays."""
        vertices, faces, shades, shift = [], [], [], 0
        for surface in surfaces:
            count = len(surface.mesh.vertices_mm)
            vertices.append(surface.mesh.vertices_mm.astype(np.float32))
            faces.append(surface.mesh.faces + shift)
            shades.append(np.tile(np.asarray(surface.colour, np.float32), (count, 1)))
            shift += count
        points = np.concatenate(vertices)
        self._corners = points.min(axis=0), points.max(axis=0)
        self._visual.set_data(points, np.concatenate(faces).astype(np.uint32), np.concatenate(shades))
        self._on_turned()

    def fit(self) -> None:
        """All of it, from the front."""
        if self._corners is None:
            return
        low, high = self._corners
        self._camera.azimuth = self._camera.elevation = 0.0
        self._camera.center = tuple((low + high) / 2)
        wide, _, tall = (high - low) * MARGIN
        room = self.native.width() / max(1, self.native.height())
        # without perspective the factor is the shorter side of what is seen
        self._camera.scale_factor = float(max(wide / max(room, 1.0), tall * min(room, 1.0), 1.0))

    def axes(self) -> tuple[Vector, Vector, Vector]:
        """Where we look, what is up and what is right on the screen, as unit vectors in L, P, S."""
        turn, tip = np.radians(self._camera.azimuth), np.radians(self._camera.elevation)
        view = np.array([-np.sin(turn) * np.cos(tip), np.cos(turn) * np.cos(tip), -np.sin(tip)])
        right = np.array([np.cos(turn), np.sin(turn), 0.0])
        return view, np.cross(right, view), right

    def _on_turned(self, _: object = None) -> None:
        light = self._visual.shading_filter
        if light is not None and self._corners is not None:  # without a surface there is nothing to shade
            view, up, right = self.axes()
            light.light_dir = tuple(view - 0.4 * up + 0.3 * right)
        self._turned()
