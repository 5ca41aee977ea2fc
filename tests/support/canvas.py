"""Where voxels are on the canvas widget, and pictures of the screen."""

from pathlib import Path

from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QWidget


def canvas_point(viewer, native: QWidget, y: float, x: float) -> QPoint:
    """Widget coordinates of the world point (y, x) shown by a napari viewer on its canvas widget."""
    zoom = viewer.scene.camera.zoom / native.devicePixelRatioF()
    _, cy, cx = viewer.scene.camera.center
    down, across = (str(side) for side in viewer.scene.camera.orientation2d)
    sy, sx = (1 if down == "down" else -1), (1 if across == "right" else -1)
    return QPoint(
        round(native.width() / 2 + sx * (x - cx) * zoom), round(native.height() / 2 + sy * (y - cy) * zoom)
    )


def screenshot(window: QWidget, path: Path) -> None:
    """What is really on the screen where the window is."""
    QApplication.processEvents()
    frame = window.frameGeometry()
    screen = window.screen()
    assert screen is not None
    screen.grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height()).save(str(path))
