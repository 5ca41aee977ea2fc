"""The command line: ``featherseg open``, ``predict``, ``models``, ``train``, ``evaluate``, ``info``, ``convert``,
``export``, ``deidentify``, ``finetune``, ``versions``, ``rows``, ``launcher``,
``doctor``.

A refusal is one sentence on stderr and exit code 2.
"""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from featherseg import cli_doctor, cli_export, cli_finetune, cli_images, cli_launcher, cli_rows, cli_versions
from featherseg_engines.errors import FeathersegError, MissingPackageError, ReadError

app = typer.Typer(
    help="Segment medical images on the computer you already have. Research use; not a medical device.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_rows.app, name="rows")
app.add_typer(cli_launcher.app, name="launcher")
app.add_typer(cli_versions.app, name="versions")
cli_images.register(app)
cli_export.register(app)
cli_doctor.register(app)
cli_finetune.register(app)
errors = Console(stderr=True, soft_wrap=True, highlight=False)
answers = Console(soft_wrap=True, highlight=False)


DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""Where any of these is set, Qt can open a window (on Linux)."""


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Without a command: open the window."""
    if context.invoked_subcommand is None:
        _open(None)


@app.command("open")
def open_window(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Image, DICOM folder or workspace to open")
    ] = None,
) -> None:
    """Open the window, on an image or folder where one is named; of several (a file manager's) on the first."""
    _open(paths[0] if paths else None)


def _open(path: Path | None) -> None:
    if path is not None and not path.exists():
        raise ReadError(f"There is no file '{path.name}' that can be opened; check the name.")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in DISPLAYS):
        raise FeathersegError(
            "There is no display here for the window; use featherseg predict, or a desktop session."
        )
    try:
        from featherseg.window.launch import run_window
    except ImportError as error:
        raise MissingPackageError(
            f"The window needs the package '{error.name}'; install it with: pip install 'featherseg[app]'."
        ) from error
    raise typer.Exit(run_window(path))


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(help="Image or volume")],
    model: Annotated[str, typer.Option("--model", "-m", help="A bundle's name or folder")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Mask to write: .png, .tif, .nii.gz, .nrrd, .mha")
    ],
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.5,
) -> None:
    """Write the model's mask of an image, on the image's own grid."""
    import numpy as np

    from featherseg_engines.imaging.readers import read_image
    from featherseg_engines.imaging.writers import write_mask
    from featherseg_engines.inference.onnx_engine import OnnxModel
    from featherseg_engines.inference.postprocess import labels_at
    from featherseg_engines.models.catalogue import Catalogue

    bundle = Catalogue().resolve(model)
    volume = read_image(image)
    network = OnnxModel(bundle)
    numbers = np.array([0, *(entry.value for entry in bundle.card.labels)], np.uint16)
    labels = np.zeros(volume.geometry.shape, numbers.dtype)
    for z, found in enumerate(network.volume_slices(volume.voxels)):  # never the whole volume as floats
        labels[z] = numbers[labels_at(found, threshold)]
    write_mask(output, labels, volume.geometry)


