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
    threads = after_its_first(Threads(2, lambda: machine.time), machine)
    assert machine.work(threads, 2 * TRIALS).count(1) == TRIALS
    assert set(machine.work(threads, EVERY)) == {2}
    machine.seconds = {2: 0.7, 1: 0.6}  # another program begins
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {1}
    machine.seconds = {2: 0.4, 1: 0.6}  # and is over
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {2}


def after_its_first(threads: Threads, machine: Machine) -> Threads:
    """The first step prepares much that later ones find ready: it says nothing of them."""
    assert len(machine.work(threads, 1)) == 1
    return threads


def test_a_machine_that_is_busy_from_the_start_is_found_out_after_the_first_step() -> None:
    machine = Machine({2: 4.8, 1: 1.0})
    threads = after_its_first(Threads(2, lambda: machine.time), machine)
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {1}


def test_steps_that_take_much_longer_than_before_are_asked_about_at_once() -> None:
    machine = Machine({2: 0.4, 1: 0.6})
    threads = after_its_first(Threads(2, lambda: machine.time), machine)
    machine.work(threads, 2 * TRIALS + 3)
    machine.seconds = {2: 4.8, 1: 1.0}
    assert machine.work(threads, 2 * TRIALS + 3).count(2) <= TRIALS + 2
    assert set(machine.work(threads, EVERY - 5)) == {1}
    machine.seconds = {2: 9.0, 1: 8.0}  # slow whatever it does: no trial after each step
    assert machine.work(threads, 4 * EVERY).count(2) <= 6 * TRIALS


def test_one_thread_is_never_more() -> None:
    machine = Machine({1: 0.6})
    assert set(machine.work(Threads(1, lambda: machine.time), 3 * EVERY)) == {1}


def test_four_halve_to_two_and_one() -> None:
    machine = Machine({4: 0.5, 2: 0.4, 1: 0.6})
    threads = after_its_first(Threads(4, lambda: machine.time), machine)
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
