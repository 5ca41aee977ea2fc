"""Over the surfaces: which way the patient's left, posterior and superior point."""

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from featherseg.viewer.surface_view import Vector

LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
"""At the positive and the negative end of each axis of the patient."""
NEAR, FAR = QColor("#f0e442"), QColor(240, 228, 66, 130)
LINE = QColor(235, 238, 241, 120)
SHORTEST = 0.35
"""Of a letter's line as it is seen; shorter ones point at the viewer or away."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A letter, where it points on the screen (right and down, 1 = the full length), and whether away from us."""

    letter: str
    right: float
    down: float
    away: bool


class Compass(QWidget):
    """A clear sheet in the corner of a canvas widget that lets every event through.

    Parameters
    ----------
    axes
        Where we look, what is up and what is right, as unit vectors in L, P, S.
    """

    def __init__(self, axes: Callable[[], tuple[Vector, Vector, Vector]], native: QWidget) -> None:
        super().__init__(native)
        self._axes, self._native = axes, native
        self.wanted = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        native.installEventFilter(self)
        self._place()

    def show_letters(self, wanted: bool) -> None:
        """Directions in the patient mean nothing in some images."""
        self.wanted = wanted
        self.update()

    def pointers(self) -> list[Pointer]:
        """What is drawn, the furthest first."""
        view, up, right = self._axes()
        found = []
        for axis, letters in enumerate(LETTERS):
            for sign, letter in zip((1, -1), letters, strict=True):
                x, y, deep = sign * right[axis], -sign * up[axis], sign * view[axis]
                if x * x + y * y >= SHORTEST**2:
                    found.append((deep, Pointer(letter, float(x), float(y), bool(deep > 0.05))))
        return [pointer for _, pointer in sorted(found, key=lambda each: -each[0])]

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay in the corner."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        side = self.fontMetrics().height() * 6
        self.setGeometry(0, self._native.height() - side, side, side)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Lines from the middle, letters at their ends."""
        if not self.wanted:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = painter.fontMetrics().height()
        middle, length = QPointF(self.width() / 2, self.height() / 2), high * 1.6
        for pointer in self.pointers():
            toward = QPointF(pointer.right, pointer.down)
            painter.setPen(QPen(LINE, 1))
            painter.drawLine(middle, middle + toward * length)
            at = middle + toward * (length + high * 0.6)
            painter.setPen(FAR if pointer.away else NEAR)
            box = QRectF(at.x() - high, at.y() - high / 2, 2 * high, high)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, pointer.letter)
        painter.end()
