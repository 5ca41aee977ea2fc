"""DICOM-SEG: one segmentation object for each case that was read from DICOM."""

from collections.abc import Sequence
from pathlib import Path

from featherseg_engines.annotation.export.registry import Exporter, Job
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.dicom.segmentation import write_segmentation
from featherseg_engines.imaging.endings import stem_of


def write(job: Job) -> Sequence[str]:
    """``<case>.dcm``, the patient's data left out. *Raises* WriteError where no case is from DICOM."""
    told: list[str] = []
    for i, item in enumerate(job.items):
        job.tell(i, len(job.items))
        volume = item.volume()
        if volume.source is None:
            told.append(f"'{item.case.name}' was not read from DICOM and was left out.")
            continue
        name = stem_of(Path(item.case.mask)) + ".dcm"
        write_segmentation(job.folder / name, item.labels(), job.table, volume)
    written = len(job.items) - len(told)
    if not written:
        raise WriteError("No accepted case was read from DICOM; export as nnU-Net or a folder of masks.")
    return [f"{written} segmentations were written to '{job.folder.name}'.", *told]


EXPORTER = Exporter("dicom-seg", "DICOM-SEG", write)
