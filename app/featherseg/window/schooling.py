"""Puts a lesson together: the workbench's cases, the engine's teacher, the person's models folder."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np

from featherseg.session.lesson_plan import Wishes
from featherseg.session.session import Session
from featherseg.session.teaching import Teaching
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_source import WorkspaceSource
from featherseg_engines.annotation.cases import Case
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import user_models_folder
from featherseg_engines.teaching.order import Control, Outcome, TaughtCase, Teacher, TeachOrder
from featherseg_engines.teaching.record import learnt_cases

MakeTeaching = Callable[[Session, Workbench], Teaching | None]


def standard_teaching(session: Session, bench: Workbench) -> Teaching | None:
    """Teaching as the product does it."""
    source = WorkspaceSource(bench, gather, learnt_cases)
    return Teaching(session, source, Models(), make_teacher)


def make_teacher() -> Teacher:
    """The teacher of this machine; in the trainer's thread, for it imports torch."""
    from featherseg_engines.teaching.teach import LocalTeacher

    return LocalTeacher()


def gather(
    workspace: Workspace, cases: tuple[Case, ...], wishes: Wishes, in_use: ModelBundle | None, control: Control
) -> TeachOrder:
    """Interim: whole masks of all cases."""
    taught = []
    values: set[int] = set()
    for case in cases:
        control.between()
        labels = workspace.masks.recover(case.id).labels.array
        values |= {int(v) for v in np.unique(labels) if v}
        volume = workspace.read_volume(case)
        taught.append(TaughtCase(case.name, case.name, volume.voxels, labels.astype(np.uint8)))
    rows = workspace.labels.table().rows
    order = sorted(values)
    parent = None if wishes.new_task else in_use
    return TeachOrder(
        tuple(taught),
        tuple(rows[v].name for v in order),
        tuple(order),
        parent,
        in_use,
        wishes.settings,
        tuple(rows[v].colour for v in order),
    )


class Models:
    """Interim archive."""

    def scratch(self) -> Path:
        """A name that nobody has."""
        return user_models_folder() / f"taught-{uuid4().hex[:8]}"

    def keep(self, order: TeachOrder, outcome: Outcome) -> ModelBundle:
        """It lies there already."""
        return outcome.candidate

    def note(self, bundle: ModelBundle, *, in_use: bool) -> None:
        """Nothing."""
