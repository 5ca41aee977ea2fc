"""``python3 dev.py bench borders``: how much of a model's missing Dice is a border one pixel off.

For each 2D model that ships, over its dev images at their own size: its Dice; the Dice of the truth itself made one
pixel thinner, and one thicker; and what share of the answer lies within a pixel of the truth (precision) and of the
truth within a pixel of the answer (recall).

    python3 dev.py bench borders [--models lgmsnet.membranes,lgmsnet.vessels]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from featherseg_engines.datasets import Dataset
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training.rows import data_of, read_rows
from featherseg_resources import models_folder, recipes_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Mask = npt.NDArray[np.bool_]
WORDS = ("Dice", "truth thinner", "truth thicker", "precision within a pixel", "recall within a pixel")


def dice(a: Mask, b: Mask) -> float:
    """Of two masks; 1 where both are empty."""
    total = int(a.sum() + b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def share(of: Mask, near: Mask) -> float:
    """How much of one mask lies within a pixel of another."""
    return float(ndimage.binary_dilation(near)[of].mean()) if of.any() else 1.0


def pairs(bundle: ModelBundle, dev: Dataset) -> Iterator[tuple[Mask, Mask]]:
    """Answer and truth of each dev image, all labels as one."""
    model = OnnxModel(bundle)
    for case in dev.cases:
        volume, truth = dev.read(case)
        answer = labels_at(model.volume_probability(volume.voxels), 0.5)
        yield np.squeeze(answer) > 0, np.squeeze(np.asarray(truth)) > 0


def measured(bundle: ModelBundle, dev: Dataset) -> list[float]:
    """The five means over the images."""
    told = []
    for answer, truth in pairs(bundle, dev):
        thin, thick = ndimage.binary_erosion(truth), ndimage.binary_dilation(truth)
        told.append(
            [
                dice(answer, truth),
                dice(thin, truth),
                dice(thick, truth),
                share(answer, truth),
                share(truth, answer),
            ]
        )
    return [float(value) for value in np.mean(told, axis=0)]


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print("The shared data are not here; this benchmark needs them.")
        return 0
    rows = read_rows(recipes_file())
    bundles = [b for b in Catalogue([models_folder()]).bundles() if b.card.dims == 2]
    chosen = [b for b in bundles if not options.models or b.card.name in options.models.split(",")]
    print(f"| model | {' | '.join(WORDS)} |\n|---|{'---|' * len(WORDS)}")
    for bundle in chosen:
        values = measured(bundle, data_of(rows[bundle.card.name], DATA, "dev"))
        print(f"| {bundle.card.name} | {' | '.join(f'{v:.3f}' for v in values)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
