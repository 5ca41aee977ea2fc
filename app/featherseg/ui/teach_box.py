"""Teach: what there is to learn, one button; while it learns a strip; at the end one sentence and a way back."""

from collections.abc import Callable

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from featherseg.session.teach_words import about_minutes, stock_in_words
from featherseg.session.teaching import Teaching
from featherseg.ui.buttons import fill_button, name_button
from featherseg.ui.connections import Connections
from featherseg.ui.scores_dialog import ScoresDialog
from featherseg.ui.teach_advanced import TeachAdvanced
from featherseg.ui.teach_asking import TeachAsking
from featherseg.ui.teach_running import TeachRunning


class TeachBox(QWidget):
    """The foot of the panel; mirrors a :class:`Teaching`.

    Parameters
    ----------
    key
        Of the command, for the button.
    due
        Whether teaching is what comes next: only then is the button filled.
    """

    def __init__(
        self,
        teaching: Teaching,
        key: str = "",
        due: Callable[[], bool] = lambda: False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._teaching, self._key, self._due = teaching, key, due
        self.heading, self.about, self.said = QLabel("Teach"), QLabel(), QLabel()
        self.heading.setProperty("role", "heading")
        self.about.setProperty("role", "quiet")
        for label in (self.about, self.said):
            label.setWordWrap(True)
        self.teach, self.undo, self.why = QPushButton(), QPushButton(), QPushButton()
        self.teach.setObjectName("teach")
        name_button(self.teach, "Teach", key)
        name_button(self.undo, "Undo")
        name_button(self.why, "Why?")
        self.undo.setToolTip("Back to the model that was in use before")
        self.running, self.asking = TeachRunning(teaching), TeachAsking(teaching)
        self.advanced = TeachAdvanced(teaching)
        self._scores: ScoresDialog | None = None
        self._lay_out()
        self.teach.clicked.connect(lambda: teaching.start())
        self.undo.clicked.connect(lambda: teaching.undo())
        self.why.clicked.connect(self.show_scores)
        self.connections = Connections()
        self.connections.add(teaching.changed, self.refresh)
        self.connections.add(teaching.session.model_changed, self._on_model)
        self.refresh()

    def _lay_out(self) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.undo)
        row.addWidget(self.why)
        top = QHBoxLayout()
        top.addWidget(self.heading)
        top.addStretch(1)
        top.addWidget(self.advanced.fold)
        column.addLayout(top)
        for widget in (self.running, self.asking, self.said):
            column.addWidget(widget)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addWidget(self.teach)
        column.addWidget(self.advanced)

    @property
    def due(self) -> bool:
        """Whether its button is the one that is filled."""
        teaching = self._teaching
        return not teaching.running and teaching.stage != "asking" and self._due()

    def refresh(self) -> None:
        """Show where teaching stands."""
        teaching = self._teaching
        running, asking = teaching.running, teaching.stage == "asking"
        self.running.setVisible(running)
        self.asking.setVisible(asking)
        for widget in (self.about, self.teach):
            widget.setHidden(running or asking)
        verdict = teaching.result.outcome.verdict if teaching.result is not None else None
        self.said.setText(teaching.sentence)
        self.said.setVisible(bool(teaching.sentence) and not running and not asking)
        self.undo.setVisible(teaching.may_undo)
        self.why.setVisible(verdict is not None and bool(verdict.scores) and not running and not asking)
        if running:
            self.running.refresh()
        elif asking:
            self.asking.refresh()
        else:
            self.refresh_stock()
        self.advanced.refresh()

    def refresh_stock(self) -> None:
        """Say what there is to learn from; cheap, for every change of the case list."""
        if self._teaching.running:
            return
        stock = self._teaching.stock
        words = stock_in_words(stock)
        said = bool(stock.objection) or not stock.new
        self.about.setText(words if said else f"{words} · {about_minutes(self._teaching.minutes)}")
        self.teach.setEnabled(not stock.objection)
        self.teach.setHidden(bool(stock.objection))  # the sentence says what is missing; the column is short
        fill_button(self.teach, filled=self.due)

    def show_scores(self) -> None:
        """Show both models case by case."""
        result = self._teaching.result
        if result is None:
            return
        self._scores = ScoresDialog(result.outcome.verdict, self.window())
        self._scores.show()

    def _on_model(self, _: object) -> None:
        self.refresh()
