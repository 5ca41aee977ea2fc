"""Painting on a large volume beside bare napari: ``python tests/benchmarks/painting.py`` (needs a display).

A brush of 20 voxels on 512 x 512 x 600, 16 bit, in a workspace whose journal keeps each stroke. For each move of
the mouse: from the event until the frame that it caused is on the window. Bare napari (an image and a labels layer
in a QtViewer of the same window size) and Featherseg with one view and with three linked views take turns in one run.
"""

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget
from support.hand import settle, wait

from featherseg.window.launch import make_window

SHAPE, SPACING = (600, 512, 512), (1.0, 0.8, 0.8)
BRUSH, MOVES, STROKES = 20, 24, 12
SIZE = (1366, 768)


def phantom() -> np.ndarray:
    """A blurred pattern (z, y, x) int16; cheap to make, not flat."""
    z, y, x = (np.sin(np.arange(n, dtype=np.float32) / 9) for n in SHAPE)
    volume = np.empty(SHAPE, np.int16)
    plane = (y[:, None] + x[None, :]) * 300
    for i, shift in enumerate(z):
        volume[i] = plane + shift * 300
    return volume


def stroke(native: QWidget, seed: int) -> tuple[list[float], float]:
    """Milliseconds of each move of one stroke, and of its end, each until its frame is on the window."""
    rng = np.random.default_rng(seed)
    w, h = native.width(), native.height()
    start = rng.uniform(0.35, 0.45, 2) * (w, h)
    steps = rng.uniform(-6, 8, (MOVES, 2))
    points = [QPoint(*(int(v) for v in start + steps[: i + 1].sum(axis=0))) for i in range(MOVES)]
    left, times = Qt.MouseButton.LeftButton, []
    frames: list[float] = []
    native.frameSwapped.connect(lambda: frames.append(time.perf_counter()))
    QTest.mouseMove(native, points[0])
    QTest.mousePress(native, left, pos=points[0])
    settle(0.1)
    for point in points[1:]:
        times.append(until_drawn(frames, lambda p=point: QTest.mouseMove(native, p)))
    end = until_drawn(frames, lambda: QTest.mouseRelease(native, left, pos=points[-1]))
    settle(0.2)
    native.frameSwapped.disconnect()
    return times, end


def until_drawn(frames: list[float], event: Callable[[], None]) -> float:
    """Milliseconds until the next frame after an event; NaN where it changed nothing that is drawn."""
    QApplication.processEvents()
    frames.clear()
    started = time.perf_counter()
    event()
    while not frames and time.perf_counter() - started < 0.3:
        QApplication.processEvents()
    return (frames[0] - started) * 1000 if frames else float("nan")


def bare_napari(image: np.ndarray) -> tuple[QMainWindow, QtViewer]:
    """An image and a labels layer, brush in hand, on the middle slice."""
    viewer = ViewerModel()
    viewer.add_image(image, scale=SPACING, contrast_limits=(-900, 900))
    labels = viewer.add_labels(np.zeros(SHAPE, np.uint8), scale=SPACING)
    labels.brush_size, labels.mode = BRUSH, "paint"
    viewer.dims.set_current_step(0, SHAPE[0] // 2)
    window, qt_viewer = QMainWindow(), QtViewer(viewer)
    window.setCentralWidget(qt_viewer)
    window.resize(*SIZE)
    window.show()
    return window, qt_viewer


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(times, 95))


def drawn(ends: list[float]) -> bool:
    """Whether the end of a stroke drew anything (in bare napari it does not)."""
    return all(t == t for t in ends)


def main() -> None:
    """Print medians, p95 and ratios."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    volume = phantom()
    with tempfile.TemporaryDirectory() as folder:
        image = sitk.GetImageFromArray(volume)
        image.SetSpacing(SPACING[::-1])
        sitk.WriteImage(image, str(Path(folder) / "volume.nii"))
        del image
        ours = make_window()
        ours.resize(*SIZE)
        ours.show()
        assert ours.work is not None
        bench = ours.work.bench
        assert bench.open(Path(folder))
        from featherseg.session.gathering import gather

        gather(bench, [Path(folder)])
        wait(lambda: bench.current is not None, 300)
        settle(1.0)
        session = ours.session
        session.set_brush_size(BRUSH)
        session.choose_tool("brush")
        bare, bare_viewer = bare_napari(volume)
        settle(1.0)
        found: dict[str, tuple[list[float], list[float]]] = {}
        for seed in range(-2, STROKES):
            for name in ("bare napari", "one view", "three views"):
                session.viewing.show_planes(name == "three views")
                settle(0.3)
                window = bare if name == "bare napari" else ours
                window.raise_()  # a covered window draws when it likes
                settle(0.3)
                native = (bare_viewer if name == "bare napari" else ours.qt_viewer).canvas.native
                gc.collect()
                times, end = stroke(native, seed + 100)
                if seed >= 0:
                    moves, ends = found.setdefault(name, ([], []))
                    moves += [t for t in times if t == t]
                    ends.append(end)
        assert len(session.case.history.done) >= STROKES  # it was painted
        base = found["bare napari"]
        for name, (moves, ends) in found.items():
            print(
                f"{name:12} move: median {statistics.median(moves):6.1f} ms, p95 {p95(moves):6.1f} ms "
                f"({p95(moves) / p95(base[0]):.2f} x bare, {len(moves)} frames), "
                + (
                    f"end of stroke: median {statistics.median(ends):.1f} ms"
                    if drawn(ends)
                    else "end: no frame"
                )
            )
        bare.close()
        ours.close()
        app.processEvents()


if __name__ == "__main__":
    main()