@app.command()
def evaluate(
    dataset: Annotated[
        Path, typer.Argument(help="Folder with <split>/images, <split>/masks and dataset.json")
    ],
    model: Annotated[str, typer.Option("--model", "-m", help="A bundle's name or folder")],
    split: Annotated[str, typer.Option(help="Which part of the data set")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
    per_image: Annotated[bool, typer.Option("--per-image", help="Add a row for each image")] = False,
) -> None:
    """Score a model on a data set: means of per-image values at the original resolution, pooled values beside."""
    from featherseg_engines import evaluation
    from featherseg_engines.datasets import read_dataset
    from featherseg_engines.inference.onnx_engine import OnnxModel
    from featherseg_engines.inference.postprocess import labels_at
    from featherseg_engines.models.catalogue import Catalogue

    bundle = Catalogue().resolve(model)
    data = read_dataset(dataset, split)
    network = OnnxModel(bundle)
    result: evaluation.Evaluation | None = None
    with _progress() as progress:
        bar = progress.add_task("Scoring", total=len(data.cases), note="")
        for item in evaluation.evaluate(
            lambda voxels: labels_at(network.volume_probability(voxels), 0.5), data
        ):
            if isinstance(item, evaluation.Evaluation):
                result = item
            else:
                progress.update(bar, advance=1, note=item.image)
    assert result is not None
    report = {"model": bundle.card.name, **dataclasses.asdict(result.summary())}
    report["classes"] = dict(zip(data.classes, result.by_class(), strict=True))
    if per_image:
        report["images"] = result.rows()
    if as_json:
        sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        return
    for key, value in report.items():
        if key != "images":
            answers.print(f"{key:12} {value:.4f}" if isinstance(value, float) else f"{key:12} {value}")
    for row in report.get("images", ()):
        answers.print("  ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()))


@app.command()
def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """List the networks, counted, and the model bundles."""
    from featherseg.listing import bundle_rows, network_rows, tables

    with _needs_training_packages():
        networks, problems = network_rows()
    bundles, more = bundle_rows()
    if as_json:
        sys.stdout.write(
            json.dumps({"networks": networks, "bundles": bundles}, indent=1, ensure_ascii=False) + "\n"
        )
    else:
        for table in tables(networks, bundles):
            answers.print(table)
    for sentence in (*problems, *more):
        errors.print(sentence, markup=False)


@app.command()
def train(
    dataset: Annotated[
        Path, typer.Argument(help="Folder with <split>/images, <split>/masks and dataset.json")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Bundle to write; default: your models")
    ] = None,
    network: Annotated[
        str, typer.Option("--network", "-n", help="Which network; see featherseg models")
    ] = "repsegnet",
    name: Annotated[
        str, typer.Option(help="The bundle's name; default: the folder's, or network.dataset")
    ] = "",
    stages: Annotated[
        str, typer.Option(help="Longer side in pixels : epochs, …")
    ] = "96:8,128:12,192:4,256:2",
    split: Annotated[str, typer.Option(help="Part to learn from")] = "train",
    dev_split: Annotated[str, typer.Option(help="Part to choose the best epoch on")] = "dev",
    permits: Annotated[
        str, typer.Option(help="What the data's licence permits, for the card")
    ] = "see the licence",
    parent: Annotated[str, typer.Option(help="Start from this bundle's weights")] = "",
    limit: Annotated[int, typer.Option(help="Learn from the first N cases only; 0: all")] = 0,
    seed: Annotated[int, typer.Option()] = 42,
    threads: Annotated[int, typer.Option()] = 2,
) -> None:
    """Train a network on a data set and write a model bundle; a stopped run resumes where it was.

    Networks that take volumes learn from blocks; their stages' sizes do not matter, only the epochs.
    """
    from featherseg_engines.datasets import read_dataset
    from featherseg_engines.models.catalogue import Catalogue, user_models_folder

    with _needs_training_packages():
        from featherseg_engines.networks.registry import default_registry
        from featherseg_engines.training.lesson import Lesson, teach
        from featherseg_engines.training.publish import About
        from featherseg_engines.training.recipes import plan_for, preprocessing_for
    registry = default_registry()
    spec = registry.get(network)
    data, dev = read_dataset(dataset, split), read_dataset(dataset, dev_split)
    if limit:
        data = dataclasses.replace(data, cases=data.cases[:limit])
    name = name or (output.name if output else f"{spec.name}.{data.name}")
    plan = dataclasses.replace(plan_for(spec), stages=_stages(stages), seed=seed, threads=threads)
    bundle_of_parent = Catalogue().resolve(parent) if parent else None
    lesson = Lesson(
        data, dev, spec.name, name, plan, preprocessing_for(spec, data), About(permits), bundle_of_parent
    )
    with _progress() as progress:
        listen = _learning_bar(progress, plan.epochs)
        bundle = teach(lesson, registry, output or user_models_folder() / name, listen)
    measured = bundle.card.measured[0]
    answers.print(
        f"{bundle.card.name}: Dice {measured.dice:.4f}, IoU {measured.iou:.4f} on {measured.n} images"
    )


def _learning_bar(progress: Progress, epochs: int) -> Callable[[Any], None]:
    """What shows a lesson's progress: the bar, and a line for each finished epoch."""
    bar = progress.add_task("Learning", total=epochs, note="")

    def listen(at: Any) -> None:
        dice = "" if at.best_dice is None else f"Dice {at.best_dice:.3f}"
        progress.update(bar, completed=at.epoch + at.step / at.steps, note=f"loss {at.loss:.3f} {dice}")
        if at.dice is not None:
            errors.print(f"epoch {at.epoch + 1}/{at.epochs}: loss {at.loss:.4f}, Dice {at.dice:.4f}")

    return listen


@contextlib.contextmanager
def _needs_training_packages() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f"This needs the package '{error.name}'; install it with: pip install 'featherseg[train]'."
        ) from error


def _stages(text: str) -> tuple[Any, ...]:
    from featherseg_engines.training.plan import Stage

    try:
        pairs = [part.split(":") for part in text.split(",")]
        stages = tuple(Stage(int(side), int(epochs)) for side, epochs in pairs)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not of the form 96:8,128:12 (longer side : epochs)") from error
    if any(s.long_side < 32 or s.epochs < 1 for s in stages):
        raise typer.BadParameter("sides must be at least 32 pixels and epochs at least 1")
    return stages


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=errors, transient=True)


def main() -> None:
    """Entry point: errors of the world become one sentence and exit code 2."""
    try:
        app()
    except FeathersegError as error:
        errors.print(str(error), markup=False)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        errors.print("Stopped.")
        raise SystemExit(130) from None


def desktop() -> None:
    """Entry point of the desktop launcher: the window, on the file it was given."""
    sys.argv[1:1] = ["open"]
    main()


if __name__ == "__main__":
    main()
