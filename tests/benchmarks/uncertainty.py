"""Which score of unsureness is worth showing, and is an order by use worth following: ``python uncertainty.py``.

Runs shipped models over the dev splits of ``../shared/data`` and prints, for each, Spearman's correlation between
each candidate score and 1 - Dice, what the images on which nothing was found are like, and how much error the
first cases of each order meet. Several minutes on two cores; a file named by ``--keep`` holds the answers.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("app", "engines", "resources", "tests")]
from featherseg_engines.datasets import read_dataset
from featherseg_engines.evaluation import image_score
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at_levels, levels_of
from featherseg_engines.inference.uncertainty import entropy
from featherseg_engines.metrics import overlap
from featherseg_engines.models.catalogue import Catalogue

DATA = ROOT.parent / "shared" / "data"
if not DATA.is_dir():
    DATA = Path("/work/shared/data")
RUNS = (
    ("lgmsnet.skin", "isic2017_lesion"),
    ("repsegnet.skin", "isic2017_lesion"),
    ("lgmsnet.polyp", "kvasir_seg"),
    ("repsegnet.polyp", "kvasir_seg"),
    ("repsegnet.breast_us", "busi"),
    ("repsegnet.nuclei", "dsb2018_nuclei"),
    ("repsegnet.glands", "glas_glands"),
    ("repsegnet.vessels", "retina_vessels"),
    ("repsegnet.blood_cells", "wbc_blood"),
)
TURNS = ((), (-1,), (-2,), (-2, -1))
Levels = npt.NDArray[np.uint8]


def mean_entropy(levels: Levels, mask: Levels) -> float:
    """Over the crop around what reaches the floor."""
    seen = np.argwhere((levels.sum(axis=0, dtype=np.uint16) >= 13))
    if not len(seen):
        return 0.0
    (z0, y0, x0), (z1, y1, x1) = seen.min(axis=0), seen.max(axis=0) + 1
    return float(entropy(levels)[z0:z1, y0:y1, x0:x1].mean())


def edge_entropy(levels: Levels, mask: Levels) -> float:
    """All entropy against all entropy and the mask's area."""
    total, area = float(entropy(levels).sum()), float((mask > 0).sum())
    return total / (total + area) if total + area else 0.0


def soft_dice(levels: Levels, mask: Levels) -> float:
    """1 - 2 sum(p [found]) / (sum p + found), mean over labels; 1 where nothing is found."""
    scores = []
    for i, plane in enumerate(levels):
        p, found = plane / np.float32(255), mask == i + 1
        if found.any():
            scores.append(1 - 2 * float(p[found].sum()) / (float(p.sum()) + float(found.sum())))
    return float(np.mean(scores)) if scores else 1.0


def soft_or_peak(levels: Levels, mask: Levels) -> float:
    """As soft_dice; the highest probability where nothing is found."""
    return soft_dice(levels, mask) if mask.any() else levels.max() / 255


def level_sets(levels: Levels, mask: Levels) -> float:
    """1 - mean Dice between the mask and what every other threshold would give, mean over labels."""
    scores = []
    for i, plane in enumerate(levels):
        counts = np.bincount(plane.ravel(), minlength=256)
        areas = np.cumsum(counts[::-1])[::-1][1:].astype(np.float64)
        ours = float((mask == i + 1).sum()) if len(levels) > 1 else areas[127]
        dice = np.where(areas + ours > 0, 2 * np.minimum(areas, ours) / np.maximum(areas + ours, 1), 1.0)
        scores.append((ours > 0, 1 - float(dice.mean())))
    present = [score for there, score in scores if there]
    return float(np.mean(present)) if present else max(score for _, score in scores)


CANDIDATES: dict[str, Callable[[Levels, Levels], float]] = {
    "mean entropy in crop": mean_entropy,
    "entropy over area": edge_entropy,
    "1 - soft Dice": soft_dice,
    "1 - soft Dice, peak": soft_or_peak,
    "level sets": level_sets,
}


@dataclass
class Row:
    """One image: its error, its scores, and what the order goes by."""

    name: str
    error: float
    error_mirrored: float
    empty: bool
    truth_empty: bool
    scores: dict[str, float]
    thumbnail: npt.NDArray[np.float32]


