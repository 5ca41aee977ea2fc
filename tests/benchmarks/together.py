"""``python3 dev.py bench together``: what shipped models of one task have together, before one is taught by them.

The Dice on dev of the mean of their probabilities at some thresholds, beside each alone: the most that a pupil of
these teachers may hope for.

    python3 dev.py bench together lgmsnet.skin+repsegnet.skin [lgmsnet.polyp …] [--flips]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.datasets import Dataset
from featherseg_engines.inference import whole
from featherseg_engines.inference.flips import mirrored
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.metrics import overlap
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training.rows import data_of, read_rows
from featherseg_resources import models_folder, recipes_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
Floats = npt.NDArray[np.float32]


def answer(model: OnnxModel, voxels: npt.NDArray[np.generic], flips: bool) -> Floats:
    """Probabilities (labels, z, y, x), on request the mean with those of the mirror images."""

    def network(batch: Floats) -> Floats:
        return model.answers(batch)[0]

    pre = model.bundle.card.preprocessing
    return whole.of_volume(pre, voxels, mirrored(network, 2) if flips else network, whole.nothing)


def measured(models: Sequence[OnnxModel], dev: Dataset, flips: bool) -> list[float]:
    """Mean Dice over the images at each threshold, all labels as one."""
    told = []
    for case in dev.cases:
        volume, truth = dev.read(case)
        probability = np.mean([answer(m, volume.voxels, flips).max(axis=0) for m in models], axis=0)
        wanted = np.asarray(truth) > 0
        told.append([overlap(probability >= threshold, wanted, 1).dice for threshold in THRESHOLDS])
    return [float(value) for value in np.mean(told, axis=0)]


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["lgmsnet.skin+repsegnet.skin"])
    parser.add_argument("--flips", action="store_true")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print("The shared data are not here; this benchmark needs them.")
        return 0
    rows, catalogue = read_rows(recipes_file()), Catalogue([models_folder()])
    print(f"| models | {' | '.join(f'{t:g}' for t in THRESHOLDS)} |\n|---|{'---|' * len(THRESHOLDS)}")
    for together in options.models:
        names = together.split("+")
        dev = data_of(rows[names[0]], DATA, "dev")
        for chosen in [names] if len(names) == 1 else [*([name] for name in names), names]:
            values = measured([OnnxModel(catalogue.resolve(name)) for name in chosen], dev, options.flips)
            print(f"| {' + '.join(chosen)} | {' | '.join(f'{v:.3f}' for v in values)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
