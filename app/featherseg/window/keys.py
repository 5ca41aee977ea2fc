"""Our keys alone reach the program: napari's own bindings are shadowed on the standalone canvas."""

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit

from featherseg.session.session import Session

HIDE_KEY = Qt.Key.Key_H
FOR_QT = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt)


class KeyShadow(QObject):
    """An event filter for the canvas's widgets.

    Shortcuts are ours (QActions of the window) and win; every other key press ends here, so that napari's
    undo, label history and modes are never run behind our back. ``H`` held hides the masks; its auto-repeat
    is ignored.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's hook; True ends the event here."""
        if not isinstance(event, QKeyEvent) or event.key() in FOR_QT:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.ignore()
            return True
        if event.key() == HIDE_KEY and not event.isAutoRepeat() and not event.modifiers():
            self._session.hide_masks(event.type() == QEvent.Type.KeyPress)
        return event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)


class TypingGuard(QObject):
    """An event filter for the window: Enter ends what is being typed and accepts no case then."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's hook; a claimed key reaches the field, not the shortcut."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return False
        typing = isinstance(QApplication.focusWidget(), QLineEdit | QAbstractSpinBox)
        if typing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return True
        return False
