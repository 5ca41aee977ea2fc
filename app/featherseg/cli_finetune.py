"""``featherseg finetune``: teach a model from a workspace or a data set, and adopt it only where it is better."""

import contextlib
import json
import sys
import time
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from featherseg_engines.errors import DatasetError, ModelError, WriteError

if TYPE_CHECKING:
    from featherseg_engines.teaching.gathering import Wanted
    from featherseg_engines.teaching.order import Outcome, TaughtCase, TeachOrder, TeachProgress

answers = Console(soft_wrap=True, highlight=False)


class Unhurried:
    """Nobody paints beside the command line: the lesson never waits."""

    def between(self) -> None:
        """Go on."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(finetune)


def finetune(  # noqa: PLR0913  # every option is an argument in typer
    workspace: Annotated[
        Path | None, typer.Argument(help="A workspace: its accepted and corrected cases")
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="What learning starts from")] = "repsegnet.skin",
    cases: Annotated[Path | None, typer.Option(help="A data set in place of a workspace")] = None,
    split: Annotated[str, typer.Option(help="Which part of the data set")] = "train",
    cases_glob: Annotated[str, typer.Option(help="Only cases whose name fits, like 'chase_*'")] = "*",
    limit: Annotated[int, typer.Option(help="At most so many cases, drawn by the seed; 0: all")] = 0,
    minutes: Annotated[float, typer.Option(help="Time for learning; 0: 3 for slices, 10 for volumes")] = 0.0,
    seed: Annotated[int, typer.Option()] = 42,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The taught model's folder; left out: among your models"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Teach a model these cases and judge it on some that are held out; says whether it is better."""
    if (workspace is None) == (cases is None):
        raise DatasetError("Name a workspace, or a data set with --cases; one of the two.")
    if output is not None and output.exists():
        raise ModelError(f"'{output.name}' is there already; choose another folder with -o.")
    wish = _wanted(model, minutes, seed)
    if workspace is not None:
        order = _order_from_workspace(workspace, wish)
    else:
        assert cases is not None
        order = order_from_dataset(cases, split, cases_glob)
        order = replace(order, parent=wish.parent, in_use=wish.in_use, settings=wish.settings)
    if limit:
        order = replace(order, cases=drawn(order.cases, limit, seed))
    started = time.monotonic()
    outcome = _taught(order, output, quiet=as_json)
    report = report_of(order, outcome, time.monotonic() - started)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        return
    answers.print(outcome.verdict.sentence)
    answers.print(
        f"{report['parent']}: Dice {report['parent_dice']:.3f} -> {report['candidate_dice']:.3f} on "
        f"{report['judged']} cases ({report['how']}), {report['seconds']:.0f} s; written to '{report['bundle']}'."
    )


def order_from_dataset(folder: Path, split: str, glob: str) -> "TeachOrder":
    """All cases of a data set whose name fits, as if a person had corrected them.

    Raises
    ------
    FeathersegError
        The data set is not usable, or no name fits.
    """
    import numpy as np

    from featherseg_engines.datasets import read_dataset
    from featherseg_engines.teaching.order import TaughtCase, TeachOrder

    dataset = read_dataset(folder, split)
    chosen = [case for case in dataset.cases if fnmatch(case.name, glob)]
    if not chosen:
        raise DatasetError(f"No case of '{dataset.name}' fits '{glob}'.")
    found: list[TaughtCase] = []
    for case in chosen:
        volume, labels = dataset.read(case)
        spacing = volume.geometry.spacing_mm if volume.geometry.calibrated else None
        found.append(TaughtCase(case.name, case.group, volume.voxels, labels.astype(np.uint8), spacing))
    values = tuple(range(1, len(dataset.classes) + 1))
    return TeachOrder(tuple(found), dataset.classes, values, None, None)


def _wanted(model: str, minutes: float, seed: int) -> "Wanted":
    """The model to beat, the one its line began with to learn from (never a lesson on a lesson), the settings."""
    from featherseg_engines.models.catalogue import Catalogue
    from featherseg_engines.teaching.gathering import Wanted
    from featherseg_engines.teaching.order import Settings
    from featherseg_engines.teaching.versions import starts_from

    catalogue = Catalogue()
    in_use = catalogue.resolve(model)
    parent = starts_from(in_use, catalogue)
    settings = Settings(minutes=minutes, seed=seed)
    if parent is None:  # was taught from nothing: again, with all cases
        settings = replace(settings, network=in_use.card.network)
    return Wanted(parent, in_use, settings)


def _order_from_workspace(folder: Path, wish: "Wanted") -> "TeachOrder":
    """Read a workspace; where no other program has it open, who is held out is kept in it."""
    from featherseg_engines.annotation.store import DATABASE
    from featherseg_engines.annotation.workspace import Workspace
    from featherseg_engines.teaching.gathering import order_from_workspace

    opened = None
    if (folder / DATABASE).is_file():
        with contextlib.suppress(WriteError):  # busy, or it may not be written
            opened = Workspace(folder)
    with opened or Workspace(folder, read_only=True) as workspace:
        return order_from_workspace(workspace, wanted=wish)


def drawn(cases: "tuple[TaughtCase, ...]", count: int, seed: int) -> "tuple[TaughtCase, ...]":
    """``count`` of the cases, the same for the same seed; more of them hold the fewer."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(cases))[:count]
    return tuple(cases[i] for i in order)


def _taught(order: "TeachOrder", output: Path | None, quiet: bool) -> "Outcome":
    """The lesson's outcome, in ``output``; without one kept among the person's models, in use where it is better."""
    from featherseg_engines.teaching.teach import LocalTeacher
    from featherseg_engines.teaching.versions import Versions

    console, versions = Console(stderr=True, quiet=quiet), Versions()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("preparing", total=1.0, left="")

        def listen(at: "TeachProgress") -> None:
            progress.update(
                bar, description=at.phase, completed=at.done, left=f"{at.seconds_left:.0f} s left"
            )

        outcome = LocalTeacher().teach(order, output or versions.scratch(), Unhurried(), listen)
    if output is not None:
        return outcome
    kept = versions.keep(order, outcome)
    if outcome.verdict.decision == "adopt":
        versions.note(kept, in_use=True)
    return replace(outcome, candidate=kept)


def report_of(order: "TeachOrder", outcome: "Outcome", seconds: float) -> dict[str, Any]:
    """What ``--json`` prints."""
    verdict = outcome.verdict
    return {
        "parent": order.parent.card.name if order.parent else "",
        "cases": len(order.cases),
        "decision": verdict.decision,
        "adopted": verdict.decision == "adopt",
        "sentence": verdict.sentence,
        "how": verdict.how,
        "judged": len(verdict.scores),
        "parent_dice": verdict.parent_dice,
        "candidate_dice": verdict.candidate_dice,
        "gain": verdict.gain,
        "interval": verdict.interval,
        "worse": verdict.worse,
        "classes": {name: [parent, candidate] for name, parent, candidate in verdict.per_class},
        "seconds": round(seconds, 1),
        "bundle": outcome.candidate.folder.name,
    }
