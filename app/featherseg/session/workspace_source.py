"""The accepted cases of the open workspace as what can be taught, and how a lesson over them begins."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from psygnal import Signal

from featherseg.session import lesson_mark
from featherseg.session.lesson_plan import Plan, Stock, Wishes
from featherseg.session.workbench import Workbench
from featherseg_engines.annotation.cases import Case
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.gathering import teachable
from featherseg_engines.teaching.order import Control, TeachOrder

NO_WORKSPACE = "Open a workspace: its accepted cases are what a model learns from."
NONE_ACCEPTED = "No case is accepted yet; a model learns from accepted cases."
NONE_LISTED = "None of the cases in the list is accepted."


class Gather(Protocol):
    """Reads cases of a workspace into an order; in the trainer's thread."""

    def __call__(
        self,
        workspace: Workspace,
        cases: tuple[Case, ...],
        wishes: Wishes,
        in_use: ModelBundle | None,
        control: Control,
        /,
    ) -> TeachOrder:
        """Copies of everything. *Raises* ReadError, TrainingError, Cancelled."""
        ...


class WorkspaceSource:
    """Follows a workbench.

    Parameters
    ----------
    taught
        When each case was learnt by a model (ISO 8601, UTC), by the case's name; nothing for a model that was not
        taught here.
    """

    changed = Signal()

    def __init__(
        self,
        bench: Workbench,
        gather: Gather,
        taught: Callable[[ModelBundle], Mapping[str, str]] | None = None,
    ) -> None:
        self._bench, self._gather = bench, gather
        self._taught = taught or (lambda _: {})
        self._known: tuple[str, Mapping[str, str]] = ("", {})
        self._stocks: dict[Wishes, Stock] = {}
        bench.listed.connect(self._on_listed)
        bench.changed.connect(self._on_listed)
        bench.session.model_changed.connect(self._on_listed)

    def stock(self, wishes: Wishes) -> Stock:
        """Accepted cases and volumes in work, and how many of them the model in use has not learnt as they are now.

        Asked at every change of what is on screen, so it is remembered until the case list is another.
        """
        if wishes not in self._stocks:
            self._stocks[wishes] = self._counted(wishes)
        return self._stocks[wishes]

    def _counted(self, wishes: Wishes) -> Stock:
        workspace = self._bench.workspace
        if workspace is None:
            return Stock(objection=NO_WORKSPACE)
        cases = self._accepted(workspace, wishes)
        if not cases:
            return Stock(objection=NONE_LISTED if wishes.cases == "listed" else NONE_ACCEPTED)
        if wishes.new_task:
            return Stock(len(cases), len(cases))
        learnt = self._learnt()
        new = [case for case in cases if case.name not in learnt or case.changed > learnt[case.name]]
        return Stock(len(cases), len(new))

    def plan(self, wishes: Wishes) -> Plan:
        """A lesson over the accepted cases, as they are when they are read."""
        workspace, in_use = self._bench.workspace, self._bench.session.model
        assert workspace is not None
        cases = tuple(self._accepted(workspace, wishes))
        mark = None if workspace.read_only else mark_in(workspace.folder)
        return Plan(len(cases), lambda control: self._gather(workspace, cases, wishes, in_use, control), mark)

    def _accepted(self, workspace: Workspace, wishes: Wishes) -> list[Case]:
        known = {case.id: case for case in teachable(workspace)}
        if wishes.cases == "listed":
            return [known[case.id] for case in self._bench.cases if case.id in known]
        return list(known.values())

    def _learnt(self) -> Mapping[str, str]:
        model = self._bench.session.model
        if model is None:
            return {}
        if self._known[0] != model.identity:
            self._known = (model.identity, self._taught(model))
        return self._known[1]

    def _on_listed(self, _: object = None) -> None:
        self._stocks.clear()
        self.changed.emit()


def mark_in(folder: Path) -> Path:
    """Where a workspace says that a lesson goes on."""
    return folder / lesson_mark.NAME
