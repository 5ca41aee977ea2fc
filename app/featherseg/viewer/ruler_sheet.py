"""The rulers of a plane: drawn over its canvas, laid with the mouse while the ruler is the tool."""

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from featherseg.session.rulers import Point, Ruler, Rulers
from featherseg.ui.connections import Connections
from featherseg.viewer.canvas import Canvas
from featherseg.viewer.screen import to_plane, to_screen

LINE, HALO = QColor("#ffffff"), QColor(0, 0, 0, 200)
"""White on black is seen on any tissue and is no colour of a label."""
TICK = 5.0
"""Half the length of the bars at the ends, in points."""
SHORTEST = 3.0
"""Points of the screen; a press that moves less is a slip of the hand, no ruler."""


class RulerSheet(QWidget):
    """A clear sheet over the canvas widget; itself it takes no events, it watches those of the canvas."""

    def __init__(self, canvas: Canvas, native: QWidget, rulers: Rulers) -> None:
        super().__init__(native)
        self._canvas, self._native, self._rulers = canvas, native, rulers
        self._pressed: tuple[QPointF, Point] | None = None
        self._laying: Ruler | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        native.installEventFilter(self)  # the newest filter is asked first: napari sees nothing of a ruler
        self.resize(native.size())
        session, camera = canvas.session, canvas.viewer.scene.camera
        self.connections = Connections()
        for signal in (camera.events.center, camera.events.zoom, camera.events.orientation):
            self.connections.add(signal, self._on_changed)
        for signal in (session.viewing.moved, session.viewing.layout_changed, rulers.changed):
            self.connections.add(signal, self._on_changed)
        self.connections.add(session.tool_changed, self._on_tool)
        self.hide()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the canvas, and the left button while the ruler is the tool."""
        if event is None:
            return False
        if event.type() == QEvent.Type.Resize:
            self.resize(self._native.size())
        if not isinstance(event, QMouseEvent) or self._canvas.session.tool != "ruler":
            return False
        if event.type() == QEvent.Type.MouseMove:
            return self._on_move(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._on_press(event.position())
        return event.type() == QEvent.Type.MouseButtonRelease and self._on_release(event.position())

    def shown(self) -> list[Ruler]:
        """The rulers of the slice on screen, and the one that is being laid."""
        view, at = self._canvas.view, self._canvas.session.viewing.position
        if view is None or self._canvas.case is not self._canvas.session.case:
            return []
        laying = [self._laying] if self._laying is not None else []
        return self._rulers.in_slice(view.depth, at[view.depth]) + laying

    def _on_press(self, at: QPointF) -> bool:
        place = self._place(at)
        if place is not None:
            self._pressed = (at, place)
        return True

    def _on_move(self, at: QPointF) -> bool:
        view = self._canvas.view
        if self._pressed is None or view is None:
            return False
        place = self._place(at)
        if place is not None:
            self._laying = Ruler(view.depth, self._pressed[1], place)
            self._renew()
        return True

    def _on_release(self, at: QPointF) -> bool:
        pressed, self._pressed, laid = self._pressed, None, self._laying
        self._laying = None
        if pressed is not None and laid is not None and (at - pressed[0]).manhattanLength() >= SHORTEST:
            self._rulers.add(laid)
        self._renew()
        return True

    def _on_changed(self, *_: object) -> None:
        self._renew()

    def _on_tool(self, tool: str) -> None:
        if tool != "ruler":
            self._pressed = self._laying = None
            self._native.unsetCursor()
        else:
            self._native.setCursor(Qt.CursorShape.CrossCursor)
        self._renew()

    def _place(self, at: QPointF) -> Point | None:
        """Where a point of the widget is in the volume, on its edge at most."""
        case, view = self._canvas.case, self._canvas.view
        if case is None or view is None:
            return None
        geometry, place = case.volume.geometry, [float(i) for i in self._canvas.session.viewing.position]
        for axis, mm in zip(
            (view.vertical, view.horizontal),
            to_plane(self._canvas.viewer, self._native, at),
            strict=True,
        ):
            place[axis] = min(max(mm / geometry.spacing_mm[axis], -0.5), geometry.shape[axis] - 0.5)
        if self._pressed is not None:  # a slice that is scrolled meanwhile does not tilt the line
            place[view.depth] = self._pressed[1][view.depth]
        return place[0], place[1], place[2]

    def _renew(self) -> None:
        """Draw anew; without a ruler the sheet goes, as what lies over the canvas slows each stroke."""
        self.setVisible(bool(self.shown()))
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Each line with bars at its ends and its length beside it."""
        rulers, case = self.shown(), self._canvas.case
        if not rulers or case is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for ruler in rulers:
            self._draw(painter, self._on_screen(ruler.start), self._on_screen(ruler.end))
            self._write(painter, ruler, ruler.in_words(case.volume.geometry))
        painter.end()

    def _on_screen(self, point: Point) -> QPointF:
        case, view = self._canvas.case, self._canvas.view
        assert case is not None and view is not None
        down, across = (
            point[axis] * case.volume.geometry.spacing_mm[axis] for axis in (view.vertical, view.horizontal)
        )
        return to_screen(self._canvas.viewer, self._native, down, across)

    def _draw(self, painter: QPainter, start: QPointF, end: QPointF) -> None:
        along = end - start
        length = (along.x() ** 2 + along.y() ** 2) ** 0.5 or 1.0
        bar = QPointF(-along.y(), along.x()) * (TICK / length)
        for colour, width in ((HALO, 4.0), (LINE, 1.5)):
            painter.setPen(QPen(colour, width))
            for a, b in ((start, end), (start - bar, start + bar), (end - bar, end + bar)):
                painter.drawLine(a, b)

    def _write(self, painter: QPainter, ruler: Ruler, text: str) -> None:
        """Beside the end on the right, kept within the canvas."""
        start, end = self._on_screen(ruler.start), self._on_screen(ruler.end)
        right, metrics = (end if end.x() >= start.x() else start), painter.fontMetrics()
        width, height = metrics.horizontalAdvance(text) + 8, metrics.height() + 2
        x = min(max(right.x() + TICK + 3, 0.0), self.width() - width)
        y = min(max(right.y() - height / 2, 0.0), self.height() - height)
        place = QRectF(x, y, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(HALO)
        painter.drawRoundedRect(place, 3, 3)
        painter.setPen(LINE)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
