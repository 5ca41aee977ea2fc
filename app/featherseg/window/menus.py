"""The menus, made from the command table and following it."""

import re
from collections.abc import Callable

from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QMainWindow, QMenu

from featherseg.session.command_table import CommandTable
from featherseg.session.commands import Command


class Menus:
    """One action for each command; ``actions`` by the command's id, ``menus`` by title."""

    def __init__(self, window: QMainWindow, table: CommandTable) -> None:
        self._window, self._table = window, table
        self.actions: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        for title, commands in table.menus():
            menu = self.menus[title] = window.menuBar().addMenu(title)
            for command in commands:
                menu.addAction(self._action(command))
            menu.aboutToShow.connect(self.refresh)
        self._on_keys()
        self.refresh()
        table.changed.connect(self._on_keys)

    def release(self) -> None:
        """Let go of the table."""
        self._table.changed.disconnect(self._on_keys)

    def run(self, command: str) -> None:
        """Do what the menu's entry does, where it is enabled."""
        self.actions[command].trigger()

    def refresh(self) -> None:
        """Set the ticks of what is on."""
        for command in self._table:
            if command.checked is not None:
                self.actions[command.id].setChecked(command.checked())

    def _action(self, command: Command) -> QAction:
        action = self.actions[command.id] = QAction(command.title, self._window)
        action.setObjectName(command.id)
        action.setAutoRepeat(command.repeats)
        action.setCheckable(command.checked is not None)
        action.setStatusTip(command.help)
        action.triggered.connect(_runner(command.run))
        return action

    def _on_keys(self) -> None:
        for command, key in self._table.hints.items():
            self.actions[command].setShortcuts(both_enters(str(key)))


def both_enters(key: str) -> list[QKeySequence]:
    """A key as Qt's shortcuts: the Enter of the letters and the one of the numbers do the same."""
    spellings = {key, re.sub("Enter$", "Return", key), re.sub("Return$", "Enter", key)} if key else set()
    return [QKeySequence(spelling) for spelling in sorted(spellings, reverse=True)]


def _runner(run: Callable[[], None]) -> Callable[..., None]:
    return lambda _=False: run()
