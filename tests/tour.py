"""The whole job in the real window with a real mouse and keyboard, a picture of every step in a folder.

``python tests/tour.py OUT``; ``python3 dev.py run`` does it where there is no display.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from PIL import Image
from qtpy.QtWidgets import QApplication
from support.canvas import canvas_point, screenshot
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.window.launch import make_window


def say(text: str) -> None:
    """One line for the person who watches the terminal."""
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def main(out: Path) -> int:
    """Open, propose, move the threshold, accept, correct, undo, redo, save, reopen."""
    app = QApplication.instance() or QApplication(["featherseg"])
    window = make_window()
    window.resize(1366, 768)
    window.show()
    hand, session = Hand(window), window.session

    def picture(name: str, text: str) -> None:
        settle(0.4)
        screenshot(window, out / f"{name}.png")
        say(f"{name}.png  {text}")

    picture("1-start", "the empty window")
    open_in(window, SAMPLE)
    picture("2-open", "a dermoscopy image")
    hand.key("space")
    wait(lambda: session.proposal is not None)
    picture("3-proposal", f"the model's proposal as a ghost; {window.status.answer.text()}")
    session.set_threshold(0.25)
    picture("4-threshold", "a lower threshold, the ghost follows")
    session.set_threshold(0.5)
    hand.key("space")
    picture("5-accepted", "accepted into the label")
    hand.key("b")
    native = window.qt_viewer.canvas.native
    lesion = canvas_point(window.viewer, native, 150, 130), canvas_point(window.viewer, native, 160, 175)
    hand.drag(native, *lesion)
    picture("6-corrected", "corrected with the brush")
    before = session.case.labels.array.copy()
    hand.key("ctrl+z", "ctrl+z")
    assert not session.case.labels.array.any()
    picture("7-undone", "brush and acceptance taken back")
    hand.key("ctrl+shift+z", "ctrl+shift+z")
    assert (session.case.labels.array == before).all()
    with tempfile.TemporaryDirectory() as folder:
        image, mask = Path(folder) / "lesion.png", Path(folder) / "lesion_mask.png"
        Image.open(SAMPLE).save(image)
        assert session.save_mask(mask)
        picture("8-saved", "saved")
        open_in(window, image)
        settle(0.3)
        picture("9-reopen", "opened again; the saved mask is offered")
        session.open_mask(mask)
        assert (session.case.labels.array == before).all()
        picture("10-reopened", "and is as it was")
    window.close()
    app.processEvents()
    return 0


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "out")
    target.mkdir(exist_ok=True)
    raise SystemExit(main(target))
