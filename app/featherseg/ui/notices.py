"""The bar above the image: one sentence, at most two buttons, gone when the problem is gone."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.ui.connections import Connections

SIGNS = {"info": "ⓘ", "problem": "⚠"}


class NoticeBar(QFrame):
    """Shows the session's newest notice."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._session = session
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._buttons = QHBoxLayout()
        close = QPushButton("✕")
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.addWidget(self._text, 1)
        layout.addLayout(self._buttons)
        layout.addWidget(close)
        self.hide()
        self.connections = Connections()
        self.connections.add(session.noticed, self._on_noticed)

    def text(self) -> str:
        """The sentence on screen, "" where there is none."""
        return "" if self.isHidden() else self._text.text().partition("  ")[2]

    def _on_noticed(self, notice: Notice | None) -> None:
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        if notice is None:
            self.hide()
            return
        self._text.setText(f"{SIGNS[notice.kind]}  {notice.text}")
        self.setProperty("kind", notice.kind)
        self.style().unpolish(self)
        self.style().polish(self)
        for offer in notice.offers[:2]:
            button = QPushButton(offer.title)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, run=offer.run: run())
            self._buttons.addWidget(button)
        self.show()
