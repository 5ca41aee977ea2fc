"""A sentence for the bar above the image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Offer:
    """A button of a notice."""

    title: str
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence and at most two offers; ``kind`` decides sign and colour, never colour alone."""

    text: str
    kind: Literal["info", "problem"] = "info"
    offers: tuple[Offer, ...] = ()