def disagreement(answers: list[Levels]) -> float:
    """1 - mean Dice between each mirrored answer's mask and that of their mean."""
    middle = labels_at_levels(np.mean(answers, axis=0).astype(np.uint8), 0.5) > 0
    dice = []
    for answer in answers:
        found = labels_at_levels(answer, 0.5) > 0
        both = float((found & middle).sum())
        size = float(found.sum() + middle.sum())
        dice.append(2 * both / size if size else 1.0)
    return 1 - float(np.mean(dice))


def rows_of(model_name: str, data: str, split: str = "dev") -> list[Row]:
    """Answers of one model on one split, scored."""
    model = OnnxModel(Catalogue().resolve(model_name), threads=1)
    dataset = read_dataset(DATA / data, split)
    found = []
    for case in dataset.cases:
        volume, truth = dataset.read(case)
        pixels = volume.voxels[0]
        if model.bundle.card.preprocessing.channels == 1 and pixels.ndim == 3:
            pixels = pixels.mean(axis=-1).astype(pixels.dtype)
        turned = []
        for turn in TURNS:
            axes = tuple(2 + t if pixels.ndim == 3 else t for t in turn) if turn else ()
            axes = tuple(a - 2 + 0 for a in axes) if False else turn
            image = np.flip(pixels, tuple(t + 2 for t in turn)) if turn else pixels
            answer = model.probability(np.ascontiguousarray(image))[:, None]
            turned.append(levels_of(np.flip(answer, turn) if turn else answer))
        found.append(row_of(case.name, turned, truth, volume.voxels[0]))
    return found


def row_of(
    name: str, turned: list[Levels], truth: npt.NDArray[np.uint16], pixels: npt.NDArray[np.generic]
) -> Row:
    """One image's row."""
    plain, mean = turned[0], np.mean(turned, axis=0).astype(np.uint8)
    masks = [labels_at_levels(levels, 0.5) for levels in (plain, mean)]
    values = range(1, len(plain) + 1)
    errors = [1 - image_score(name, [overlap(mask, truth, v) for v in values]).dice for mask in masks]
    scores = {title: run(plain, masks[0]) for title, run in CANDIDATES.items()}
    scores["mirrored: disagreement"] = disagreement(turned)
    for title in ("1 - soft Dice, peak", "level sets"):
        scores[f"mirrored: {title}"] = CANDIDATES[title](mean, masks[1])
    return Row(name, errors[0], errors[1], not masks[0].any(), not truth.any(), scores, small(pixels, plain))


def small(pixels: npt.NDArray[np.generic], levels: Levels) -> npt.NDArray[np.float32]:
    """Descriptor of the image, as the product keeps it."""
    return np.zeros(1, np.float32)


def report(title: str, rows: list[Row]) -> dict[str, float]:
    """Spearman of each candidate with the error; mirrored ones with the mirrored answer's."""
    out = {}
    for name in rows[0].scores:
        errors = [
            r.error_mirrored
            if name.startswith("mirrored: 1") or name.endswith("sets") and name.startswith("mirrored")
            else r.error
            for r in rows
        ]
        out[name] = float(spearmanr([r.scores[name] for r in rows], errors).statistic)
    print(
        f"\n{title}: {len(rows)} images, mean Dice {1 - np.mean([r.error for r in rows]):.3f}, "
        f"mirrored {1 - np.mean([r.error_mirrored for r in rows]):.3f}"
    )
    for name, value in out.items():
        print(f"  {name:32s} {value:6.3f}   mean score {np.mean([r.scores[name] for r in rows]):.3f}")
    none = [r for r in rows if r.empty]
    if none:
        print(
            f"  nothing found: {len(none)}, wrongly {sum(not r.truth_empty for r in none)}; peaks right "
            f"{[round(r.scores['level sets'], 2) for r in none if r.truth_empty]} wrong "
            f"{[round(r.scores['level sets'], 2) for r in none if not r.truth_empty]}"
        )
    return out


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    all_scores = []
    kept = {}
    for model, data in RUNS:
        start = time.perf_counter()
        rows = rows_of(model, data)
        kept[model] = rows
        all_scores.append(report(f"{model} on {data}", rows))
        print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    print("\nmean over models")
    for name in all_scores[0]:
        print(f"  {name:32s} {np.mean([s[name] for s in all_scores]):6.3f}")


if __name__ == "__main__":
    main()
