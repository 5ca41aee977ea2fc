"""A frame that floats over the window's middle until Esc is pressed or something else is clicked."""

from qtpy.QtCore import QEvent, QObject, QPoint, QSize
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QApplication, QFrame, QWidget


class Floating(QFrame):
    """Lies over its window as a child of it, so that no window manager places it or takes its keys.

    ``back`` gets the keyboard when the frame closes.
    """

    def __init__(self, window: QWidget, back: QWidget) -> None:
        super().__init__(window)
        self._back = back
        self.setObjectName("floating")
        self.setAutoFillBackground(True)
        self.hide()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)
        window.installEventFilter(self)

    def room(self) -> QSize:
        """What the window leaves it at most."""
        window = self.parentWidget()
        return window.size() * 0.92 if window is not None else QSize()

    def place(self) -> None:
        """Lie in the upper middle of the window, as large as its content, inside the window."""
        window = self.parentWidget()
        if window is None:
            return
        size = self.sizeHint().boundedTo(self.room())
        top = min(window.height() // 8, (window.height() - size.height()) // 2)
        self.resize(size)
        self.move(QPoint((window.width() - size.width()) // 2, max(0, top)))

    def open_over(self, focus: QWidget) -> None:
        """Show it, with the keyboard on ``focus``."""
        self.place()
        self.show()
        self.raise_()
        focus.setFocus()
        app = QApplication.instance()
        if app is not None:  # only while it is open: a filter of the whole program costs at every event
            app.installEventFilter(self)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Listen to the program's clicks no longer."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def leave(self) -> None:
        """Close and give the keyboard back."""
        if self.isVisible():
            self.hide()
            self._back.setFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the window's size; a press anywhere else closes it."""
        if event is None or not self.isVisible():
            return False
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self.place()
        elsewhere = isinstance(watched, QWidget) and watched is not self and not self.isAncestorOf(watched)
        if event.type() == QEvent.Type.MouseButtonPress and elsewhere:
            self.leave()
        return False

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        if self.isVisible() and now is not None and now is not self and not self.isAncestorOf(now):
            self.hide()


def keeps_its_keys(event: QEvent) -> bool:
    """Whether this is Qt's question if a shortcut may have the key; the one asked says no by this."""
    if event.type() != QEvent.Type.ShortcutOverride:
        return False
    event.accept()
    return True
