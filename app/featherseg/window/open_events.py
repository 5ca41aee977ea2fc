"""Files that the system asks a running program to open (macOS: the Finder and the Dock)."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QFileOpenEvent


class OpenEvents(QObject):
    """An event filter for the application; ``open_path`` gets each file or folder."""

    def __init__(self, open_path: Callable[[Path], object], parent: QObject) -> None:
        super().__init__(parent)
        self._open = open_path

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's hook; True ends the event here."""
        if not isinstance(event, QFileOpenEvent):
            return False
        name = event.file() or event.url().toLocalFile()
        if name:
            self._open(Path(name))
        return True
