"""Buttons that name their key: in the title where it is short, else in the tooltip."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton

SHORT = 8
"""Characters of the longest key that a button shows: a longer one would take the image's room."""


def name_button(button: QAbstractButton, title: str, key: str = "") -> None:
    """Give a button its title and key; it takes no keyboard focus, so that keys go on reaching the image."""
    short = bool(key) and len(key) <= SHORT and "+Alt+" not in key
    button.setText(f"{title}   {key}" if short else title)
    button.setToolTip(f"{title} ({key})" if key else title)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
