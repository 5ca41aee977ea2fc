"""``featherseg rows``: the recipes of the shipped models, and making one again."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from featherseg_engines.training.contest import Terms
    from featherseg_engines.training.rows import Row

ON_DEVICE = "Only learn, on this device (cuda); without it, what was learned is measured"

SEEDED = "~"
"""Between a row's name and the seed of a further run of it."""

app = typer.Typer(help="The recipes of the shipped models.", no_args_is_help=True)


@app.command("list")
def list_rows() -> None:
    """Name every row."""
    from featherseg_engines.training.rows import read_rows
    from featherseg_resources import recipes_file

    for row in read_rows(recipes_file()).values():
        typer.echo(f"{row.name:26} {' + '.join(row.data)}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="The row's name, like repsegnet.skin")],
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
    work: Annotated[Path, typer.Option(help="Where the run is kept, and resumed")] = Path("out/rows"),
    models: Annotated[
        Path | None, typer.Option(help="Where it goes if it is better; default: the shipped")
    ] = None,
    threads: Annotated[int, typer.Option()] = 2,
    stop_at: Annotated[
        int, typer.Option(help="Close the run after so many epochs; 0: the whole schedule")
    ] = 0,
) -> None:
    """Make one model from scratch with the seed in its card; it replaces the one there only if it is better."""
    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.training.rows import adopt, lesson_of, train_row
    from featherseg_resources import models_folder

    row = _row(name)
    registry, target = default_registry(), models or models_folder()
    lesson = lesson_of(row, data, registry, target, threads)
    lesson = dataclasses.replace(lesson, plan=dataclasses.replace(lesson.plan, stop_at=stop_at))

    def listen(at: object) -> None:
        if getattr(at, "dice", None) is not None:
            typer.echo(f"epoch {at.epoch + 1}/{at.epochs}: loss {at.loss:.4f}, Dice {at.dice:.4f}")  # type: ignore[attr-defined]

    bundle = train_row(row, lesson, registry, work, listen)
    measured = bundle.card.measured[0]
    what = "in use now" if adopt(bundle, target) else "not better than the one that ships, which stays"
    typer.echo(f"{name}: Dice {measured.dice:.4f} {measured.dice_interval} on {measured.n} images; {what}")
    write_table(target)


@app.command()
def learn(
    names: Annotated[list[str], typer.Argument(help="Rows, which take turns on the device")],
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
    work: Annotated[Path, typer.Option(help="Where the runs are kept")] = Path("out/rows"),
    device: Annotated[str, typer.Option(help="cuda, or cpu to try it")] = "cuda",
    minutes: Annotated[float, typer.Option(help="End after so long; 0: after the rows' epochs")] = 0.0,
    after: Annotated[
        Path | None, typer.Option(help="Begin from the rows' finished runs, or models, in here")
    ] = None,
    teachers: Annotated[
        str, typer.Option(help="Runs or models in AFTER, with commas, heeded by the rows of their task")
    ] = "",
    seeds: Annotated[
        str,
        typer.Option(help="Others than the rows', with commas: the runs after the first are named NAME~SEED"),
    ] = "",
    rate: Annotated[float, typer.Option(help="Another learning rate than the rows'; 0: theirs")] = 0.0,
    balance: Annotated[float, typer.Option(help="0 to 1: show rare kinds of picture more often")] = 0.0,
) -> None:
    """Train rows on a GPU; ``rows train`` of the same work folder then measures and keeps what is better."""
    from featherseg_engines.errors import ModelError
    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.training.accelerator.turns import Entry, learn_all
    from featherseg_engines.training.checkpoint import training_folder
    from featherseg_engines.training.rows import lesson_of
    from featherseg_resources import models_folder

    if teachers and after is None:
        raise ModelError("Teachers need --after, the folder that holds their finished runs.")
    if not all(part.strip().isdigit() for part in seeds.split(",") if seeds):
        raise ModelError(f"'{seeds}' is not a list of seeds, like 42,43.")

    def there(run: str) -> "Path | None":
        """A finished run of that name, or a model."""
        places = (training_folder(after / run), after / run) if after and run else ()
        return next((place for place in places if place.is_dir()), None)

    entries = []
    for name in names:
        row, parent = dataclasses.replace(_row(name), parent=""), _row(name).parent
        lesson = lesson_of(row, data, default_registry(), models_folder(), 1)
        heard = [t for t in teachers.split(",") if _task_of(t) == _task_of(name)]
        told = tuple((t.split(".")[0], there(t) or training_folder(Path(t))) for t in heard)
        begin = there(name) or there(parent)
        for at, seed in enumerate(seeds.split(",")):
            other = {"seed": int(seed or 0), "learning_rate": rate, "balance": balance}
            plan = dataclasses.replace(lesson.plan, **{k: v for k, v in other.items() if v})  # type: ignore[arg-type]
            run = f"{name}{SEEDED}{plan.seed}" if at else name
            folder = training_folder(work / run)
            entries.append(Entry(dataclasses.replace(lesson, plan=plan), folder, begin, told))
    learn_all(entries, default_registry(), device, minutes, typer.echo)


