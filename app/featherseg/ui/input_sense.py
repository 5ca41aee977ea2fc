"""Feels that a person is at work: while a lesson goes on, its next step waits for a hand that paints or scrolls."""

from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt

WORK = frozenset(
    (
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonRelease,
        QEvent.Type.Wheel,
        QEvent.Type.KeyPress,
        QEvent.Type.ShortcutOverride,  # the key of a command: it is no press any more
        QEvent.Type.TabletPress,
        QEvent.Type.TabletRelease,
    )
)
MOVES = frozenset((QEvent.Type.MouseMove, QEvent.Type.TabletMove))
"""Work only with a button held: a hand that looks around must not hold a lesson up for hours."""


class InputSense(QObject):
    """An event filter of the whole application, there only while it is awake: it sees every event there is."""

    def __init__(self, felt: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._felt = felt
        self._awake = False

    def wake(self, awake: bool) -> None:
        """Begin to feel, or sleep."""
        app = QCoreApplication.instance()
        if awake == self._awake or app is None:
            return
        self._awake = awake
        if awake:
            app.installEventFilter(self)
        else:
            app.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's hook; every event goes on."""
        if event is not None:
            kind = event.type()
            if kind in WORK or (kind in MOVES and event.buttons() != Qt.MouseButton.NoButton):
                self._felt()
        return False
