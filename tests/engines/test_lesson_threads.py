"""How many threads a step takes follows what was fastest lately."""

import dataclasses

import pytest

from featherseg_engines.inference.machine import this_machine
from featherseg_engines.teaching.order import Settings
from featherseg_engines.teaching.threads import EVERY, TRIALS, Threads, threads_here


class Machine:
    """Steps that take as long as is said for each number of threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.time = seconds, 0.0

    def work(self, threads: Threads, steps: int) -> list[int]:
        taken = []
        for _ in range(steps):
            way = threads.begin()
            self.time += self.seconds[way]
            threads.end()
            taken.append(way)
        return taken


def test_takes_the_way_that_is_faster_now_and_asks_again() -> None:
    machine = Machine({2: 0.4, 1: 0.6})
    threads = Threads(2, lambda: machine.time)
    first = machine.work(threads, EVERY)
    trial = machine.work(threads, 2 * TRIALS)
    assert set(first) == {2} and trial.count(1) == TRIALS
    assert set(machine.work(threads, EVERY)) == {2}
    machine.seconds = {2: 1.3, 1: 0.6}  # another program begins
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {1}
    machine.seconds = {2: 0.4, 1: 0.6}  # and is over
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {2}


def test_one_thread_is_never_more() -> None:
    machine = Machine({1: 0.6})
    assert set(machine.work(Threads(1, lambda: machine.time), 3 * EVERY)) == {1}


def test_four_halve_to_two_and_one() -> None:
    machine = Machine({4: 0.5, 2: 0.4, 1: 0.6})
    threads = Threads(4, lambda: machine.time)
    assert set(machine.work(threads, EVERY)) == {4}
    assert set(machine.work(threads, 3 * TRIALS)) == {4, 2, 1}
    assert set(machine.work(threads, EVERY)) == {2}


@pytest.mark.parametrize(
    ("cores", "usable", "threads"),
    [(1, 2, 1), (2, 4, 2), (4, 8, 2), (6, 12, 3), (8, 16, 4), (32, 64, 4), (8, 1, 1)],
)
def test_a_lesson_may_take_half_of_the_cores(cores: int, usable: int, threads: int) -> None:
    assert threads_here(dataclasses.replace(this_machine(), cores=cores, usable_cores=usable)) == threads


def test_an_order_allows_what_suits_this_machine() -> None:
    assert Settings().threads == threads_here()
