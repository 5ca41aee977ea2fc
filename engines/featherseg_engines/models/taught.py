"""What a person's taught models are called, and which of them are in use: one small file beside their folders."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from featherseg_engines.imaging.safe_write import write_verified

RECORD = "version.json"
"""In the folder of a model that was taught here: what it came from."""
STATE = "in_use.json"
UNFINISHED = ".training"
"""Ending of the folder that a lesson works in."""
SHIPPED = ""
"""Stands for the base model itself among those that were in use."""
FORMAT = 1

_NAME = re.compile(r"(?P<network>.+)-yours(?P<number>[0-9]{1,6})\.(?P<task>.+)")


def base_of(name: str) -> str:
    """The name of the model that a taught one's line begins with; a name that is no taught model's is its own."""
    found = _NAME.fullmatch(name)
    return f"{found['network']}.{found['task']}" if found else name


def number_of(name: str) -> int:
    """Which of a person's versions it is, from 1; 0 where it is none."""
    found = _NAME.fullmatch(name)
    return int(found["number"]) if found else 0


def version_name(base: str, number: int) -> str:
    """Name and folder of a version: ``repsegnet-yours3.skin`` of ``repsegnet.skin``; fine on every system."""
    network, _, task = base.partition(".")
    return f"{plain(network)}-yours{number}.{plain(task or 'task')}"


def plain(text: str) -> str:
    """A part of a name that no file system minds: small letters, digits, ``-`` and ``_``; never empty."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "_", letters).strip("_")[:40] or "x"


@dataclass(frozen=True, slots=True)
class InUse:
    """Which versions are in use.

    Parameters
    ----------
    adopted
        For each base, what came into use one after the other, the last of them in use now: names of versions, or
        :data:`SHIPPED`. What was taken back is not among them.
    highest
        For each base, the highest number that was ever given, so that none is given twice.
    """

    adopted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)

    def of(self, base: str) -> str:
        """The version in use, or :data:`SHIPPED`."""
        line = self.adopted.get(base, ())
        return line[-1] if line else SHIPPED

    def names(self) -> frozenset[str]:
        """All versions in use."""
        return frozenset(line[-1] for line in self.adopted.values() if line and line[-1] != SHIPPED)

    def taking(self, base: str, name: str) -> "InUse":
        """With this version (or :data:`SHIPPED`) in use."""
        line = [old for old in self.adopted.get(base, ()) if old != name]
        return self._with(base, (*line, name))

    def without(self, base: str, name: str) -> "InUse":
        """With this version taken back; what was in use before it is again."""
        return self._with(base, tuple(old for old in self.adopted.get(base, ()) if old != name))

    def _with(self, base: str, line: Sequence[str]) -> "InUse":
        highest = max([self.highest.get(base, 0), *(number_of(name) for name in line)])
        return InUse({**self.adopted, base: tuple(line)}, {**self.highest, base: highest})


def read_in_use(folder: Path) -> InUse:
    """What is in use of the models in ``folder``; nothing where nobody kept it or the file is damaged."""
    try:
        raw = json.loads((folder / STATE).read_text("utf-8"))
        if raw["format"] != FORMAT:
            return InUse()
        adopted = {str(base): tuple(str(name) for name in line) for base, line in raw["adopted"].items()}
        return InUse(adopted, {str(base): int(number) for base, number in raw["highest"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return InUse()


def write_in_use(folder: Path, state: InUse) -> None:
    """Keep it. *Raises* WriteError; the old file stands then."""
    text = json.dumps({"format": FORMAT, "adopted": state.adopted, "highest": state.highest}, indent=1)

    def write(beside: Path) -> None:
        beside.write_text(text + "\n", "utf-8", newline="\n")

    write_verified(
        folder / STATE, write, lambda beside: json.loads(beside.read_text("utf-8"))["format"] == FORMAT
    )


def put_aside(folder: Path, in_use: InUse) -> bool:
    """Whether a model's folder is not to be offered: a version that is not in use, or a lesson's that goes on."""
    if folder.name.startswith(".") or folder.name.endswith(UNFINISHED):
        return True
    return (folder / RECORD).is_file() and folder.name not in in_use.names()
