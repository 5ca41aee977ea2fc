"""The second series over the first: its name, opacity and window, shown or not, and away with it."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)
from superqt import QDoubleRangeSlider

from featherseg.session.overlay import Overlay
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg_engines.imaging.volume import Window
from featherseg_engines.imaging.windowing import in_words, limits


class OverlayBox(QWidget):
    """Mirrors the overlay of the session's viewing; only there while something is laid over."""

    appeared = Signal(QWidget)  # it has become visible

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewing = session.viewing
        self._filling = False
        self.shown = QCheckBox()
        self.remove = QPushButton("Remove")
        self.opacity, self.range = (
            QSlider(Qt.Orientation.Horizontal),
            QDoubleRangeSlider(Qt.Orientation.Horizontal),
        )
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity of the second series")
        self.range.setAccessibleName("Window of the second series")
        self.now = QLabel()
        self.now.setProperty("role", "quiet")
        for widget in (self.shown, self.remove, self.opacity, self.range):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lay_out()
        self.shown.toggled.connect(self._on_changed)
        self.opacity.valueChanged.connect(self._on_changed)
        self.range.valueChanged.connect(self._on_changed)
        self.remove.clicked.connect(lambda: self._viewing.remove_overlay())
        self.connections = Connections()
        self.connections.add(self._viewing.overlay_changed, self._on_overlay)
        self._on_overlay(self._viewing.overlay)

    def _lay_out(self) -> None:
        top, grid = QHBoxLayout(), QGridLayout()
        top.addWidget(self.shown, 1)
        top.addWidget(self.remove)
        grid.addWidget(QLabel("Opacity"), 0, 0)
        grid.addWidget(self.opacity, 0, 1)
        grid.addWidget(QLabel("Window"), 1, 0)
        grid.addWidget(self.range, 1, 1)
        grid.addWidget(self.now, 2, 1)
        heading = QLabel("Laid over")
        heading.setProperty("role", "heading")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading)
        layout.addLayout(top)
        layout.addLayout(grid)

    def _on_overlay(self, overlay: Overlay | None) -> None:
        self.setVisible(overlay is not None)
        if overlay is None:
            return
        self._filling = True
        self.shown.setText(overlay.volume.name)
        self.shown.setChecked(overlay.visible)
        self.opacity.setValue(round(overlay.opacity * 100))
        self.range.setRange(*overlay.full)
        self.range.setValue(limits(overlay.window))
        self.now.setText(in_words(overlay.window))
        self._filling = False
        self.appeared.emit(self)

    def _on_changed(self, *_: object) -> None:
        overlay = self._viewing.overlay
        if self._filling or overlay is None:
            return
        low, high = self.range.value()
        width = max(high - low, (overlay.full[1] - overlay.full[0]) * 1e-4, 1e-9)
        self._viewing.change_overlay(
            Window((low + high) / 2, width), self.opacity.value() / 100, self.shown.isChecked()
        )
