"""Small data sets made here: volumes with two boxes that a network can learn."""

import json
from pathlib import Path

import numpy as np

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask


def two_boxes(folder: Path, train: int = 2, dev: int = 1) -> Path:
    """A data set of volumes 30 x 40 x 32 with a front and a back box, anisotropic, away from the origin."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = {"0": "background", "1": "front", "2": "back"}
    (folder / "dataset.json").write_text(json.dumps({"name": "two_boxes", "classes": classes}))
    rng = np.random.default_rng(5)
    for split, count in (("train", train), ("dev", dev)):
        for kind in ("images", "masks"):
            (folder / split / kind).mkdir(parents=True)
        for i in range(count):
            labels = np.zeros((30, 40, 32), np.uint8)
            z, y, x = rng.integers(8, 20, 3)
            labels[z : z + 8, y : y + 10, x : x + 6] = 1
            labels[z : z + 8, y : y + 10, x + 6 : x + 12] = 2
            geometry = Geometry((30, 40, 32), (1.5, 1.0, 0.8), (3.0, -2.0, 5.0))
            noisy = labels * 60 + rng.integers(0, 9, labels.shape)
            write_mask(folder / split / "masks" / f"v{i}.nii.gz", labels, geometry)
            write_mask(folder / split / "images" / f"v{i}.nii.gz", noisy, geometry)
    return folder
