"""``featherseg launcher``: an entry among one's programs, and taking it away."""

import typer

app = typer.Typer(help="The entry for Featherseg among your programs.", no_args_is_help=True)


@app.command()
def install() -> None:
    """Put Featherseg among your programs (desktop entry, Start menu, Applications); for you alone."""
    from featherseg.window.launcher import install as make
    from featherseg.window.launcher import places

    typer.echo(f"Made {make(places())[0]}")


@app.command()
def remove() -> None:
    """Take it away again."""
    from featherseg.window.launcher import places
    from featherseg.window.launcher import remove as take_away

    gone = take_away(places())
    typer.echo(f"Removed {gone[0]}" if gone else "There is no launcher to remove.")
