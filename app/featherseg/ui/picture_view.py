"""One held-out image with the answer of a model over it: the mask in colour, a person's outline in white."""

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from featherseg_engines.teaching.order import Picture

OKABE_ITO = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
FILL = 0.4
LEAST = 256
"""Pixels that a picture is brought to before outlines are drawn, so that they are thin."""

Pixels = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]


class PictureView(QWidget):
    """Keeps the picture's proportions in whatever room there is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_picture(self, picture: Picture | None, colours: tuple[str, ...] = ()) -> None:
        """Show this one from now on; None empties it."""
        self._image = None
        if picture is not None:
            drawn = drawn_over(picture, colours)
            height, width, _ = drawn.shape
            self._image = QImage(
                drawn.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
            ).copy()
            self.setToolTip(f"{picture.name}: colour is the model's answer, the white line is your mask")
            self.setAccessibleName(f"Test case {picture.name}")
        self.update()

    def sizeHint(self) -> QSize:
        """Some lines of text high."""
        return QSize(self.fontMetrics().height() * 7, self.fontMetrics().height() * 6)

    def minimumSizeHint(self) -> QSize:
        """Small, but a picture still."""
        return QSize(self.fontMetrics().height() * 4, self.fontMetrics().height() * 5)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The picture in the middle."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        area = QRectF(0, 0, size.width(), size.height())
        area.moveCenter(QRectF(self.rect()).center())
        painter.drawImage(area, self._image)


def drawn_over(picture: Picture, colours: tuple[str, ...] = ()) -> Pixels:
    """Pixels (y, x, 3) with the answer's fill and outline in the classes' colours, the truth's outline in white."""
    step = max(1, LEAST // max(1, min(picture.answer.shape)))
    pixels, answer, truth = (
        np.repeat(np.repeat(part, step, 0), step, 1)
        for part in (picture.pixels, picture.answer, picture.truth)
    )
    shades = pixels.astype(np.float32)
    palette = colours or OKABE_ITO
    for value in np.unique(answer[answer > 0]):
        colour = _rgb(palette[(int(value) - 1) % len(palette)])
        inside = answer == value
        shades[inside] = (1 - FILL) * shades[inside] + FILL * colour
        shades[outline(inside, 2)] = colour
    known = np.where(truth == 255, 0, truth)
    for value in np.unique(known[known > 0]):
        shades[outline(known == value, 1)] = 255
    return shades.astype(np.uint8)


def outline(mask: Bits, width: int) -> Bits:
    """The rim of a mask, ``width`` pixels inside of it."""
    inner = mask.copy()
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _rgb(colour: str) -> npt.NDArray[np.float32]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
