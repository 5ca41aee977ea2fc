"""The commands that mark the proposal: strokes, a region, and what was learned from them."""

from functools import partial

from featherseg.session.commands import Command
from featherseg.session.session import Session
from featherseg.session.tool import Tool

MENU = "Model"
IN_HAND: tuple[tuple[Tool, str, str, str], ...] = (
    (
        "smart",
        "Smart stroke: the label is here",
        "S",
        "Paint where the label is: the proposal follows; Shift flips it",
    ),
    (
        "smart_not",
        "Smart stroke: it is not here",
        "Shift+S",
        "Paint where the label is not: the proposal follows",
    ),
    ("lasso", "Lasso for the proposal", "L", "Nothing is proposed outside of what you circle"),
    ("box", "Box for the proposal", "Shift+L", "Nothing is proposed outside of what you drag over"),
)
HINTS: dict[str, str] = {
    "smart": "Smart stroke: paint where the label is; hold Shift where it is not",
    "smart_not": "Smart stroke: paint where the label is not; hold Shift where it is",
    "lasso": "Lasso: circle the place; nothing is proposed outside it",
    "box": "Box: drag over the place; nothing is proposed outside it",
    "keep_island": "Keep island: click one of the label or of the proposal; all others go",
    "remove_island": "Drop island: click one of the label or of the proposal",
}
"""What to do with a tool in hand, for the status line."""


def stroke_commands(session: Session) -> list[Command]:
    """To mark the proposal, and to take back what marks say beyond their own step."""
    smart = session.smart
    return [
        *(
            Command(f"tool.{tool}", title, key, MENU, partial(session.choose_tool, tool), help=tip)
            for tool, title, key, tip in IN_HAND
        ),
        Command("smart.free", "Propose everywhere again", "Ctrl+Shift+L", MENU, smart.free),
        Command(
            "smart.let_go",
            "Let go of strokes on other slices",
            "Shift+Esc",
            MENU,
            smart.let_go,
            help="Proposals no longer follow what you stroked on another slice",
        ),
    ]
