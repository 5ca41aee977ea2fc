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
    """One sentence and at most two offers; ``kind`` decides sign and colour, never colour alone.

    ``part`` (0..1) is how much of the work of a "progress" notice is done, None where nobody knows.
    """

    text: str
    kind: Literal["info", "problem", "progress"] = "info"
    offers: tuple[Offer, ...] = ()
    part: float | None = None
