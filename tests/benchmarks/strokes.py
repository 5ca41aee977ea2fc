"""Strokes until a mask is right: a robot corrects with a brush, with scikit-image's random walker, and with ours.

``python3 dev.py bench strokes``, or this file with ``--sets skin polyp``, ``--images 20``, ``--model repsegnet.skin``
(one model on all sets: tasks it does not know), ``--careful`` (the disc stops at the true border, as a person's
would), ``--split``, ``--times`` (only those). Prints tables in markdown.

The robot looks for the largest connected error and puts a disc of radius 6 on the point of it that is farthest from
its border, with the label that is true there. Images are scaled to a long side of 256; those without anything to
find are left out.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.paths import SHARED

from featherseg_engines.datasets import read_dataset
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.onnx_engine import OnnxEngine
from featherseg_engines.inference.proposal import CancelToken, Request
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.refine.marks import marked
from featherseg_engines.refine.prompts import Prompts, Stroke

Mask = npt.NDArray[np.bool_]
SETS = {
    "skin": ("isic2017_lesion", "repsegnet.skin"),
    "polyp": ("kvasir_seg", "repsegnet.polyp"),
    "breast_us": ("busi", "repsegnet.breast_us"),
    "nuclei": ("dsb2018_nuclei", "repsegnet.nuclei"),
    "glands": ("glas_glands", "repsegnet.glands"),
}
STROKES = 30
SHOWN = (0, 1, 2, 3, 5, 8, 12, 20)
RADIUS = 6


@dataclass(frozen=True)
class Case:
    """One image (1, y, x[, 3]) and its truth (y, x)."""

    name: str
    volume: Volume
    truth: Mask


def cases(folder: str, split: str, most: int, side: int = 256) -> Iterator[Case]:
    """Images of a set at a long side of ``side``, evenly chosen where there are more than ``most``."""
    dataset = read_dataset(SHARED / folder, split)
    chosen = dataset.cases[:: max(1, len(dataset.cases) // most)] if most else dataset.cases
    for case in chosen[: most or None]:
        volume, labels = dataset.read(case)
        truth = labels[0] > 0
        factor = side / max(truth.shape)
        size = tuple(max(1, round(n * factor)) for n in truth.shape)
        pixels = Image.fromarray(np.asarray(volume.slice(0), np.uint8)).resize(
            size[::-1], Image.Resampling.BILINEAR
        )
        small = np.asarray(Image.fromarray(truth).resize(size[::-1], Image.Resampling.NEAREST))
        if small.any():
            yield Case(case.name, photograph(np.asarray(pixels), case.name), small)


def photograph(pixels: npt.NDArray[np.uint8], name: str) -> Volume:
    """A picture (y, x[, 3]) as a volume of one slice."""
    geometry = Geometry((1, *pixels.shape[:2]), calibrated=False)
    return Volume(pixels[None], geometry, "photo", name, content=name)


def disc_at(y: int, x: int, size: tuple[int, ...], positive: bool, radius: int = RADIUS) -> Stroke:
    """A disc, cut off at the image's edge."""
    top, left = max(0, y - radius), max(0, x - radius)
    bottom, right = min(size[0], y + radius + 1), min(size[1], x + radius + 1)
    yy, xx = np.mgrid[top:bottom, left:right]
    mask = (yy - y) ** 2 + (xx - x) ** 2 <= radius**2
    return Stroke(Box((0, top, left), (1, bottom, right)), mask[None], positive)


def next_stroke(found: Mask, truth: Mask, careful: bool) -> Stroke | None:
    """What the robot does about the largest error; None where there is none."""
    from scipy.ndimage import distance_transform_edt, label

    errors, count = label(found != truth)
    if not count:
        return None
    largest = errors == 1 + int(np.bincount(errors.ravel())[1:].argmax())
    depth = distance_transform_edt(np.pad(largest, 1))[1:-1, 1:-1]
    y, x = (int(i) for i in np.unravel_index(int(depth.argmax()), depth.shape))
    stroke = disc_at(y, x, truth.shape, bool(truth[y, x]))
    if not careful:
        return stroke
    mask = stroke.mask & (truth[stroke.box.slices[1:]] == truth[y, x])[None]
    return Stroke(stroke.box, mask, stroke.positive)


def dice(found: Mask, truth: Mask) -> float:
    """Overlap, 0..1."""
    total = np.count_nonzero(found) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(found & truth) / total if total else 1.0


Method = Callable[[tuple[Stroke, ...], Mask], Mask]
"""All strokes so far and the mask before the last one, to the new mask."""


def played(first: Mask, truth: Mask, method: Method, careful: bool, strokes: int = STROKES) -> list[float]:
    """Dice after 0, 1, … strokes of the robot."""
    found, marks, scores = first, (), [dice(first, truth)]
    for _ in range(strokes):
        stroke = next_stroke(found, truth, careful)
        if stroke is not None:
            marks = (*marks, stroke)
            found = method(marks, found)
        scores.append(dice(found, truth))
    return scores


def brush(marks: tuple[Stroke, ...], before: Mask) -> Mask:
    """The disc alone."""
    found = before.copy()
    found[marks[-1].box.slices[1:]][marks[-1].mask[0]] = marks[-1].positive
    return found


