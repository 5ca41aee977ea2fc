"""Masks as they are: one NIfTI or PNG a case, and the label table beside them."""

from collections.abc import Sequence
from pathlib import Path

from featherseg_engines.annotation.export.registry import Exporter, Job
from featherseg_engines.annotation.files import write_text
from featherseg_engines.annotation.label_rows import to_json
from featherseg_engines.imaging.writers import write_mask


def write(job: Job) -> Sequence[str]:
    """``masks/<case>.nii.gz`` or ``.png`` with the workspace's label numbers, and ``labels.json``."""
    masks = job.folder / "masks"
    masks.mkdir()
    for i, item in enumerate(job.items):
        job.tell(i, len(job.items))
        write_mask(masks / Path(item.case.mask).name, item.labels(), item.case.geometry)
    write_text(job.folder / "labels.json", to_json(job.items[0].workspace.labels.rows()))
    return [f"{len(job.items)} masks were written to '{job.folder.name}'."]


EXPORTER = Exporter("folder", "Folder of masks (NIfTI, PNG)", write)
