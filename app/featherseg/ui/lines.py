"""Line edits beside an image: they keep Enter and Esc for themselves and hand the keyboard back afterwards."""

from collections.abc import Callable

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit, QWidget

OWN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


class Line(QLineEdit):
    """A line edit; Enter and Esc end it and call ``leave``, and no command of the window hears them."""

    def __init__(self, leave: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._leave = leave
        self.setAcceptDrops(False)  # a file dropped here is meant for the list, not as text

    def event(self, event: QEvent | None) -> bool:
        """Qt's hook: claim the own keys before the window's shortcuts see them."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in OWN_KEYS
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter and Esc give the keyboard back."""
        if event is not None and event.key() in OWN_KEYS:
            self._leave()
            return
        super().keyPressEvent(event)
