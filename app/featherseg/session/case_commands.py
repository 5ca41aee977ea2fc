"""What a person can do with the cases of a workspace, as commands."""

from featherseg.session.commands import Command
from featherseg.session.workbench import Workbench


def case_commands(bench: Workbench) -> list[Command]:
    """What needs nothing but the workbench."""
    return [
        Command(
            "case.accept",
            "Accept case, open the next or most useful",
            "Return",
            "Label",
            bench.accept,
            help="The next of the list; the most useful one where the list shows the most useful first",
        ),
        Command(
            "case.useful",
            "Next most useful case",
            "Shift+Return",
            "Label",
            bench.outlooks.open_next,
            help="The case that the model is least sure of and that is unlike those you have done",
        ),
        Command("case.flag", "Flag case, or take the flag away", "Shift+F", "Label", bench.flag),
        Command("case.next", "Next case", "N", "Label", bench.next, repeats=True),
        Command(
            "case.previous",
            "Previous case",
            "Shift+N",
            "Label",
            lambda: bench.next(backwards=True),
            repeats=True,
        ),
    ]
