"""``featherseg versions``: models taught on this computer; list, use, compare, export, import, delete."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.versions import Version, Versions

app = typer.Typer(help="Models that were taught on this computer.", no_args_is_help=True)
answers = Console(soft_wrap=True, highlight=False)
Named = Annotated[str, typer.Argument(help="Its name, as 'featherseg versions list' prints it")]


class Unhurried:
    """Nobody paints beside the command line: nothing waits."""

    def between(self) -> None:
        """Go on."""


@app.command("list")
def list_versions(as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Every model of yours: what it started from, from how many cases, what was measured, which is in use."""
    rows = [_row(version) for version in Versions().all()]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        return
    name = Column("Model", no_wrap=True)  # whole, to be typed again
    table = Table(name, "In use", "Date", "Cases", "Before", "After", "Decision", "Started from")
    for row in rows:
        numbers = (f"{row[key]:.3f}" if row[key] is not None else "" for key in ("before", "after"))
        use, cases = "yes" if row["in_use"] else "", str(row["cases"] or "")
        parent = str(row["parent"]).split(" ")[0]
        table.add_row(str(row["name"]), use, str(row["date"]), cases, *numbers, str(row["decision"]), parent)
    answers.print(table)


@app.command()
def use(name: Named) -> None:
    """Propose with this model from now on; the name of a model that shipped goes back to it."""
    bundle = Versions().roll_back(_bundle(name))
    answers.print(f"'{bundle.card.title or bundle.card.name}' is in use from the next start on.")


@app.command()
def compare(
    first: Named,
    second: Named,
    workspace: Annotated[Path, typer.Argument(help="A workspace with accepted cases")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Measure two models on accepted cases of a workspace, on those that neither has learnt from if there are any."""
    from featherseg_engines.annotation.workspace import Workspace
    from featherseg_engines.teaching.comparing import compare as measure
    from featherseg_engines.teaching.gathering import Wanted, order_from_workspace

    one, two = _bundle(first), _bundle(second)
    with Workspace(workspace, read_only=True) as opened:
        order = order_from_workspace(opened, wanted=Wanted(parent=one, in_use=one))
    found = measure(one, two, order, Unhurried())
    if as_json:
        report = {
            "cases": found.overall.cases,
            "fair": found.fair,
            "first": found.overall.before,
            "second": found.overall.after,
            "gain": found.overall.gain,
            "interval": found.overall.interval,
            "classes": {name: [before, after] for name, before, after in found.per_class},
        }
        sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        return
    answers.print(found.sentence)


@app.command("export")
def export_version(name: Named, file: Annotated[Path, typer.Argument(help="Like mine.fsmodel")]) -> None:
    """Write a model into one file for a colleague; no case is named in it."""
    from featherseg_engines.teaching.exchange import export_model

    export_model(_bundle(name), file)
    answers.print(f"Wrote '{file.name}', {file.stat().st_size / 1e6:.1f} MB.")


@app.command("import")
def import_version(file: Annotated[Path, typer.Argument(help="A colleague's file")]) -> None:
    """Take a colleague's model in; it stands in the list of models then."""
    from featherseg_engines.teaching.exchange import import_model

    bundle = import_model(file, Versions().folder)
    answers.print(f"Took in '{bundle.card.name}'.")


@app.command()
def delete(name: Named) -> None:
    """Delete a model of yours for good; not the one in use."""
    versions = Versions()
    versions.delete(_bundle(name))
    answers.print(f"Deleted '{name}'.")


def _bundle(name: str) -> ModelBundle:
    return Catalogue().resolve(name)


def _row(version: Version) -> dict[str, str | int | float | bool | None]:
    record = version.record
    verdict = record.verdict if record is not None else None
    return {
        "name": version.name,
        "title": version.title,
        "in_use": version.in_use,
        "date": record.at[:10] if record is not None else version.bundle.card.created,
        "cases": record.cases if record is not None else 0,
        "how": verdict.how if verdict is not None else "",
        "before": verdict.parent_dice if verdict is not None else None,
        "after": verdict.candidate_dice if verdict is not None else None,
        "decision": verdict.decision if verdict is not None else "",
        "parent": version.bundle.card.parent,
        "beaten": record.beaten if record is not None else "",
        "seed": record.settings.seed if record is not None else 0,
        "hash": version.bundle.identity,
        "bytes": version.size,
    }
