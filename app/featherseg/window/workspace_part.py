"""What a workspace adds to the main window: the case column, its commands and what happens at the end."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

from featherseg.session.commands import Command
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_run import WorkspaceRun
from featherseg.ui.cases_panel import CaseOrders, CasesPanel
from featherseg.ui.columns import Columns
from featherseg.ui.connections import Connections
from featherseg.ui.model_box import Further, ModelBox
from featherseg.ui.run_box import RunBox
from featherseg.window.files import Files
from featherseg.window.history_dock import HistoryDock
from featherseg.window.keys import TypingGuard
from featherseg.window.workspace_commands import workspace_commands
from featherseg.window.workspace_files import WorkspaceFiles
from featherseg_engines.annotation.workspace import Workspace

if TYPE_CHECKING:
    from featherseg.window.main_window import MainWindow


class WorkspacePart:
    """Composes column, commands and dialogs around one workbench; holds no state of its own."""

    def __init__(self, bench: Workbench, files: Files, window: "MainWindow") -> None:
        self.bench, self._window = bench, window
        self.run = WorkspaceRun(bench)
        self.run.on_answer = lambda case, volume, proposal: bench.outlooks.note(case.id, volume, proposal)
        self.strip = RunBox(self.run)
        self.files = WorkspaceFiles(bench, files, window)
        orders = CaseOrders(window.to_image, self.files.take, self.files.relink, self.files.remove)
        self.cases = CasesPanel(bench, orders)
        self.history = HistoryDock(bench.session, bench.step_times, window)
        self._columns: Columns | None = None
        self._guard = TypingGuard(window)
        window.installEventFilter(self._guard)

    def commands(self) -> list[Command]:
        """Workspace and case commands, in the order of the menus."""
        everything = Command(
            "cases.propose",
            "Propose for every case",
            "Q",
            "Model",
            self.run.start,
            help="One after the other, also overnight; cases that have a proposal of this model are left out",
        )
        return [*workspace_commands(self.bench, self.files, self.fold, self.show_history), everything]

    def join(self, columns: Columns, model: ModelBox, hints: Mapping[str, str]) -> None:
        """Take the place at the window's left, once menus and columns are there."""
        bench = self.bench
        model.go_further(Further("Accept case", hints["case.accept"], lambda: bench.ready, bench.accept))
        self._columns = columns
        self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.history)
        self.connections = Connections()
        self.connections.add(self.bench.changed, self._on_workspace)
        self.connections.add(self.bench.listed, model.show_primary)

    def fold(self) -> None:
        """Take the case column off the screen or bring it back."""
        if self._columns is not None:
            self._columns.fold(self.cases, away=self.cases.isVisible())

    def show_history(self) -> None:
        """Show or hide the history of the case."""
        self.history.setVisible(not self.history.isVisible())

    def release(self) -> None:
        """Write what is to be written and let go; the person has agreed to losing what the disk refuses."""
        self.strip.connections.clear()
        self.run.close()
        self.bench.end()
        self.connections.clear()
        self.cases.release()
        self.history.panel.connections.clear()

    def _on_workspace(self, workspace: Workspace | None) -> None:
        if self._columns is not None:
            self._columns.fold(self.cases, away=workspace is None)
