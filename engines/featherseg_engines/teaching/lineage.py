"""What a lesson starts from: the model that shipped, never a chain of lessons on lessons."""

from collections.abc import Iterable

from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.record import read_record

OWN = "a person's own cases"
"""The data set that a taught model's card names."""


def is_taught(bundle: ModelBundle) -> bool:
    """Whether a model was taught in this program by a person, here or by a colleague."""
    return read_record(bundle) is not None or bundle.card.training.dataset == OWN


def base_of(bundle: ModelBundle, known: Iterable[ModelBundle]) -> ModelBundle:
    """The model that a taught one started from, found among ``known`` by its name and weights.

    A model that was not taught is its own base; so is one whose base is not there any more, and then a lesson goes
    on from it.
    """
    if not is_taught(bundle):
        return bundle
    by_call = {f"{other.card.name} {other.identity}": other for other in known}
    found, seen = bundle, {bundle.identity}
    while is_taught(found):
        parent = by_call.get(found.card.parent)
        if parent is None or parent.identity in seen:
            return bundle
        found = parent
        seen.add(parent.identity)
    return found
