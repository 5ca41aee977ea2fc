"""How many threads a step takes follows what was fastest lately."""

import dataclasses

import pytest
import torch

from featherseg_engines.inference.machine import this_machine
from featherseg_engines.teaching.order import Settings
from featherseg_engines.teaching.threads import EVERY, RARELY, TRIALS, Threads, probe, threads_here


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


def threads_of(most: int, machine: Machine, *, hopeless: bool = False) -> Threads:
    """Threads whose probe says what the machine's steps say, or nothing at all."""
    return Threads(
        most, lambda: machine.time, (lambda n: machine.seconds[n]) if hopeless else (lambda n: 1.0)
    )


def test_what_is_hopeless_is_never_tried_with_a_step() -> None:
    machine = Machine({4: 90.0, 2: 14.0, 1: 0.9})
    threads = threads_of(4, machine, hopeless=True)
    assert set(machine.work(threads, 2 * EVERY)) == {1}
    machine.seconds = {4: 0.5, 2: 0.4, 1: 0.9}  # the other program is over
    assert set(machine.work(threads, EVERY)) == {1, 2, 4}
    assert set(machine.work(threads, 5)) == {2}


def test_the_probe_tells_how_long_a_little_work_takes() -> None:
    before = torch.get_num_threads()
    try:
        assert 0 < probe(1) < 5
        assert torch.get_num_threads() == 1
        with torch.no_grad(), torch.inference_mode():
            assert probe(1) > 0
    finally:
        torch.set_num_threads(before)


def test_takes_the_way_that_is_faster_now_and_asks_again() -> None:
    machine = Machine({2: 0.4, 1: 0.6})
    threads = after_its_first(threads_of(2, machine), machine)
    assert machine.work(threads, 2 * TRIALS).count(1) == TRIALS
    assert set(machine.work(threads, EVERY)) == {2}
    machine.seconds = {2: 0.7, 1: 0.6}  # another program begins
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {1}
    machine.seconds = {2: 0.4, 1: 0.6}  # and is over
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {2}


def test_all_threads_that_are_the_fastest_again_and_again_are_asked_about_less_and_less() -> None:
    machine = Machine({2: 0.3, 1: 0.6})
    threads = after_its_first(threads_of(2, machine), machine)
    assert machine.work(threads, 500).count(1) <= TRIALS + 4  # was 26, a twentieth of the time
    machine.seconds = {2: 0.7, 1: 0.6}  # another program begins
    assert set(machine.work(threads, 3 * TRIALS + 10)[-5:]) == {1}
    machine.seconds = {2: 0.3, 1: 0.6}  # and is over: fewer threads are asked about as often as ever
    assert set(machine.work(threads, EVERY + 2 * TRIALS)[-2:]) == {2}
    assert RARELY > EVERY


def after_its_first(threads: Threads, machine: Machine) -> Threads:
    """The first step prepares much that later ones find ready: it says nothing of them."""
    assert len(machine.work(threads, 1)) == 1
    return threads


def test_a_machine_that_is_busy_from_the_start_is_found_out_after_the_first_step() -> None:
    machine = Machine({2: 4.8, 1: 1.0})
    threads = after_its_first(threads_of(2, machine), machine)
    machine.work(threads, 2 * TRIALS)
    assert set(machine.work(threads, EVERY)) == {1}


def test_steps_that_take_much_longer_than_before_are_asked_about_at_once() -> None:
    machine = Machine({2: 0.4, 1: 0.6})
    threads = after_its_first(threads_of(2, machine), machine)
    machine.work(threads, 2 * TRIALS + 3)
    machine.seconds = {2: 4.8, 1: 1.0}
    assert machine.work(threads, 2 * TRIALS + 3).count(2) <= TRIALS + 2
    assert set(machine.work(threads, EVERY - 5)) == {1}
    machine.seconds = {2: 9.0, 1: 8.0}  # slow whatever it does: no trial after each step
    assert machine.work(threads, 4 * EVERY).count(2) <= 6 * TRIALS


def test_one_thread_is_never_more() -> None:
    machine = Machine({1: 0.6})
    assert set(machine.work(threads_of(1, machine), 3 * EVERY)) == {1}


def test_four_halve_to_two_and_one() -> None:
    machine = Machine({4: 0.5, 2: 0.4, 1: 0.6})
    threads = after_its_first(threads_of(4, machine), machine)
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
