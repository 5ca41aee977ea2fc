"""``featherseg doctor``: what this machine is, what computes the models on it, and how fast. Fit for a bug report."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

PACKAGES = (
    "featherseg",
    "numpy",
    "onnxruntime",
    "openvino",
    "torch",
    "monai",
    "napari",
    "pydicom",
    "SimpleITK",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    model: Annotated[str, typer.Option("--model", "-m", help="Only this bundle, by name or folder")] = "",
    again: Annotated[bool, typer.Option("--again", help="Measure anew what was measured before")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Show the machine, the packages, and the fastest way to compute each model here; measures it once.

    Measuring takes some seconds for each kind of network; close other programs meanwhile.
    """
    from featherseg_engines.errors import FeathersegError
    from featherseg_engines.models.catalogue import Catalogue

    catalogue = Catalogue()
    bundles = [catalogue.resolve(model)] if model else catalogue.bundles()
    rows: list[dict[str, Any]] = []
    fresh: set[str] = set()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Measuring", total=len(bundles))
        for bundle in bundles:
            progress.update(bar, description=f"Measuring {bundle.card.name}")
            try:
                rows.append(_row(bundle, again, fresh))
            except FeathersegError as error:
                rows.append({"model": bundle.card.name, "problem": str(error)})
            progress.advance(bar)
    report = {**_facts(), "models": rows}
    if as_json:
        sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        return
    console = Console(soft_wrap=True, highlight=False)
    for table in _tables(report):
        console.print(table)


def _row(bundle: Any, again: bool, fresh: set[str]) -> dict[str, Any]:
    """One model: how it is computed here, measured where that is not known (``fresh``: networks just measured)."""
    from featherseg_engines.inference.proposal import CancelToken
    from featherseg_engines.inference.self_timing import choice_for, time_bundle, timed_for

    choice = None if again else choice_for(bundle)
    if choice is None:
        choice = time_bundle(bundle, CancelToken(), again and bundle.card.network not in fresh)
        fresh.add(bundle.card.network)
    timed = timed_for(bundle)
    ms = dict(timed.ms) if timed else {}
    return {
        "model": bundle.card.name,
        "choice": str(choice),
        "ms": ms.get(str(choice)),
        "bf16_dice": timed.dice if timed else None,
        "ways": ms,
    }


def _facts() -> dict[str, Any]:
    from featherseg_engines.inference.backends import choices
    from featherseg_engines.inference.machine import this_machine

    machine = this_machine()
    return {
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "usable_cores": machine.usable_cores,
            "memory_gb": machine.memory_gb,
            "features": list(machine.features),
            "system": machine.system,
            "python": platform.python_version(),
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "ways": [str(way) for way in choices(machine)],
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _tables(report: dict[str, Any]) -> list[Table]:
    first = Table("This machine", "", title="Featherseg doctor")
    for key, value in {**report["machine"], **report["packages"]}.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        first.add_row(key.replace("_", " "), text or "not known")
    second = Table("Model", "Computed by", "ms an image", "ONNX Runtime", "bf16 agrees", title="Models")
    for row in report["models"]:
        if "problem" in row:
            second.add_row(row["model"], row["problem"], "", "", "")
            continue
        plain = [ms for way, ms in row["ways"].items() if way.startswith("onnxruntime")]
        dice = "-" if row["bf16_dice"] is None else f"Dice {row['bf16_dice']:.4f}"
        times = (f"{ms:.1f}" if ms else "-" for ms in (row["ms"], min(plain, default=None)))
        second.add_row(row["model"], row["choice"], *times, dice)
    return [first, second]
