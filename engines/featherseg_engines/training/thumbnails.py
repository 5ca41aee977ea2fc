"""Pictures of the dev images a model does worst on, truth and answer as contours, for its bundle."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from featherseg_engines.datasets import Dataset
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.models.bundle import ModelBundle

SIDE = 160
TRUTH, ANSWER = (0, 158, 115), (230, 159, 0)
"""Okabe-Ito's bluish green and orange."""


def save_worst(bundle: ModelBundle, dataset: Dataset) -> None:
    """Write ``worst.jpg``: the images named in the card side by side, truth green, answer orange."""
    cases = {case.name: case for case in dataset.cases}
    tiles = []
    model = OnnxModel(bundle)
    for name, _ in bundle.card.worst:
        volume, truth = dataset.read(cases[name])
        answer = labels_at(model.volume_probability(volume.voxels), 0.5)
        z = int((truth > 0).sum(axis=(1, 2)).argmax())
        tiles.append(tile(volume.slice(z), ((truth[z] > 0, TRUTH), (answer[z] > 0, ANSWER))))
    if tiles:
        Image.fromarray(np.concatenate(tiles, axis=1)).save(bundle.folder / "worst.jpg", quality=82)


def tile(
    pixels: npt.NDArray[np.generic],
    masks: Sequence[tuple[npt.NDArray[np.bool_], tuple[int, int, int]]],
    side: int = SIDE,
) -> npt.NDArray[np.uint8]:
    """A slice (y, x[, 3]) on a square (side, side, 3) with the outline of each mask in its colour."""
    values = np.asarray(pixels, np.float32)
    low, high = np.percentile(values, (1, 99))
    grey = np.clip((values - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2))
    factor = side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[: size[1], : size[0]] = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
    for mask, colour in masks:
        small = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST), bool)
        inner = np.pad(small, 1)
        core = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        canvas[: size[1], : size[0]][small & ~core] = colour
    return canvas
