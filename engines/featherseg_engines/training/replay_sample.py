"""Makes the small sample of a data set that ships for replay (only where its licence lets images ship)."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from featherseg_engines.datasets import Dataset

SIDE = 256
"""Longest side of a picture; larger ones are cut, not scaled: the size of structures is part of what is taught."""


def save_sample(dataset: Dataset, about: Path, folder: Path, count: int, seed: int = 7) -> int:
    """Write ``count`` cases of a data set into ``folder``, laid out as a data set; the bytes written.

    Parameters
    ----------
    about
        Its ``dataset.json``: citation and licence go along.
    """
    rng = np.random.default_rng(seed)
    size = 0
    for kind in ("images", "masks"):
        (folder / dataset.split / kind).mkdir(parents=True, exist_ok=True)
    for index in sorted(rng.permutation(len(dataset.cases))[:count]):
        case = dataset.cases[index]
        volume, labels = dataset.read(case)
        window = tuple(
            slice(start, start + SIDE)
            for start in (int(rng.integers(0, max(1, n - SIDE + 1))) for n in labels.shape[1:])
        )
        image, mask = (folder / dataset.split / k / case.name for k in ("images", "masks"))
        pixels = np.ascontiguousarray(volume.slice(0)[window])
        Image.fromarray(pixels).convert("RGB").save(image.with_suffix(".jpg"), quality=85)
        Image.fromarray(labels[0][window].astype(np.uint8)).save(mask.with_suffix(".png"), optimize=True)
        size += sum(p.stat().st_size for p in (image.with_suffix(".jpg"), mask.with_suffix(".png")))
    source = json.loads(about.read_text("utf-8"))
    kept = {k: source[k] for k in ("modality", "data_citation", "data_licence") if k in source}
    named = {str(i): name for i, name in enumerate(("background", *dataset.classes))}
    note = f"{count} of the training images: shown again while a model that learned from them learns anew."
    text = json.dumps({"name": dataset.name, "classes": named, **kept, "notes": note}, indent=1)
    (folder / "dataset.json").write_text(text + "\n", "utf-8")
    return size
