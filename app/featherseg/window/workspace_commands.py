"""Workspace commands of the standalone window."""

from collections.abc import Callable

from featherseg.session.case_commands import case_commands
from featherseg.session.commands import Command
from featherseg.session.workbench import Workbench
from featherseg.window.workspace_files import WorkspaceFiles


def workspace_commands(
    bench: Workbench, files: WorkspaceFiles, fold: Callable[[], None], history: Callable[[], None]
) -> list[Command]:
    """Commands for the menus; those of the cases last."""
    return [
        Command("workspace.open", "Open workspace …", "Ctrl+Shift+W", "File", files.ask_workspace),
        Command("workspace.images", "Add images …", "", "File", files.ask_images),
        Command("workspace.folder", "Add folder …", "", "File", files.ask_folder),
        Command(
            "workspace.copy",
            "Copy images into the workspace …",
            "",
            "File",
            lambda: files.ask_images(copy=True),
        ),
        Command("workspace.masks", "Take in masks …", "", "File", files.ask_masks),
        Command("workspace.export", "Export accepted cases …", "", "File", files.ask_export),
        Command("workspace.close", "Close workspace", "", "File", files.close),
        Command("view.cases", "Show or hide the cases", "F2", "View", fold),
        Command("view.history", "History of this case", "Ctrl+H", "View", history),
        *case_commands(bench),
    ]