def walker(pixels: npt.NDArray[np.uint8]) -> Method:
    """scikit-image's random walker from all strokes; the brush until both kinds were marked."""
    from skimage.segmentation import random_walker

    warnings.simplefilter("ignore", UserWarning)  # that a probability came to 1.001

    def walk(marks: tuple[Stroke, ...], before: Mask) -> Mask:
        seeds = marked(marks, before.shape).astype(np.int64) + 1  # 0 free, 1 not, 2 is
        if not {1, 2} <= set(np.unique(seeds)):
            return brush(marks, before)
        colours = {"channel_axis": -1} if pixels.ndim == 3 else {}
        return np.asarray(random_walker(pixels / 255.0, seeds, mode="cg_j", **colours) == 2)

    return walk


def ours(engine: OnnxEngine, bundle: ModelBundle, case: Case, times: list[float]) -> Method:
    """The engine's answer to all strokes; ``times`` gets the milliseconds of each."""

    def refine(marks: tuple[Stroke, ...], before: Mask) -> Mask:
        started = time.perf_counter()
        found = asked(engine, bundle, case, marks)
        times.append((time.perf_counter() - started) * 1000)
        return found

    return refine


def asked(engine: OnnxEngine, bundle: ModelBundle, case: Case, marks: tuple[Stroke, ...] = ()) -> Mask:
    """The engine's mask."""
    request = Request(1, case.volume, 0, bundle, image=case.name, prompts=Prompts(marks))
    answer = engine.propose(request, CancelToken())
    found = np.zeros(case.truth.shape, np.bool_)
    if not answer.box.empty:
        found[answer.box.slices[1:]] = answer.mask(0.5)[0] == 1
    return found


def until(scores: list[float], wanted: float) -> int:
    """Strokes to a Dice; never counts as the most there were."""
    return next((i for i, score in enumerate(scores) if score >= wanted), len(scores) - 1)


def quality(chosen: argparse.Namespace) -> None:
    """The tables of Dice and of strokes to 0.90 and 0.95."""
    engine, most, model, careful = OnnxEngine(), chosen.images, chosen.model, chosen.careful
    how = "stopping at the true border" if careful else "whole"
    print(f"\n{chosen.split}, at most {most or 'all'} images a set, discs {how}, {model or 'own models'}\n")
    print("| set | way | " + " | ".join(f"{n}" for n in SHOWN) + " | to 0.90 | to 0.95 |")
    print("|---|---|" + "---|" * (len(SHOWN) + 2))
    for name in chosen.sets:
        folder, own = SETS[name]
        bundle = Catalogue().resolve(model or own)
        scores: dict[str, list[list[float]]] = {way: [] for way in chosen.ways}
        for case in cases(folder, chosen.split, most):
            first = asked(engine, bundle, case)
            pixels = np.asarray(case.volume.slice(0), np.uint8)
            ways = {"brush": brush, "walker": walker(pixels), "ours": ours(engine, bundle, case, [])}
            for way in chosen.ways:
                scores[way].append(played(first, case.truth, ways[way], careful))
        for way, rows in scores.items():
            table = np.array(rows)
            shown = " | ".join(f"{table[:, n].mean():.3f}" for n in SHOWN)
            reach = " | ".join(f"{np.mean([until(r, d) for r in rows]):.1f}" for d in (0.9, 0.95))
            print(f"| {name} ({len(rows)}) | {way} | {shown} | {reach} |", flush=True)


def times(names: list[str], split: str, most: int) -> None:
    """Stroke to new answer, at 256 and 512; the first stroke on a slice runs the network once."""
    print("\n| long side | set | first stroke, median ms | further, median | further, p95 | strokes |")
    print("|---|---|---|---|---|---|")
    for side in (256, 512):
        for name in names:
            folder, own = SETS[name]
            bundle, engine, first, further = Catalogue().resolve(own), OnnxEngine(), [], []
            for case in cases(folder, split, most, side):
                spent: list[float] = []
                method = ours(engine, bundle, case, spent)
                played(asked(engine, bundle, case), case.truth, method, False, 12)
                first, further = [*first, *spent[:1]], [*further, *spent[1:]]
            figures = f"{np.median(first):.0f} | {np.median(further):.0f} | {np.percentile(further, 95):.0f}"
            print(f"| {side} | {name} | {figures} | {len(further)} |", flush=True)


def main(words: list[str]) -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--images", type=int, default=20, help="a set at most; 0: all")
    parser.add_argument("--split", default="dev", choices=["dev", "train"])
    parser.add_argument("--model", help="one bundle for all sets")
    parser.add_argument("--ways", nargs="+", default=["brush", "walker", "ours"])
    parser.add_argument("--careful", action="store_true")
    parser.add_argument("--times", action="store_true", help="only the times")
    chosen = parser.parse_args(words)
    if not chosen.times:
        quality(chosen)
    if chosen.times or not chosen.model:
        times(chosen.sets, chosen.split, min(5, chosen.images or 5))


if __name__ == "__main__":
    main(sys.argv[1:])
