"""What a model finds in a taught case, and how well that agrees with the person's mask; UNSEEN takes no part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.metrics import overlap
from featherseg_engines.models.card import LabelEntry
from featherseg_engines.surface_distance import hd95
from featherseg_engines.teaching.order import UNSEEN, TaughtCase, TeachOrder

Numbers = npt.NDArray[np.uint8]
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """One model on one case: Dice of each class (None: neither mask nor answer has it), mean HD95 over classes."""

    dice: tuple[float | None, ...]
    hd95: float | None = None


def class_numbers(labels: Sequence[LabelEntry], order: TeachOrder) -> Numbers:
    """The class number of each of a model's label indices (0: nothing), 0 for labels that are not taught.

    A label is the class of its name; one whose name is none of them is the class of its number, since that is
    where its proposals are put. No class is taken twice.
    """
    names = [name.casefold() for name in order.classes]
    table = np.zeros(len(labels) + 1, np.uint8)
    for index, entry in enumerate(labels, start=1):
        if entry.name.casefold() in names:
            table[index] = names.index(entry.name.casefold()) + 1
    for index, entry in enumerate(labels, start=1):
        if not table[index] and entry.value in order.values:
            number = order.values.index(entry.value) + 1
            if number not in table:
                table[index] = number
    return table


def seen_slices(case: TaughtCase) -> list[int]:
    """Slices of which a person has looked at a part at least."""
    return [int(z) for z in np.flatnonzero((case.labels != UNSEEN).any(axis=(1, 2)))]


def answer(
    model: OnnxModel, case: TaughtCase, table: Numbers, between: Callable[[], None] = lambda: None
) -> Numbers:
    """Class numbers (z, y, x) that a model finds; slices that nobody has looked at stay 0 where it takes slices.

    ``between`` is called before each slice or block and may raise to stop.
    """
    if model.bundle.card.dims == 3:
        return table[labels_at(model.volume_probability(case.voxels, between), THRESHOLD)]
    found = np.zeros(case.labels.shape, np.uint8)
    model = model.seeing(case.voxels)
    for z in seen_slices(case):
        between()
        found[z] = table[labels_at(model.probability(case.voxels[z], between), THRESHOLD)]
    return found


def agreement(found: Numbers | None, case: TaughtCase, classes: int, *, surfaces: bool = True) -> Found:
    """How well class numbers (z, y, x) agree with a case's mask; None stands for nothing found."""
    seen = case.labels != UNSEEN
    truth = np.where(seen, case.labels, 0)
    answered = np.zeros_like(truth) if found is None else np.where(seen, found, 0)
    dice: list[float | None] = []
    apart: list[float] = []
    for value in range(1, classes + 1):
        counts = overlap(answered, truth, value)
        present = bool(counts.both or counts.answer_only or counts.truth_only)
        dice.append(counts.dice if present else None)
        if surfaces and present:
            distance = hd95(answered == value, truth == value, case.spacing_mm or (1.0, 1.0, 1.0))
            apart += [distance] if distance is not None else []
    return Found(tuple(dice), float(np.mean(apart)) if apart else None)
