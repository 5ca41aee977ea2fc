"""The strip under the notices that says what a new person may do next."""

from collections.abc import Callable, Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from featherseg.session.first_steps import FirstSteps
from featherseg.ui.connections import Connections

STEPS = ("propose", "correct", "teach")
SENTENCES = {
    "propose": "Press {propose}: the model shows where it sees something.",
    "correct": (
        "Press {propose} again to take it, {escape} to drop it. Then correct: "
        "{brush} is the brush, {eraser} the eraser."
    ),
    "teach": (
        "A model can learn from the accepted pictures at the left. Press {teach}: it takes three minutes, and you "
        "go on meanwhile ({accept} accepts a picture)."
    ),
}
ALONE = (
    "Correct what is wrong with {brush} and {eraser}. "
    "One picture is too little to teach from; there are twelve to try."
)
KEYS = {
    "propose": "propose",
    "brush": "tool.brush",
    "eraser": "tool.eraser",
    "accept": "case.accept",
    "escape": "drop",
    "teach": "model.teach",
}
"""What stands in the sentences for a command's key."""


class FirstStepsStrip(QFrame):
    """Shows :class:`FirstSteps`; ``open_many`` opens the pictures that something can be taught from."""

    def __init__(
        self,
        steps: FirstSteps,
        hints: Mapping[str, str],
        open_many: Callable[[], object] | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._steps, self._hints = steps, hints
        self._count, self._text = QLabel(), QLabel()
        font = self._count.font()
        font.setBold(True)
        self._count.setFont(font)
        self._text.setWordWrap(True)
        self._more = self._button("Open them", open_many or _nothing)
        self._close = self._button("Skip", steps.close)
        self._close.setToolTip("These steps will not be shown again; Help → First steps brings them back")
        layout = QHBoxLayout(self)
        layout.addWidget(self._count)
        layout.addSpacing(self.fontMetrics().height())
        layout.addWidget(self._text, 1)
        layout.addWidget(self._more)
        layout.addWidget(self._close)
        self._can_open = open_many is not None
        self.connections = Connections()
        self.connections.add(steps.changed, self.refresh)
        self.refresh()

    def text(self) -> str:
        """The sentence on screen, "" where there is none."""
        return "" if self.isHidden() else self._text.text()

    def refresh(self) -> None:
        """Show the step that comes next."""
        step = self._steps.step
        self.setVisible(bool(step))
        if not step:
            return
        alone = step == "teach" and not self._steps.many
        keys = {word: self._key(command) for word, command in KEYS.items()}
        self._count.setText(f"{STEPS.index(step) + 1} of {len(STEPS)}")
        self._text.setText((ALONE if alone else SENTENCES[step]).format(**keys))
        self._more.setVisible(alone and self._can_open)

    def _key(self, command: str) -> str:
        key = self._hints.get(command) or ""
        return key.replace("Return", "Enter") or "the menu"

    def _button(self, text: str, run: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda _=False: run())
        return button


def _nothing() -> None:
    """There is nothing to open."""
