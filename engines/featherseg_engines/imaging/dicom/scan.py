"""Which images lie in a folder: DICOM files of any name, sorted into series and those into volumes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.dicom.header import DICOMDIR, Instance, read_dataset, read_instance, text
from featherseg_engines.imaging.dicom.planes import Plane, kinds
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.quiet import damage, quiet_python

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STACKED = {
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.128",  # PET
    "1.2.840.10008.5.1.4.1.1.20",  # nuclear medicine
}
"""Kinds of images whose single frames without a position are still slices of one volume."""
NOT_IMAGES = (".json", ".txt", ".csv", ".md", ".xml", ".html", ".pdf", ".nii", ".gz", ".zip", ".png", ".jpg")


@dataclass(frozen=True, slots=True)
class Series:
    """What opens as one volume: a series, or one of its parts where its images differ in size or orientation.

    Parameters
    ----------
    uid
        SeriesInstanceUID.
    modality, description
        As in the header; no names of persons.
    number
        SeriesNumber, 0 where there is none.
    slices, rows, columns
        How many planes of which size; several volumes of one place counted together.
    instances
        The headers of its files.
    part, parts
        Which part of the series it is, from 1.
    """

    uid: str
    modality: str
    description: str
    number: int
    slices: int
    rows: int
    columns: int
    instances: tuple[Instance, ...]
    part: int = 1
    parts: int = 1

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(instance.path for instance in self.instances)

    @property
    def label(self) -> str:
        """One line for a chooser."""
        which = f" (part {self.part} of {self.parts})" if self.parts > 1 else ""
        words = [self.modality, self.description + which, f"{self.slices} slices"]
        return " · ".join([w for w in words if w.strip()] + [f"{self.columns} x {self.rows}"])


def list_series(path: Path, reading: Reading = UNHEARD) -> tuple[Series, ...]:
    """Everything that opens as a volume in a folder (nested) or behind a DICOMDIR, by series number.

    Raises
    ------
    ReadError
        The folder cannot be read, or a DICOMDIR's files are not there.
    Cancelled
        The person asked to stop.
    """
    instances = []
    files = dicom_files(path)
    for i, file in enumerate(files):
        reading.step(i, len(files))
        try:
            instance = read_instance(file)
        except ReadError:
            continue  # a damaged or foreign file hides no other
        if instance is not None:
            instances.append(instance)
    reading.step(len(files), len(files))
    return sorted_into_series(instances)


def sorted_into_series(instances: list[Instance]) -> tuple[Series, ...]:
    """Instances by series, and each series by what can be one volume."""
    by_uid: dict[str, list[Instance]] = {}
    for instance in instances:
        by_uid.setdefault(instance.series_uid, []).append(instance)
    found = [series for members in by_uid.values() for series in _parts(members)]
    return tuple(sorted(found, key=lambda s: (s.number, s.uid, s.part)))


def dicom_files(path: Path) -> list[Path]:
    """The DICOM files in a folder and all below it, or those a DICOMDIR names; told by content, not by name."""
    if path.is_file():
        return _referenced(path)
    if not path.is_dir():
        raise ReadError(f"There is no folder '{path.name}' that can be read; check the name.")
    found = []
    for folder, below, names in os.walk(path):
        below.sort()
        files = [Path(folder, name) for name in sorted(names)]
        found += [file for file in files if file.is_file() and is_dicom(file)]
    return found


def is_dicom(path: Path) -> bool:
    """Whether a file looks like DICOM: "DICM" after the preamble, or a plausible first element without one."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    if start[128:132] == b"DICM":
        return True
    if path.suffix.lower() in NOT_IMAGES or len(start) < 16:
        return False
    groups = {b"\x02\x00", b"\x08\x00"} if start[3] == 0 else {b"\x00\x02", b"\x00\x08"}
    return start[:2] in groups and (start[4:6].isupper() or start[6:8] == b"\x00\x00")


def _parts(members: list[Instance]) -> list[Series]:
    ordered = sorted(members, key=lambda i: (i.number, i.path.name))
    slices = tuple(Plane(i, 1, i.place, i.order) for i in ordered if _is_slice(i))
    groups = [tuple(p.instance for p in kind) for kind in kinds(slices)]
    groups += [(i,) for i in ordered if not _is_slice(i)]
    number = min(i.series_number for i in members)
    return [_series(group, number, (part, len(groups))) for part, group in enumerate(groups, 1)]


def _is_slice(instance: Instance) -> bool:
    placed = instance.place.position is not None or instance.sop_class in STACKED
    return instance.frames == 1 and placed


def _series(instances: tuple[Instance, ...], number: int, place: tuple[int, int]) -> Series:
    first = instances[0]
    part, parts = place
    return Series(
        uid=first.series_uid,
        modality=first.modality,
        description=first.description,
        number=number,
        slices=sum(i.frames for i in instances),
        rows=first.rows,
        columns=first.columns,
        instances=instances,
        part=part,
        parts=parts,
    )


def _referenced(path: Path) -> list[Path]:
    """The image files a DICOMDIR names, those that are there and in its own folder."""
    dataset = read_dataset(path, ("DirectoryRecordSequence",))
    home = path.parent.resolve()
    found, missing = [], 0
    with quiet_python():
        for record in _records(dataset, path):
            names = record.get("ReferencedFileID")
            if not names or text(record, "DirectoryRecordType") != "IMAGE":
                continue
            parts = [names] if isinstance(names, str) else [str(n) for n in names]
            file = home.joinpath(*parts)
            if file.resolve().is_relative_to(home) and file.is_file():
                found.append(file)
            else:
                missing += 1
    if not found:
        raise ReadError(
            f"'{path.name}' is a directory of {missing} images and none of them lies beside it; "
            "choose the folder that holds them."
        )
    return found


def _records(dataset: "Dataset", path: Path) -> list["Dataset"]:
    try:
        return list(dataset.get("DirectoryRecordSequence") or ())
    except damage() as error:
        raise ReadError(f"'{path.name}' is damaged or is not a DICOM file; choose another file.") from error


def is_directory_file(path: Path) -> bool:
    """Whether a DICOM file is a DICOMDIR."""
    meta = read_dataset(path, ("SOPClassUID",))
    return text(getattr(meta, "file_meta", meta), "MediaStorageSOPClassUID") == DICOMDIR
