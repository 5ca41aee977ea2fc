"""``python3 dev.py bench kinds``: how often few pictures are told to be of another kind than the parent's own.

For each parent, and each set of public data, ``--times`` draws of so many pictures from the dev part (train, where
there are few): the share of draws that count as another kind. Of the parent's own set that is an error, of any other
a miss is one. Where none of the parent's pictures ships, its card's ``looks`` are compared (of its own set, dev: it
was taught on the others); then also, of those draws: how much of the parent's dev part is still answered by the
parent, and how much of the other's by what was taught.
"""

import argparse
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from featherseg_engines.datasets import read_dataset
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import sight_of_kind
from featherseg_engines.models.bundle import ModelBundle, open_bundle
from featherseg_engines.networks.measured_look import Border
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.helpings import Piece, prepared
from featherseg_engines.teaching.kinds import differ
from featherseg_engines.teaching.likeness import Floats, border_between, two_kinds
from featherseg_engines.teaching.order import TaughtCase
from featherseg_engines.teaching.replay import replay_of
from featherseg_engines.training.publish import looks_of_set
from featherseg_resources import models_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = (
    "isic2017_lesion",
    "kvasir_seg",
    "busi",
    "dsb2018_nuclei",
    "glas_glands",
    "wbc_blood",
    "isbi2012_em",
)
PARENTS = tuple(
    f"repsegnet.{task}"
    for task in ("skin", "nuclei", "polyp", "breast_us", "glands", "blood_cells", "vessels", "membranes")
)
EYES = "retina_vessels"
COUNTS = (2, 3, 4, 5, 8)
FEW = 10


class Free:
    """Nobody interferes."""

    def between(self) -> None:
        """Go on."""


def pictures(name: str, sight: Preprocessing, outputs: Outputs, most: int) -> Sequence[Piece]:
    """Up to ``most`` pictures of a set, as the look sees them."""
    data = read_dataset(DATA / name, "dev")
    if len(data.cases) < FEW:
        data = read_dataset(DATA / name, "train")
    order = np.random.default_rng(0).permutation(len(data.cases))[:most]
    cases = []
    for case in replace(data, cases=tuple(data.cases[i] for i in order)).cases:
        volume, mask = data.read(case)
        cases.append(TaughtCase(case.name, case.group, volume.voxels, (mask > 0).astype(np.uint8)))
    return prepared(cases, sight, outputs, Free())


@functools.cache
def numbers(name: str, pre: Preprocessing, most: int) -> Floats:
    """The looks (n, m) of up to ``most`` pictures of a set's dev part."""
    return np.array(looks_of_set(read_dataset(DATA / name, "dev"), pre, most))


def by_looks(parent: ModelBundle, own: str, options: argparse.Namespace, rng: np.random.Generator) -> None:
    """The rows of a parent of which no picture ships."""
    theirs = np.array(parent.card.looks)
    sight = sight_of_kind(parent.card.preprocessing)
    kept = numbers(own, sight, options.images)
    for name in (*SETS, EYES):
        seen, told = numbers(name, sight, options.images), []
        for count in COUNTS:
            draws = [seen[rng.permutation(len(seen))[:count]] for _ in range(options.times)]
            apart = [draw for draw in draws if two_kinds(draw, theirs)]
            said = f"{len(apart) / len(draws):.2f}"
            if apart and name != own:
                borders = [border_between(draw, theirs) for draw in apart]
                ours = np.mean([[beyond(border, kept), beyond(border, seen)] for border in borders], axis=0)
                said += f" ({1 - ours[0]:.2f}, {ours[1]:.2f})"
            told.append(said)
        print(f"| {parent.card.name} | {name} | " + " | ".join(told) + " |", flush=True)


def beyond(border: Border, looks: Floats) -> float:
    """Share of pictures that count as another kind than the parent's."""
    away = (looks - border.centre.numpy()) @ border.whitening.numpy().T
    line = looks @ border.weights.numpy() + border.bias
    return float(((line > 0) | ((away**2).sum(axis=1) > border.reach)).mean())


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", default=",".join(PARENTS))
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--images", type=int, default=40)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(1)
    print("| parent | pictures | " + " | ".join(f"{count}" for count in COUNTS) + " |")
    print("|---|---|" + "---|" * len(COUNTS))
    for name in options.parents.split(","):
        parent = open_bundle(models_folder() / name)
        sight, outputs = sight_of_kind(parent.card.preprocessing), Outputs(parent.card.labels, (1,), 1)
        theirs = replay_of(parent, sight, Free())
        if not theirs:
            by_looks(parent, parent.card.training.dataset, options, rng)
            continue
        for data in SETS:
            seen = pictures(data, sight, outputs, options.images)
            told = []
            for count in COUNTS:
                draws = [rng.permutation(len(seen))[:count] for _ in range(options.times)]
                told.append(np.mean([differ([seen[i] for i in draw], theirs) for draw in draws]))
            print(f"| {name} | {data} | " + " | ".join(f"{share:.2f}" for share in told) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
