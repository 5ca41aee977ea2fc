"""The commands on how sure the model is."""

from featherseg.session.commands import Command
from featherseg.session.session import Session
from featherseg.session.unsure import LEGEND


def unsure_commands(session: Session) -> list[Command]:
    """To see where the model is unsure, and to ask it more thoroughly."""
    unsure, proposing = session.unsure, session.proposing
    return [
        Command(
            "model.unsure",
            "Show where the model is unsure",
            "U",
            "Model",
            lambda: unsure.show(not unsure.shown),
            checked=lambda: unsure.shown,
            help=LEGEND,
        ),
        Command(
            "model.mirror",
            "Ask mirrored images too (slower, steadier)",
            "",
            "Model",
            lambda: proposing.mirror(not proposing.flips),
            checked=lambda: proposing.flips,
            help="The next proposal is the mean over the image and its mirror images; it takes four times as long",
        ),
    ]
