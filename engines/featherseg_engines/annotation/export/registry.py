"""Which ways out of a workspace there are: a registry that others can be put into."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Labels, LabelTable


@dataclass(frozen=True, slots=True)
class ExportItem:
    """A case that goes out; its voxels are read when asked for, one case at a time."""

    workspace: Workspace
    case: Case

    def labels(self) -> Labels:
        """Label numbers (z, y, x) as of the last recorded edit. *Raises* ReadError."""
        found = self.workspace.masks.recover(self.case.id)
        return found.labels.array if found.foreign is None else found.foreign

    def volume(self) -> Volume:
        """The image. *Raises* ReadError."""
        return self.workspace.read_volume(self.case)


Tell = Callable[[int, int], None]
"""Called with how many cases are out and how many there are; it may raise Cancelled."""


@dataclass(frozen=True, slots=True)
class Job:
    """One export: what goes out, where to (an empty or new folder), under which names."""

    items: tuple[ExportItem, ...]
    folder: Path
    table: LabelTable
    tell: Tell = field(default=lambda done, total: None)


@dataclass(frozen=True, slots=True)
class Exporter:
    """A way out: its name in commands, its title in menus, and what writes.

    ``write`` returns one sentence for each thing the person should know; it raises FeathersegError where the
    cases cannot go out this way.
    """

    name: str
    title: str
    write: Callable[[Job], Sequence[str]]


class Exporters:
    """Ways out by name."""

    def __init__(self, exporters: Sequence[Exporter] = ()) -> None:
        self._known = {exporter.name: exporter for exporter in exporters}

    def add(self, exporter: Exporter) -> None:
        """Put a way out in, or replace the one of its name."""
        self._known[exporter.name] = exporter

    def all(self) -> list[Exporter]:
        """In the order they were put in."""
        return list(self._known.values())

    def __getitem__(self, name: str) -> Exporter:
        """The exporter of this name. *Raises* WriteError that lists the names there are."""
        if name not in self._known:
            raise WriteError(f"There is no export '{name}'; there are: {', '.join(self._known)}.")
        return self._known[name]


def standard_exporters() -> Exporters:
    """The ways out that this program brings."""
    from featherseg_engines.annotation.export import coco, dicom_seg, folder, nnunet

    return Exporters((nnunet.EXPORTER, folder.EXPORTER, coco.EXPORTER, dicom_seg.EXPORTER))


def export_accepted(
    workspace: Workspace, exporter: Exporter, folder: Path, tell: Tell | None = None
) -> Sequence[str]:
    """Write all accepted cases into ``folder``, which must be empty or new.

    Returns
    -------
    What the exporter has to say, a sentence each.

    Raises
    ------
    WriteError
        No case is accepted, the folder holds something, or it cannot be written.
    ReadError
        An image is gone.
    """
    items = tuple(ExportItem(workspace, case) for case in workspace.cases({CaseState.ACCEPTED}, sort="name"))
    if not items:
        raise WriteError("No case is accepted yet, so there is nothing to export; accept a case first.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = any(folder.iterdir())
    except OSError as error:
        raise WriteError(f"The folder '{folder.name}' cannot be made or read; choose another one.") from error
    if filled:
        raise WriteError(f"The folder '{folder.name}' holds something already; choose an empty or new one.")
    job = Job(items, folder, workspace.labels.table())
    return exporter.write(job if tell is None else Job(items, folder, job.table, tell))
