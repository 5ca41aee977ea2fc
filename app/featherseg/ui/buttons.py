"""Buttons that name their key: in the title where it is short, else in the tooltip."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QToolButton

SHORT = 14


def name_button(button: QAbstractButton, title: str, key: str = "") -> None:
    """Give a button its title and key; it takes no keyboard focus, so that keys go on reaching the image."""
    short = bool(key) and len(key) <= SHORT and "+Alt+" not in key
    button.setText(f"{title}   {key}" if short else title)
    button.setToolTip(f"{title} ({key})" if key else title)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)


def tool_button(title: str, tip: str, key: str = "") -> QToolButton:
    """A button of a grid, as wide as its column; its key stands in the tooltip."""
    button = QToolButton()
    button.setText(title)
    button.setProperty("role", "tool")
    button.setToolTip(f"{tip} ({key})" if key else tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button
