"""nnU-Net v2's raw data layout (its ``documentation/dataset_format.md``): imagesTr, labelsTr, dataset.json."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from featherseg_engines.annotation.export.images import write_image
from featherseg_engines.annotation.export.registry import Exporter, ExportItem, Job
from featherseg_engines.annotation.files import write_text
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Labels


def write(job: Job) -> Sequence[str]:
    """Write the layout; label numbers become consecutive, as nnU-Net demands.

    Raises
    ------
    WriteError
        Photographs and volumes, or grey and colour images, are mixed: nnU-Net takes one kind a data set.
    """
    ending, channels = _one_kind(job.items)
    numbers, told = _numbers(job)
    for name in ("imagesTr", "labelsTr"):
        (job.folder / name).mkdir()
    stems = _stems(job.items)
    for i, (item, stem) in enumerate(zip(job.items, stems, strict=True)):
        job.tell(i, len(job.items))
        write_image(item, job.folder / "imagesTr" / f"{stem}_0000{ending}")
        labels = _renumbered(item.labels(), numbers)
        write_mask(job.folder / "labelsTr" / f"{stem}{ending}", labels, item.case.geometry)
    names = {value: row.name for value, row in job.table.rows.items()}
    data = {
        "channel_names": {str(i): name for i, name in enumerate(channels)},
        "labels": {"background": 0}
        | _named({new: names.get(old, f"label {old}") for old, new in numbers.items()}),
        "numTraining": len(job.items),
        "file_ending": ending,
    }
    write_text(job.folder / "dataset.json", json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    return [f"{len(job.items)} cases were written to '{job.folder.name}'.", *told]


def _one_kind(items: Sequence[ExportItem]) -> tuple[str, tuple[str, ...]]:
    kinds = {(item.case.is_photograph, item.case.channels) for item in items}
    if len(kinds) > 1:
        raise WriteError(
            "nnU-Net takes one kind of image a data set, and the accepted cases mix photographs and volumes "
            "or grey and colour; export them from workspaces of their own."
        )
    photograph, colours = kinds.pop()
    if colours > 1 and not photograph:
        raise WriteError("nnU-Net takes no colour volumes; export a folder of masks instead.")
    return (".png" if photograph else ".nii.gz"), (("R", "G", "B") if colours > 1 else ("image",))


def _numbers(job: Job) -> tuple[dict[int, int], list[str]]:
    """New number for each label number that the table or a mask has."""
    used = set(job.table.rows)
    for item in job.items:
        used.update(int(v) for plane in item.labels() for v in np.unique(plane) if v)
    numbers = {old: new for new, old in enumerate(sorted(used), start=1)}
    moved = [f"{old} became {new}" for old, new in numbers.items() if old != new]
    return numbers, [f"Label numbers were made consecutive: {', '.join(moved)}."] if moved else []


def _renumbered(labels: Labels, numbers: dict[int, int]) -> Labels:
    table = np.zeros(np.iinfo(labels.dtype).max + 1, labels.dtype)
    for old, new in numbers.items():
        if old < table.size:
            table[old] = new
    return table[labels]


def _named(names: dict[int, str]) -> dict[str, int]:
    """Names as keys: one that occurs twice, or is "background", gets its number after it."""
    found: dict[str, int] = {}
    for number, name in names.items():
        found[name if name not in {*found, "background"} else f"{name} {number}"] = number
    return found


def _stems(items: Sequence[ExportItem]) -> list[str]:
    """File names that nnU-Net takes: letters, digits, ``-`` and ``_``, each once."""
    stems: list[str] = []
    for item in items:
        name = Path(item.case.mask).name.removesuffix(".nii.gz").removesuffix(".png")
        plain = re.sub(r"[^A-Za-z0-9\-_]", "_", name)
        stems.append(plain if plain not in stems else f"{plain}_{item.case.id}")
    return stems


EXPORTER = Exporter("nnunet", "nnU-Net data set", write)
