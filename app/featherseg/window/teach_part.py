"""What teaching adds to the window: the foot of the panel, a command, what it feels, what is asked on closing."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMessageBox

from featherseg.session import lesson_mark
from featherseg.session.commands import Command
from featherseg.session.notice import Notice, Offer
from featherseg.session.own_models import OwnModels
from featherseg.session.teach_words import cases_in_words
from featherseg.session.teaching import Teaching
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_source import mark_in
from featherseg.ui.connections import Connections
from featherseg.ui.input_sense import InputSense
from featherseg.ui.own_models_dialog import OwnModelsDialog
from featherseg.ui.panel import SessionPanel
from featherseg.ui.teach_box import TeachBox
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.teaching.versions import Versions

if TYPE_CHECKING:
    from featherseg.window.main_window import MainWindow

WORTH = 5
"""New cases from which on Teach is the filled button also before all cases are done."""


class TeachPart:
    """Composes a :class:`Teaching` with the window; holds no state of its own."""

    def __init__(self, teaching: Teaching, bench: Workbench, window: "MainWindow") -> None:
        self.teaching, self.bench, self._window = teaching, bench, window
        self.sense = InputSense(teaching.felt_input, window)
        self.box: TeachBox | None = None
        self.models: OwnModelsDialog | None = None
        self.connections = Connections()

    def commands(self) -> list[Command]:
        """Teach, for menu, palette and key."""
        return [
            Command(
                "model.teach",
                "Teach",
                "T",
                "Model",
                self.teaching.start,
                help="Learn from the accepted cases in the background; only what is better comes into use",
            ),
            *self._own_models(),
        ]

    def _own_models(self) -> list[Command]:
        versions = self.teaching.archive
        if not isinstance(versions, Versions):
            return []
        models = OwnModels(versions, self.bench)
        self.teaching.learnt.connect(lambda _: models.changed.emit())
        title = "Your models …"
        about = "Every model that was taught here: go back to one, compare, save as one file, delete"
        return [Command("model.own", title, "", "Model", lambda: self.show_models(models), help=about)]

    def show_models(self, models: OwnModels) -> None:
        """Open the history, or bring it to the front."""
        if self.models is None:
            self.models = OwnModelsDialog(models, self._window)
            self.models.finished.connect(self._on_models_closed)
        self.models.show()
        self.models.raise_()

    def _on_models_closed(self, _: int) -> None:
        if self.models is not None:
            self.models.deleteLater()
            self.models = None

    def join(self, panel: SessionPanel, key: str) -> None:
        """Take the place at the foot of the panel."""
        self.box = TeachBox(self.teaching, key, self.due)
        panel.put_at_foot(self.box)
        self._panel = panel
        panel.model.yield_to(lambda: self.box is not None and self.box.due)
        session = self.bench.session
        for signal in (session.proposed, session.busy_changed, session.opened, session.edited):
            self.connections.add(signal, self._on_session)
        self.connections.add(self.teaching.changed, self._on_teaching)
        self.connections.add(self.bench.changed, self._on_workspace)

    def due(self) -> bool:
        """Whether teaching is what comes next: something to learn, and nothing begun on the case in hand."""
        session, case = self.bench.session, self.bench.current
        if session.proposal is not None or session.busy or self.bench.ready:
            return False
        if session.case is not None and case is None:
            return False
        stock = self.teaching.stock
        if stock.objection or not stock.new:
            return False
        if case is None or case.state is CaseState.ACCEPTED:
            return True
        return stock.new >= WORTH and session.case is not None and not session.case.history.done

    def may_leave(self) -> bool:
        """Whether the window may close: nothing is being learnt, or the person lets it go."""
        if not self.teaching.running:
            return True
        box = QMessageBox(self._window)
        box.setWindowTitle("Featherseg")
        box.setText(f"The model is learning from {cases_in_words(self.teaching.cases)}.")
        box.setInformativeText(
            "Closing now ends the lesson; what it has learnt so far is lost. Your labels are safe."
        )
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Discard | buttons.Cancel)
        box.button(buttons.Discard).setText("End the lesson")
        box.button(buttons.Cancel).setText("Go on teaching")
        box.setDefaultButton(buttons.Cancel)
        return bool(box.exec() == buttons.Discard)

    def release(self) -> None:
        """Stop a lesson and let go."""
        self.sense.wake(False)
        if self.models is not None:
            self.models.close()
        self.connections.clear()
        if self.box is not None:
            self.box.connections.clear()
        self.teaching.close()

    def _on_teaching(self) -> None:
        self.sense.wake(self.teaching.running)
        self._panel.model.show_primary()

    def _on_session(self, *_: object) -> None:
        if self.box is not None:
            self.box.refresh_stock()

    def _on_workspace(self, workspace: Workspace | None) -> None:
        if workspace is None or workspace.read_only or self.teaching.running:
            return
        mark = mark_in(workspace.folder)
        cases = lesson_mark.cut_off(mark)
        if cases:
            lesson_mark.clear(mark)
            self.bench.session.post(lambda: self._tell_cut_off(cases))  # after what the workbench has to say

    def _tell_cut_off(self, cases: int) -> None:
        text = (
            f"The program ended unexpectedly: a lesson over {cases_in_words(cases)} was cut off. "
            "Every finished edit was kept, and the model is as it was before."
        )
        self.bench.session.tell(Notice(text, offers=(Offer("Teach again", self.teaching.start),)))
