"""Masks to a DICOM RT Structure Set: closed planar contours in mm that name the images they lie on.

Written through pydicom: the one permissive library for it (rt-utils 1.2.7) wants OpenCV and every image's pixels.
"""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.imaging.contours import outlines
from featherseg_engines.imaging.dicom.disclosure import DEIDENTIFIED, Disclosure
from featherseg_engines.imaging.dicom.headers import (
    TYPE_2,
    check_grid,
    read_header,
    source_headers,
    source_of,
)
from featherseg_engines.imaging.dicom.maker import MAKER, SERIAL_NUMBER, save_object, software_version
from featherseg_engines.imaging.dicom.segments import rgb
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Code, Label, LabelTable

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management (retired), which the referenced study is still said to be of (PS3.3, C.8.8.5)."""
SERIES_NUMBER = 901
DEIDENTIFICATION = ("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence")


def write_rtstruct(
    path: Path,
    labels: npt.NDArray[np.generic],
    table: LabelTable,
    volume: Volume,
    disclosure: Disclosure = DEIDENTIFIED,
) -> None:
    """Write label numbers (z, y, x) as contours on the images behind ``volume``, one structure for each label.

    A hole is joined to its outline by a keyhole, as the standard asks for CLOSED_PLANAR contours
    (:func:`~featherseg_engines.imaging.contours.outlines`). Corners are cut by half a pixel, so that contours
    enclose a little less than the pixels do; the pixel centres inside are exactly the mask's.

    Raises
    ------
    WriteError
        The volume was not read from DICOM, its grid is not that of its images, the mask is empty, or the file
        cannot be written.
    """
    if labels.shape != volume.geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {volume.geometry.shape}")
    if not labels.any():
        raise WriteError(f"'{path.name}' was not written: the mask is empty; draw something first.")
    source = source_of(volume, path, "an RT structure set")
    headers = source_headers(source, disclosure)
    check_grid(path, headers, volume)
    needed = ("FrameOfReferenceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
    if not all(header.get(keyword) for header in headers for keyword in needed):
        raise WriteError(
            f"'{path.name}' cannot be written: the images of '{volume.name}' lack identifiers that contours refer "
            "to (frame of reference, study, series); save as .nii.gz instead."
        )
    dataset = _frame(headers[0])
    images = _image_items(headers, source)
    _refer(dataset, headers[0], images)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    dataset.RTROIObservationsSequence = []
    for number, row in enumerate((r for r in table.covering(labels) if (labels == r.value).any()), start=1):
        dataset.StructureSetROISequence.append(_structure(number, row, str(dataset.FrameOfReferenceUID)))
        dataset.ROIContourSequence.append(_contours(number, row, labels, volume, images))
        dataset.RTROIObservationsSequence.append(_observation(number, row))
    contours = _count(dataset)
    write_verified(path, lambda p: save_object(dataset, p), lambda p: _readable(p, contours))


def _frame(image: "Dataset") -> "FileDataset":
    """The object with its patient, study, series and equipment, without content."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(RTSTRUCT_CLASS)
    meta.MediaStorageSOPInstanceUID = generate_uid(None)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, preamble=bytes(128), file_meta=meta)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = RTSTRUCT_CLASS, meta.MediaStorageSOPInstanceUID
    for keyword in (*TYPE_2, "StudyInstanceUID", "FrameOfReferenceUID", *DEIDENTIFICATION):
        if keyword in image:
            setattr(made, keyword, image[keyword].value)
    made.PositionReferenceIndicator = image.get("PositionReferenceIndicator", "")
    made.Modality, made.SeriesInstanceUID = "RTSTRUCT", generate_uid(None)
    made.SeriesNumber, made.InstanceNumber, made.OperatorsName = SERIES_NUMBER, 1, ""
    made.Manufacturer = made.ManufacturerModelName = MAKER
    made.SoftwareVersions, made.DeviceSerialNumber = software_version(), SERIAL_NUMBER
    now = datetime.datetime.now()
    made.InstanceCreationDate = made.StructureSetDate = made.SeriesDate = now.strftime("%Y%m%d")
    made.InstanceCreationTime = made.StructureSetTime = made.SeriesTime = now.strftime("%H%M%S")
    made.StructureSetLabel, made.ApprovalStatus = "SEGMENTATION", "UNAPPROVED"
    return made


def _image_items(headers: "list[Dataset]", source: DicomSource) -> "list[Dataset]":
    """A reference to the image behind each slice."""
    from pydicom.dataset import Dataset

    by_path = dict(zip(dict.fromkeys(source.paths), headers, strict=True))
    items = []
    for path, frame in zip(source.paths, source.frames, strict=True):
        item, header = Dataset(), by_path[path]
        item.ReferencedSOPClassUID = header.SOPClassUID
        item.ReferencedSOPInstanceUID = header.SOPInstanceUID
        if "NumberOfFrames" in header:
            item.ReferencedFrameNumber = frame
        items.append(item)
    return items


def _refer(dataset: "Dataset", image: "Dataset", images: "list[Dataset]") -> None:
    from pydicom.dataset import Dataset

    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ContourImageSequence = images
    study.ReferencedSOPClassUID = STUDY_CLASS
    study.ReferencedSOPInstanceUID = image.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = image.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]


def _structure(number: int, row: Label, frame_of_reference: str) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ROINumber, item.ROIName = number, row.name[:64]
    item.ReferencedFrameOfReferenceUID = frame_of_reference
    item.ROIGenerationAlgorithm = "SEMIAUTOMATIC"
    return item


def _contours(
    number: int,
    row: Label,
    labels: npt.NDArray[np.generic],
    volume: Volume,
    images: "list[Dataset]",
) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedROINumber, item.ROIDisplayColor = number, list(rgb(row.colour))
    item.ContourSequence = []
    for z in range(labels.shape[0]):
        for outline in outlines(labels[z] == row.value):
            index = np.column_stack([np.full(len(outline), float(z)), outline])
            contour = Dataset()
            contour.ContourImageSequence = [images[z]]
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(outline)
            contour.ContourData = [f"{v:.4f}" for v in volume.geometry.to_world(index).ravel()]
            contour.ContourNumber = len(item.ContourSequence) + 1
            item.ContourSequence.append(contour)
    return item


def _observation(number: int, row: Label) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType, item.ROIInterpreter = "", ""
    item.RTROIIdentificationCodeSequence = [_term(row.code)]
    return item


def _term(code: Code) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning[:64]
    return item


def _count(dataset: "Dataset") -> list[int]:
    return [len(roi.ContourSequence) for roi in dataset.ROIContourSequence]


def _readable(path: Path, contours: list[int]) -> bool:
    try:
        return _count(read_header(path)) == contours
    except ReadError:
        return False
