"""The pictures of the user guide, made with a real mouse and keyboard in the real window.

``python tests/guide.py [--out FOLDER] [--minutes M] [--light]``. The whole way of a new person: start, sample,
propose, correct, accept, teach (as long as the program does, or for M minutes), a volume, the keys. It says when each
picture was taken.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from PIL import Image
from qtpy.QtWidgets import QApplication, QMenu, QMenuBar, QToolButton
from support.canvas import canvas_point, screenshot
from support.hand import Hand, settle, wait

from featherseg.session.settings import PLACE
from featherseg.window.launch import make_window

SHRINK = (1093, 614)
COLOURS = 128


class Guide:
    """The window, a hand, and where the pictures go."""

    def __init__(self, out: Path, light: bool) -> None:
        self.out, self.began = out, time.monotonic()
        self.window = make_window()
        self.window.resize(1366, 768)
        self.window.show()
        if light:
            self.window.switch_theme()
        self.hand, self.session = Hand(self.window), self.window.session

    def picture(self, name: str) -> None:
        """What is on the screen, small and with few colours."""
        settle(0.6)
        path = self.out / f"{name}.png"
        screenshot(self.window, path)
        with Image.open(path) as shot:
            small = shot.convert("RGB").resize(SHRINK, Image.Resampling.LANCZOS).quantize(COLOURS)
        small.save(path, optimize=True)
        strip = self.window.samples.strip.text()
        sys.stdout.write(f"  {time.monotonic() - self.began:5.0f} s  {name}.png  {strip}\n")
        sys.stdout.flush()

    def open(self, title: str) -> None:
        """One of the samples: its tile on the start page, else File and Open sample in the menu bar, by mouse."""
        before = self.session.case
        tiles = self.window.samples.welcome.findChildren(QToolButton)
        tile = next((t for t in tiles if t.text() == f"Try: {title}" and t.isVisible()), None)
        if tile is not None:
            self.hand.click(tile)
        else:
            file = self.window.menus.menus["File"]
            samples = next(m for m in file.findChildren(QMenu) if m.title() == "Open sample")
            self._choose(self.window.menuBar(), "File")
            self._choose(file, "Open sample")
            self._choose(samples, title)
        wait(
            lambda: (
                self.session.case is not None and self.session.case is not before and not self.session.reading
            ),
            60,
        )

    def _choose(self, menu: QMenuBar | QMenu, words: str) -> None:
        """Click the entry that begins with ``words``."""
        wait(menu.isVisible)
        entry = next(a for a in menu.actions() if a.text().replace("&", "").lower().startswith(words.lower()))
        self.hand.drag(menu, menu.actionGeometry(entry).center())

    def propose(self) -> None:
        """Space, until the ghost is there."""
        self.hand.key("space")
        wait(lambda: self.session.proposal is not None, 60)

    def stroke(self, *places: tuple[int, int]) -> None:
        """Drag over the image, (y, x) in pixels."""
        native = self.window.qt_viewer.canvas.native
        self.hand.drag(native, *(canvas_point(self.window.viewer, native, *p) for p in places))


def first_look(guide: Guide) -> None:
    """One picture: propose, strokes, accept, brush."""
    guide.picture("01-start")
    guide.open("skin lesion")
    guide.picture("02-open")
    guide.propose()
    guide.picture("03-proposal")
    guide.hand.key("s")
    guide.stroke((95, 150), (112, 165))
    settle(1.5)
    guide.picture("04-stroke")
    guide.hand.key("space", "b")
    guide.stroke((60, 100), (70, 120))
    guide.picture("05-brush")
    guide.window.session.case.mark_saved(guide.out / "nowhere.png")


def cells(guide: Guide, minutes: float) -> None:
    """Twelve pictures, eight of them drawn: what a skin model says, a stroke, teach, what it says then."""
    hand, session, window = guide.hand, guide.session, guide.window
    guide.open("cells to teach")
    bench, teaching = window.work.bench, window.teach.teaching
    wait(lambda: len(bench.cases) == 12 and session.case is not None and not session.reading)
    guide.picture("06-workspace")
    guide.propose()
    guide.picture("07-before")
    hand.key("Escape", "b")
    guide.stroke((100, 100), (110, 110))
    guide.picture("08-drawn")
    hand.key("ctrl+z", "v")
    settings = replace(teaching.wishes.settings, minutes=minutes)
    teaching.change(replace(teaching.wishes, settings=settings))
    hand.key("t")
    wait(lambda: teaching.running)
    wait(
        lambda: not teaching.running or (teaching.progress is not None and teaching.progress.done > 0.6), 600
    )
    guide.picture("09-teaching")
    wait(lambda: not teaching.running, 600)
    guide.picture("10-taught")
    guide.propose()
    guide.picture("11-after")


def further(guide: Guide) -> None:
    """A volume in three views, the keys."""
    guide.open("hippocampus, volume")
    guide.hand.key("o")
    guide.propose()
    settle(1.0)
    guide.picture("12-volume")
    guide.hand.key("question")
    guide.picture("13-keys")
    guide.hand.key("Escape")


def main(out: Path, minutes: float, light: bool) -> int:
    """All pictures, in order."""
    app = QApplication.instance() or QApplication(["featherseg"])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[PLACE] = str(Path(folder) / "settings")
        os.environ["XDG_DATA_HOME"] = str(Path(folder) / "home")
        os.environ["XDG_DOCUMENTS_DIR"] = str(Path(folder) / "Documents")
        guide = Guide(out, light)
        first_look(guide)
        further(guide)
        cells(guide, minutes)
        guide.window.close()
        app.processEvents()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "guide")
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--light", action="store_true")
    chosen = parser.parse_args()
    raise SystemExit(main(chosen.out, chosen.minutes, chosen.light))
