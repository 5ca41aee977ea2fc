"""The window's own commands: files, what is on screen, help."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from featherseg.session.commands import Command

if TYPE_CHECKING:
    from featherseg.window.main_window import MainWindow


def file_commands(window: "MainWindow") -> list[Command]:
    """Opening and saving."""
    files = window.files
    return [
        Command("file.open", "Open image …", "Ctrl+O", "File", files.ask_image),
        Command("file.open_folder", "Open DICOM folder …", "", "File", files.ask_folder),
        Command("file.overlay", "Lay a second image over …", "", "File", files.ask_overlay),
        Command("file.overlay_folder", "Lay a DICOM series over …", "", "File", files.ask_overlay_folder),
        Command("file.open_mask", "Open mask …", "Ctrl+Shift+O", "File", files.ask_mask),
        Command("file.save", "Save mask", "Ctrl+S", "File", lambda: _drop_answer(window.save())),
        Command(
            "file.save_as", "Save mask as …", "Ctrl+Shift+S", "File", lambda: _drop_answer(files.ask_save())
        ),
        Command("file.export", "Export labels …", "Ctrl+E", "File", files.ask_export),
        Command("file.deidentify", "De-identified copy of the images …", "", "File", files.ask_copy),
    ]


def quit_commands(window: "MainWindow") -> list[Command]:
    """Leaving: the last of its menu."""
    return [Command("file.quit", "Quit", "Ctrl+Q", "File", lambda: _drop_answer(window.close()))]


def view_commands(window: "MainWindow") -> list[Command]:
    """What is on screen."""
    session, viewing = window.session, window.session.viewing

    def scroll(steps: int) -> None:
        session.go_to_slice(session.z + steps)

    return [
        Command("view.panel", "Show or hide the panel", "F3", "View", window.fold_panel),
        Command("view.fit", "Fit the image", "Home", "View", window.planes.fit),
        Command(
            "view.planes",
            "One plane, or all three",
            "O",
            "View",
            lambda: viewing.show_planes(not viewing.planes),
        ),
        Command("view.header", "Image and header", "Ctrl+I", "View", lambda: _toggle(window.header)),
        Command("view.next", "Next slice", "Up", "View", lambda: scroll(1), repeats=True),
        Command("view.previous", "Previous slice", "Down", "View", lambda: scroll(-1), repeats=True),
        Command(
            "view.light",
            "Light window",
            "",
            "View",
            window.switch_theme,
            checked=lambda: window.settings.value.theme == "light",
            help="A light window, for a bright room; images are read on black all the same",
        ),
        Command("model.open", "Open model folder …", "", "Model", window.files.ask_model),
    ]


def help_commands(window: "MainWindow") -> list[Command]:
    """Finding one's way, and what this program is."""
    helps = window.helps
    return [
        Command("help.palette", "Find a command …", "Ctrl+Shift+P", "Help", helps.show_palette),
        Command("help.keys", "Keys and mouse", "?", "Help", helps.show_cheat_sheet),
        Command("help.shortcuts", "Keyboard shortcuts …", "", "Help", helps.show_shortcuts),
        Command("help.launcher", "Install desktop launcher", "", "Help", helps.install_launcher),
        Command("help.about", "About Featherseg", "", "Help", helps.show_about),
    ]


def _toggle(widget: QWidget) -> None:
    widget.setVisible(not widget.isVisible())


def _drop_answer(_: object) -> None:
    """Commands give no answer; what they call may."""
