"""One quiet line: how sure the model is of the proposal on screen."""

from qtpy.QtWidgets import QLabel, QWidget

from featherseg.session.session import Session
from featherseg.session.unsure import LEGEND, in_words
from featherseg.ui.connections import Connections

NO_PROPOSAL = "\N{NO-BREAK SPACE}"
MEANING = (
    "How little the outline would change at another threshold: the model's own estimate, not a measurement. "
)


class UnsureLine(QLabel):
    """Mirrors a session; as high without a proposal as with one, so that nothing below it moves."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "quiet")
        self.setAccessibleName("How sure the model is")
        self.connections = Connections()
        self.connections.add(session.proposed, self._on_changed)
        self.connections.add(session.unsure.changed, self._on_changed)
        self._on_changed()

    def _on_changed(self, _: object = None) -> None:
        score = self._session.unsure.score
        legend = " · violet: unsure there" if self._session.unsure.shown else ""
        self.setText(NO_PROPOSAL if score is None else in_words(score) + legend)
        self.setToolTip(MEANING + (LEGEND if self._session.unsure.shown else "U shows where it is unsure."))
