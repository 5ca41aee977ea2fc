"""The results of a contest in Markdown and as a plot."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.training.contest import Result

CLAIMS = {
    "repsegnet": "ISIC 2018 F1 0.9245, CVC-ClinicDB 0.9540 (pooled over pixels, background averaged in)",
    "med2dsegnet": "Kvasir-SEG Dice 0.958, mean of 20 sets 0.898",
    "reunet_slim8": "DUKE 0.93, BraTS 0.91 (another size of the network)",
    "lgmsnet": "ISIC 2018 F1 0.8993, Kvasir-SEG 0.9304 (best epoch chosen on the split reported)",
    "cmunext": "ISIC 2018 F1 0.8936, Kvasir-SEG 0.9294 (in LGMSNet's table)",
    "tinyunet": "ISIC 2018 F1 0.8899, Kvasir-SEG 0.9135 (in LGMSNet's table)",
    "unext": "ISIC 2018 F1 0.8993, Kvasir-SEG 0.9101 (in LGMSNet's table)",
}
"""What the papers print, on data and at sizes of their own."""
CLAIMED = {
    "repsegnet": {"skin": 0.9245},
    "med2dsegnet": {"polyp": 0.958},
    "lgmsnet": {"skin": 0.8993, "polyp": 0.9304},
    "cmunext": {"skin": 0.8936, "polyp": 0.9294},
    "tinyunet": {"skin": 0.8899, "polyp": 0.9135},
    "unext": {"skin": 0.8993, "polyp": 0.9101},
}
"""Of these the figures on the contest's tasks; skin is ISIC 2018 there and ISIC 2017 here."""
RANKING = """
## Networks side by side

Each from scratch, the same images, steps, batch (8), size and augmentation, its paper's optimizer and rate; Dice and
IoU are means over dev images, on which the best epoch was chosen. Far from the papers' hundreds of epochs: it says
which network learns most in so little time. Parameters and multiply-adds (at 256 x 256) are those of the deployed
form; ms: one answer at this size on two threads, all timed in turn. (`featherseg rows ranking`, `rows times`)

| task | network | Dice | IoU | params | GMAC | ms | steps, side, seed | the paper claims | short by | printed size |
|---|---|---|---|---|---|---|---|---|---|---|
"""
CLAIMS_HEAD = """
## The papers' claims and what ships

Their figures are on other splits, some pooled over all pixels or with the epoch chosen on the split reported, from
hundreds of epochs.

| model | claimed | dev Dice here | short by |
|---|---|---|---|
"""
CROSSED = """
## Taught in one place, tried in another

Retinal vessels at native size in patches: taught on DRIVE or on CHASE_DB1 and tried on dev images of the other, which
come from another camera and other people, as LGMSNet's paper does. Equal terms as above.
(`featherseg rows ranking --tasks drive,chase`)

| network | taught on | Dice there | Dice on the other | lost | steps, side, seed |
|---|---|---|---|---|---|
"""
ABLATED = """
## Ablations

Skin lesion, one seed, a short schedule: differences below about 0.02 say nothing. (`featherseg rows ablation NAME`)

| network | Dice | against the whole | parameters | GMAC | ms | steps, side, seed |
|---|---|---|---|---|---|---|
"""
WIDTH, HEIGHT, MARGIN = 900, 460, 70
LINE, DOT = 15, 5
"""Height of a name and half the width of a dot in the plot, in pixels."""
ASIDE = (0, *(sign * LINE * n // 2 for n in range(1, 60) for sign in (1, -1)))
"""How much higher or lower a name goes that would lie over another or over a dot."""
MARKS = tuple(base * 10**power for power in range(4) for base in (1, 2, 5))
"""Milliseconds that the axis names."""
Rectangle = tuple[float, float, float, float]
COLOURS = {"skin": "#d55e00", "polyp": "#0072b2"}


def side_by_side(results: Sequence[Result], registry: NetworkRegistry) -> str:
    """The ranking, best first, with what the papers claim beside it; "" where there is none."""
    if not results:
        return ""
    return RANKING + "".join(_rival(result, registry) for result in results)


def _rival(r: Result, registry: NetworkRegistry) -> str:
    try:
        spec = registry.get(r.network)
        printed = f"{spec.published_params}, {spec.published_gmacs}"
    except ModelError:
        printed = "-"
    return (
        f"| {r.task} | {r.title} | {_dice(r)} | {r.iou:.3f} | {r.params / 1e6:.2f} M | {r.gmacs:.2f} | {r.ms:.1f} "
        f"| {r.steps}, {r.side}, {r.seed} | {CLAIMS.get(r.network, '-')} | {_short(r.network, r.task, r.dice)} "
        f"| {printed} |\n"
    )


def _short(network: str, task: str, dice: float) -> str:
    claimed = CLAIMED.get(network, {}).get(task)
    return "-" if claimed is None else f"{claimed - dice:.3f}"


def claims(bundles: Sequence[ModelBundle]) -> str:
    """What the papers claim beside what ships for the same task; "" where no bundle has a claim."""
    lines = []
    for card in (b.card for b in bundles if b.card.measured):
        claimed = CLAIMED.get(card.network, {}).get(card.name.split(".")[-1])
        if claimed is not None:
            dice = card.measured[0].dice
            lines.append(f"| {card.name} | {claimed:.3f} | {dice:.3f} | {claimed - dice:.3f} |\n")
    return "".join([CLAIMS_HEAD, *lines]) if lines else ""


def crossings(results: Sequence[Result]) -> str:
    """Networks tried on cases of the same kind from elsewhere, the least shaken first; "" where there is none."""
    if not results:
        return ""
    lines = [
        f"| {r.title} | {r.task} | {_dice(r)} | {r.abroad:.3f} [{r.abroad_interval[0]:.3f}, "
        f"{r.abroad_interval[1]:.3f}] | {r.dice - r.abroad:.3f} | {r.steps}, {r.side}, {r.seed} |\n"
        for r in sorted(results, key=lambda r: (r.task, -(r.abroad or 0.0)))
        if r.abroad is not None
    ]
    return CROSSED + "".join(lines)


def ablations(results: Sequence[Result], whole: Sequence[Result]) -> str:
    """The ablations, each with its distance to the whole network under the same terms; "" where there is none."""
    if not results:
        return ""
    lines = []
    for r in results:
        same = [w for w in whole if r.network.startswith(w.network) and w.terms == r.terms]
        against = f"{r.dice - same[0].dice:+.3f}" if same else "-"
        lines.append(
            f"| {r.title} | {_dice(r)} | {against} | {r.params / 1e6:.2f} M | {r.gmacs:.2f} | {r.ms:.1f} "
            f"| {r.steps}, {r.side}, {r.seed} |\n"
        )
    return ABLATED + "".join(lines)


def _dice(r: Result) -> str:
    low, high = r.interval or (float("nan"),) * 2
    return f"{r.dice:.3f} [{low:.3f}, {high:.3f}]"


def plot(results: Sequence[Result], path: Path) -> None:
    """Dice over milliseconds (on a logarithmic axis), a dot a network and task, as a PNG.

    Raises
    ------
    WriteError
        It cannot be written.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    times = [r.ms for r in results]
    left, most = math.log(min(times) / 1.25), math.log(max(times) * 2)
    low, high = int(min(r.dice for r in results) * 10), int(max(r.dice for r in results) * 10) + 1
    right, bottom = WIDTH - MARGIN, HEIGHT - MARGIN

    def across(ms: float) -> float:
        return MARGIN + (math.log(ms) - left) / (most - left) * (right - MARGIN)

    def down(dice: float) -> float:
        return bottom - (10 * dice - low) / (high - low) * (bottom - MARGIN // 2)

    draw.line([(MARGIN, MARGIN // 2), (MARGIN, bottom), (right, bottom)], fill="black")
    for tenth in range(low, high + 1):
        y = down(tenth / 10)
        draw.line([(MARGIN, y), (right, y)], fill="#e3e3e3")
        draw.text((MARGIN - 8, y), f"{tenth / 10:.1f}", fill="black", font=font, anchor="rm")
    for ms in (m for m in MARKS if left < math.log(m) < most):
        draw.line([(across(ms), bottom), (across(ms), bottom + 4)], fill="black")
        draw.text((across(ms), bottom + 7), str(ms), fill="black", font=font, anchor="mt")
    draw.text(
        (WIDTH // 2, HEIGHT - 14), "milliseconds, deployed, two threads", fill="black", font=font, anchor="mb"
    )
    draw.text((8, 8), "Dice on dev, equal steps", fill="black", font=font)
    for number, task in enumerate(dict.fromkeys(r.task for r in results)):
        draw.text((right - 90 * number - 60, 8), task, fill=COLOURS.get(task, "black"), font=font)
    dots = [(across(r.ms), down(r.dice)) for r in results]
    taken: list[Rectangle] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots]
    for r, (x, y) in zip(results, dots, strict=True):
        colour, wide = COLOURS.get(r.task, "black"), font.getlength(r.network)
        draw.ellipse([x - DOT, y - DOT, x + DOT, y + DOT], fill=colour)
        here, aside = _free(x + 2 * DOT, y, wide, taken)
        taken.append(here)
        if aside:
            draw.line([(x, y), (here[0] - 2, y + aside)], fill=colour)
        draw.text((here[0], y + aside), r.network, fill=colour, font=font, anchor="lm")
    small = picture.quantize(32)
    write_verified(
        path, lambda p: small.save(p, "PNG", optimize=True), lambda p: Image.open(p).size == small.size
    )


def _free(x: float, y: float, wide: float, taken: Sequence[Rectangle]) -> tuple[Rectangle, int]:
    """Where a name may stand beside (x, y) without lying over anything, and by how much lower that is."""
    for aside in ASIDE:
        begin = x + (12 if aside else 0)
        found = (begin, y + aside - LINE / 2, begin + wide, y + aside + LINE / 2)
        if not any(
            found[0] < t[2] and t[0] < found[2] and found[1] < t[3] and t[1] < found[3] for t in taken
        ):
            return found, aside
    return (x, y - LINE / 2, x + wide, y + LINE / 2), 0
