"""Which outputs a taught model has: those of its parent stay, and what the person named is added."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.labels import OKABE_ITO
from featherseg_engines.models.card import LabelEntry
from featherseg_engines.teaching.order import UNSEEN, TeachOrder


@dataclass(frozen=True, slots=True)
class Outputs:
    """The labels of the candidate, and where the person's classes and the parent's are among them.

    Parameters
    ----------
    labels
        For the candidate's card, in the order of the network's outputs (background first, not listed).
    of_person
        For each class of the order, its output (1, 2, …).
    of_parent
        How many outputs behind the background were the parent's; they come first, in its order.
    """

    labels: tuple[LabelEntry, ...]
    of_person: tuple[int, ...]
    of_parent: int

    @property
    def added(self) -> tuple[int, ...]:
        """Outputs that the parent does not have."""
        return tuple(range(self.of_parent + 1, len(self.labels) + 1))

    def targets(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A person's class numbers as outputs of the network; UNSEEN stays."""
        table = np.zeros(256, np.uint8)
        table[1 : len(self.of_person) + 1] = self.of_person
        table[UNSEEN] = UNSEEN
        return np.asarray(table[labels])


def outputs_of(order: TeachOrder) -> Outputs:
    """Match the person's classes with the parent's by name; what has no match is added behind them.

    The person's label numbers and colours hold; a label of the parent whose number or colour they gave to something
    else gets a free one.
    """
    parent = order.parent.card.labels if order.parent else ()
    names = [entry.name.casefold() for entry in parent]
    entries = list(parent)
    of_person = []
    for index, name in enumerate(order.classes):
        value, colour = order.values[index], _colour(order.colours, index)
        if name.casefold() in names:
            at = names.index(name.casefold())
            entries[at] = LabelEntry(value, entries[at].name, entries[at].colour)
            of_person.append(at + 1)
        else:
            entries.append(LabelEntry(value, name, colour))
            of_person.append(len(entries))
    return Outputs(_without_clashes(entries, of_person), tuple(of_person), len(parent))


def _colour(colours: Sequence[str], index: int) -> str:
    return colours[index] if index < len(colours) else OKABE_ITO[index % len(OKABE_ITO)]


def _without_clashes(entries: Sequence[LabelEntry], of_person: Sequence[int]) -> tuple[LabelEntry, ...]:
    taken = {entries[output - 1].value for output in of_person}
    shown = {entries[output - 1].colour.casefold() for output in of_person}
    result = []
    for output, entry in enumerate(entries, start=1):
        value, colour = entry.value, entry.colour
        if output not in of_person:
            while value in taken:
                value += 1
            taken.add(value)
            if colour.casefold() in shown:
                colour = next((c for c in OKABE_ITO if c.casefold() not in shown), colour)
            shown.add(colour.casefold())
        result.append(LabelEntry(value, entry.name, colour))
    return tuple(result)
