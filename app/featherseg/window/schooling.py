"""Puts a lesson together: the workbench's cases, the engine's teacher, the person's models folder."""

from collections.abc import Callable
from dataclasses import replace

from featherseg.session.layer_source import LayerSource
from featherseg.session.lesson_plan import Wishes
from featherseg.session.session import Session
from featherseg.session.teaching import Teaching
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_source import WorkspaceSource
from featherseg_engines.annotation.cases import Case
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.gathering import Wanted, order_from_workspace
from featherseg_engines.teaching.order import Control, Teacher, TeachOrder
from featherseg_engines.teaching.record import learnt_cases
from featherseg_engines.teaching.run_folder import sweep
from featherseg_engines.teaching.versions import Versions, starts_from

MakeTeaching = Callable[[Session, Workbench], Teaching | None]


def standard_teaching(session: Session, bench: Workbench) -> Teaching | None:
    """Teaching as the product does it."""
    source = WorkspaceSource(bench, Gathering(session.catalogue), learnt_cases)
    versions = Versions()
    sweep(versions.folder)  # what a lesson left that was killed with the program
    return Teaching(session, source, versions, make_teacher)


def layer_teaching(session: Session) -> Teaching:
    """Teaching from the layers of somebody's napari: the slices of the image in hand that were labelled."""
    source = LayerSource(session, lambda in_use: starts_from(in_use, session.catalogue))
    return Teaching(session, source, Versions(), make_teacher)


def make_teacher() -> Teacher:
    """The teacher of this machine; in the trainer's thread, for a lesson imports torch."""
    from featherseg_engines.teaching.teach import LocalTeacher

    return LocalTeacher()


class Gathering:
    """Reads cases into an order; a :class:`~featherseg.session.workspace_source.Gather`. In the trainer's thread.

    Learning starts from the model that the line of the one in use began with, never from what lessons made of it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __call__(
        self,
        workspace: Workspace,
        cases: tuple[Case, ...],
        wishes: Wishes,
        in_use: ModelBundle | None,
        control: Control,
    ) -> TeachOrder:
        """Copies of everything. *Raises* ReadError, TrainingError, Cancelled."""
        settings, parent = wishes.settings, None
        if not wishes.new_task:
            parent = starts_from(in_use, self._catalogue)
            if parent is None and in_use is not None:  # was taught from nothing: again, with all cases
                settings = replace(settings, network=in_use.card.network)
        wanted = Wanted(parent, in_use, settings, wishes.labels, wishes.cases == "corrected")
        order = order_from_workspace(workspace, cases, wanted, control.between)
        if wishes.new_task and not _knows(in_use, order):
            return replace(order, in_use=None)
        return order


def _knows(model: ModelBundle | None, order: TeachOrder) -> bool:
    """Whether a model has a label of what is to be taught: then it is the one to beat also for a new task."""
    names = {entry.name.casefold() for entry in model.card.labels} if model is not None else set()
    return any(name.casefold() in names for name in order.classes)
