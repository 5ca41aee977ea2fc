"""Small drawn signs for buttons: an eye, a lock; in the palette's colour and at the font's size."""

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from qtpy.QtWidgets import QStyle, QStyleOptionToolButton, QStylePainter, QToolButton, QWidget


class SignButton(QToolButton):
    """A toggle that draws its sign itself, so that no font and no theme can lose it.

    Checked means "yes": visible, locked. ``titles`` are what a click does: when off, when on.
    """

    def __init__(self, titles: tuple[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles = titles
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.toggled.connect(self._name)
        self._name(False)

    def sizeHint(self) -> QSize:
        """As high as a line and a half of text."""
        side = round(self.fontMetrics().height() * 1.5)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The style's button, then the sign."""
        painter = QStylePainter(self)
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.state &= ~QStyle.StateFlag.State_On  # the sign says it; no pressed ground as well
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        side = self.fontMetrics().height() * 0.95
        area = QRectF(0, 0, side, side)
        area.moveCenter(QRectF(self.rect()).center())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.palette().color(QPalette.ColorRole.ButtonText)
        if not self.isChecked():
            colour = self.palette().color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(colour, max(1.2, side / 11)))
        self.draw(painter, area)

    def draw(self, painter: QPainter, area: QRectF) -> None:
        """Draw the sign into a square."""

    def _name(self, on: bool) -> None:
        self.setToolTip(self._titles[int(on)])
        self.setAccessibleName(self._titles[int(on)])


class EyeButton(SignButton):
    """Open: shown. Struck through: hidden."""

    def draw(self, painter: QPainter, area: QRectF) -> None:
        """An almond with a pupil."""
        path, middle = QPainterPath(), area.center().y()
        path.moveTo(area.left(), middle)
        path.quadTo(
            QPointF(area.center().x(), area.top() + area.height() * 0.02), QPointF(area.right(), middle)
        )
        path.quadTo(
            QPointF(area.center().x(), area.bottom() - area.height() * 0.02), QPointF(area.left(), middle)
        )
        painter.drawPath(path)
        if self.isChecked():
            painter.setBrush(painter.pen().color())
            painter.drawEllipse(area.center(), area.width() * 0.13, area.width() * 0.13)
        else:
            painter.drawLine(area.bottomLeft(), area.topRight())


class LockButton(SignButton):
    """Closed: nothing changes the label. Open: everything may."""

    def draw(self, painter: QPainter, area: QRectF) -> None:
        """A body and a shackle, which stands open where it is not locked."""
        w, h = area.width(), area.height()
        body = QRectF(area.left() + 0.18 * w, area.top() + 0.48 * h, 0.64 * w, 0.46 * h)
        left, right = body.left() + 0.12 * w, body.right() - 0.12 * w
        lift = 0.0 if self.isChecked() else 0.14 * h
        bow = QPainterPath()
        bow.moveTo(left, body.top())
        bow.lineTo(left, area.top() + 0.28 * h - lift / 2)
        bow.arcTo(QRectF(left, area.top() + 0.08 * h - lift / 2, right - left, 0.4 * h), 180, -180)
        bow.lineTo(right, body.top() if self.isChecked() else area.top() + 0.3 * h)
        painter.drawPath(bow)
        if self.isChecked():
            painter.setBrush(painter.pen().color())
        painter.drawRoundedRect(body, 0.08 * w, 0.08 * w)
