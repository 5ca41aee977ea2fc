"""Buttons that name their key: in the title where it is short, else in the tooltip."""

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QToolButton, QWidget

from featherseg.session.command_table import KeyHint, said

SHORT = 8
"""Characters of the longest key that a button shows: a longer one would take the image's room."""
COMMAND, TITLE, TIP = "featherseg-command", "featherseg-title", "featherseg-tip"


def name_button(button: QAbstractButton, title: str, key: str = "") -> None:
    """Give a button its title and key; it takes no keyboard focus, so that keys go on reaching the image.

    A key from a command table's hints is followed when it changes (`rename_buttons`).
    """
    button.setProperty(TITLE, title)
    button.setProperty(TIP, title)
    _show(button, key)


def tool_button(title: str, tip: str, key: str = "") -> QToolButton:
    """A button of a grid, as wide as its column; its key stands in the tooltip, and is followed like others."""
    button = QToolButton()
    button.setText(title)
    button.setProperty("role", "tool")
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setProperty(TIP, tip)
    _show(button, key)
    return button


def rename_buttons(root: QWidget, hints: Mapping[str, str]) -> None:
    """Show the keys of today on every button under ``root``; a tooltip that was changed since stays."""
    for button in root.findChildren(QAbstractButton):
        command = button.property(COMMAND)
        if command in hints:
            tip = button.toolTip()
            ours = tip == button.property(TIP) or tip.startswith(f"{button.property(TIP)} (")
            _show(button, hints[command])
            if not ours:
                button.setToolTip(tip)


def _show(button: QAbstractButton, key: str) -> None:
    title, tip = button.property(TITLE), str(button.property(TIP))
    if title is not None:
        short = bool(key) and len(key) <= SHORT and "+Alt+" not in key
        button.setText(f"{title}  {said(key)}" if short else str(title))
    button.setToolTip(f"{tip} ({said(key)})" if key else tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if isinstance(key, KeyHint):
        button.setProperty(COMMAND, key.command)


def fill_button(button: QAbstractButton, *, filled: bool) -> None:
    """Make a button the filled one, or a quiet one; the sheet does the colours."""
    if button.property("filled") != filled:
        button.setProperty("filled", filled)
        button.style().unpolish(button)
        button.style().polish(button)
