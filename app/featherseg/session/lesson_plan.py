"""What a click on Teach is about: where the cases come from, and where what was learnt is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from psygnal import SignalInstance

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.order import Control, Outcome, Settings, TeachOrder


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is to learn from: accepted cases, and how many of them the model in use has not learnt from.

    ``objection`` says in a sentence why nothing can be taught now, or is "".
    """

    cases: int = 0
    new: int = 0
    objection: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to teach; everything has a default, only the Advanced fold changes it.

    Parameters
    ----------
    cases
        "all" accepted ones, those of them that a person "corrected", or those that are "listed" just now.
    labels
        Numbers of the labels to learn; all that the cases hold where empty.
    new_task
        Teach ``settings.network`` from nothing instead of the model in use: a task nobody has a model for.
    """

    settings: Settings = field(default_factory=Settings)
    cases: Literal["all", "corrected", "listed"] = "all"
    labels: tuple[int, ...] = ()
    new_task: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One lesson before its cases are read.

    Parameters
    ----------
    cases
        How many cases it is about.
    gather
        Reads them in the trainer's thread, copies all of it; the control stops it between two cases.
    mark
        A file that is there while the lesson goes on, so that a lesson that was cut off is known at the next start;
        None where nothing is to be kept.
    """

    cases: int
    gather: Callable[[Control], TeachOrder]
    mark: Path | None = None


class Source(Protocol):
    """Where cases come from: a workspace, or the layers of the viewer. Lives on the session's thread."""

    @property
    def changed(self) -> SignalInstance:
        """Emitted with nothing when the stock may be another."""
        ...

    def stock(self, wishes: Wishes) -> Stock:
        """What there is to learn from now."""
        ...

    def plan(self, wishes: Wishes) -> Plan:
        """A lesson over all of it."""
        ...


class Archive(Protocol):
    """Keeps every model that was taught, adopted or not."""

    def scratch(self) -> Path:
        """An empty folder for a candidate, beside the others. *Raises* WriteError."""
        ...

    def keep(self, order: TeachOrder, outcome: Outcome) -> ModelBundle:
        """Keep a finished candidate for good, not in use yet; where it lies now. *Raises* WriteError."""
        ...

    def note(self, bundle: ModelBundle, *, in_use: bool) -> None:
        """Remember whether a kept model was taken into use. *Raises* WriteError."""
        ...
