"""The strip while a lesson goes on: what, how long still, bar, plot, a test case whose mask changes, two buttons."""

from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from featherseg.session.teach_words import dice_in_words, learning_in_words
from featherseg.session.teaching import Teaching
from featherseg.ui.buttons import name_button
from featherseg.ui.picture_view import PictureView
from featherseg.ui.teach_plot import TeachPlot
from featherseg_engines.teaching.order import Picture

STEPS = 1000


class TeachRunning(QWidget):
    """Mirrors a lesson; plot and picture appear with the first look at the held-out cases."""

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching = teaching
        self._drawn: tuple[int, Picture | None] = (-1, None)
        self.text, self.dice = QLabel(), QLabel()
        for label in (self.text, self.dice):
            label.setWordWrap(True)
        self.dice.setProperty("role", "quiet")
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(max(6, self.fontMetrics().height() // 2))
        self.pause, self.cancel = QPushButton(), QPushButton()
        name_button(self.pause, "Pause")
        name_button(self.cancel, "Cancel")
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(lambda: teaching.cancel())
        self.picture = PictureView()
        self.plot: TeachPlot | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        looks, self._looks = QWidget(), QHBoxLayout()
        looks.setLayout(self._looks)
        looks.setMaximumHeight(self.fontMetrics().height() * 8)
        self._looks.setContentsMargins(0, 0, 0, 0)
        self._looks.addWidget(self.picture, 1)
        self.picture.hide()
        self.dice.hide()
        row = QHBoxLayout()
        row.addWidget(self.pause)
        row.addWidget(self.cancel)
        column.addWidget(self.text)
        column.addWidget(self.bar)
        column.addWidget(looks)
        column.addWidget(self.dice)
        column.addLayout(row)

    def refresh(self) -> None:
        """Show where the lesson stands."""
        teaching = self._teaching
        progress = teaching.progress
        self.text.setText(learning_in_words(teaching.cases, progress, paused=teaching.paused))
        # never without an end: Qt would draw a bar that runs to and fro, and with it the window, until the first step
        self.bar.setValue(round(STEPS * progress.done) if progress is not None else 0)
        self.bar.setAccessibleName(self.text.text())
        name_button(self.pause, "Resume" if teaching.paused else "Pause")
        drawn = (len(teaching.curve), teaching.picture)
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw()

    def _draw(self) -> None:
        curve, picture = self._teaching.curve, self._teaching.picture
        if curve and self.plot is None:
            self.plot = TeachPlot("dice")
            self._looks.insertWidget(0, self.plot, 1)
        if self.plot is not None:
            self.plot.setVisible(bool(curve))
            self.plot.show_curve(curve)
        self.dice.setText(dice_in_words(curve))
        self.dice.setVisible(bool(curve))
        self.picture.setVisible(picture is not None)
        self.picture.show_picture(picture, self._teaching.colours)

    def _on_pause(self) -> None:
        if self._teaching.paused:
            self._teaching.resume()
        else:
            self._teaching.pause()
