"""Painting and changing slices while a model learns, against the same without: ``python3 dev.py bench teach_window``.

Needs a display. One real window of 1366 x 768: a workspace of accepted cases, and 120 slices of 512 x 512 on which a
hand paints strokes and turns slices as a person does, with rests between in which the lesson goes on. Each event is
timed until the frame that it caused is on the window. The same hand is timed before the lesson, and in turn while the
lesson is paused and while it learns; then the click to the first batch, and Cancel until the thread is free.

This file with ``--cells``: the skin model is taught the cells that ship, a kind of picture it does not know, so
that a look at the whole picture learns beside the network.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from support.hand import settle, wait
from support.photographs import IMAGES

from featherseg.session.case import new_case
from featherseg.session.gathering import gather, take_masks
from featherseg.session.samples import bundled_samples
from featherseg.session.settings import PLACE
from featherseg.session.teaching import Teaching
from featherseg.window.launch import make_window
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.teaching.order import Control, Listen, Outcome, TeachOrder

SIZE = (1366, 768)
BLOCKS, STROKES, MOVES, TURNS = 4, 3, 14, 10
"""Blocks of strokes and of slice changes in each state; moves of a stroke; slices turned in a block."""
REST_S = 0.7
"""Between two strokes, and between two bursts of slices: the hand rests, the lesson goes on."""


class Watched:
    """The product's teacher, with a note of when its lesson begins to learn and when it has ended."""

    def __init__(self, inner) -> None:  # type: ignore[no-untyped-def]
        self._inner = inner
        self.learning_at = 0.0
        self.ended_at = 0.0

    def estimate(self, order: TeachOrder) -> float:
        """As the teacher says."""
        return float(self._inner.estimate(order))

    def teach(self, order: TeachOrder, folder: Path, control: Control, listen: Listen) -> Outcome:
        """As the teacher does."""

        def hear(progress) -> None:  # type: ignore[no-untyped-def]
            if progress.phase == "learning" and not self.learning_at:
                self.learning_at = time.perf_counter()
            listen(progress)

        try:
            return self._inner.teach(order, folder, control, hear)
        finally:
            self.ended_at = time.perf_counter()


class Heart:
    """Beats on the window's thread; its longest silence is the longest time nothing could have been answered."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(2)

    def reset(self) -> None:
        """Forget what was."""
        self.longest_ms, self._last = 0.0, time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, (now - self._last) * 1000)
        self._last = now


class Hand:
    """Paints and turns slices on the canvas; keeps each event's time until its frame."""

    def __init__(self, window) -> None:  # type: ignore[no-untyped-def]
        self._window, self._native = window, window.qt_viewer.canvas.native
        self._frames: list[float] = []
        self._native.frameSwapped.connect(lambda: self._frames.append(time.perf_counter()))
        self._rng = np.random.default_rng(0)

    def stroke(self) -> list[float]:
        """Milliseconds of each move of one stroke."""
        native, left = self._native, Qt.MouseButton.LeftButton
        w, h = native.width(), native.height()
        start = self._rng.uniform(0.4, 0.5, 2) * (w, h)
        steps = self._rng.uniform(-6, 8, (MOVES, 2)).cumsum(axis=0)
        points = [QPoint(*(int(v) for v in start + step)) for step in steps]
        QTest.mouseMove(native, points[0])
        times = [self._until_drawn(lambda: QTest.mousePress(native, left, pos=points[0]))]
        times += [self._until_drawn(lambda p=point: QTest.mouseMove(native, p)) for point in points[1:]]
        QTest.mouseRelease(native, left, pos=points[-1])
        return times

    def turn(self) -> list[float]:
        """Milliseconds of each slice change by key, some quickly after another."""
        times = []
        for i in range(TURNS):
            key = Qt.Key.Key_Up if i < TURNS * 2 // 3 else Qt.Key.Key_Down
            times.append(self._until_drawn(lambda k=key: QTest.keyClick(self._native, k)))
            settle(0.1)
        return times

    def _until_drawn(self, event: Callable[[], None]) -> float:
        QApplication.processEvents()
        self._frames.clear()
        started = time.perf_counter()
        event()
        while not self._frames and time.perf_counter() - started < 1.0:
            QApplication.processEvents()
        return (self._frames[0] - started) * 1000 if self._frames else float("nan")


def block(hand: Hand) -> tuple[list[float], list[float]]:
    """Strokes and slice changes with rests."""
    moves: list[float] = []
    turns: list[float] = []
    session = hand._window.session
    for _ in range(STROKES):
        session.choose_tool("brush")
        settle(REST_S)
        moves += hand.stroke()
    session.choose_tool("browse")
    for _ in range(2):
        settle(REST_S)
        turns += hand.turn()
    return [t for t in moves if t == t], [t for t in turns if t == t]


