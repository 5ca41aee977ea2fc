"""The commands of the tools: every one has a key in the standalone window."""

from functools import partial

from featherseg.session.commands import Command
from featherseg.session.session import Session
from featherseg.session.tool import Tool
from featherseg.session.toolbox import OPERATIONS, Toolbox

MENU = "Tools"
IN_HAND: tuple[tuple[Tool, str, str], ...] = (
    ("polygon", "Polygon", "P"),
    ("picker", "Pick a label", "K"),
    ("grow", "Grow from a click", "G"),
    ("keep_island", "Keep the clicked island", "J"),
    ("remove_island", "Remove the clicked island", "Shift+J"),
    ("split", "Split the clicked island", "X"),
)
OPERATION_KEYS = {"union": "Ctrl+U", "intersection": "Ctrl+Shift+U", "difference": "Ctrl+D"}


def tool_commands(session: Session, toolbox: Toolbox) -> list[Command]:
    """Tools in hand, tools that act at once, and what they go by."""
    return [
        *(
            Command(f"tool.{tool}", title, key, MENU, partial(session.choose_tool, tool))
            for tool, title, key in IN_HAND
        ),
        *_at_once(toolbox),
        *_ways(toolbox),
    ]


def _at_once(toolbox: Toolbox) -> list[Command]:
    orders = [
        ("fill_holes", "Fill holes", "Ctrl+F", toolbox.fill_holes),
        ("smooth", "Smooth the outline", "Ctrl+M", toolbox.smooth),
        ("grow_margin", "Grow by the margin", "Ctrl++", toolbox.grow_margin),
        ("shrink_margin", "Shrink by the margin", "Ctrl+-", toolbox.shrink_margin),
        ("keep_largest", "Keep the largest island", "Ctrl+J", toolbox.keep_largest),
        ("remove_small", "Remove small islands", "Ctrl+Shift+J", toolbox.remove_small),
        ("interpolate", "Interpolate between slices", "Ctrl+L", toolbox.interpolate),
        ("copy_next", "Copy to the next slice", "C", toolbox.copy_to_next),
        ("copy_previous", "Copy to the previous slice", "Shift+C", toolbox.copy_to_previous),
        ("clear_slice", "Clear the slice", "Del", toolbox.clear_slice),
        ("merge", "Merge another label into this one", "Ctrl+Shift+M", toolbox.merge_partner),
        ("copy_label", "Copy the label as a mask", "Ctrl+C", toolbox.copy_label),
    ]
    sets = [
        Command(
            f"label.{operation}",
            f"{title} with proposal or copied mask",
            OPERATION_KEYS[operation],
            MENU,
            partial(toolbox.combine, operation),
        )
        for operation, title in OPERATIONS.items()
    ]
    return [*(Command(f"label.{name}", title, key, MENU, run) for name, title, key, run in orders), *sets]


def _ways(toolbox: Toolbox) -> list[Command]:
    def turn() -> None:
        toolbox.work_in_volume(not toolbox.sizes.in_volume)

    return [
        Command("tools.volume", "Work on this slice, or on all", "A", MENU, turn),
        Command("tools.way", "Grow by spread, or by tolerance", "Shift+G", MENU, toolbox.change_way),
        Command("tools.range", "Paint only in the range, or everywhere", "I", MENU, toolbox.range.toggle),
        Command("tools.range_here", "Range from the values here", "Shift+I", MENU, toolbox.range.from_here),
    ]
