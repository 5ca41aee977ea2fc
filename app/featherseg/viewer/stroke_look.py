"""How marks on the proposal look: lines, signs and colours that tell here from not here, also without colour."""

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import (
    QBitmap,
    QColor,
    QFont,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QRegion,
    QTransform,
)

from featherseg_engines.labels import OKABE_ITO
from featherseg_engines.refine.record import Mark

NOT_HERE = ("#d55e00", "#0072b2")
"""Vermillion, and blue for labels that are red or orange themselves."""
HALO = QColor(0, 0, 0, 150)
LINE = 2.0
CHAMFER = 0.5
"""Voxels that are cut off a corner of an outline, so that stairs look like the slope they stand for."""
SIGN = 8.0
"""Radius of the disc that holds a sign, in points."""
PLUS, MINUS, AWAY = "+", "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def colour_against(label: str) -> QColor:
    """The colour of what is not the label: of two the one farther from the label's own."""

    def far(colour: str) -> float:
        a, b = QColor(colour), QColor(label)
        return abs(a.red() - b.red()) + abs(a.green() - b.green()) + abs(a.blue() - b.blue())

    assert all(colour in OKABE_ITO for colour in NOT_HERE)
    return QColor(max(NOT_HERE, key=far))


def sign_of(mark: Mark) -> str:
    """What stands on a mark."""
    if mark.kind == "stroke":
        return PLUS if mark.positive else MINUS
    return AWAY if mark.kind == "without" else ""


def outline(mark: Mark, *, transposed: bool) -> tuple[QPainterPath, QPointF]:
    """The border of a mark and a point on it near its middle, in voxels (across, down) from the first corner."""
    path = QPainterPath()
    if mark.mask is None or mark.box is None:
        return path, QPointF()
    mask, (y0, x0) = mark.mask[0], mark.box.start[1:]
    if transposed:
        mask, y0, x0 = mask.T, x0, y0
    height, width = mask.shape
    rows = np.zeros((height, -(-width // 32) * 32), np.bool_)
    rows[:, :width] = mask
    bits = np.ascontiguousarray(np.packbits(rows, axis=1))
    image = QImage(bits.data, width, height, bits.shape[1], QImage.Format.Format_Mono)
    image.setColorTable([0xFFFFFFFF, 0xFF000000])
    path.addRegion(QRegion(QBitmap.fromImage(image)))
    y, x = np.nonzero(mask)
    middle = int(np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2))
    centre = QPointF(x0 + float(x[middle]) + 0.5, y0 + float(y[middle]) + 0.5)
    return _chamfered(path.simplified()).translated(x0, y0), centre


def _chamfered(path: QPainterPath) -> QPainterPath:
    """The same outline with its corners cut."""
    smooth = QPainterPath()
    for polygon in path.toSubpathPolygons():
        corners = [polygon.at(i) for i in range(polygon.count() - 1)]
        points = []
        for i, corner in enumerate(corners):
            for other in (corners[i - 1], corners[(i + 1) % len(corners)]):
                way = other - corner
                length = abs(way.x()) + abs(way.y()) or 1.0
                points.append(corner + way * (min(CHAMFER, length / 2) / length))
        smooth.addPolygon(QPolygonF(points))
        smooth.closeSubpath()
    return smooth


def draw_line(painter: QPainter, path: QPainterPath, colour: QColor, *, dashed: bool = False) -> None:
    """A thin line over a dark one, so that it is seen on any tissue."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(_pen(HALO, LINE + 1.6))
    painter.drawPath(path)
    pen = _pen(colour, LINE)
    if dashed:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([4.0, 3.0])
    painter.setPen(pen)
    painter.drawPath(path)


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def draw_sign(painter: QPainter, at: QPointF, sign: str, colour: QColor) -> None:
    """A sign on a small disc of its colour."""
    place = QRectF(at.x() - SIGN, at.y() - SIGN, 2 * SIGN, 2 * SIGN)
    painter.setPen(QPen(HALO, 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(place)
    font = QFont(painter.font())
    font.setPixelSize(round(2 * SIGN - 2))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(Qt.GlobalColor.black if colour.lightnessF() > 0.4 else Qt.GlobalColor.white)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, sign)


def draw_band(painter: QPainter, points: list[QPointF], width: float, colour: QColor) -> None:
    """A stroke while it is drawn: as wide as it will count, and what lies under it still seen."""
    path = QPainterPath(points[0])
    for point in points[1:] or [points[0] + QPointF(0.01, 0)]:
        path.lineTo(point)
    see_through = QColor(colour)
    see_through.setAlpha(120)
    pen = QPen(see_through, max(width, 2.0))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)


def placing(origin: QPointF, across: QPointF, down: QPointF) -> QTransform:
    """From voxels to the widget: where voxel corner (0, 0) lies, and one voxel along both axes."""
    return QTransform(across.x(), across.y(), down.x(), down.y(), origin.x(), origin.y())
