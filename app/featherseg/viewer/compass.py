"""Over the surfaces: which way the patient's left, posterior and superior point."""

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from featherseg.ui.connections import Connections

LETTERS = (("P", "A"), ("S", "I"), ("L", "R"))
"""At the positive and the negative end of the axes of the surfaces' vertices."""
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
    """A clear sheet in the corner of a canvas widget that lets every event through."""

    def __init__(self, viewer: ViewerModel, native: QWidget) -> None:
        super().__init__(native)
        self._viewer, self._native = viewer, native
        self.wanted = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        native.installEventFilter(self)
        self.connections = Connections()
        for signal in (viewer.scene.camera.events.angles, viewer.scene.camera.events.orientation):
            self.connections.add(signal, self._on_turned)
        self._place()

    def show_letters(self, wanted: bool) -> None:
        """Directions in the patient mean nothing in some images."""
        self.wanted = wanted
        self.update()

    def pointers(self) -> list[Pointer]:
        """What is drawn, the furthest first."""
        camera = self._viewer.scene.camera
        view, up = np.array(camera.view_direction), np.array(camera.up_direction)
        right = np.cross(view, up)
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

    def _on_turned(self, _: object = None) -> None:
        self.update()

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
