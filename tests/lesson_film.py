"""The whole lesson in the real window, a picture of every step: before, teaching, after.

``python tests/lesson_film.py OUT [IMAGES MASKS] [--light] [--fake]``; IMAGES and MASKS are folders with the same file
names (ten are taken); without them the few photographs of the tests' own small data set. ``--fake`` teaches nothing.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication
from support.canvas import screenshot
from support.hand import Hand, settle, wait
from support.lessons import FakeArchive, FakeSource, FakeTeacher
from support.paths import TINY

from featherseg.session.gathering import gather, take_masks
from featherseg.session.settings import PLACE
from featherseg.session.teaching import Teaching
from featherseg.session.workspace_source import WorkspaceSource
from featherseg.window.launch import make_window
from featherseg.window.schooling import standard_teaching
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.imaging.readers import read_mask

CASES, OPEN = 10, 2
"""Cases with a mask that are accepted, and further ones that are not done yet."""


def say(text: str) -> None:
    """One line for the person who watches the terminal."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def fake(decision: str, place: Path):  # type: ignore[no-untyped-def]
    """Teaching that learns nothing, held by the script."""
    teacher = FakeTeacher(decision, 12)
    teacher.free = False

    def make(session, bench):  # type: ignore[no-untyped-def]
        source = FakeSource()

        def read(workspace, cases, wishes, in_use, control):  # type: ignore[no-untyped-def]
            source.cases = len(cases)
            return source.gather(wishes.settings)

        return Teaching(session, WorkspaceSource(bench, read), FakeArchive(place / "m"), lambda: teacher)

    return teacher, make


def _part(teaching: Teaching) -> float:
    return teaching.progress.done if teaching.progress is not None else 0.0


def one_label(mask: Path, place: Path) -> Path:
    """The mask with all its objects as one label."""
    objects = read_mask(mask)
    target = place / f"{mask.stem}.png"
    Image.fromarray((objects[0] > 0).astype(np.uint8)).save(target)
    return target


def prepare(window, images: Path, masks: Path, place: Path) -> None:  # type: ignore[no-untyped-def]
    """A workspace whose first cases have masks and are accepted."""
    bench = window.work.bench
    found = sorted(images.iterdir())[: CASES + OPEN]
    assert bench.open(place / "Cells")
    gather(bench, found)
    wait(lambda: len(bench.cases) == len(found) and not bench.errands.busy, 60)
    take_masks(bench, [one_label(m, place) for f in found[:CASES] for m in masks.glob(f.stem + ".*")])
    wait(lambda: not window.session.reading, 60)
    bench.set_state(bench.cases[:CASES], CaseState.ACCEPTED)
    bench.open_case(bench.cases[CASES])
    wait(lambda: bench.current is not None and bench.current.name == bench.cases[CASES].name)


def compose(out: Path) -> None:
    """Before, the strip while it learns, after, side by side in one picture for the README."""
    before, strip, after = (Image.open(out / f"{n}.png") for n in ("0-old", "3-learning-0.6", "5-proposal"))
    image, foot = (253, 32, 957, 736), (1092, 496, 1366, 744)
    side, gap = 480, 12
    panel = strip.crop(foot)
    whole = Image.new("RGB", (2 * side + panel.width + 4 * gap, side + 2 * gap), "#1f2327")
    for at, shot in ((gap, before), (side + panel.width + 3 * gap, after)):
        whole.paste(shot.crop(image).resize((side, side), Image.Resampling.LANCZOS), (at, gap))
    whole.paste(panel, (side + 2 * gap, gap + (side - panel.height) // 2))
    whole.save(out / "teaching.png", optimize=True)


def main(out: Path, images: Path, masks: Path, options: set[str]) -> int:
    """Offer, click, learn, adopt or ask, the new ghost, the history."""
    app = QApplication.instance() or QApplication(["featherseg"])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ[PLACE] = str(place / "settings")
        os.environ["XDG_DATA_HOME"] = str(place / "home")
        decision = "ask" if "--ask" in options else "adopt"
        teacher, make = fake(decision, place) if "--fake" in options else (None, standard_teaching)
        window = make_window(make_teaching=make)
        window.resize(1366, 768)
        window.show()
        if "--light" in options:
            window.switch_theme()
        prepare(window, images, masks, place)
        hand, teaching, box = Hand(window), window.teach.teaching, window.teach.box

        def picture(name: str, text: str) -> None:
            settle(0.5)
            screenshot(window, out / f"{name}.png")
            say(f"{name}.png  {text}")

        hand.key("space")
        wait(lambda: window.session.proposal is not None)
        picture("0-old", "the next case, by the model before the lesson")
        hand.key("Escape")
        picture("1-before", "ten cases are accepted, Teach is what comes next")
        hand.click(box.teach)
        picture("2-clicked", box.running.text.text())
        for share in (0.25, 0.6):
            if teacher is not None:
                teacher.gate.release(4)
            wait(lambda s=share: not teaching.running or _part(teaching) >= s, 900)
            picture(f"3-learning-{share}", box.running.text.text())
        if teacher is not None:
            hand.click(box.advanced.fold)
            picture("3-advanced", "the Advanced fold while it learns")
            hand.click(box.advanced.fold)
            teacher.free = True
        wait(lambda: not teaching.running, 900)
        picture("4-after", teaching.sentence)
        if teaching.stage == "asking":
            teaching.use_new()
        hand.key("space")
        wait(lambda: window.session.proposal is not None)
        picture("5-proposal", "the next case, by the new model")
        hand.key("Escape")
        if box.why.isVisible():
            hand.click(box.why)
            settle(0.5)
            screenshot(box._scores, out / "6-why.png")
            box._scores.close()
        hand.click(box.advanced.fold)
        picture("7-advanced", "the Advanced fold")
        window.close()
        app.processEvents()
        compose(out)
    return 0


if __name__ == "__main__":
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    target = Path(names[0])
    target.mkdir(parents=True, exist_ok=True)
    data = [Path(name) for name in names[1:3]] or [TINY / "dev" / "images", TINY / "dev" / "masks"]
    raise SystemExit(main(target, *data, {word for word in sys.argv[1:] if word.startswith("--")}))
