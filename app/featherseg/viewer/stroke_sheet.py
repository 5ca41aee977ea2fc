"""Marks on the proposal of a plane: drawn over its canvas, made with the mouse while such a tool is in hand."""

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QTransform,
)
from qtpy.QtWidgets import QWidget

from featherseg.session.notice import Notice
from featherseg.session.tool import MARKING
from featherseg.ui.connections import Connections
from featherseg.viewer.canvas import Canvas, view_of
from featherseg.viewer.screen import to_plane, to_screen
from featherseg.viewer.stroke_look import (
    MINUS,
    PLUS,
    colour_against,
    draw_band,
    draw_line,
    draw_sign,
    outline,
    placing,
    sign_of,
)
from featherseg_engines.refine.drawing import lasso, rectangle, stroke_along
from featherseg_engines.refine.record import Mark

WHITE = QColor("#ffffff")
SHORTEST = 4.0
"""Points of the screen; a lasso or box that is smaller is a slip of the hand."""
Place = tuple[float, float]
"""(y, x) in voxels of the slice."""


class StrokeSheet(QWidget):
    """A clear sheet over the canvas widget; itself it takes no events, it watches those of the canvas."""

    def __init__(self, canvas: Canvas, native: QWidget) -> None:
        super().__init__(native)
        self._canvas, self._native, self._session = canvas, native, canvas.session
        self._path: list[Place] = []
        self._positive = True
        self._under: QPointF | None = None
        self._shift = False
        self._hidden = False
        self._picture: tuple[object, QPixmap] | None = None
        self._outlines: dict[int, tuple[Mark, QPainterPath, QPointF]] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        native.installEventFilter(self)  # the newest filter is asked first: napari sees nothing of a stroke
        self.resize(native.size())
        session, camera = self._session, canvas.viewer.scene.camera
        self.connections = Connections()
        for signal in (camera.events.center, camera.events.zoom, camera.events.orientation):
            self.connections.add(signal, self._on_changed)
        for signal in (session.viewing.layout_changed, session.smart.changed, session.labels_changed):
            self.connections.add(signal, self._on_changed)
        for signal in (session.brush_changed, session.label_changed):
            self.connections.add(signal, self._on_changed)
        self.connections.add(session.viewing.moved, self._on_moved)
        self.connections.add(session.tool_changed, self._on_tool)
        self.connections.add(session.masks_hidden, self._on_hidden)
        self.hide()

    # -- the mouse --------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the canvas, and the left button while a marking tool is in hand."""
        if event is None:
            return False
        if event.type() == QEvent.Type.Resize:
            self.resize(self._native.size())
        if self._session.tool not in MARKING:
            return False
        if event.type() == QEvent.Type.Leave:
            self._under = None
            self.renew()
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Shift:
            self._shift = event.type() == QEvent.Type.KeyPress
            self.renew()
        if not isinstance(event, QMouseEvent):
            return False
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.type() == QEvent.Type.MouseMove:
            return self._on_move(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._on_press(event.position())
        return event.type() == QEvent.Type.MouseButtonRelease and self._on_release()

    def _on_press(self, at: QPointF) -> bool:
        session, case = self._session, self._canvas.case
        if case is None or case is not session.case:
            return True
        objection = self._elsewhere() or session.smart.objection()
        if objection is not None:
            session.tell(objection)
            return True
        place = self._place(at)
        if place is not None:
            self._positive = self._adds()
            self._path = [place]
            self.renew()
        return True

    def _on_move(self, at: QPointF) -> bool:
        self._under = at
        if self._path:
            place = self._place(at)
            if place is not None and place != self._path[-1]:
                self._path.append(place)
        self.renew()
        return bool(self._path)

    def _on_release(self) -> bool:
        path, self._path = self._path, []
        session, case = self._session, self._canvas.case
        if path and case is not None and case is session.case:
            shape = case.volume.geometry.shape[1:]
            if session.tool in ("smart", "smart_not"):
                size = session.brush_size
                stroke = stroke_along(path, size, session.z, shape, positive=self._positive)
                if stroke is not None:
                    session.smart.stroke(stroke)
            elif self._wide_enough(path):
                box = session.tool == "box"
                region = (
                    rectangle(path[0], path[-1], session.z, shape) if box else lasso(path, session.z, shape)
                )
                if region is not None:
                    session.smart.keep_within(region)
        self.renew()
        return True

    def _elsewhere(self) -> Notice | None:
        """Why there is nothing to mark in this plane; None in the plane the model answers for."""
        case, view = self._canvas.case, self._canvas.view
        if case is None or view is None or view.depth == 0:
            return None
        plane = view_of(case.volume, 0).plane
        return Notice(f"The model proposes {plane} slices: mark the proposal in the {plane} plane.")

    def _adds(self) -> bool:
        return (self._session.tool == "smart") != self._shift

    def _wide_enough(self, path: list[Place]) -> bool:
        points = [self._on_screen(place) for place in path]
        return max((p - points[0]).manhattanLength() for p in points) >= SHORTEST

    # -- what changes -----------------------------------------------------------------------------------

    def _on_changed(self, *_: object) -> None:
        self.renew()

    def _on_moved(self, _: object) -> None:
        if self._canvas.view is not None and self._canvas.view.depth == 0:
            self._path = []  # the slice it was drawn on is gone
        self.renew()

    def _on_tool(self, tool: str) -> None:
        self._path = []
        if tool in MARKING:
            self._native.setCursor(Qt.CursorShape.CrossCursor)
        elif tool != "ruler":
            self._native.unsetCursor()
        self.renew()

    def _on_hidden(self, hidden: bool) -> None:
        self._hidden = hidden
        self.renew()

    def renew(self) -> None:
        """Draw anew; without anything to draw the sheet goes, as what lies over the canvas slows each stroke."""
        aiming = self._session.tool in ("smart", "smart_not") and self._under is not None
        self.setVisible(not self._hidden and (bool(self._path) or aiming or bool(self.shown())))
        self.update()

    def shown(self) -> tuple[Mark, ...]:
        """The marks of the slice on screen; none in the other planes."""
        canvas, session = self._canvas, self._session
        if canvas.case is None or canvas.case is not session.case or canvas.view is None:
            return ()
        return session.smart.marks() if canvas.view.depth == 0 else ()

    # -- drawing ----------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Marks, then what is being drawn, then where the brush is."""
        if self._canvas.case is None or self._canvas.view is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        here, away = self._colours()
        if self.shown():
            painter.drawPixmap(0, 0, self._finished(here, away))
        self._draw_new(painter, here if self._positive else away)
        self._draw_brush(painter, here if self._adds() else away)
        painter.end()

    def _finished(self, here: QColor, away: QColor) -> QPixmap:
        """The marks of the slice as a picture, drawn anew only where something is other than before."""
        marks, to_widget, ratio = self.shown(), self._transform(), self.devicePixelRatioF()
        key = (marks, to_widget, self.size(), ratio, here.rgb())
        if self._picture is None or self._picture[0] != key:
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_marks(painter, marks, to_widget, (here, away))
            painter.end()
            self._picture = key, picture
        return self._picture[1]

    def _draw_marks(
        self,
        painter: QPainter,
        marks: tuple[Mark, ...],
        to_widget: QTransform,
        colours: tuple[QColor, QColor],
    ) -> None:
        self._outlines = {key: kept for key, kept in self._outlines.items() if kept[0] in marks}
        region = next((mark for mark in reversed(marks) if mark.kind == "region"), None)
        for mark in marks:
            if mark.mask is None or (mark.kind == "region" and mark is not region):
                continue
            path, middle = self._outline(mark)
            colour = WHITE if mark.kind == "region" else colours[not self._says_here(mark)]
            if mark.kind != "without":
                draw_line(painter, to_widget.map(path), colour, dashed=mark.kind == "region")
            if sign_of(mark):
                draw_sign(painter, to_widget.map(middle), sign_of(mark), colour)

    def _draw_new(self, painter: QPainter, colour: QColor) -> None:
        if not self._path:
            return
        points, tool = [self._on_screen(place) for place in self._path], self._session.tool
        if tool in ("smart", "smart_not"):
            draw_band(painter, points, self._session.brush_size * self._voxel(), colour)
            draw_sign(painter, points[0], PLUS if self._positive else MINUS, colour)
            return
        path = QPainterPath(points[0])
        if tool == "box":
            path = QPainterPath()
            path.addRect(QRectF(points[0], points[-1]).normalized())
        else:
            for point in points[1:]:
                path.lineTo(point)
        draw_line(painter, path, WHITE, dashed=True)

    def _draw_brush(self, painter: QPainter, colour: QColor) -> None:
        """How wide a stroke will be, and its sign beside it."""
        if self._under is None or self._session.tool not in ("smart", "smart_not") or self._path:
            return
        radius = max(self._session.brush_size * self._voxel() / 2, 2.0)
        circle = QPainterPath()
        circle.addEllipse(self._under, radius, radius)
        draw_line(painter, circle, colour)
        beside = self._under + QPointF(1, 1) * (radius * 0.71 + 9)
        draw_sign(painter, beside, PLUS if self._adds() else MINUS, colour)

    def _colours(self) -> tuple[QColor, QColor]:
        row = self._session.table.rows.get(self._session.active_label)
        label = row.colour if row is not None else "#ffffff"
        return QColor(label), colour_against(label)

    def _says_here(self, mark: Mark) -> bool:
        return mark.kind == "stroke" and mark.positive

    def _outline(self, mark: Mark) -> tuple[QPainterPath, QPointF]:
        view = self._canvas.view
        if id(mark) not in self._outlines:
            transposed = view is not None and view.vertical > view.horizontal
            self._outlines[id(mark)] = (mark, *outline(mark, transposed=transposed))
        return self._outlines[id(mark)][1:]

    # -- where things are -------------------------------------------------------------------------------

    def _place(self, at: QPointF) -> Place | None:
        """Where a point of the widget is on the slice, in voxels (y, x)."""
        case, view = self._canvas.case, self._canvas.view
        if case is None or view is None:
            return None
        down, across = to_plane(self._canvas.viewer, self._native, at)
        spacing = case.volume.geometry.spacing_mm
        found = {
            view.vertical: down / spacing[view.vertical],
            view.horizontal: across / spacing[view.horizontal],
        }
        return (found[1], found[2]) if {1, 2} == set(found) else None

    def _on_screen(self, place: Place) -> QPointF:
        case, view = self._canvas.case, self._canvas.view
        assert case is not None and view is not None
        spacing = case.volume.geometry.spacing_mm
        down, across = (place[axis - 1] * spacing[axis] for axis in (view.vertical, view.horizontal))
        return to_screen(self._canvas.viewer, self._native, down, across)

    def _voxel(self) -> float:
        """Points of the widget that a voxel is wide."""
        return (self._on_screen((0.0, 1.0)) - self._on_screen((0.0, 0.0))).manhattanLength()

    def _transform(self) -> QTransform:
        """From voxels (across, down), counted from the corner of the first, to the widget."""
        view = self._canvas.view
        across, down = ((0.0, 1.0), (1.0, 0.0))
        if view is not None and view.vertical > view.horizontal:
            across, down = down, across
        first = self._on_screen((0.0, 0.0))
        steps = [self._on_screen(step) - first for step in (across, down)]
        return placing(first - (steps[0] + steps[1]) / 2, steps[0], steps[1])
