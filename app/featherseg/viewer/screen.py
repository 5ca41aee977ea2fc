"""Between millimetres of a plane and points of the widget that shows it."""

from napari.components import ViewerModel
from qtpy.QtCore import QPointF
from qtpy.QtWidgets import QWidget


def to_screen(viewer: ViewerModel, native: QWidget, down_mm: float, across_mm: float) -> QPointF:
    """Where a point of the plane (vertical, horizontal in mm) is on the canvas widget."""
    zoom, (down_sign, across_sign) = _zoom(viewer, native), _signs(viewer)
    _, down_0, across_0 = viewer.scene.camera.center
    x = native.width() / 2 + across_sign * (across_mm - across_0) * zoom
    y = native.height() / 2 + down_sign * (down_mm - down_0) * zoom
    return QPointF(x, y)


def to_plane(viewer: ViewerModel, native: QWidget, point: QPointF) -> tuple[float, float]:
    """The point of the plane (vertical, horizontal in mm) that is at a point of the canvas widget."""
    zoom, (down_sign, across_sign) = _zoom(viewer, native), _signs(viewer)
    _, down_0, across_0 = viewer.scene.camera.center
    down = down_0 + down_sign * (point.y() - native.height() / 2) / zoom
    return down, across_0 + across_sign * (point.x() - native.width() / 2) / zoom


def pan(viewer: ViewerModel, native: QWidget, by: QPointF) -> None:
    """Move the image by this many points of the widget."""
    zoom, (down_sign, across_sign) = _zoom(viewer, native), _signs(viewer)
    deep, down, across = viewer.scene.camera.center
    viewer.scene.camera.center = (
        deep,
        down - down_sign * by.y() / zoom,
        across - across_sign * by.x() / zoom,
    )


def zoom_at(viewer: ViewerModel, native: QWidget, point: QPointF, factor: float) -> None:
    """Enlarge by ``factor`` so that what lies under ``point`` stays there."""
    down, across = to_plane(viewer, native, point)
    viewer.scene.camera.zoom *= factor
    moved = to_screen(viewer, native, down, across)
    pan(viewer, native, point - moved)


def _zoom(viewer: ViewerModel, native: QWidget) -> float:
    return float(viewer.scene.camera.zoom) / native.devicePixelRatioF()


def _signs(viewer: ViewerModel) -> tuple[int, int]:
    down, across = (str(side) for side in viewer.scene.camera.orientation2d)
    return (1 if down == "down" else -1), (1 if across == "right" else -1)
