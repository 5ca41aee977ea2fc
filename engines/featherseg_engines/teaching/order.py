"""What is to be taught, what is told meanwhile, and what came of it: frozen values, no torch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.threads import threads_here

UNSEEN = 255
"""Label number of voxels that nobody has looked at: they take no part (``training.samples.IGNORE``)."""


@dataclass(frozen=True, slots=True, eq=False)
class TaughtCase:
    """A copy of one accepted or corrected case; the person goes on editing the original.

    Parameters
    ----------
    name, group
        The case's name, and its patient (or file): cases of one group are held out together.
    voxels
        (z, y, x[, 3]) as read.
    labels
        (z, y, x) uint8: class numbers in the order of ``TeachOrder.classes`` (0 = nothing), :data:`UNSEEN` where
        nobody has looked.
    spacing_mm
        (z, y, x); None for photographs.
    corrected
        Whether a person changed what a model had proposed; a mask accepted as it came favours the model in use.
    focus
        (z, y, x) bool: what a person's hand, stroke or tool has touched; None where that is not known.
    """

    name: str
    group: str
    voxels: npt.NDArray[np.generic]
    labels: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float, float] | None = None
    corrected: bool = True
    focus: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What an expert may change; everything has a default that was measured.

    Parameters
    ----------
    minutes
        Time for learning on this machine, the measuring after it not counted; 0 leaves it to the network
        (3 for slices, 10 for volumes).
    threads
        At most; a lesson takes as many of them as are fastest while it runs.
    frozen
        "auto", or how much of the network stays as it is: "none", "encoder", "all but head".
    network
        For a task nobody has a model for: the network to teach from scratch, when there is no parent.
    """

    minutes: float = 0.0
    seed: int = 42
    threads: int = field(default_factory=threads_here)
    frozen: Literal["auto", "none", "encoder", "all but head"] = "auto"
    network: str = "repsegnet"


@dataclass(frozen=True, slots=True, eq=False)
class TeachOrder:
    """One click on Teach, complete in itself.

    Parameters
    ----------
    parent
        What learning starts from: the shipped base model; None teaches from scratch.
    in_use
        The model to beat; None where there is none.
    classes
        Names of the labels 1, 2, … of the cases; those the parent knows keep its outputs, new ones grow the head.
    values
        The person's label number for each class, for the new bundle's card.
    held_out
        Groups that are never learnt from, as a workspace keeps them; None: chosen from the cases at hand.
    left_out
        A sentence for each case that could not be read.
    """

    cases: tuple[TaughtCase, ...]
    classes: tuple[str, ...]
    values: tuple[int, ...]
    parent: ModelBundle | None
    in_use: ModelBundle | None
    settings: Settings = field(default_factory=Settings)
    colours: tuple[str, ...] = ()
    held_out: frozenset[str] | None = None
    left_out: tuple[str, ...] = ()


class Control(Protocol):
    """How the person's thread steers the trainer's; asked in the trainer's thread."""

    def between(self) -> None:
        """Called between two steps: waits while paused or while the person is at work. *Raises* Cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One look at the held-out cases while learning; Dice are means, 0..1."""

    step: int
    seconds: float
    loss: float
    train_dice: float
    dice: float
    parent_dice: float


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One held-out image while learning.

    ``pixels`` (y, x, 3) uint8; ``truth`` and ``answer`` (y, x) uint8 class numbers.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    answer: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class TeachProgress:
    """Where a lesson stands; ``point`` and ``picture`` come after each look at the held-out cases."""

    phase: Literal["preparing", "timing", "learning", "measuring"]
    done: float
    seconds_left: float
    point: CurvePoint | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class CaseScore:
    """Both models on one held-out case: Dice of each class (None: neither mask nor answer has it), HD95.

    ``corrected`` as in :class:`TaughtCase`.
    """

    name: str
    corrected: bool
    parent: tuple[float | None, ...]
    candidate: tuple[float | None, ...]
    parent_hd95: float | None = None
    candidate_hd95: float | None = None


Decision = Literal["adopt", "keep", "ask"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says: adopt the candidate, keep the model in use, or ask the person to look.

    ``sentence`` is for the person. ``gain`` is the paired mean difference of Dice, ``interval`` its 95 % bootstrap
    interval, ``worse`` the bootstrap probability that it is below 0; ``how`` says what was compared ("held out"
    cases, "folds" of the recipe, or "nothing" where there were too few).
    """

    decision: Decision
    sentence: str
    how: Literal["held out", "folds", "nothing"]
    parent_dice: float
    candidate_dice: float
    gain: float
    interval: tuple[float, float]
    worse: float
    per_class: tuple[tuple[str, float, float], ...] = ()
    scores: tuple[CaseScore, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A lesson that came to its end: the candidate as a whole bundle, exported and checked, and the verdict."""

    candidate: ModelBundle
    verdict: Verdict
    seconds: float
    curve: tuple[CurvePoint, ...] = ()
    side_by_side: tuple[tuple[Picture, Picture], ...] = ()


Listen = Callable[[TeachProgress], None]


class Teacher(Protocol):
    """Turns an order into an outcome; used by one persistent trainer thread."""

    def estimate(self, order: TeachOrder) -> float:
        """Seconds the lesson will take, without having begun; refined by the progress later."""
        ...

    def teach(self, order: TeachOrder, folder: Path, control: Control, listen: Listen) -> Outcome:
        """Learn, judge and write the candidate's bundle into ``folder``; the parent and in-use models are untouched.

        Raises
        ------
        Cancelled
            The person said so; within a second of it.
        FeathersegError
            One sentence why it could not be done.
        """
        ...
