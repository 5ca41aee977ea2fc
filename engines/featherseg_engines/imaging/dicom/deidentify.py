"""De-identified copies of DICOM instances: PS3.15's basic profile, consistent UIDs, pixels as they were."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.imaging.burnt_in import text_warning
from featherseg_engines.imaging.dicom.disclosure import UidMap
from featherseg_engines.imaging.dicom.headers import damage_told
from featherseg_engines.imaging.dicom.maker import save_object
from featherseg_engines.imaging.dicom.profile import apply_profile
from featherseg_engines.imaging.safe_write import write_verified

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

BULK = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def deidentify_instances(
    paths: Sequence[Path], folder: Path, uids: UidMap | None = None, pixels_checked: bool = False
) -> list[Path]:
    """Write a de-identified copy of each file into ``folder`` and say where.

    Pixels are copied bit for bit; overlays go. The copies are numbered, as names of files often name people.

    Parameters
    ----------
    paths
        DICOM files, each once.
    folder
        Must exist.
    uids
        Replaces the UIDs; a fresh map where none is given. Give masks of the same export the same one.
    pixels_checked
        A person has looked and no pixel shows a name; else files whose pixels may hold text are refused, as the
        profile does not clean pixels.

    Raises
    ------
    ReadError
        A file is missing or damaged.
    WriteError
        A file may hold burnt-in text, or the folder cannot be written to. Copies made before it stay.
    """
    uids = uids or UidMap()
    written = []
    for number, path in enumerate(dict.fromkeys(paths), start=1):
        target = folder / f"IM{number:05d}.dcm"
        write_deidentified(path, target, uids, pixels_checked)
        written.append(target)
    return written


def write_deidentified(path: Path, target: Path, uids: UidMap, pixels_checked: bool = False) -> None:
    """The same for one file."""
    with damage_told(f"The header of '{path.name}' is damaged; it was not copied."):
        dataset = _read(path)
        doubt = text_warning(dataset, path.name)
        if doubt and not pixels_checked:
            raise WriteError(doubt + " It was not copied.")
        pixels = _pixels(dataset)
        apply_profile(dataset, uids)
        meant = str(dataset.SOPInstanceUID)
    dataset.preamble = bytes(128)

    def same(copy: Path) -> bool:
        try:
            with damage_told("unreadable"):
                found = _read(copy)
                kept = str(found.SOPInstanceUID) == meant and _pixels(found) == pixels
                return kept and found.get("PatientIdentityRemoved") == "YES"
        except ReadError:
            return False

    write_verified(target, lambda p: _save(path, dataset, p), same)


def _read(path: Path) -> "FileDataset":
    import pydicom

    with damage_told(f"'{path.name}' is missing or is not a readable DICOM file; check the file."):
        dataset = pydicom.dcmread(path, force=True)
    if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        raise ReadError(f"'{path.name}' is not a DICOM image (it names no instance); choose other files.")
    return dataset


def _pixels(dataset: "FileDataset") -> list[bytes]:
    return [bytes(dataset[k].value or b"") for k in BULK if k in dataset]


def _save(original: Path, dataset: "FileDataset", target: Path) -> None:
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    with damage_told(f"The header of '{original.name}' is damaged; it was not copied."):
        meta = dataset.file_meta
        if "TransferSyntaxUID" not in meta:
            implicit, little = dataset.original_encoding
            meta.TransferSyntaxUID = (
                ImplicitVRLittleEndian
                if implicit
                else ExplicitVRLittleEndian
                if little
                else ExplicitVRBigEndian
            )
        meta.MediaStorageSOPClassUID = UID(str(dataset.SOPClassUID))
        meta.MediaStorageSOPInstanceUID = UID(str(dataset.SOPInstanceUID))
    save_object(dataset, target)
