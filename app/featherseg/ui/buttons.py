"""Buttons that name their key: in the title where it is short, else in the tooltip."""

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QWidget

from featherseg.session.command_table import KeyHint

SHORT = 14
TITLE, COMMAND = "featherseg-title", "featherseg-command"


def name_button(button: QAbstractButton, title: str, key: str = "") -> None:
    """Give a button its title and key; it takes no keyboard focus, so that keys go on reaching the image.

    A key from a command table's hints is followed when it changes (`rename_buttons`).
    """
    short = bool(key) and len(key) <= SHORT and "+Alt+" not in key
    button.setText(f"{title}   {key}" if short else title)
    button.setToolTip(f"{title} ({key})" if key else title)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if isinstance(key, KeyHint):
        button.setProperty(TITLE, title)
        button.setProperty(COMMAND, key.command)


def rename_buttons(root: QWidget, hints: Mapping[str, str]) -> None:
    """Show the keys of today on every button under ``root``; a tooltip of its own stays."""
    for button in root.findChildren(QAbstractButton):
        command = button.property(COMMAND)
        if command in hints:
            own, title = button.toolTip(), str(button.property(TITLE))
            name_button(button, title, hints[command])
            if own != title and not own.startswith(f"{title} ("):
                button.setToolTip(own)
