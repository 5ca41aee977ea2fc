"""A folder of images with masks: ``<split>/images``, ``<split>/masks`` (same stem) and ``dataset.json``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import DatasetError
from featherseg_engines.imaging.readers import SUFFIXES, read_image, read_mask, stem_of, suffix_of
from featherseg_engines.imaging.volume import Volume


@dataclass(frozen=True, slots=True)
class Case:
    """One image with its mask; cases of one ``group`` (patient) must never be split."""

    name: str
    image: Path
    mask: Path
    group: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One split of a data set.

    ``classes`` are the names of labels 1, 2, …; with ``instances`` the masks hold instance numbers and every
    number above 0 counts as label 1.
    """

    name: str
    split: str
    cases: tuple[Case, ...]
    classes: tuple[str, ...]
    instances: bool
    licence: str
    task: str

    def only(self, pattern: str) -> "Dataset":
        """The cases whose names match a pattern like ``drive_*``."""
        return replace(self, cases=tuple(c for c in self.cases if fnmatch(c.name, pattern)))

    def read(self, case: Case) -> tuple[Volume, npt.NDArray[np.uint16]]:
        """Image and labels (z, y, x) of one case.

        Raises
        ------
        ReadError
            A file is damaged, or image and mask differ in size.
        """
        volume = read_image(case.image)
        labels = read_mask(case.mask, volume.geometry.shape)
        return volume, (labels > 0).astype(np.uint16) if self.instances else labels


def read_dataset(root: Path, split: str) -> Dataset:
    """List the cases of ``root/split``.

    Raises
    ------
    DatasetError
        A folder is missing, no image has a mask, or ``dataset.json`` cannot be read.
    """
    images, masks = root / split / "images", root / split / "masks"
    for folder in (images, masks):
        if not folder.is_dir():
            raise DatasetError(
                f"The data set '{root.name}' has no folder '{split}/{folder.name}'; it needs "
                f"'{split}/images' and '{split}/masks' with files of the same names."
            )
    about = _read_about(root / "dataset.json")
    groups = {
        str(entry.get("id")): str(entry.get("group", entry.get("id")))
        for entry in about.get("cases", {}).get(split, [])
    }
    found = {stem_of(path): path for path in _files(images)}
    cases = []
    for mask in _files(masks):
        stem = stem_of(mask)
        image = found.get(stem) or next((p for s, p in found.items() if s.startswith(stem + "_")), None)
        if image is not None:
            cases.append(Case(stem, image, mask, groups.get(stem, stem)))
    if not cases:
        raise DatasetError(f"No image in '{root.name}/{split}/images' has a mask of the same name.")
    names, instances = _classes(about.get("classes", {}))
    licence = str(about.get("data_licence", "not stated"))
    return Dataset(
        str(about.get("name", root.name)),
        split,
        tuple(cases),
        names,
        instances,
        licence,
        str(about.get("task", "")),
    )


def joined(datasets: Sequence[Dataset], label: str) -> Dataset:
    """All cases of several sets as one; every number above 0 counts as the one label.

    A case's name gets its set's name in front, so that names stay apart.
    """
    if len({d.split for d in datasets}) != 1:
        raise ValueError("data sets of one split are joined")
    cases = tuple(
        replace(case, name=f"{d.name}/{case.name}", group=f"{d.name}/{case.group}")
        for d in datasets
        for case in d.cases
    )
    names, licences = " + ".join(d.name for d in datasets), "; ".join(d.licence for d in datasets)
    return Dataset(
        names, datasets[0].split, cases, (label,), True, licences, f"binary segmentation ({label})"
    )


def _read_about(path: Path) -> dict:  # type: ignore[type-arg]
    if not path.exists():
        return {}
    try:
        about = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"'{path.name}' of the data set cannot be read as JSON; mend or remove it."
        ) from error
    return about if isinstance(about, dict) else {}


def _classes(entries: dict[str, str]) -> tuple[tuple[str, ...], bool]:
    if any(key.startswith(">") for key in entries):
        name = next(value for key, value in entries.items() if key.startswith(">"))
        return (name.split("(")[0].strip(),), True
    values = sorted(int(key) for key in entries if key.isdigit() and int(key) > 0)
    if values != list(range(1, len(values) + 1)):
        raise DatasetError("The classes in 'dataset.json' must be numbered 1, 2, 3 … without gaps.")
    return tuple(entries[str(v)] for v in values) or ("foreground",), False


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and suffix_of(p) in SUFFIXES)
