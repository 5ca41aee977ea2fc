"""The slider of a plane, with a band below it that shows which slices hold labels."""

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSlider, QStyle, QStyleOptionSlider, QWidget

from featherseg.session.annotated import Bits, labels_in

BAND = 0.45
"""Height of the band, in heights of the font."""
THINNEST = 2
"""Points that a mark is wide at least."""
STACKED = 4
"""Labels of one slice that are drawn above each other; there is no room for more."""
PLAIN = "#e6e9ec"
"""For labels that the table has no colour for."""

Mark = tuple[int, int, tuple[str, ...]]
"""From a slice to a slice (inclusive), and the colours of the labels there."""


class SliceSlider(QSlider):
    """A horizontal slider that goes where it is clicked; marks are drawn, they take no clicks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Slice")
        self._marks: list[Mark] = []

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Draw these from now on."""
        if list(marks) != self._marks:
            self._marks = list(marks)
            self.update()

    @property
    def marks(self) -> list[Mark]:
        """What is drawn."""
        return list(self._marks)

    def band(self) -> QRect:
        """Where the marks are drawn."""
        height = self._band_height()
        return QRect(0, self.height() - height, self.width(), height)

    def place_of(self, index: int) -> int:
        """Where the middle of the handle is when it stands on a slice, in points from the left."""
        left, span = self._track()
        low, high = self.minimum(), self.maximum()
        return left + QStyle.sliderPositionFromValue(low, high, index, span, self.invertedAppearance())

    def sizeHint(self) -> QSize:
        """Room for the band below the groove, and as much above so that the groove stays in the middle."""
        return super().sizeHint() + QSize(0, 2 * self._band_height())

    def minimumSizeHint(self) -> QSize:
        """As high as it would like to be."""
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the handle, or bring it to where the click is and take it there."""
        if event is None:
            return
        at = event.position().toPoint()
        if event.button() == Qt.MouseButton.LeftButton and not self._handle().contains(at):
            left, span = self._track()
            low, high = self.minimum(), self.maximum()
            inverted = self.invertedAppearance()
            self.setValue(QStyle.sliderValueFromPosition(low, high, at.x() - left, span, inverted))
            middle = self._handle().center()
            event = QMouseEvent(
                QEvent.Type.MouseButtonPress,
                QPointF(middle),
                QPointF(self.mapToGlobal(middle)),
                event.button(),
                event.buttons(),
                event.modifiers(),
            )
        super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The slider, then the band."""
        super().paintEvent(event)
        if not self._marks:
            return
        painter, band = QPainter(self), self.band()
        for first, last, colours in self._marks:
            left, right = self._edge(first), self._edge(last + 1)
            if right - left < THINNEST:
                left = self.place_of(first) - THINNEST / 2
                right = left + THINNEST
            high = band.height() / len(colours)
            for i, colour in enumerate(colours):
                painter.fillRect(QRectF(left, band.top() + i * high, right - left, high), QColor(colour))
        painter.end()

    def _edge(self, index: int) -> float:
        left, span = self._track()
        return left + span * (index - 0.5) / max(1, self.maximum())

    def _band_height(self) -> int:
        return max(4, round(self.fontMetrics().height() * BAND))

    def _option(self) -> QStyleOptionSlider:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        return option

    def _handle(self) -> QRect:
        return self._part(QStyle.SubControl.SC_SliderHandle)

    def _track(self) -> tuple[int, int]:
        """Where the middle of the handle can be: the leftmost, and how far to the right of it."""
        groove, handle = self._part(QStyle.SubControl.SC_SliderGroove), self._handle().width()
        return groove.left() + handle // 2, groove.width() - handle

    def _part(self, which: QStyle.SubControl) -> QRect:
        style = self.style()
        assert style is not None
        return style.subControlRect(QStyle.ComplexControl.CC_Slider, self._option(), which, self)


def marks_of(slices: Bits, colours: Mapping[int, str]) -> list[Mark]:
    """One mark for each run of slices that hold the same labels; label numbers without a colour are plain."""
    marks: list[Mark] = []
    before = 0
    for index, bits in enumerate(int(b) for b in slices):
        if bits and bits == before:
            first, _, shown = marks[-1]
            marks[-1] = (first, index, shown)
        elif bits:
            values = labels_in(bits)[:STACKED]
            marks.append((index, index, tuple(colours.get(v, PLAIN) for v in values)))
        before = bits
    return marks
