"""How many threads a lesson's step takes: tried again and again, since it depends on what else the machine does.

Beside another busy program two threads wait for each other at every layer and can take longer than one alone.
"""

import time
from collections.abc import Callable

EVERY = 40
"""Steps from one trial to the next."""
TRIALS = 2
"""Steps with each number of threads in a trial; the fastest of each counts."""


class Threads:
    """Says before each step how many threads to take; told after it how long it took.

    Parameters
    ----------
    most
        What a person allows.
    clock
        Seconds; stands still while the lesson waits for a person.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ways = (most, 1) if most > 1 else (1,)
        self._found: dict[int, float] = {}
        self._left: list[int] = []
        self._since, self._began = 0, 0.0
        self.now = most

    def begin(self) -> int:
        """Threads for the step that begins."""
        if len(self._ways) > 1 and not self._left and self._since >= EVERY:
            self._left, self._found, self._since = [way for way in self._ways for _ in range(TRIALS)], {}, 0
        if self._left:
            self.now = self._left[0]
        self._began = self._clock()
        return self.now

    def end(self) -> None:
        """The step is over."""
        if not self._left:
            self._since += 1
            return
        took = self._clock() - self._began
        way = self._left.pop(0)
        self._found[way] = min(took, self._found.get(way, took))
        if not self._left:
            self.now = min(self._ways, key=lambda w: self._found[w])
