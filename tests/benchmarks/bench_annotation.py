"""Memory and time of labelling a large volume: ``python tests/benchmarks/bench_annotation.py``.

200 mixed edits (strokes, tools, proposals, undo, redo) on 512 x 512 x 600, journalled in a workspace. Memory is
the peak of the program's resident set above what it holds with the volume and its labels alone.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from featherseg_engines.annotation.history import History
from featherseg_engines.annotation.intake import add_series
from featherseg_engines.annotation.tools.interpolation import interpolate
from featherseg_engines.annotation.tools.islands import keep_largest, remove_small
from featherseg_engines.annotation.tools.morphology import fill_holes, margin, smooth
from featherseg_engines.annotation.tools.scene import Scene
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box, Edit

SHAPE = (600, 512, 512)
SPACING = (1.0, 0.8, 0.8)


class Peak:
    """The highest resident set while it is watched, in MB."""

    def __init__(self) -> None:
        self.highest = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._end.wait(0.002):
            self.highest = max(self.highest, process.memory_info().rss / 1e6)


def resident() -> float:
    """MB this program holds now."""
    return float(psutil.Process().memory_info().rss / 1e6)


def stroke(history: History, rng: np.random.Generator) -> Edit:
    """A brush of 20 voxels drawn over one slice."""
    z, (y, x) = int(rng.integers(SHAPE[0])), rng.integers(20, 300, 2)
    steps = [(int(y + i * 3), int(x + i * 3 + rng.integers(-3, 4))) for i in range(60)]
    box = Box((z, int(y) - 10, int(x) - 20), (z + 1, steps[-1][0] + 11, steps[-1][1] + 21))
    after = history.labels.array[box.slices].copy()
    yy, xx = np.indices(after.shape[1:])
    for cy, cx in steps:
        after[0][(yy + box.start[1] - cy) ** 2 + (xx + box.start[2] - cx) ** 2 <= 100] = 2
    return history.labels.propose_edit("Brush", "hand", box, after)


def proposal(history: History, rng: np.random.Generator, side: int, depth: int) -> Edit:
    """An ellipsoid as a model would propose it, in its box."""
    at = [int(rng.integers(0, n - m)) for n, m in zip(SHAPE, (depth, side, side), strict=True)]
    box = Box((at[0], at[1], at[2]), (at[0] + depth, at[1] + side, at[2] + side))
    after = history.labels.array[box.slices].copy()
    yy, xx = np.indices((side, side)) / side - 0.5
    for z in range(depth):
        room = 0.24 - ((z + 0.5) / depth - 0.5) ** 2
        after[z][(yy**2 + xx**2 <= room) & (after[z] == 0)] = 1
    return history.labels.propose_edit("Accept proposal", "proposal", box, after)


def organ(history: History) -> None:
    """A liver-sized label with holes to work on."""
    box = Box((200, 100, 100), (380, 340, 360))
    zz, yy, xx = (np.linspace(-1, 1, n, dtype=np.float32) for n in box.shape)
    inside = zz[:, None, None] ** 2 + yy[None, :, None] ** 2 + xx[None, None, :] ** 2 <= 0.9
    inside[::9, ::7, ::11] = False
    after = np.where(inside, 3, history.labels.array[box.slices]).astype(np.uint8)
    history.do(history.labels.propose_edit("Load", "file", box, after))


def tools(history: History, geometry: Geometry) -> list[Callable[[], Edit]]:
    """One of each tool on the organ."""

    def scene() -> Scene:
        return Scene(history.labels, geometry, 3)

    def gap() -> Edit:
        box = Box((250, 100, 100), (255, 340, 360))
        after = history.labels.array[box.slices].copy()
        after[after == 3] = 0
        return history.labels.propose_edit("Erase", "hand", box, after)

    return [
        lambda: fill_holes(scene()),
        lambda: margin(scene(), 2.0),
        lambda: margin(scene(), -2.0),
        lambda: smooth(scene(), 1.0),
        lambda: keep_largest(scene()),
        lambda: remove_small(scene(), 1.0),
        gap,
        lambda: interpolate(scene()),
    ]


def work(history: History, geometry: Geometry) -> list[float]:
    """200 orders; how long each was being recorded, in ms."""
    rng = np.random.default_rng(7)
    cycle = tools(history, geometry)
    seconds: list[float] = []
    organ(history)
    for i in range(199):
        kind = i % 10
        if kind in (4, 9):
            edit = cycle[(i // 5) % len(cycle)]()
        elif kind == 6:
            edit = proposal(history, rng, 240, 1) if i % 40 != 6 else proposal(history, rng, 300, 200)
        else:
            edit = stroke(history, rng)
        started = time.perf_counter()
        if kind == 7:
            history.undo()
        elif kind == 8:
            history.redo()
        else:
            history.do(edit)
        seconds.append((time.perf_counter() - started) * 1000)
        del edit
    return seconds


def run() -> None:
    """Print it."""
    import SimpleITK  # noqa: F401  (its code is not the journal's memory)

    voxels = np.full(SHAPE, 1, np.int16)
    geometry = Geometry(SHAPE, SPACING)
    with tempfile.TemporaryDirectory() as place:
        volume = Volume(voxels, geometry)
        with Workspace(Path(place) / "w", reader=lambda path, uid: volume) as workspace:
            (case,) = add_series(workspace, Path(place), [("1.2", "large")]).cases
            history = workspace.open_case(case.id).history
            history.labels.array[...] = 0  # touch every page, as a canvas would
            held = resident()
            with Peak() as peak:
                recorded = work(history, geometry)
            size = sum(f.stat().st_size for f in workspace.folder.glob("featherseg.sqlite*")) / 1e6
            print(
                f"volume and labels {held:.0f} MB; 200 mixed edits: peak {peak.highest - held:.0f} MB above,"
            )
            print(f"  {resident() - held:.0f} MB at the end; journal {size:.1f} MB on the disk;")
            print(
                f"  a step recorded in {statistics.median(recorded):.1f} ms (median), {max(recorded):.0f} ms (worst)"
            )
            held = resident()
            with Peak() as peak:
                started = time.perf_counter()
                workspace.write_through(case.id)
                took = time.perf_counter() - started
            print(
                f"writing the mask through: {took:.1f} s in the background, peak {peak.highest - held:.0f} MB above"
            )
            started = time.perf_counter()
            again = workspace.open_case(case.id)
            print(f"opening the case again: {time.perf_counter() - started:.1f} s")
            assert np.array_equal(again.history.labels.array, history.labels.array)


if __name__ == "__main__":
    run()
