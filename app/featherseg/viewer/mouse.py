"""The mouse on a plane: wheel scrolls, right-drag windows, middle-drag pans, a click places the cross."""

from qtpy.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QWidget

from featherseg.session.tool import CLICK_TOOLS, Click
from featherseg.viewer.canvas import Canvas
from featherseg.viewer.screen import pan, to_plane, zoom_at

NOTCH = 120
"""Qt's wheel delta of one notch."""
CLICK = 4.0
"""A press that moves less than this many points before its release is a click."""
ZOOM_STEP = 1.15


class PlaneMouse(QObject):
    """An event filter for a canvas widget; what it does not know goes on to napari."""

    def __init__(self, canvas: Canvas, native: QWidget) -> None:
        super().__init__(native)
        self._canvas, self._native = canvas, native
        self._dragged: tuple[Qt.MouseButton, QPointF] | None = None
        self._pressed: QPointF | None = None
        self._acting = False  # a click tool has taken the press; napari is told of neither press nor release
        self._turned = 0
        self._under = QPointF()
        self._soon = QTimer(self)  # notches that come faster than slices can be drawn are taken together
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._scroll)
        native.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's hook; True ends the event here."""
        if self._canvas.case is None or event is None:
            return False
        if isinstance(event, QWheelEvent):
            return self._on_wheel(event)
        if event.type() == QEvent.Type.Leave:
            self._canvas.session.viewing.pointed.emit(None)
        if not isinstance(event, QMouseEvent):
            return False
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._on_press(event)
        if event.type() == QEvent.Type.MouseMove:
            return self._on_move(event)
        return event.type() == QEvent.Type.MouseButtonRelease and self._on_release(event)

    def _on_press(self, event: QMouseEvent) -> bool:
        editing, tool = self._canvas.session.editing, self._canvas.session.tool
        if event.button() == Qt.MouseButton.RightButton and tool == "polygon" and editing.polygon.corners:
            editing.polygon.take_back()
            self._acting = True
            return True
        if event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._dragged = (event.button(), event.position())
            return True
        self._acting = tool == "polygon" or tool in CLICK_TOOLS
        if self._acting:
            self._act(event, tool)
            return True
        self._pressed = event.position()
        return False

    def _act(self, event: QMouseEvent, tool: str) -> None:
        """Tell the session of a click; the second press of a double click ends a polygon and is else ignored."""
        session, twice = self._canvas.session, event.type() == QEvent.Type.MouseButtonDblClick
        at = self._canvas.voxel_at(*to_plane(self._canvas.viewer, self._native, event.position()))
        if at is None or self._canvas.view is None:
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        click = Click(at, 0 if self._canvas.flat else self._canvas.view.depth, shift)
        if tool == "polygon":
            session.editing.polygon.add(click)
            if twice:
                session.editing.finish_polygon()
        elif not twice:
            session.viewing.clicked.emit(click)

    def _on_move(self, event: QMouseEvent) -> bool:
        if self._dragged is None:
            self._point(event.position())
            return self._acting
        button, last = self._dragged
        by = event.position() - last
        self._dragged = (button, event.position())
        if button == Qt.MouseButton.RightButton:
            self._canvas.session.viewing.drag_window(by.x(), by.y())
        else:
            pan(self._canvas.viewer, self._native, by)
        return True

    def _on_release(self, event: QMouseEvent) -> bool:
        if self._dragged is not None and event.button() == self._dragged[0]:
            self._dragged = None
            return True
        if self._acting:
            self._acting = False
            return True
        pressed, self._pressed = self._pressed, None
        session = self._canvas.session
        if pressed is None or session.tool != "browse" or event.button() != Qt.MouseButton.LeftButton:
            return False
        if (event.position() - pressed).manhattanLength() < CLICK:
            voxel = self._canvas.voxel_at(*to_plane(self._canvas.viewer, self._native, event.position()))
            if voxel is not None:
                session.go_to(voxel)
        return False

    def _on_wheel(self, event: QWheelEvent) -> bool:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or self._canvas.flat:
            steps = event.angleDelta().y() / NOTCH
            zoom_at(self._canvas.viewer, self._native, event.position(), ZOOM_STEP**steps)
        else:
            self._turned += event.angleDelta().y()
            self._under = event.position()
            self._soon.start()
        return True

    def _scroll(self) -> None:
        notches = int(self._turned / NOTCH)
        self._turned -= notches * NOTCH
        self._canvas.scroll(notches)
        self._point(self._under)

    def _point(self, at: QPointF) -> None:
        voxel = self._canvas.voxel_at(*to_plane(self._canvas.viewer, self._native, at))
        self._canvas.session.viewing.pointed.emit(voxel)