@app.command()
def measure(
    name: Annotated[str, typer.Argument(help="The row's name, like repsegnet.skin")],
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
) -> None:
    """Measure a shipped model anew on its dev images and renew the numbers and words in its card."""
    from featherseg_engines.models.bundle import open_bundle
    from featherseg_engines.training.publish import measured_again
    from featherseg_engines.training.rows import data_of
    from featherseg_engines.training.thumbnails import save_worst
    from featherseg_resources import models_folder

    row = _row(name)
    dev = data_of(row, data, "dev")
    bundle = measured_again(open_bundle(models_folder() / name), dev, row.about)
    if row.images_may_ship:
        save_worst(bundle, dev)
    typer.echo(f"{name}: Dice {bundle.card.measured[0].dice:.4f}")
    write_table(models_folder())


@app.command()
def looks(
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
    names: Annotated[str, typer.Option(help="Only these, with commas")] = "",
) -> None:
    """Write into shipped cards how the pictures look that the models were taught on; nothing else changes."""
    from featherseg_engines.models.bundle import CARD
    from featherseg_engines.models.catalogue import Catalogue
    from featherseg_engines.training.checkpoint import save_json
    from featherseg_engines.training.publish import looks_of_set
    from featherseg_engines.training.rows import data_of
    from featherseg_resources import models_folder

    for bundle in Catalogue([models_folder()]).bundles():
        card = bundle.card
        if card.dims == 3 or (names and card.name not in names.split(",")):
            continue
        told = looks_of_set(data_of(_row(card.name), data, "train"), card.preprocessing)
        save_json(bundle.folder / CARD, dataclasses.replace(card, looks=told).to_json())
        typer.echo(f"{card.name}: {len(told)} pictures")


@app.command()
def table() -> None:
    """Write the table of all shipped models (models.md) from their cards."""
    from featherseg_resources import models_folder

    write_table(models_folder())


@app.command()
def ranking(
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
    networks: Annotated[str, typer.Option(help="Only these, with commas")] = "",
    tasks: Annotated[str, typer.Option(help="skin, polyp, drive, chase, with commas")] = "skin,polyp",
    seeds: Annotated[str, typer.Option(help="One or several, with commas")] = "42",
    side: Annotated[int, typer.Option(help="Longer side of the images")] = 96,
    epochs: Annotated[int, typer.Option(help="The same for all")] = 4,
    batch: Annotated[int, typer.Option(help="The same for all")] = 8,
    threads: Annotated[int, typer.Option()] = 2,
    device: Annotated[str, typer.Option(help=ON_DEVICE)] = "",
) -> None:
    """Train the light networks side by side on equal terms; what is there already is not made again."""
    from featherseg_engines.training.contest import RIVALS, Terms

    chosen = networks.split(",") if networks else RIVALS
    runs = [
        (name, Terms(task, side, epochs, int(seed), batch, threads))
        for task in tasks.split(",")
        for seed in seeds.split(",")
        for name in chosen
    ]
    _contest(runs, "ranking", data, device)


@app.command()
def ablation(
    name: Annotated[
        str, typer.Argument(help="An ablation, like repsegnet_k1; several with commas, or 'all'")
    ],
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets")],
    side: Annotated[int, typer.Option(help="Longer side of the images")] = 96,
    epochs: Annotated[int, typer.Option()] = 4,
    batch: Annotated[int, typer.Option()] = 8,
    threads: Annotated[int, typer.Option()] = 2,
    device: Annotated[str, typer.Option(help=ON_DEVICE)] = "",
) -> None:
    """Train a network with something left out, on skin lesions, on the terms of the ranking."""
    from featherseg_engines.networks.ablations import ABLATIONS
    from featherseg_engines.training.contest import Terms

    chosen = [spec.name for spec in ABLATIONS] if name == "all" else name.split(",")
    _contest(
        [(one, Terms("skin", side, epochs, batch=batch, threads=threads)) for one in chosen],
        "ablation",
        data,
        device,
    )


