"""The bar above the image: one sentence, at most two buttons, gone when the problem is gone."""

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.ui.connections import Connections

SIGNS = {"info": "ℹ", "problem": "⚠", "progress": "…"}
PATIENCE_MS = 150
"""Work that is done sooner shows no progress: a bar that comes and goes at once only moves the image."""


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
        self.bar = QProgressBar()
        self.bar.setMaximumWidth(self.fontMetrics().averageCharWidth() * 30)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(PATIENCE_MS)
        self._soon.timeout.connect(self.show)
        self._offers: tuple[str, ...] = ()
        self._close = close = QPushButton("✕")
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.bar)
        layout.addLayout(self._buttons)
        layout.addWidget(close)
        self.hide()
        self.connections = Connections()
        self.connections.add(session.noticed, self._on_noticed)

    def text(self) -> str:
        """The sentence on screen, "" where there is none."""
        return "" if self.isHidden() else self._text.text().partition("  ")[2]

    def _on_noticed(self, notice: Notice | None) -> None:
        if notice is None or notice.kind != "progress":
            self._soon.stop()
        if notice is None:
            self.hide()
            return
        self._text.setText(f"{SIGNS[notice.kind]}  {notice.text}")
        working = notice.kind == "progress"
        self.bar.setVisible(working)
        self._close.setVisible(not working)
        self.bar.setRange(0, 0 if notice.part is None else 100)
        self.bar.setValue(round(100 * (notice.part or 0.0)))
        if self.property("kind") != notice.kind:
            self.setProperty("kind", notice.kind)
            self.style().unpolish(self)
            self.style().polish(self)
        self._offer(notice)
        if not working:
            self.show()
        elif self.isHidden() and not self._soon.isActive():
            self._soon.start()

    def _offer(self, notice: Notice) -> None:
        titles = tuple(offer.title for offer in notice.offers)
        if notice.kind == "progress" and titles == self._offers and self._buttons.count():
            return  # a button that is being pressed must not be taken away by the next figure
        self._offers = titles if notice.kind == "progress" else ()
        while (item := self._buttons.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for number, offer in enumerate(notice.offers[:2], 1):
            key = f"Alt+{number}"
            button = QPushButton(f"{offer.title}  {key}")
            button.setShortcut(key)
            button.setToolTip(f"{offer.title} ({key})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, run=offer.run: run())
            self._buttons.addWidget(button)
