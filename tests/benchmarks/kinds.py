"""``python3 dev.py bench kinds``: how often few pictures are told to be of another kind than the parent's own.

For each parent whose pictures ship, and each set of public data, ``--times`` draws of so many pictures from the dev
part (train, where there are few): the share of draws that count as another kind. Of the parent's own set that is
an error, of any other
a miss is one.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from featherseg_engines.datasets import read_dataset
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import sight_of_kind
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.helpings import Piece, prepared
from featherseg_engines.teaching.kinds import differ
from featherseg_engines.teaching.order import TaughtCase
from featherseg_engines.teaching.replay import replay_of
from featherseg_resources import models_folder

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = ("isic2017_lesion", "kvasir_seg", "busi", "dsb2018_nuclei", "glas_glands", "wbc_blood", "isbi2012_em")
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


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", default="repsegnet.skin,repsegnet.nuclei")
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
