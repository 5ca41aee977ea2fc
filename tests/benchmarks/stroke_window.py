"""From the release of the mouse to the new ghost's pixels read back from the screen, in the real window.

``python3 dev.py bench stroke_window`` (needs a display). A photograph of a lesion at 256 and at 512 pixels, a network
that sees it at that size; strokes of some 40 pixels of the screen at random places, here and not here in turn.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.live import at_size, row, times_ms
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from support.hand import settle, wait
from support.paths import SAMPLE

from featherseg.session.case import new_case
from featherseg.window.launch import make_window
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.volume import Volume

SIZE = (1366, 768)
STROKES, ROUNDS = 10, 4
"""Strokes on one image before it begins anew, and how often."""
NETWORKS = ("repsegnet.skin", "med2dsegnet.skin", "lgmsnet.skin")


def photograph(side: int) -> Volume:
    """The sample at side x side, RGB."""
    photo = Image.open(SAMPLE).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    return with_content(Volume(np.asarray(photo)[None], Geometry((1, side, side), calibrated=False)))


def measure() -> None:
    """Both sizes, each network."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["FEATHERSEG_SETTINGS"] = place
        app = QApplication.instance() or QApplication(["featherseg"])
        window = make_window()
        window.resize(*SIZE)
        window.show()
        window.activateWindow()
        settle(0.5)
        print("| mouse release to new ghost on the screen | median ms | p95 ms | of which answering ms |")
        print("|---|---|---|---|", flush=True)
        native = window.qt_viewer.canvas.native
        window.session.use(new_case(photograph(512)))
        settle(0.5)
        still = times_ms(lambda _: native.grabFramebuffer(), lambda: settle(0.02))
        row("reading the pixels back, nothing changed", still, "-")
        for side in (256, 512):
            for name in NETWORKS:
                _network(window, name, side, Path(place))
        window.session.use(None)
        window.close()
        app.processEvents()


def _network(window, name: str, side: int, place: Path) -> None:  # type: ignore[no-untyped-def]
    session, rng = window.session, np.random.default_rng(side)
    session.add_model(at_size(name, side, place))
    first: list[tuple[float, float]] = []
    later: list[tuple[float, float]] = []
    for turn in range(ROUNDS + 1):
        session.choose_tool("browse")
        session.use(new_case(photograph(side)))
        session.set_brush_size(max(3, side // 40))
        session.propose()
        wait(lambda: session.proposal is not None, 60)
        session.choose_tool("smart")
        wait(lambda: not session.proposing.worker.busy, 60)
        settle(0.2)
        for i in range(STROKES):
            took = _stroke(window, rng, positive=i % 2 == 0)
            if turn:  # the first round loads and warms
                (later if i else first).append(took)
        session.case.mark_saved(place)
    _rows(f"{name.split('.')[0]}, {side}²", first, later)


def _rows(title: str, first: list[tuple[float, float]], later: list[tuple[float, float]]) -> None:
    for kept, which in ((first, "first stroke of an image"), (later, "further strokes")):
        answering = statistics.median(own for _, own in kept)
        row(f"{title}, {which} ({len(kept)})", [whole for whole, _ in kept], f"{answering:.1f}")


def _stroke(window, rng: np.random.Generator, *, positive: bool) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Milliseconds from release to pixels, and those of them that the engine took."""
    native, session = window.qt_viewer.canvas.native, window.session
    middle = np.array([native.width(), native.height()]) / 2
    start = middle + rng.uniform(-0.35, 0.35, 2) * native.height()
    points = [QPoint(*(int(v) for v in start + rng.uniform(-4, 4, 2) + (5 * i, 2 * i))) for i in range(9)]
    left = Qt.MouseButton.LeftButton
    shift = Qt.KeyboardModifier.NoModifier if positive else Qt.KeyboardModifier.ShiftModifier
    QTest.mouseMove(native, points[0])
    QTest.mousePress(native, left, shift, points[0])
    for point in points[1:]:
        QTest.mouseMove(native, point)
        settle(0.01)
    before = session.proposal
    started = time.perf_counter()
    QTest.mouseRelease(native, left, shift, points[-1])
    while session.proposal is before or session.busy:
        QApplication.processEvents()
        time.sleep(0.0005)
    native.grabFramebuffer()
    took = (time.perf_counter() - started) * 1000
    settle(0.15)
    return took, session.proposal.seconds * 1000
