"""How many threads a lesson's step takes: tried again and again, since it depends on what else the machine does.

Beside another busy program two threads wait for each other at every layer and can take longer than one alone: on a
machine of two cores up to twenty times as long. A few small layers say so at once, where a step would take half a
minute.
"""

import statistics
import time
from collections.abc import Callable

from featherseg_engines.inference.machine import Machine, this_machine

FEWEST, MOST = 2, 4
"""Threads that a lesson may take at most: on a machine of two cores, and on any."""

EVERY, RARELY = 40, 160
"""Steps from one trial to the next; twice as many each time that all threads are the fastest again, at most these."""
TRIALS = 2
"""Steps with each number of threads in a trial; the fastest of each counts."""
CLEARLY = 1.2
"""A number of threads that takes so many times as long as another in its step of a later trial has no second one."""
HOPELESS, PROBES = 2.0, 3
"""A number of threads that takes so many times as long as fewer over a few small layers is not tried with a step."""
SLOWER, SLOW_STEPS = 1.5, 2
"""A trial comes early where so many steps on end took so many times as long as the trial said."""


def threads_here(machine: Machine | None = None) -> int:
    """How many threads a lesson may take at most: half of the cores of this machine or of another.

    The others are left to the person at work; of two cores both, since the lesson waits while somebody works.
    """
    machine = machine or this_machine()
    cores = max(1, min(machine.cores, machine.usable_cores))
    return min(max(cores // 2, FEWEST), MOST, cores)


def probe(threads: int) -> float:
    """Seconds of a forward and backward pass through a few small layers: the median of a few."""
    import torch  # an order asks how many threads there may be, and orders are made where no torch is loaded
    from torch import Tensor, nn

    from featherseg_engines.training.layout import last_channels

    took = []
    torch.set_num_threads(threads)
    with torch.inference_mode(False), torch.enable_grad():
        layers = nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU(), nn.Conv2d(32, 16, 3, padding=1))
        layers = layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        batch = last_channels(torch.ones(8, 16, 64, 64))
        for _ in range(PROBES + 1):  # the first makes the kernels
            started = time.perf_counter()
            answer: Tensor = layers(batch)
            answer.sum().backward()  # type: ignore[no-untyped-call]
            took.append(time.perf_counter() - started)
    return statistics.median(took[1:])


class Threads:
    """Says before each step how many threads to take; told after it how long it took.

    All ways are tried after the first step, after every so many, and where one takes much longer than it did; less
    and less often where all threads are the fastest each time. What is hopeless is known before: the first step too
    takes as many threads as are of use.

    Parameters
    ----------
    most
        What a person allows; a half of it is tried too, and so on to a single one.
    clock
        Seconds; stands still while the lesson waits for a person.
    probe
        Seconds of a small piece of work with so many threads.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        probe: Callable[[int], float] = probe,
    ) -> None:
        self._clock, self._probe = clock, probe
        self._ways = tuple(most >> halvings for halvings in range(most.bit_length()))
        self._found: dict[int, float] = {}
        self._left: list[int] = []
        self._every, self._since, self._began, self._slow = EVERY, EVERY - 1, 0.0, 0
        self._asked = False
        self.now = 0

    def begin(self) -> int:
        """Threads for the step that begins."""
        if not self.now:
            self.now = self._of_use()[0]
        slow = self._slow >= SLOW_STEPS
        if len(self._ways) > 1 and not self._left and (self._since >= self._every or slow):
            self._every = EVERY if slow else self._every
            self._left, self._found = [way for way in self._of_use() for _ in range(TRIALS)], {}
            self._since, self._slow = 0, 0
        if self._left:
            self.now = self._left[0]
        self._began = self._clock()
        return self.now

    def end(self) -> None:
        """The step is over."""
        took = self._clock() - self._began
        if not self._left:
            self._since += 1
            usual = self._found.get(self.now)
            self._slow = self._slow + 1 if usual is not None and took > SLOWER * usual else 0
            return
        way = self._left.pop(0)
        self._found[way] = min(took, self._found.get(way, took))
        if self._asked and took > CLEARLY * min(self._found.values()):
            self._left = [other for other in self._left if other != way]
        if not self._left:
            self._decide()

    def _decide(self) -> None:
        self.now = min(self._found, key=lambda w: self._found[w])
        best = self.now == self._ways[0]
        self._every = min(2 * self._every, RARELY) if best and self._asked else EVERY
        self._asked = True

    def _of_use(self) -> list[int]:
        """The ways that are not hopeless now, the most threads first."""
        if len(self._ways) == 1:
            return list(self._ways)
        useful: list[int] = []
        best = float("inf")
        for way in reversed(self._ways):
            took = self._probe(way)
            if took > HOPELESS * best:
                break  # more wait for each other even longer
            useful.insert(0, way)
            best = min(best, took)
        return useful
