"""Where too few cases are there to measure by: old and new answer side by side, and the person chooses."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from featherseg.session.teaching import Teaching
from featherseg.ui.buttons import name_button, tool_button
from featherseg.ui.picture_view import PictureView


class TeachAsking(QWidget):
    """Pairs of pictures, one pair at a time, and two buttons."""

    def __init__(self, teaching: Teaching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._teaching, self._at = teaching, 0
        self.text, self.which = QLabel(), QLabel()
        self.text.setWordWrap(True)
        self.which.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.which.setProperty("role", "quiet")
        self.old, self.new = PictureView(), PictureView()
        self.back, self.on = tool_button("◀", "The test case before"), tool_button("▶", "The next test case")
        self.use, self.keep = QPushButton(), QPushButton()
        name_button(self.use, "Use the new one")
        name_button(self.keep, "Keep the old one")
        self.use.clicked.connect(lambda: teaching.use_new())
        self.keep.clicked.connect(lambda: teaching.keep_old())
        self.back.clicked.connect(lambda: self.turn(-1))
        self.on.clicked.connect(lambda: self.turn(1))
        self._lay_out()

    def _lay_out(self) -> None:
        column, grid, row = QVBoxLayout(self), QGridLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for at, (title, view) in enumerate((("Old", self.old), ("New", self.new))):
            heading = QLabel(title)
            heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(heading, 0, at)
            grid.addWidget(view, 1, at)
            grid.setColumnStretch(at, 1)
        row.addWidget(self.back)
        row.addWidget(self.which, 1)
        row.addWidget(self.on)
        column.addWidget(self.text)
        column.addLayout(grid)
        column.addLayout(row)
        column.addWidget(self.use)
        column.addWidget(self.keep)

    def refresh(self) -> None:
        """Show the pairs of the lesson that asks."""
        result = self._teaching.result
        pairs = result.outcome.side_by_side if result is not None else ()
        self.text.setText(self._teaching.sentence)
        for widget in (self.back, self.on, self.which, self.old, self.new):
            widget.setVisible(bool(pairs))
        if not pairs:
            return
        self._at %= len(pairs)
        for view, picture in zip((self.old, self.new), pairs[self._at], strict=True):
            view.show_picture(picture, self._teaching.colours)
        self.which.setText(f"{pairs[self._at][0].name}\n{self._at + 1} of {len(pairs)}")

    def turn(self, steps: int) -> None:
        """Show the next pair, or the one before."""
        self._at += steps
        self.refresh()