@app.command()
def times(data: Annotated[Path, typer.Option(help="The folder that holds the data sets")]) -> None:
    """Time the networks of ranking and ablations anew, in turn, on a machine that does nothing else."""
    from featherseg_engines.training.contest import timed_again
    from featherseg_resources import results_folder

    for name, ms in timed_again([results_folder() / kind for kind in ("ranking", "ablation")], data).items():
        typer.echo(f"{name}: {ms:.1f} ms")
    table()


def _contest(runs: "list[tuple[str, Terms]]", kind: str, data: Path, device: str) -> None:
    """Learn on the device, or where none is named learn what is not learned yet, measure and write the table."""
    from featherseg_engines.training import contest
    from featherseg_engines.training.accelerator.turns import Entry, learn_all
    from featherseg_engines.training.checkpoint import training_folder
    from featherseg_resources import results_folder

    folder, work = results_folder() / kind, Path("out/contest")
    missing = [(name, terms) for name, terms in runs if not contest.path_of(folder, name, terms).exists()]
    if device:
        known = contest.contestants()
        entries = [
            Entry(
                contest.lesson_of(known.get(name), terms, data),
                training_folder(contest.work_of(work, name, terms)),
                measured=True,
            )
            for name, terms in missing
        ]
        learn_all(entries, known, device, 0.0, typer.echo)
        return
    for name, terms in missing:
        result = contest.run(name, terms, data, work)
        contest.keep(result, folder)
        typer.echo(f"{name} {terms.task} {terms.seed}: Dice {result.dice:.3f} in {result.seconds:.0f} s")
    table()


@app.command()
def replay(
    dataset: Annotated[Path, typer.Argument(help="A data set whose licence lets its images ship")],
    count: Annotated[int, typer.Option(help="How many images")] = 24,
) -> None:
    """Make the small sample that a taught model is shown again, so that it does not forget."""
    from featherseg_engines.datasets import read_dataset
    from featherseg_engines.training.replay_sample import save_sample
    from featherseg_resources import replay_folder

    train = read_dataset(dataset, "train")
    size = save_sample(train, dataset / "dataset.json", replay_folder() / train.name, count)
    typer.echo(f"{train.name}: {count} images, {size / 1000:.0f} kB")


def _task_of(run: str) -> str:
    """The task in a row's or a further run's name."""
    return run.partition(SEEDED)[0].split(".")[-1]


def _row(name: str) -> "Row":
    from featherseg_engines.errors import ModelError
    from featherseg_engines.training.rows import read_rows
    from featherseg_resources import recipes_file

    rows = read_rows(recipes_file())
    if name not in rows:
        raise ModelError(f"There is no recipe '{name}'; known are: {', '.join(rows)}.")
    return rows[name]


def text_of_models(models: Path) -> str:
    """What ``models.md`` says of the bundles in a folder; of the shipped ones their attempts and contests too."""
    from featherseg_engines.models.catalogue import Catalogue
    from featherseg_engines.training.contest import contestants, kept
    from featherseg_engines.training.contest_table import ablations, claims, crossings, side_by_side
    from featherseg_engines.training.rows import attempts, read_rows
    from featherseg_engines.training.rows import table as text_of
    from featherseg_resources import models_folder, recipes_file, results_folder

    bundles = Catalogue([models]).bundles()
    text = text_of(bundles)
    if models == models_folder():
        rivals, others = (kept(results_folder() / kind) for kind in ("ranking", "ablation"))
        text += attempts(read_rows(recipes_file()).values())
        here = [r for r in rivals if r.abroad is None]
        text += claims(bundles) + side_by_side(here, contestants())
        text += crossings([r for r in rivals if r.abroad is not None]) + ablations(others, here)
    return text


def write_table(models: Path) -> None:
    """Write ``models.md`` two folders above the bundles: ``resources/models.md`` in a clone.

    With the shipped models, the plot of the contest's results (``docs/networks.png``) too.
    """
    from featherseg_engines.training.contest import kept
    from featherseg_engines.training.contest_table import plot
    from featherseg_resources import models_folder, results_folder

    rivals, docs = kept(results_folder() / "ranking"), models.parents[2] / "docs"
    if models == models_folder() and rivals and docs.is_dir():
        plot([r for r in rivals if r.abroad is None], docs / "networks.png")
    (models.parents[1] / "models.md").write_text(text_of_models(models), "utf-8")
