"""How a model that was taught wants to be asked, from what it was taught."""

from collections.abc import Sequence

from featherseg_engines.models.card import Asking
from featherseg_engines.teaching.order import UNSEEN, TaughtCase

ALWAYS = 5
"""Where a label is in each of so many slices or more, the next one will hold some too."""


def asking_for(cases: Sequence[TaughtCase]) -> Asking:
    """How a model that was taught few pictures of a kind of its own wants to be asked.

    Over mirror images; and it is rarely sure of a picture it has not seen. Where no slice was without a label, the
    next one will hold some too, and the likeliest place is worth telling. A slice nobody has looked at may hold none.
    ``bench teach`` measures both.
    """
    here = [bool(((plane != 0) & (plane != UNSEEN)).any()) for case in cases for plane in case.labels]
    return Asking(mirrored=True, always=len(here) >= ALWAYS and all(here))
