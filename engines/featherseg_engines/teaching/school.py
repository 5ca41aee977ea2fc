"""The seam between a lesson and the way it is learnt: what learns from cases, and what writes it as a bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.gentle_import import load_torch
from featherseg_engines.teaching.order import Control, CurvePoint, Listen, TaughtCase, TeachOrder

if TYPE_CHECKING:
    from torch import nn

    from featherseg_engines.imaging.preprocess import Preprocessing
    from featherseg_engines.models.card import Asking
    from featherseg_engines.teaching.looking import LookResult

    Look = Callable[[nn.Module, Preprocessing, Asking], LookResult]


class Learnt(Protocol):
    """What came of learning, still in memory."""

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """The looks at held-out cases on the way."""
        ...


@dataclass(frozen=True, slots=True)
class Aids:
    """What a lesson has beside its cases.

    ``look`` looks at held-out cases on the way; ``before`` were lessons of parts of the cases, from which this one
    may begin.
    """

    look: "Look | None" = None
    before: Sequence[Learnt] = ()


Learn = Callable[[Sequence[TaughtCase], TeachOrder, float, Control, Listen, Aids], Learnt]


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of the model to be written, and how many cases were held out of its lesson."""

    name: str
    held_out: int = 0


Export = Callable[[Learnt, TeachOrder, Path, Naming, Control], ModelBundle]
"""What was learnt, the order and an empty folder: a whole bundle, checked, its card last. *Raises* Cancelled."""


@dataclass(frozen=True, slots=True)
class School:
    """How a lesson is learnt and written; tests bring their own."""

    learn: Learn
    export: Export


def standard_school() -> School:
    """The product's way; imports torch, so it is called in the trainer's thread."""
    load_torch()
    from featherseg_engines.teaching.candidate import CandidateAbout, export_candidate
    from featherseg_engines.teaching.learn import Learned, learn

    def export(
        learnt: Learnt, order: TeachOrder, folder: Path, naming: Naming, control: Control
    ) -> ModelBundle:
        assert isinstance(learnt, Learned)
        about = CandidateAbout(naming.name, held_out=naming.held_out)
        return export_candidate(learnt, order, folder, about, control.between)

    return School(learn, export)
