"""Where a volume's slices come from in DICOM: what masks refer to and what stays of the header; no pydicom here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DicomSource:
    """The instances behind a volume.

    Parameters
    ----------
    series_uid, study_uid, frame_of_reference_uid
        As in the header; "" where it has none.
    paths
        The file of each slice, in the order of the volume's z axis (one file many times for multi-frame).
    frames
        The frame (from 1) of each slice in its file.
    """

    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    paths: tuple[Path, ...]
    frames: tuple[int, ...]
