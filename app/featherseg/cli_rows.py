"""``featherseg rows``: the recipes of the shipped models, and making one again."""

from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Make one model from scratch with the seed in its card; it replaces the one there only if it is better."""
    from featherseg_engines.errors import ModelError
    from featherseg_engines.networks.registry import default_registry
    from featherseg_engines.training.rows import adopt, lesson_of, read_rows, train_row
    from featherseg_resources import models_folder, recipes_file

    rows = read_rows(recipes_file())
    if name not in rows:
        raise ModelError(f"There is no recipe '{name}'; known are: {', '.join(rows)}.")
    registry, target = default_registry(), models or models_folder()
    lesson = lesson_of(rows[name], data, registry, target, threads)

    def listen(at: object) -> None:
        if getattr(at, "dice", None) is not None:
            typer.echo(f"epoch {at.epoch + 1}/{at.epochs}: loss {at.loss:.4f}, Dice {at.dice:.4f}")  # type: ignore[attr-defined]

    bundle = train_row(rows[name], lesson, registry, work, listen)
    measured = bundle.card.measured[0]
    what = "in use now" if adopt(bundle, target) else "not better than the one that ships, which stays"
    typer.echo(f"{name}: Dice {measured.dice:.4f} {measured.dice_interval} on {measured.n} images; {what}")
    write_table(target)


@app.command()
def table() -> None:
    """Write the table of all shipped models (models.md) from their cards."""
    from featherseg_resources import models_folder

    write_table(models_folder())


def write_table(models: Path) -> None:
    """Write ``models.md`` two folders above the bundles: ``resources/models.md`` in a clone."""
    from featherseg_engines.models.catalogue import Catalogue
    from featherseg_engines.training.rows import table as text_of

    (models.parents[1] / "models.md").write_text(text_of(Catalogue([models]).bundles()), "utf-8")
