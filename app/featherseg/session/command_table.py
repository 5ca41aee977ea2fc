"""All commands in one table: whose key is which, after a person's own choice, and that no two share one."""

from collections.abc import Iterable, Iterator, Mapping

from psygnal import Signal

from featherseg.session.commands import Command

MENUS = ("File", "Edit", "View", "Label", "Tools", "Model", "Help")
HELD = {"H": "holding H hides the masks"}
"""Keys that are held, not pressed, and so are nobody's shortcut."""


class KeyHint(str):
    """The key that a button names; it knows whose it is, so that the button can follow a change."""

    __slots__ = ("command",)
    command: str

    def __new__(cls, key: str, command: str) -> "KeyHint":
        """A hint for the command with that id."""
        hint = super().__new__(cls, key)
        hint.command = command
        return hint


def said(key: str) -> str:
    """A key as it is printed on keyboards: Qt's "Return" is everybody's Enter."""
    return str(key).replace("Return", "Enter")


class CommandTable:
    """Commands by id with the keys in force.

    A person's choice goes before a default: a default key that was given to another command is taken from
    its owner for as long as that lasts.

    Parameters
    ----------
    commands
        Of all floors, in the order of the menus. Two with one id are a programmer's mistake.
    overrides
        Keys a person chose, by command id; "" takes a key away. Ids nobody knows (any more) are kept.
    """

    changed = Signal()

    def __init__(self, commands: Iterable[Command], overrides: Mapping[str, str] | None = None) -> None:
        self._commands: dict[str, Command] = {}
        for command in commands:
            if command.id in self._commands:
                raise ValueError(f"two commands are called {command.id!r}")
            self._commands[command.id] = command
        self.overrides = dict(overrides or {})
        self.hints: dict[str, str] = {}
        self._assign()

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def __getitem__(self, command: str) -> Command:
        return self._commands[command]

    def __len__(self) -> int:
        return len(self._commands)

    def key(self, command: str) -> str:
        """The key in force, "" for none."""
        return str(self.hints[command])

    def menus(self) -> list[tuple[str, list[Command]]]:
        """Titles of the menus in their order, each with its commands; Help is last."""
        more = dict.fromkeys(c.menu for c in self if c.menu not in MENUS)
        titles = (*MENUS[:-1], *more, MENUS[-1])
        found = [(title, [c for c in self if c.menu == title]) for title in titles]
        return [(title, commands) for title, commands in found if commands]

    def owner(self, key: str) -> Command | None:
        """The command that has this key now."""
        wanted = plain_key(key)
        return next((c for c in self if wanted and plain_key(self.hints[c.id]) == wanted), None)

    def objection(self, command: str, key: str) -> str:
        """Why this command cannot simply have the key, as a sentence; "" where it can."""
        held = HELD.get(key.upper())
        if held:
            return f"{held[0].upper()}{held[1:]}; choose another key."
        other = self.owner(key)
        if other is None or other.id == command:
            return ""
        return f"{key} is the key of '{other.title}' ({other.menu}); 'Take it' moves it here."

    def default_clashes(self) -> list[str]:
        """A sentence for each key that two commands have by default; none in a program that is right."""
        found = []
        owners: dict[str, Command] = {}
        for command in self:
            key = plain_key(command.shortcut)
            if key and key in owners:
                found.append(f"'{owners[key].title}' and '{command.title}' both have {command.shortcut}.")
            owners.setdefault(key, command)
        return found

    def set_key(self, command: str, key: str) -> None:
        """Give a command a key, "" for none; whoever had it is left with its default key, or none."""
        if plain_key(key) == plain_key(self[command].shortcut):
            self.overrides.pop(command, None)
        else:
            self.overrides[command] = key
        self._push_out(command, key)
        self._announce()

    def reset(self, command: str) -> None:
        """Back to the default key of one command, whoever has it now."""
        self.set_key(command, self[command].shortcut)

    def reset_all(self) -> None:
        """Back to all default keys."""
        self.overrides.clear()
        self._announce()

    def _push_out(self, command: str, key: str) -> None:
        for other, chosen in list(self.overrides.items()):
            if key and other != command and plain_key(chosen) == plain_key(key):
                del self.overrides[other]

    def _announce(self) -> None:
        self._assign()
        self.changed.emit()

    def _assign(self) -> None:
        taken = set(HELD)
        keys: dict[str, str] = {}
        chosen = {c.id: self.overrides[c.id] for c in self if c.id in self.overrides}
        for wanted in (chosen, {c.id: c.shortcut for c in self if c.id not in chosen}):
            for command, key in wanted.items():
                keys[command] = "" if plain_key(key) in taken else key
                taken.update({plain_key(key)} - {""})
        self.hints.update({c.id: KeyHint(keys[c.id], c.id) for c in self})


def plain_key(key: str) -> str:
    """A key text in one spelling, whatever the order and case of its modifiers; both Enter keys are one."""
    *modifiers, last = key.upper().replace("++", "+PLUS").split("+")
    return "+".join([*sorted(modifiers), "RETURN" if last == "ENTER" else last])
