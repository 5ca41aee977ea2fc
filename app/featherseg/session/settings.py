"""What one person chose for themselves: keys, initials, light or dark. A small JSON file that may be missing."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path
from psygnal import Signal

from featherseg.session.notice import Notice
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.safe_write import write_verified

Theme = Literal["dark", "light"]
PLACE = "FEATHERSEG_SETTINGS"
"""Environment variable that names another folder for the settings (tests, several people on one account)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``shortcuts`` holds only what differs from the defaults: command id to Qt's portable key text or ""."""

    shortcuts: Mapping[str, str] = field(default_factory=dict)
    initials: str = ""
    theme: Theme = "dark"
    live: bool = False
    hinted: bool = False  # the first steps were finished or closed


def settings_folder() -> Path:
    """Where this person's settings lie on this system."""
    return Path(os.environ[PLACE]) if os.environ.get(PLACE) else user_config_path("featherseg", False)


class SettingsFile:
    """The settings in use and the file that keeps them.

    A missing or damaged file means defaults. Where it cannot be written the settings hold until the program
    ends, and the first attempt says so.
    """

    changed = Signal(object)  # Settings

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or settings_folder()) / "settings.json"
        self.value = _read(self.path)
        self._told = False

    def change(self, **parts: Any) -> Notice | None:
        """Replace fields of the settings and save them; a notice where they cannot be kept."""
        new = dataclasses.replace(self.value, **parts)
        if new == self.value:
            return None
        self.value = new
        self.changed.emit(new)
        try:
            _write(self.path, new)
        except (OSError, WriteError):
            if self._told:
                return None
            self._told = True
            text = (
                "Your settings cannot be kept: their folder is read-only or full. They hold until you quit."
            )
            return Notice(text, "problem")
        return None


def _write(path: Path, settings: Settings) -> None:
    plain = {**dataclasses.asdict(settings), "shortcuts": dict(settings.shortcuts)}
    text = json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_verified(path, lambda p: _put(p, text), lambda p: p.read_text("utf-8") == text)


def _put(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _read(path: Path) -> Settings:
    try:
        plain = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return Settings()
    return settings_from(plain)


def settings_from(plain: object) -> Settings:
    """Settings from what JSON gave; every part that is not of its kind is the default's."""
    if not isinstance(plain, dict):
        return Settings()
    keys, initials = plain.get("shortcuts"), plain.get("initials")
    pairs = keys.items() if isinstance(keys, dict) else ()
    return Settings(
        {str(command): key for command, key in pairs if isinstance(key, str)},
        initials if isinstance(initials, str) else "",
        "light" if plain.get("theme") == "light" else "dark",
        plain.get("live") is True,
        plain.get("hinted") is True,
    )
