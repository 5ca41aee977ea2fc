"""Cases, image, panel side by side: the image keeps most of the window, the columns fold away."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QScrollArea, QSplitter, QWidget

IMAGE_SHARE = 0.71
"""Part of the width that the image gets beside both columns, as long as they fit into the rest."""


class Columns(QSplitter):
    """A splitter whose side columns remember their width as a share of the whole."""

    def __init__(self, left: QWidget, middle: QWidget, right: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.left, self.middle, self.right = left, middle, right
        for widget in (left, middle, right):
            self.addWidget(widget)
            self.setCollapsible(self.indexOf(widget), False)
        self.setStretchFactor(1, 1)
        self.setHandleWidth(max(3, self.fontMetrics().height() // 4))
        self._shares: tuple[float, float] | None = None
        self.splitterMoved.connect(self._on_moved)

    def shares(self) -> tuple[float, float] | None:
        """Parts of the width that somebody gave to the left and the right column; None where nobody did."""
        return self._shares

    def set_shares(self, shares: tuple[float, float] | None) -> None:
        """Give the columns these parts of the width."""
        self._shares = shares
        self.arrange()

    def fold(self, column: QWidget, *, away: bool) -> None:
        """Take a column off the screen or bring it back."""
        column.setVisible(not away)
        self.arrange()

    def arrange(self) -> None:
        """Divide the width."""
        width = self.width()
        if self._shares is not None:
            left, right = (round(width * share) for share in self._shares)
        else:
            right = needed_width(self.right) if self.right.isVisibleTo(self) else 0
            whole = max(width, self.window().width())  # a dock beside it must not squeeze the list
            room = round(whole * (1 - IMAGE_SHARE)) - 2 * self.handleWidth() - right
            left = min(room, self.fontMetrics().averageCharWidth() * 40)
        left = max(left, self.left.minimumWidth())
        self.setSizes([left, max(1, width - left - right), right])

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The shares stay."""
        super().resizeEvent(event)
        self.arrange()

    def _on_moved(self, *_: object) -> None:
        sizes, width = self.sizes(), max(1, self.width())
        before = self._shares or (sizes[0] / width, sizes[2] / width)
        shown = (self.left.isVisibleTo(self), self.right.isVisibleTo(self))
        self._shares = (
            sizes[0] / width if shown[0] else before[0],
            sizes[2] / width if shown[1] else before[1],
        )


def needed_width(column: QWidget) -> int:
    """What a column needs so that nothing in it is cut off; of one that scrolls, what is inside it."""
    inner = column.widget() if isinstance(column, QScrollArea) else None
    bar = column.verticalScrollBar() if isinstance(column, QScrollArea) else None
    room = bar.sizeHint().width() if bar is not None and bar.isVisible() else 0
    return max(column.minimumWidth(), (inner.minimumSizeHint().width() + room) if inner else 0)
