"""Which score of unsureness goes with errors, and what an order by use is worth: ``python uncertainty.py``.

Runs shipped models over the dev splits in a folder of data sets and prints, for each, Spearman's correlation
between each candidate score and 1 - Dice, how right the words "sure", "fairly sure" and "unsure" are, and how much
error the first cases of each order meet. ``--mirrored`` adds the candidates that ask mirrored images too (four
times as long), ``--only`` takes some models, ``--order`` times the order of 2,000 cases and nothing else.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from featherseg.session.unsure import FAIRLY, SURE, per_cent
from featherseg_engines.annotation.outlook import LENGTH, Outlook, describe, order_by_use
from featherseg_engines.datasets import read_dataset
from featherseg_engines.evaluation import image_score
from featherseg_engines.inference.crops import crop
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at_levels, levels_of
from featherseg_engines.inference.proposal import Proposal, Request
from featherseg_engines.inference.uncertainty import entropy, slice_score
from featherseg_engines.metrics import overlap
from featherseg_engines.models.catalogue import Catalogue

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RUNS = {
    "lgmsnet.skin": "isic2017_lesion",
    "repsegnet.skin": "isic2017_lesion",
    "lgmsnet.polyp": "kvasir_seg",
    "repsegnet.polyp": "kvasir_seg",
    "repsegnet.breast_us": "busi",
    "repsegnet.nuclei": "dsb2018_nuclei",
    "repsegnet.glands": "glas_glands",
    "repsegnet.vessels": "retina_vessels",
    "repsegnet.blood_cells": "wbc_blood",
}
TURNS = ((), (-1,), (-2,), (-2, -1))
FIRST, DRAWS = 20, 200
Levels = npt.NDArray[np.uint8]


def mean_entropy(levels: Levels, mask: Levels) -> float:
    """Over the crop around what reaches the floor."""
    seen = np.argwhere(levels.sum(axis=0, dtype=np.uint16) >= 13)
    if not len(seen):
        return 0.0
    (z0, y0, x0), (z1, y1, x1) = seen.min(axis=0), seen.max(axis=0) + 1
    return float(entropy(levels)[z0:z1, y0:y1, x0:x1].mean())


def edge_entropy(levels: Levels, mask: Levels) -> float:
    """All entropy against all entropy and the mask's area."""
    total, area = float(entropy(levels).sum()), float((mask > 0).sum())
    return total / (total + area) if total + area else 0.0


def soft_dice(levels: Levels, mask: Levels) -> float:
    """1 - 2 sum(p [found]) / (sum p + found), mean over labels; the highest probability where nothing is found."""
    scores = []
    for i, plane in enumerate(levels):
        p, found = plane / np.float32(255), mask == i + 1
        if found.any():
            scores.append(1 - 2 * float(p[found].sum()) / (float(p.sum()) + float(found.sum())))
    return float(np.mean(scores)) if scores else float(levels.max(initial=0)) / 255


CANDIDATES: dict[str, Callable[[Levels, Levels], float]] = {
    "mean entropy in the crop": mean_entropy,
    "entropy against area": edge_entropy,
    "1 - soft Dice": soft_dice,
    "level sets (in use)": lambda levels, mask: slice_score(levels),
}
IN_USE = "level sets (in use)"


@dataclass(slots=True)
class Row:
    """One image: errors of the plain and the mirrored answer, (error it goes with, score) of each candidate."""

    error: float
    scores: dict[str, tuple[float, float]]
    empty: bool
    truth_empty: bool
    outlook: Outlook


def disagreement(answers: list[Levels], middle: npt.NDArray[np.uint8]) -> float:
    """1 - mean Dice between each mirrored answer's mask and that of their mean."""
    dice = []
    for answer in answers:
        found = labels_at_levels(answer, 0.5) > 0
        size = float(found.sum() + (middle > 0).sum())
        dice.append(2 * float((found & (middle > 0)).sum()) / size if size else 1.0)
    return 1 - float(np.mean(dice))


def rows_of(model_name: str, data: Path, *, mirrored: bool) -> list[Row]:
    """Answers of one model on one dev split, scored."""
    bundle = Catalogue().resolve(model_name)
    model, found = OnnxModel(bundle, threads=1), []
    dataset = read_dataset(data, "dev")
    for case in dataset.cases:
        volume, truth = dataset.read(case)
        answers = []
        for turn in TURNS if mirrored else TURNS[:1]:
            pixels = np.ascontiguousarray(np.flip(volume.voxels[0], [t + 2 for t in turn]))
            answers.append(np.flip(model.probability(pixels)[:, None], turn))
        values = range(1, len(answers[0]) + 1)

        def error(mask: npt.NDArray[np.uint8], truth: object = truth, values: range = values) -> float:
            return 1 - image_score("", [overlap(mask, truth, v) for v in values]).dice

        levels = levels_of(answers[0])
        mask = labels_at_levels(levels, 0.5)
        wrong = error(mask)
        scores = {title: (wrong, run(levels, mask)) for title, run in CANDIDATES.items()}
        if mirrored:
            mean = levels_of(np.mean(answers, axis=0))
            middle = labels_at_levels(mean, 0.5)
            turned = [levels_of(answer) for answer in answers]
            scores["mirrored: disagreement"] = error(middle), disagreement(turned, middle)
            scores["mirrored: level sets"] = error(middle), slice_score(mean)
        proposal = Proposal(Request(0, volume, 0, bundle), *crop(answers[0], 0), model_name, "", 0.0)
        outlook = Outlook(len(found), "", scores[IN_USE][1], describe(volume, proposal))
        found.append(Row(wrong, scores, not mask.any(), not truth.any(), outlook))
    return found


