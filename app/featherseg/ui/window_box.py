"""The grey-value window: presets, and what it is now; only there for grey volumes."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg_engines.imaging.volume import Window
from featherseg_engines.imaging.windowing import in_words

BY_HAND = "By hand"


class WindowBox(QWidget):
    """Mirrors the window of the session's viewing."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewing = session.viewing
        self.presets, self.now = QComboBox(), QLabel()
        self.presets.setAccessibleName("Window preset")
        self.presets.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.presets.setToolTip(
            "Drag with the right mouse button on the image: across for width, down for level"
        )
        self.now.setProperty("role", "quiet")
        heading = QLabel("Window")
        heading.setProperty("role", "heading")
        row = QHBoxLayout()
        row.addWidget(self.presets, 1)
        row.addWidget(self.now)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addLayout(row)
        self.presets.activated.connect(self._on_chosen)
        self.connections = Connections()
        self.connections.add(self._viewing.window_changed, self._on_window)
        self._on_window(self._viewing.window)

    def _on_chosen(self, index: int) -> None:
        presets = self._viewing.presets
        if 0 <= index < len(presets):
            self._viewing.choose_window(presets[index])

    def _on_window(self, window: Window | None) -> None:
        self.setVisible(window is not None)
        if window is None:
            return
        presets = self._viewing.presets
        names = [preset.name for preset in presets] + ([] if window in presets else [BY_HAND])
        if names != [self.presets.itemText(i) for i in range(self.presets.count())]:
            self.presets.clear()
            self.presets.addItems(names)
        self.presets.setCurrentIndex(presets.index(window) if window in presets else len(presets))
        self.now.setText(in_words(window))
