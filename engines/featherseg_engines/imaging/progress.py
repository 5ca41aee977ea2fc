"""How reading tells how far it is, and how it is stopped."""

from collections.abc import Callable
from dataclasses import dataclass

from featherseg_engines.errors import Cancelled

Listen = Callable[[int, int], None]
"""Called with (done, total)."""

IsCancelled = Callable[[], bool]


def _nobody(done: int, total: int) -> None:
    """Nobody listens."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Reading:
    """Who listens to a reading that is under way and who may stop it; both are called in the reading's thread."""

    listen: Listen = _nobody
    cancelled: IsCancelled = _never

    def step(self, done: int, total: int) -> None:
        """Say how far it is.

        Raises
        ------
        Cancelled
            The person asked to stop.
        """
        if self.cancelled():
            raise Cancelled
        self.listen(done, total)


UNHEARD = Reading()
"""Nobody listens, nobody stops it."""
