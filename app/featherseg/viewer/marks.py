"""Drawn over a plane: the orientation letters at its edges, the cross, and a polygon on its way."""

from qtpy.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF, QRegion
from qtpy.QtWidgets import QWidget

from featherseg.session.viewing import Index
from featherseg.ui.connections import Connections
from featherseg.viewer.canvas import Canvas
from featherseg.viewer.screen import to_screen
from featherseg_engines.orientation import oriented

LETTER, HALO = QColor("#f0e442"), QColor(0, 0, 0, 190)
CROSS = QColor(235, 238, 241, 120)
"""No colour of a label, so that it is never taken for one."""
CORNER = 3
"""Points of the radius of a polygon's corner."""
GAP = 10
"""Points around the voxel that the cross leaves free, so that it hides nothing."""


class Marks(QWidget):
    """A clear sheet over the canvas widget that lets every event through."""

    def __init__(self, canvas: Canvas, native: QWidget) -> None:
        super().__init__(native)
        self._canvas, self._native = canvas, native
        self._under: Index | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        native.installEventFilter(self)
        self.resize(native.size())
        camera, viewing = canvas.viewer.scene.camera, canvas.session.viewing
        self.connections = Connections()
        for signal in (camera.events.center, camera.events.zoom, camera.events.orientation):
            self.connections.add(signal, self._on_changed)
        for signal in (viewing.moved, viewing.layout_changed, canvas.session.opened):
            self.connections.add(signal, self._on_changed)
        self.connections.add(canvas.session.editing.polygon.changed, self._on_changed)
        self.connections.add(viewing.pointed, self._on_pointed)

    def letters(self) -> tuple[str, str, str, str]:
        """What stands at the left, right, top and bottom edge; "" each where directions mean nothing."""
        case, view = self._canvas.case, self._canvas.view
        if case is None or view is None:
            return "", "", "", ""
        if not oriented(case.volume.modality, calibrated=case.volume.geometry.calibrated):
            return "", "", "", ""
        return view.left, view.right, view.top, view.bottom

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of the canvas."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.resize(self._native.size())
            self.renew()
        return False

    def _on_changed(self, *_: object) -> None:
        self.renew()

    def renew(self) -> None:
        """Lie over no more of the canvas than is drawn on: what lies over it is drawn with every stroke."""
        region = QRegion()
        if any(self.letters()):
            for place in self._places():
                region += place.adjusted(-1, -1, 1, 1).toAlignedRect()
        if self._canvas.case is not None and self._canvas.session.viewing.planes:
            middle = self._middle().toPoint()
            region += QRect(0, middle.y() - 1, self.width(), 3)
            region += QRect(middle.x() - 1, 0, 3, self.height())
        self.setVisible(not region.isEmpty())
        if not region.isEmpty():  # an empty mask would be none
            self.setMask(region)
        self.update()

    def _middle(self) -> QPointF:
        """Where the cross stands on the widget."""
        case, view = self._canvas.case, self._canvas.view
        assert case is not None and view is not None
        at, spacing = self._canvas.session.viewing.position, case.volume.geometry.spacing_mm
        down, across = (at[axis] * spacing[axis] for axis in (view.vertical, view.horizontal))
        return to_screen(self._canvas.viewer, self._native, down, across)

    def _places(self) -> list[QRectF]:
        """Where the letters stand: left, right, top, bottom."""
        side, w, h = QFontMetricsF(self._font()).height() * 1.3, self.width(), self.height()
        corners = (
            (0.0, (h - side) / 2),
            (w - side, (h - side) / 2),
            ((w - side) / 2, 0.0),
            ((w - side) / 2, h - side),
        )
        return [QRectF(x, y, side, side) for x, y in corners]

    def _font(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.3)
        return font

    def _on_pointed(self, voxel: Index | None) -> None:
        self._under = voxel
        if self._canvas.session.editing.polygon.corners:
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Letters always, the cross where there are several planes to link."""
        if self._canvas.case is None:
            return
        painter = QPainter(self)
        if self._canvas.session.viewing.planes:
            self._draw_cross(painter)
        self._draw_polygon(painter)
        self._draw_letters(painter)
        painter.end()

    def _draw_polygon(self, painter: QPainter) -> None:
        """Its corners and sides on the slice it lies in, with the mouse as the next corner."""
        polygon, session, view = self._canvas.session.editing.polygon, self._canvas.session, self._canvas.view
        axis = 0 if self._canvas.flat or view is None else view.depth
        if view is None or polygon.axis != axis or polygon.index != session.viewing.position[axis]:
            return
        corners = [self._on_screen(corner) for corner in polygon.corners]
        next_one = [] if self._under is None else [self._on_screen(self._under)]
        row = session.table.rows.get(session.active_label)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen in (QPen(HALO, 4), QPen(QColor(row.colour if row else LETTER), 2)):
            painter.setPen(pen)
            painter.drawPolygon(QPolygonF([*corners, *next_one]))
            for corner in corners:
                painter.drawEllipse(corner, CORNER, CORNER)

    def _on_screen(self, voxel: Index) -> QPointF:
        case, view = self._canvas.case, self._canvas.view
        assert case is not None and view is not None
        spacing = case.volume.geometry.spacing_mm
        down, across = (voxel[axis] * spacing[axis] for axis in (view.vertical, view.horizontal))
        return to_screen(self._canvas.viewer, self._native, down, across)

    def _draw_cross(self, painter: QPainter) -> None:
        middle = self._middle()
        painter.setPen(QPen(CROSS, 1))
        x, y = middle.x(), middle.y()
        painter.drawLine(QPointF(0, y), QPointF(x - GAP, y))
        painter.drawLine(QPointF(x + GAP, y), QPointF(self.width(), y))
        painter.drawLine(QPointF(x, 0), QPointF(x, y - GAP))
        painter.drawLine(QPointF(x, y + GAP), QPointF(x, self.height()))

    def _draw_letters(self, painter: QPainter) -> None:
        painter.setFont(self._font())
        for letter, place in zip(self.letters(), self._places(), strict=True):
            for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                painter.setPen(HALO)
                painter.drawText(place.translated(dx, dy), Qt.AlignmentFlag.AlignCenter, letter)
            painter.setPen(LETTER)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, letter)
