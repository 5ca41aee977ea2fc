"""A quiet strip for work on many slices or cases: what it does, how far, how long still, Pause and Cancel."""

from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from featherseg.session.sweep import Run
from featherseg.ui.buttons import name_button
from featherseg.ui.connections import Connections

STEPS = 1000
"""Of the bar; a volume may have thousands of blocks."""


class RunBox(QWidget):
    """Mirrors a run; there only while one goes on or is paused."""

    def __init__(self, run: Run, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run = run
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.left = QLabel()
        self.left.setProperty("role", "quiet")
        self.bar = QProgressBar()
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(max(6, self.fontMetrics().height() // 2))
        self.pause, self.cancel = QPushButton(), QPushButton()
        name_button(self.pause, "Pause")
        name_button(self.cancel, "Cancel")
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(run.cancel)
        self._lay_out()
        self.connections = Connections()
        self.connections.add(run.changed, self._on_changed)
        self._on_changed()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.left, 1)
        row.addWidget(self.pause)
        row.addWidget(self.cancel)
        column.addWidget(self.text)
        column.addWidget(self.bar)
        column.addLayout(row)

    def _on_pause(self) -> None:
        progress = self._run.progress
        if progress is not None and progress.paused:
            self._run.resume()
        else:
            self._run.pause()

    def _on_changed(self) -> None:
        progress = self._run.progress
        self.setVisible(progress is not None)
        if progress is None:
            return
        self.text.setText(progress.text)
        self.bar.setValue(round(STEPS * progress.part))
        self.bar.setAccessibleName(f"{progress.text}, {progress.left}")
        self.left.setText(progress.left)
        name_button(self.pause, "Resume" if progress.paused else "Pause")
