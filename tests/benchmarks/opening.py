"""``python3 dev.py bench opening``: from the click on a photograph to its first picture, as the program does it.

Beside it, in a process of its own, the same without what spares napari's garbage collection the modules.
"""

import gc
import statistics
import subprocess
import sys
import time
from pathlib import Path

TIMES, FIRST = 14, 2
"""Photographs opened, and of these the first that do not count."""
PLAIN = "--plain"


def here(plain: bool) -> None:
    """The median in seconds, as one line."""
    from qtpy.QtWidgets import QApplication

    from featherseg.window.launch import make_window
    from featherseg_resources import samples_folder

    app = QApplication([])
    if not plain:
        gc.freeze()  # as run_window does
    window = make_window()
    window.resize(1366, 768)
    window.show()
    files = sorted(p for p in Path(samples_folder()).iterdir() if p.suffix in (".jpg", ".png"))[:2]
    took = []
    for i in range(TIMES):
        _settle(app, 0.3)
        before, started = window.session.case, time.perf_counter()
        window.files.open(files[i % 2])
        while window.session.case is before:
            app.processEvents()
        app.processEvents()
        took.append(time.perf_counter() - started)
    print(statistics.median(took[FIRST:]))


def _settle(app: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.005)


def main() -> int:
    """Both, twice in turn."""
    found: dict[bool, list[float]] = {False: [], True: []}
    for plain in (False, True, False, True):
        words = [sys.executable, __file__, "--here", *([PLAIN] if plain else [])]
        told = subprocess.run(words, check=True, capture_output=True, text=True)
        found[plain].append(float(told.stdout.split()[-1]))
    ours, without = (min(found[plain]) for plain in (False, True))
    print(f"  open a photograph: {ours * 1000:.0f} ms; modules collected too {without * 1000:.0f} ms")
    print(f"  ratio {ours / without:.2f}")
    return 0


if __name__ == "__main__":
    here(PLAIN in sys.argv) if "--here" in sys.argv else main()
