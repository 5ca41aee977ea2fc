"""From a change of slice to the ghost's pixels read back from the screen; scrolling with live mode on and off.

``python3 dev.py bench live scroll`` (needs a display). One real window of 1366 x 768; the slices are a real
photograph of a lesion brought to 512 x 512, grey, shifted from slice to slice, so that every network finds something.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from qtpy.QtWidgets import QApplication
from support.hand import settle, wait
from support.paths import SAMPLE

from featherseg.session.case import new_case
from featherseg.window.launch import make_window
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.volume import Volume
from featherseg_resources import models_folder

SIZE = (1366, 768)
DEPTH, SIDE = 120, 512
RUNS = 40
NETWORKS = ("repsegnet.skin", "med2dsegnet.skin", "reunet_slim8.skin", "lgmsnet.skin")


def photograph_volume() -> Volume:
    """Slices (120, 512, 512) uint8 of a lesion that wanders by a pixel or two from slice to slice."""
    photo = Image.open(SAMPLE).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    plane = np.asarray(photo)
    slices = [np.roll(plane, (2 * z % 60 - 30, z % 40 - 20), axis=(0, 1)) for z in range(DEPTH)]
    return with_content(Volume(np.stack(slices), Geometry((DEPTH, SIDE, SIDE)), name="lesion"))


def at_size(name: str, long_side: int, folder: Path) -> Path:
    """A shipped bundle that sees slices at another size; the network takes any."""
    place = folder / f"{name}-{long_side}"
    shutil.copytree(models_folder() / name, place)
    card = json.loads((place / "card.json").read_text("utf-8"))
    card["name"] = f"{name}-{long_side}"
    card["preprocessing"]["long_side"] = long_side
    (place / "card.json").write_text(json.dumps(card), "utf-8")
    return place


def make():  # type: ignore[no-untyped-def]
    """The window with the slices open."""
    app = QApplication.instance() or QApplication(["featherseg"])
    window = make_window()
    window.resize(*SIZE)
    window.show()
    window.activateWindow()
    window.session.use(new_case(photograph_volume()))
    settle(1.0)
    return app, window


def times_ms(work: Callable[[int], None], before: Callable[[], None], runs: int = RUNS) -> list[float]:
    """Milliseconds of each run after three to warm up; ``before`` is not timed."""
    kept = []
    for i in range(runs + 3):
        before()
        started = time.perf_counter()
        work(i)
        if i >= 3:
            kept.append((time.perf_counter() - started) * 1000)
    return kept


def row(name: str, kept: list[float], note: str = "") -> None:
    """One line of a markdown table."""
    middle, p95 = statistics.median(kept), sorted(kept)[int(0.95 * (len(kept) - 1))]
    print(f"| {name} | {middle:.1f} | {p95:.1f} | {note} |", flush=True)


def slices() -> None:
    """Slice change to ghost pixels: not computed before, and computed ahead."""
    app, window = make()
    session, native = window.session, window.qt_viewer.canvas.native
    with tempfile.TemporaryDirectory() as place:
        print(
            "| slice change to ghost pixels read back, 512 x 512 slices | median ms | p95 ms | of which model |"
        )
        print("|---|---|---|---|")
        for name in NETWORKS:
            for side in (256, 512):
                session.add_model(at_size(name, side, Path(place)))
                session.proposing.go_live(True)
                wait(lambda: session.proposal is not None, 60)
                _fresh_and_ahead(session, native, f"{name.split('.')[0]}, input {side}²")
                session.proposing.go_live(False)
    window.close()
    app.processEvents()


def _fresh_and_ahead(session, native, name: str) -> None:  # type: ignore[no-untyped-def]
    seconds: list[float] = []

    def go(z: int) -> None:
        session.go_to_slice(z)
        wait_for_ghost(session, z)
        native.grabFramebuffer()

    def jump(i: int) -> None:
        go((session.z + 41) % DEPTH)
        seconds.append(session.proposal.seconds * 1000)

    def forget() -> None:
        session.proposing.worker.look_ahead(())
        idle(session)
        session.proposing.cache.forget(session.case.image)

    def until_ahead() -> None:
        wait(lambda: session.proposing.request_at((session.z + 1) % DEPTH).key in session.proposing.cache, 60)
        idle(session)

    row(name, times_ms(jump, forget), f"{statistics.median(seconds):.1f}")
    session.go_to_slice(10)
    wait_for_ghost(session, 10)
    row(f"{name}, computed ahead", times_ms(lambda i: go(11 + i), until_ahead), "-")


def wait_for_ghost(session, z: int) -> None:  # type: ignore[no-untyped-def]
    """Until the proposal of this slice is on screen; checks that it is of this slice."""
    end = time.perf_counter() + 30
    while session.proposal is None or session.proposal.request.z != z:
        QApplication.processEvents()
        time.sleep(0.0002)
        if time.perf_counter() > end:
            raise AssertionError("no proposal came")


def idle(session) -> None:  # type: ignore[no-untyped-def]
    """Until the window has drawn and the worker sleeps."""
    settle(0.08)
    worker = session.proposing.worker
    wait(lambda: not worker.busy, 60)


def scroll(speed: float = 20.0) -> None:
    """100 slices at 20 a second: from each step to its frame, live mode off and on in turn."""
    app, window = make()
    session, native = window.session, window.qt_viewer.canvas.native
    frames: dict[bool, list[float]] = {False: [], True: []}
    stale = shown = 0
    with tempfile.TemporaryDirectory() as place:
        session.add_model(at_size("repsegnet.skin", 256, Path(place)))
        for live in (False, True, False, True, False, True):
            session.go_to_slice(5)
            session.proposing.cache.forget(session.case.image)
            session.proposing.go_live(live)
            settle(1.0)
            kept, bad, good = _scroll_once(session, native, speed)
            frames[live] += kept
            stale, shown = stale + bad, shown + good
        session.proposing.go_live(False)
    print(f"Scrolling 100 slices of 512 x 512 at {speed:.0f} a second, three times each, in turn")
    print("| live | median ms to the frame | p95 ms |")
    print("|---|---|---|")
    for live, kept in frames.items():
        middle, p95 = statistics.median(kept), sorted(kept)[int(0.95 * (len(kept) - 1))]
        print(f"| {'on' if live else 'off'} | {middle:.1f} | {p95:.1f} |")
    p95s = {live: sorted(kept)[int(0.95 * (len(kept) - 1))] for live, kept in frames.items()}
    print(f"p95 on / off: {p95s[True] / p95s[False]:.2f}")
    print(f"ghost of the slice on screen: {shown} of 300 steps with live on; of another slice: {stale}")
    window.close()
    app.processEvents()


def _scroll_once(session, native, speed: float) -> tuple[list[float], int, int]:  # type: ignore[no-untyped-def]
    drawn: list[float] = []
    native.frameSwapped.connect(lambda: drawn.append(time.perf_counter()))
    kept, stale, shown = [], 0, 0
    start = time.perf_counter()
    for step in range(100):
        due = start + step / speed
        while time.perf_counter() < due:
            QApplication.processEvents()
            time.sleep(0.0005)
        drawn.clear()
        begun = time.perf_counter()
        session.go_to_slice(6 + step)
        while not drawn and time.perf_counter() - begun < 0.5:
            QApplication.processEvents()
        kept.append((drawn[0] - begun) * 1000 if drawn else float("nan"))
        if session.proposal is not None:
            right = session.proposal.request.z == session.z
            shown, stale = shown + right, stale + (not right)
    native.frameSwapped.disconnect()
    return [k for k in kept if k == k], stale, shown
