"""The line at the bottom: who answered and how fast, saved or not, size of a voxel, what is under the cursor."""

from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel, QStatusBar, QWidget

from featherseg.session.case import OpenCase
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg_engines.inference.proposal import Proposal


class StatusLine(QStatusBar):
    """Mirrors a session and the cursor of a viewer."""

    def __init__(self, session: Session, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._viewer = session, viewer
        self.answer, self.saved, self.size, self.cursor_text = QLabel(), QLabel(), QLabel(), QLabel()
        for label in (self.answer, self.saved, self.size):
            self.addWidget(label)
        self.addPermanentWidget(self.cursor_text)
        self.connections = Connections()
        self.connections.add(session.proposed, self._on_proposed)
        self.connections.add(session.busy_changed, self._on_busy)
        self.connections.add(session.opened, self._on_opened)
        self.connections.add(session.edited, self._on_saved_changed)
        self.connections.add(session.saved, self._on_saved_changed)
        self.connections.add(viewer.cursor.events.position, self._on_cursor)
        self.answer.setText("ready")

    def _on_proposed(self, proposal: Proposal | None) -> None:
        if proposal is not None:
            found = "" if not proposal.box.empty else ", nothing found"
            self.answer.setText(f"{proposal.model} answered in {proposal.seconds * 1000:.0f} ms{found}")

    def _on_busy(self, busy: bool) -> None:
        if busy:
            self.answer.setText("proposing …")

    def _on_opened(self, case: OpenCase | None) -> None:
        self._on_saved_changed()
        if case is None:
            self.size.setText("")
            return
        z, y, x = case.volume.geometry.shape
        grid = f"{x} × {y} px" if z == 1 else f"{x} × {y} × {z} voxels"
        sz, sy, sx = case.volume.geometry.spacing_mm
        spacing = (
            f", {sx:.3g} × {sy:.3g} × {sz:.3g} mm"
            if case.volume.geometry.calibrated
            else ", no physical size"
        )
        self.size.setText(f"{case.volume.name}: {grid}{spacing}")

    def _on_saved_changed(self, *_: object) -> None:
        case = self._session.case
        if case is None:
            self.saved.setText("")
        elif case.unsaved:
            self.saved.setText("● not saved")
        else:
            self.saved.setText(f"✓ saved as {case.saved_to.name}" if case.saved_to else "no changes")

    def _on_cursor(self, _: object = None) -> None:
        case = self._session.case
        if case is None:
            return
        geometry = case.volume.geometry
        at = [
            round(p / s)
            for p, s in zip(self._viewer.cursor.position[-2:], geometry.spacing_mm[1:], strict=True)
        ]
        if not all(0 <= i < n for i, n in zip(at, geometry.shape[1:], strict=True)):
            self.cursor_text.setText("")
            return
        value = case.volume.slice(self._session.z)[at[0], at[1]]
        shown = ", ".join(str(v) for v in value) if case.volume.channels == 3 else f"{value:.4g}"
        where = f"{at[1]}, {at[0]}" + (f", {self._session.z + 1}" if geometry.shape[0] > 1 else "")
        self.cursor_text.setText(f"({where}) = {shown}")
