"""Every command of the program in one table: id, title, shortcut, and what it does to a session."""

from collections.abc import Callable
from dataclasses import dataclass

from featherseg.session.session import Session


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do.

    ``shortcut`` is Qt's portable text ("Ctrl+Z"), "" for none; it is a default, which a person may change.
    ``checked`` says, for a command that switches something, whether it is on. ``help`` is a sentence more.
    """

    id: str
    title: str
    shortcut: str
    menu: str
    run: Callable[[], None]
    repeats: bool = False
    checked: Callable[[], bool] | None = None
    help: str = ""


def session_commands(session: Session) -> list[Command]:
    """What needs nothing but the session."""
    return [
        *_tool_commands(session),
        Command("propose", "Propose or accept", "Space", "Model", lambda: propose_or_accept(session)),
        Command("drop", "Drop the proposal, leave the tool", "Esc", "Model", lambda: leave_or_drop(session)),
        Command(
            "live",
            "Live proposals",
            "W",
            "Model",
            lambda: session.proposing.go_live(not session.proposing.live),
            checked=lambda: session.proposing.live,
            help="The proposal follows slice, window and model by itself",
        ),
        Command("undo", "Undo", "Ctrl+Z", "Edit", session.undo, repeats=True),
        Command("redo", "Redo", "Ctrl+Shift+Z", "Edit", session.redo, repeats=True),
    ]


def _tool_commands(session: Session) -> list[Command]:
    tools = [
        Command(f"label.{n}", f"Label {n}", str(n), "Label", lambda n=n: _choose_by_key(session, n))  # type: ignore[misc]
        for n in range(1, 10)
    ]
    return [
        Command("tool.brush", "Brush", "B", "Label", lambda: session.choose_tool("brush")),
        Command("tool.eraser", "Eraser", "E", "Label", lambda: session.choose_tool("eraser")),
        Command("tool.fill", "Fill", "F", "Label", lambda: session.choose_tool("fill")),
        Command("tool.browse", "Move the image", "V", "Label", lambda: session.choose_tool("browse")),
        Command("brush.smaller", "Smaller brush", "[", "Label", lambda: _resize(session, -1), repeats=True),
        Command("brush.larger", "Larger brush", "]", "Label", lambda: _resize(session, 1), repeats=True),
        *tools,
    ]


def _choose_by_key(session: Session, digit: int) -> None:
    session.choose_label(session.labelling.by_key(str(digit)))


def _resize(session: Session, sign: int) -> None:
    session.set_brush_size(session.brush_size + sign * max(1, session.brush_size // 6))


def leave_or_drop(session: Session) -> None:
    """Drop the ghost; without one, put the tool down."""
    if session.proposal is not None or session.busy:
        session.drop()
    else:
        session.choose_tool("browse")


def propose_or_accept(session: Session) -> None:
    """The primary action: with a ghost on screen accept it, otherwise propose."""
    if session.proposal is not None:
        session.accept()
    else:
        session.propose()