def report(title: str, rows: list[Row]) -> dict[str, float]:
    """Print and return Spearman's correlation of each candidate with the error it goes with."""
    print(f"\n{title}: {len(rows)} images, mean Dice {1 - np.mean([r.error for r in rows]):.3f}")
    out = {}
    for name in rows[0].scores:
        errors, scores = zip(*(r.scores[name] for r in rows), strict=True)
        out[name] = float(spearmanr(errors, scores).statistic)
        print(f"  {name:26s} {out[name]:6.3f}   mean score {np.mean(scores):.3f}")
    for right, word in ((True, "rightly"), (False, "wrongly")):
        peaks = [round(r.scores[IN_USE][1], 2) for r in rows if r.empty and r.truth_empty is right]
        if peaks:
            print(f"  nothing found, {word}: {len(peaks)}, scores {peaks}")
    return out


def words(rows: list[Row]) -> None:
    """How right each word is."""
    for word, low, high in (("sure", SURE, 101), ("fairly sure", FAIRLY, SURE), ("unsure", 0, FAIRLY)):
        errors = [r.error for r in rows if low <= per_cent(r.outlook.score) < high]
        if errors:
            good = np.mean(np.asarray(errors) < 0.2)
            print(
                f"  {word:12s} {len(errors):4d} images, mean Dice {1 - np.mean(errors):.3f}, Dice > 0.8 {good:.0%}"
            )


def orders(title: str, rows: list[Row]) -> None:
    """Error met in, and coverage of the pool by, the first cases of each order, over random pools."""
    rng = np.random.default_rng(0)
    met: dict[str, list[tuple[float, float]]] = {}
    size = min(200, round(len(rows) * 0.8))
    for _ in range(DRAWS):
        pool = [int(i) for i in rng.permutation(len(rows))[:size]]
        looks = [rows[i].outlook for i in pool]
        points = np.stack([look.descriptor for look in looks])
        choices = {
            "random": pool,
            "unsure first": sorted(pool, key=lambda i: -rows[i].outlook.score),
            "by use": order_by_use(looks, (), pool),
            "worst first (not known)": sorted(pool, key=lambda i: -rows[i].error),
        }
        for name, order in choices.items():
            first = order[:FIRST]
            chosen = np.stack([rows[i].outlook.descriptor for i in first])
            far = np.linalg.norm(points[:, None] - chosen[None], axis=-1).min(axis=1)
            met.setdefault(name, []).append(
                (float(np.mean([rows[i].error for i in first])), float(far.mean()))
            )
    print(f"\n{title}: first {FIRST} of {size}, mean over {DRAWS} pools")
    for name, values in met.items():
        error, far = np.mean(values, axis=0)
        print(
            f"  {name:24s} 1 - Dice {error:.3f}   mean distance of all cases to the nearest chosen {far:.2f}"
        )


def time_order(count: int = 2000) -> None:
    """Milliseconds of one core for an order of many cases, half of them done."""
    rng = np.random.default_rng(0)
    looks = [Outlook(i, "", float(rng.random()), rng.random(LENGTH, np.float32)) for i in range(count)]
    for done in (range(0), range(count // 2)):
        taken = []
        for _ in range(9):
            start = time.process_time()
            order_by_use(looks, done, range(count))
            taken.append(1000 * (time.process_time() - start))
        print(f"order of {count} cases, {len(done)} done: median {np.median(taken):.0f} ms")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="*", default=list(RUNS))
    parser.add_argument("--mirrored", action="store_true")
    parser.add_argument("--order", action="store_true")
    asked = parser.parse_args()
    time_order()
    if asked.order:
        return
    found, everything = [], []
    for model in asked.only:
        rows = rows_of(model, asked.data / RUNS[model], mirrored=asked.mirrored)
        found.append(report(f"{model} on {RUNS[model]}", rows))
        words(rows)
        if len(rows) > 2 * FIRST:
            orders(model, rows)
        everything += rows
    print("\nall images")
    words(everything)
    print("mean correlation")
    for name in found[0]:
        print(f"  {name:26s} {np.mean([scores[name] for scores in found]):6.3f}")


if __name__ == "__main__":
    main()
