"""The fourth cell: the labels as surfaces, seen from the front, and the facts of the volume below them."""

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.derived import Derived
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.dispatch import UiThread
from featherseg.viewer.compass import Compass
from featherseg.viewer.surface_view import Painted, SurfaceView
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.surface_preview import LabelSurface, preview_surfaces
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Labels
from featherseg_engines.orientation import oriented

SOON_MS = 1000
"""After the last edit; while somebody paints nothing is computed."""
SMALL = 60_000_000
"""Voxels up to which surfaces follow by themselves (512 x 512 x 228)."""
NOTHING = "Nothing labelled yet: surfaces appear here."
SENTENCES = {
    "nothing": "",
    "none": "Press Update to see the labels as surfaces.",
    "working": "Making surfaces …",
    "current": "Drag to turn",
    "changed": "Labels changed since",
}


class SolidPane(QWidget):
    """Works only while it is on screen; its canvas is made when there is something to show on it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.surfaces: Derived[list[LabelSurface]] = Derived(
            session, UiThread(self).post, "featherseg-surfaces", _surfaces
        )
        self.view: SurfaceView | None = None
        self.compass: Compass | None = None
        self._shown: list[LabelSurface] | None = None
        self.sentence, self.facts, self.state = QLabel(NOTHING), QLabel(), QLabel()
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setWordWrap(True)
        self.facts.setWordWrap(True)
        self.update_button = QPushButton("Update")
        self.update_button.setToolTip("Make the surfaces of the labels as they are now")
        self.update_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.sentence)
        policy = self.stack.sizePolicy().Policy
        self.stack.setSizePolicy(policy.Ignored, policy.Ignored)  # the planes beside it want their half
        self._lay_out()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._on_time)
        self.update_button.clicked.connect(lambda _=False: self.surfaces.update())
        self.connections = Connections()
        self.connections.add(self.surfaces.changed, self.refresh)
        self.connections.add(session.labels_changed, self._on_labels)
        self.connections.add(session.viewing.pointed, self._on_pointed)

    def release(self) -> None:
        """Let go of the session and stop the thread."""
        self.connections.clear()
        self._soon.stop()
        self.surfaces.close()

    def refresh(self) -> None:
        """Show how things are; where nobody sees it, the next showing does."""
        case, state = self._session.case, self.surfaces.state
        if self.surfaces.result is None:
            self._show([])
        if not self.isVisible() or case is None:
            return
        if state in ("none", "changed") and self.surfaces.voxels <= SMALL and not case.growing:
            self._soon.start()
        self.update_button.setVisible(state in ("none", "changed") and not self._soon.isActive())
        if self.surfaces.result is not None and self.surfaces.result is not self._shown:
            self._show(self.surfaces.result)
        self.sentence.setText(SENTENCES["none"] if self.update_button.isVisible() else NOTHING)
        something = bool(self._shown)
        self.state.setText(SENTENCES[state] if something or state == "working" else "")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 6, 2)
        row.addWidget(self.facts, 1)
        row.addWidget(self.state)
        row.addWidget(self.update_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack, 1)
        column.addLayout(row)

    def _show(self, surfaces: list[LabelSurface]) -> None:
        self._shown = surfaces
        colours = self._session.table.colours()  # of visible labels
        painted = [
            Painted(each.mesh, QColor(colours[each.value]).getRgbF())
            for each in surfaces
            if each.value in colours
        ]
        was_empty = self.stack.currentIndex() == 0
        if not painted:
            self.stack.setCurrentIndex(0)
            return
        self._canvas().show(painted)
        self.stack.setCurrentIndex(1)
        self._name_directions()
        if was_empty:
            QTimer.singleShot(0, self.fit)  # a canvas learns its size when it is laid out

    def _canvas(self) -> SurfaceView:
        if self.view is None:
            self.view = SurfaceView(self._on_turned)
            self.compass = Compass(self.view.axes, self.view.native)
            self.stack.addWidget(self.view.native)
        return self.view

    def _on_turned(self) -> None:
        if self.compass is not None:
            self.compass.update()

    def _name_directions(self) -> None:
        case = self._session.case
        if self.compass is not None and case is not None:
            volume = case.volume
            self.compass.show_letters(oriented(volume.modality, calibrated=volume.geometry.calibrated))

    def fit(self) -> None:
        """See all of it, from the front."""
        if self.view is not None:
            self.view.fit()

    def _on_labels(self) -> None:
        if self._shown and self.isVisible():
            self._show(self._shown)

    def _on_pointed(self, _: object) -> None:
        if self.surfaces.state == "working" and self._painting():
            self.surfaces.cancel()

    def _on_time(self) -> None:
        if self._painting():
            self._soon.start()
        elif self.isVisible():
            self.surfaces.update()

    def _painting(self) -> bool:
        return self._session.tool != "browse" and QApplication.mouseButtons() != Qt.MouseButton.NoButton


def _surfaces(volume: Volume, labels: Labels, reading: Reading) -> list[LabelSurface]:
    values = range(1, int(labels.max(initial=0)) + 1)
    return preview_surfaces(labels, volume.geometry, values, reading)
