"""Cross from any thread to the UI thread: one queued Qt signal."""

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, Signal, Slot


class UiThread(QObject):
    """Runs callables on the thread it was made on; use an instance's :meth:`post` as a session's ``post``."""

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def post(self, run: Callable[[], None]) -> None:
        """Run ``run`` on the UI thread, soon; callable from any thread."""
        self._posted.emit(run)

    @Slot(object)
    def _on_posted(self, run: Callable[[], None]) -> None:
        run()
