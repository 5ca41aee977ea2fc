"""Looks through the labels for annotated slices in small pieces, whenever the UI thread has nothing to do."""

from qtpy.QtCore import QObject, QTimer

from featherseg.session.annotated import Annotated
from featherseg.ui.connections import Connections

PIECE_S = 0.004
"""Short enough to be felt by nobody between two moves of the mouse."""


class Ticker(QObject):
    """Runs while there is something to look at."""

    def __init__(self, annotated: Annotated, parent: QObject) -> None:
        super().__init__(parent)
        self._annotated = annotated
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_time)
        self.connections = Connections()
        self.connections.add(annotated.due, self._on_due)
        self._on_due()

    def _on_due(self) -> None:
        if self._annotated.pending:
            self._timer.start()

    def _on_time(self) -> None:
        self._annotated.look(PIECE_S)
        if not self._annotated.pending:
            self._timer.stop()