def photographs() -> list[tuple[Path, Path]]:
    """Ten of the tests' own photographs and their masks: of the kind that the skin model knows."""
    images = [IMAGES[i % len(IMAGES)] for i in range(10)]
    return [(image, next((image.parent.parent / "masks").glob(image.stem + ".*"))) for image in images]


def cells() -> list[tuple[Path, Path]]:
    """The cells that ship with their masks, and again from the first: ten."""
    sample = next(s for s in bundled_samples() if s.several)
    known = {image.stem: image for image in sample.images}
    pairs = [(known[mask.stem], mask) for mask in sample.masks]
    return [pairs[i % len(pairs)] for i in range(10)]


def prepare(window, place: Path, pairs: Sequence[tuple[Path, Path]]) -> None:  # type: ignore[no-untyped-def]
    """A workspace of images with masks, accepted, and the slices on screen."""
    from benchmarks.live import photograph_volume

    bench = window.work.bench
    folder = place / "images"
    folder.mkdir()
    masks = []
    for i, (image, mask) in enumerate(pairs):
        (folder / f"photo{i}{image.suffix}").write_bytes(image.read_bytes())
        masks.append(place / f"photo{i}{mask.suffix}")
        masks[-1].write_bytes(mask.read_bytes())
    assert bench.open(place / "Work")
    gather(bench, [folder])
    wait(lambda: len(bench.cases) == 10 and not bench.errands.busy, 60)
    take_masks(bench, masks)
    wait(lambda: not window.session.reading, 60)
    bench.set_state(bench.cases, CaseState.ACCEPTED)
    window.session.choose_model("repsegnet.skin")
    window.session.use(new_case(photograph_volume()))
    settle(1.0)


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(times, 95))


def row(name: str, kept: Sequence[float], base: Sequence[float]) -> None:
    """One line of the table."""
    ratio = p95(kept) / p95(base)
    print(
        f"| {name} | {len(kept)} | {statistics.median(kept):.1f} | {p95(kept):.1f} | {max(kept):.1f} | {ratio:.2f} |",
        flush=True,
    )


def measure(window, teaching: Teaching, watched: Watched, heart: Heart) -> None:  # type: ignore[no-untyped-def]
    """All figures."""
    hand = Hand(window)
    block(hand)  # warm
    states: dict[str, tuple[list[float], list[float]]] = {
        n: ([], []) for n in ("before", "paused", "learning")
    }
    stalls = dict.fromkeys(states, 0.0)

    def take(state: str) -> None:
        heart.reset()
        moves, turns = block(hand)
        states[state][0].extend(moves)
        states[state][1].extend(turns)
        stalls[state] = max(stalls[state], heart.longest_ms)

    for _ in range(BLOCKS):
        take("before")
    heart.reset()
    clicked = time.perf_counter()
    window.teach.box.teach.click()
    wait(lambda: watched.learning_at > 0 or not teaching.running, 120)
    assert teaching.running, teaching.sentence
    first, opening = watched.learning_at - clicked, heart.longest_ms
    settle(3.0)
    for _ in range(BLOCKS):
        take("learning")
        teaching.pause()
        settle(1.0)
        take("paused")
        teaching.resume()
        settle(1.0)
    assert teaching.running, f"the lesson ended before it was measured: {teaching.sentence}"
    waited = teaching.steering.waited_s
    settle(1.0)
    asked = time.perf_counter()
    teaching.cancel()
    wait(lambda: watched.ended_at > 0, 60)
    print(
        "| event until its frame is on the window | events | median ms | p95 ms | longest ms | p95 to before |"
    )
    print("|---|---|---|---|---|---|")
    for index, what in enumerate(("move of a brush stroke", "slice change by key")):
        for state, kept in states.items():
            row(f"{what}, {state}", kept[index], states["before"][index])
    said = ", ".join(f"{state} {ms:.0f} ms" for state, ms in stalls.items())
    print(
        f"longest silence of the window's thread: {said}; from the click to the first batch {opening:.0f} ms"
    )
    print(
        f"click to the first batch: {first:.2f} s; Cancel until the thread is free: {watched.ended_at - asked:.2f} s"
    )
    print(
        f"the lesson waited {waited:.0f} s for the hand and the pauses; threads: {threading.active_count()}"
    )


def main() -> None:
    """Print the table."""
    app = QApplication.instance() or QApplication(["featherseg"])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ[PLACE] = str(place / "settings")
        os.environ["XDG_DATA_HOME"] = str(place / "home")
        window = make_window()
        window.resize(*SIZE)
        window.show()
        prepare(window, place, cells() if "--cells" in sys.argv else photographs())
        window.activateWindow()
        heart = Heart()
        teaching = window.teach.teaching
        assert teaching is not None
        watched = Watched(teaching.make_teacher())
        teaching.make_teacher = lambda: watched
        measure(window, teaching, watched, heart)
        window.session.use(None)  # what was painted is nobody's
        window.close()
        app.processEvents()


if __name__ == "__main__":
    main()
