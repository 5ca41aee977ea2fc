"""How many threads a step takes follows what was fastest lately."""

from featherseg_engines.teaching.threads import EVERY, TRIALS, Threads


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
