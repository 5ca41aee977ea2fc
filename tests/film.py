"""A film in pictures of the smart stroke: the real window, a real mouse, one stroke a picture, one PNG of all.

``python tests/film.py OUT [MODEL IMAGE MASK]``: a picture of the window after each step, and ``strokes.png``.
A robot that knows the mask draws where the proposal is most wrong. By default a model that was taught polyps
meets a skin lesion (ISIC 2017, CC0), so that there is something to correct.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtWidgets import QApplication
from scipy.ndimage import distance_transform_edt, label
from support.canvas import canvas_point, screenshot
from support.hand import Hand, settle, wait
from support.paths import TINY
from support.windows import open_in

from featherseg.window.launch import make_window

STROKES = 4
BRUSH = 9
LONGEST = 45
"""Pixels of the image that a stroke is long at most."""
SIZE = (1020, 640)
"""A small window: its lines are not lost in the film."""
PICTURE = (480, 360)
COLOURS = 256


def main(out: Path, model: str, image: Path, mask: Path) -> int:
    """Propose, stroke where it is most wrong, accept; a picture each time."""
    app = QApplication.instance() or QApplication(["featherseg"])
    window = make_window()
    window.resize(*SIZE)
    window.show()
    hand, session, native = Hand(window), window.session, window.qt_viewer.canvas.native
    truth = np.asarray(Image.open(mask)) > 0
    open_in(window, image)
    session.choose_model(model)
    session.set_brush_size(BRUSH)
    settle(0.3)
    hand.key("space")
    wait(lambda: session.proposal is not None)
    pictures, words = [], []

    def picture(text: str) -> None:
        hand.away()
        settle(0.4)
        path = out / f"{len(pictures)}.png"
        screenshot(window, path)
        dice = overlap(ghost(session) | (session.case.labels.array[0] > 0), truth)
        words.append(f"{text}: Dice {dice:.2f}")
        pictures.append(Image.fromarray(on_screen(path, window, native)))
        sys.stdout.write(f"  {path.name}  {words[-1]}  {window.status.answer.text()}\n")

    picture("1  Proposal")
    hand.key("s")
    for count in range(1, STROKES + 1):
        path, positive = most_wrong(ghost(session), truth)
        before = session.proposal
        points = [canvas_point(window.viewer, native, y, x) for y, x in path]
        if not positive:
            hand.press("shift")
        hand.drag(native, *points)
        if not positive:
            hand.release("shift")
        wait(lambda before=before: session.proposal is not None and session.proposal is not before)
        picture(f"{count + 1}  Stroke {count}, {'here' if positive else 'not here'}")
    hand.key("space")
    wait(lambda: session.case.labels.array.any())
    picture(f"{STROKES + 2}  Accepted")
    compose(pictures, words).save(out / "strokes.png", optimize=True)
    session.case.mark_saved(out / "none")
    window.close()
    app.processEvents()
    return 0


def ghost(session) -> np.ndarray:
    """(y, x): where the proposal on screen is."""
    proposal = session.proposal
    whole = np.zeros(session.case.volume.geometry.shape[1:], bool)
    if proposal is not None and not proposal.box.empty:
        whole[proposal.box.slices[1:]] = proposal.mask(session.threshold)[0] > 0
    return whole


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Dice."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def most_wrong(found: np.ndarray, truth: np.ndarray) -> tuple[list[tuple[int, int]], bool]:
    """A straight stroke inside the largest error, and whether label is missing there."""
    wrong = found != truth
    deep = distance_transform_edt(np.pad(wrong, 1))[1:-1, 1:-1]
    start = np.unravel_index(int(deep.argmax()), deep.shape)
    parts, _ = label(wrong & (truth == truth[start]))
    ends = np.argwhere((parts == parts[start]) & (deep >= max(3, deep[start] * 0.4)))
    best, length = start, 0.0
    for end in ends[:: max(1, len(ends) // 400)]:
        far = float(np.hypot(*(end - start)))
        line = np.linspace(start, end, 32).round().astype(int)
        if length < far <= LONGEST and (deep[tuple(line.T)] >= max(3, deep[start] * 0.4)).all():
            best, length = end, far
    middle = tuple((np.array(start) + best) // 2)
    return [tuple(int(v) for v in at) for at in (start, middle, best)], bool(truth[start])


def on_screen(path: Path, window, native) -> np.ndarray:
    """The image with all that lies over it, cut out of a picture of the window."""
    whole = Image.open(path).convert("RGB")
    _, height, width = window.session.case.volume.geometry.shape
    ends = [canvas_point(window.viewer, native, y, x) for y, x in ((-0.5, -0.5), (height - 0.5, width - 0.5))]
    corners = [native.mapTo(window, end) for end in ends]
    scale = whole.width / window.frameGeometry().width()
    return np.asarray(whole.crop([round(v * scale) for at in corners for v in (at.x(), at.y())]))


def compose(pictures: list[Image.Image], words: list[str]) -> Image.Image:
    """All pictures in rows of three, a line of words under each."""
    width, height = PICTURE
    font = ImageFont.load_default(17)
    gap, line = 6, 26
    rows = -(-len(pictures) // 3)
    sheet = Image.new("RGB", (3 * width + 4 * gap, rows * (height + line + gap) + gap), "#1e1f22")
    draw = ImageDraw.Draw(sheet)
    for i, (shot, text) in enumerate(zip(pictures, words, strict=True)):
        x, y = gap + i % 3 * (width + gap), gap + i // 3 * (height + line + gap)
        sheet.paste(shot.resize(PICTURE, Image.Resampling.LANCZOS), (x, y))
        draw.text((x + 4, y + height + 2), text, fill="#e8e8e8", font=font)
    return sheet.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    case = TINY / "dev" / "images" / "isic2017_train_0965.jpg"
    given = sys.argv[2:] or [
        "repsegnet.polyp",
        str(case),
        str(case).replace("images", "masks").replace("jpg", "png"),
    ]
    raise SystemExit(main(target, given[0], Path(given[1]), Path(given[2])))
