"""Saving the mask, and whether that has been done."""

from collections.abc import Callable

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from featherseg.session.case import kept_in_words
from featherseg.session.session import Session
from featherseg.ui.buttons import name_button
from featherseg.ui.connections import Connections


class SaveBox(QWidget):
    """One quiet button; the line under it says what is not saved yet, or where it was saved."""

    def __init__(
        self, session: Session, save: Callable[[], object], key: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.button = QPushButton()
        name_button(self.button, "Save mask", key)
        self.button.clicked.connect(lambda: save())
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setProperty("role", "quiet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.state)
        self.connections = Connections()
        for signal in (session.opened, session.edited, session.saved, session.editing.kept_changed):
            self.connections.add(signal, self._on_changed)
        self._on_changed()

    def _on_changed(self, *_: object) -> None:
        case = self._session.case
        self.button.setEnabled(case is not None)
        if case is None:
            self.state.setText("")
        elif case.number is not None:
            self.state.setText(f"{kept_in_words(case)}. A workspace case saves itself.")
        elif case.unsaved:
            self.state.setText("● Changes are not saved yet.")
        else:
            self.state.setText(
                f"✓ Saved as {case.saved_to.name}" if case.saved_to else "Nothing to save yet."
            )
