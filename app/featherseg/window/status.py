"""The line at the bottom: who answered and how fast, saved or not, size of a voxel, what is under the cursor."""

from qtpy.QtWidgets import QLabel, QStatusBar, QWidget

from featherseg.session.case import OpenCase, kept_in_words
from featherseg.session.session import Session
from featherseg.session.stroke_commands import HINTS
from featherseg.session.viewing import Index
from featherseg.ui.connections import Connections
from featherseg_engines.imaging.volume import Window
from featherseg_engines.imaging.windowing import in_words, unit_of
from featherseg_engines.inference.proposal import Proposal


class StatusLine(QStatusBar):
    """Mirrors a session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.answer, self.saved, self.size, self.cursor_text = QLabel(), QLabel(), QLabel(), QLabel()
        self.hint = QLabel()
        for label in (self.answer, self.saved, self.hint, self.size):
            self.addWidget(label)
        self.window_text = QLabel()
        self.addPermanentWidget(self.window_text)
        self.addPermanentWidget(self.cursor_text)
        self.connections = Connections()
        self.connections.add(session.proposed, self._on_proposed)
        self.connections.add(session.busy_changed, self._on_busy)
        self.connections.add(session.opened, self._on_opened)
        self.connections.add(session.edited, self._on_saved_changed)
        self.connections.add(session.saved, self._on_saved_changed)
        self.connections.add(session.editing.kept_changed, self._on_saved_changed)
        self.connections.add(session.viewing.pointed, self._on_pointed)
        self.connections.add(session.viewing.window_changed, self._on_window)
        self.connections.add(session.tool_changed, self._on_tool)
        self.answer.setText("ready")
        self._on_tool(session.tool)

    def _on_proposed(self, proposal: Proposal | None) -> None:
        if proposal is not None:
            found = "" if not proposal.box.empty else ", nothing found"
            self.answer.setText(f"{proposal.model} answered in {proposal.seconds * 1000:.0f} ms{found}")

    def _on_tool(self, tool: str) -> None:
        """What to do with the tool in hand goes before the size of the image."""
        hint = HINTS.get(tool, "")
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.size.setVisible(not hint)

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
        elif case.number is not None:
            self.saved.setText(kept_in_words(case))
        elif case.unsaved:
            self.saved.setText("● not saved")
        else:
            self.saved.setText(f"✓ saved as {case.saved_to.name}" if case.saved_to else "no changes")

    def _on_window(self, window: Window | None) -> None:
        self.window_text.setText(in_words(window) if window else "")
        self.window_text.setToolTip(window.name if window else "")

    def _on_pointed(self, index: Index | None) -> None:
        case = self._session.case
        if case is None or index is None:
            self.cursor_text.setText("")
            return
        z, y, x = index
        value = case.volume.voxels[z, y, x]
        shown = ", ".join(str(v) for v in value) if case.volume.channels == 3 else f"{value:.4g}"
        where = f"{x}, {y}" + (f", {z + 1}" if case.volume.geometry.shape[0] > 1 else "")
        self.cursor_text.setText(f"({where}) = {shown} {unit_of(case.volume)}".rstrip())
