"""Images and masks into the workspace, accepted cases out of it: long work with progress and Cancel."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from featherseg.session.background import Ear
from featherseg.session.notice import Notice
from featherseg.session.opening import Opening
from featherseg.session.workbench import Workbench
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.export.registry import Exporter, export_accepted
from featherseg_engines.annotation.intake import Intake, Tell, add_folder, add_images, import_masks
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import Cancelled
from featherseg_engines.labels import Label

T = TypeVar("T")
NAMED = 3
"""How many of the things that did not come in are told one by one."""


def gather(bench: Workbench, paths: Sequence[Path], *, copy: bool = False) -> None:
    """Add images, and folders with everything below them, as cases; the first opens where none is in hand."""
    folders = [path for path in paths if path.is_dir()]
    files = [path for path in paths if not path.is_dir()]

    def work(workspace: Workspace, tell: Tell) -> Intake:
        found = [add_images(workspace, files, copy, tell)] if files else []
        found += [add_folder(workspace, folder, copy, tell) for folder in folders]
        return Intake(tuple(c for f in found for c in f.cases), tuple(r for f in found for r in f.refused))

    def done(intake: Intake) -> None:
        _tell(bench, intake, "added", "No image was added.")
        if bench.session.case is None and intake.cases:
            bench.open_case(intake.cases[0])

    _run(bench, "Adding images", work, done)


def gather_half_done(bench: Workbench, folder: Path, masks: Sequence[Path], label: Label) -> None:
    """Add a folder of images of which some are done: their masks come along, accepted; the first other one opens.

    ``label`` is what the masks' number means; it is the only one in the table then. For a workspace that is new.
    """

    def work(workspace: Workspace, tell: Tell) -> tuple[Intake, Intake]:
        found = add_folder(workspace, folder, False, tell)
        for row in workspace.labels.rows():
            workspace.labels.remove(row.label.value)  # of what was open before; nothing is drawn here yet
        workspace.labels.put([LabelRow(label)])
        masked = import_masks(workspace, masks, tell)
        workspace.set_state([case.id for case in masked.cases], CaseState.ACCEPTED)
        return found, masked

    def done(intakes: tuple[Intake, Intake]) -> None:
        found, masked = intakes
        bench.session.labelling.load(bench.workspace.labels.rows() if bench.workspace else [])
        there = {case.id for case in masked.cases}
        left = [case for case in found.cases if case.id not in there] or list(found.cases)
        if left:
            bench.open_case(left[0])

    _run(bench, "Adding images", work, done, bench.session.opening)


def take_masks(bench: Workbench, masks: Sequence[Path]) -> None:
    """Put existing masks onto the cases they belong to, by file name or by the series a DICOM-SEG names."""

    current = bench.current
    if current is not None:  # put away: a mask that comes in behind an open history makes it out of date
        if not bench.session.editing.retry():
            return
        bench.session.use(None)

    def done(intake: Intake) -> None:
        bench.session.labelling.load(bench.workspace.labels.rows() if bench.workspace else [])
        if current is not None and bench.session.case is None:
            bench.open_case(current)
        _tell(bench, intake, "labelled from files", "No mask was taken in.")

    # on the thread that opens cases, so that none is opened meanwhile
    reading = bench.session.opening
    _run(
        bench, "Taking in masks", lambda workspace, tell: import_masks(workspace, masks, tell), done, reading
    )


def send_out(bench: Workbench, exporter: Exporter, folder: Path) -> None:
    """Write all accepted cases into an empty folder."""

    def done(sentences: Sequence[str]) -> None:
        bench.session.tell(Notice(" ".join(sentences)))

    _run(
        bench,
        f"Exporting to '{folder.name}'",
        lambda workspace, tell: export_accepted(workspace, exporter, folder, tell),
        done,
    )


def _run(
    bench: Workbench,
    title: str,
    work: Callable[[Workspace, Tell], T],
    done: Callable[[T], None],
    thread: Opening | None = None,
) -> None:
    workspace = bench.workspace
    if workspace is None:
        bench.session.tell(Notice("Open a workspace first: File, Open workspace."))
        return

    def run(ear: Ear) -> T:
        def tell(at: int, of: int) -> None:
            if ear.cancelled():
                raise Cancelled
            ear.listen(at, of)

        return work(workspace, tell)

    def finish(result: T) -> None:
        bench.refresh()
        done(result)

    (thread or bench.errands).compute(title, run, finish, bench.refresh)


def _tell(bench: Workbench, intake: Intake, what: str, nothing: str) -> None:
    count = len(intake.cases)
    said = [f"{count} {'case' if count == 1 else 'cases'} {what}." if count else nothing]
    said += list(intake.refused[:NAMED])
    if len(intake.refused) > NAMED:
        said.append(f"{len(intake.refused) - NAMED} more were left out.")
    bench.session.tell(Notice(" ".join(said), "problem" if intake.refused and not count else "info"))


def cases_named(cases: Sequence[Case]) -> str:
    """A few cases in words, for a question before they go."""
    names = ", ".join(f"'{case.name}'" for case in cases[:NAMED])
    return names if len(cases) <= NAMED else f"{names} and {len(cases) - NAMED} more"
