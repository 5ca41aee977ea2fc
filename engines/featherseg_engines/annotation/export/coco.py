"""COCO for sets of photographs: the images as PNG and one JSON file of annotations."""

from collections.abc import Sequence
from pathlib import Path

from featherseg_engines.annotation.export.images import write_image
from featherseg_engines.annotation.export.registry import Exporter, Job
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.coco import CocoImage, write_coco


def write(job: Job) -> Sequence[str]:
    """``images/<case>.png`` and ``annotations.json``. *Raises* WriteError where a case is no photograph."""
    deep = next((item.case.name for item in job.items if not item.case.is_photograph), None)
    if deep is not None:
        raise WriteError(f"COCO is for photographs and '{deep}' is a volume; export as nnU-Net or DICOM-SEG.")
    images = job.folder / "images"
    images.mkdir()
    masks = []
    for i, item in enumerate(job.items):
        job.tell(i, len(job.items))
        name = Path(item.case.mask).name
        write_image(item, images / name)
        masks.append(CocoImage(name, item.labels()[0]))
    write_coco(job.folder / "annotations.json", masks, job.table)
    return [f"{len(masks)} images were written to '{job.folder.name}'."]


EXPORTER = Exporter("coco", "COCO (photographs)", write)
