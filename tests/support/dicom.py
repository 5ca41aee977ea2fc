"""DICOM series made here with pydicom: any grid, any header, so that the answer is known."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from featherseg_engines.geometry import Geometry

CT = "1.2.840.10008.5.1.4.1.1.2"


def slice_dataset(pixels: np.ndarray, **tags: object) -> Dataset:
    """An uncompressed image (y, x[, 3]) with usual tags; any of them replaced, or left out where it is None."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CT, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    bits = pixels.dtype.itemsize * 8
    usual = {
        "SOPClassUID": CT,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3",
        "FrameOfReferenceUID": "1.2.3.9",
        "Modality": "CT",
        "PatientName": "Nobody^Real",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 3 if pixels.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if pixels.ndim == 3 else "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    if pixels.ndim == 3:
        usual["PlanarConfiguration"] = 0
    for name, value in {**usual, **tags}.items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write a data set as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_series(folder: Path, voxels: np.ndarray, geometry: Geometry, **tags: object) -> list[Path]:
    """One file a slice of (z, y, x[, 3]) on a grid, in files whose names say nothing of the order."""
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    paths = []
    for z, plane in enumerate(voxels):
        own = {
            "ImagePositionPatient": [f"{v:.10g}" for v in geometry.to_world((z, 0, 0))],
            "ImageOrientationPatient": [f"{v:.10g}" for v in (*matrix[:, 0], *matrix[:, 1])],
            "PixelSpacing": [f"{v:.10g}" for v in geometry.spacing_mm[1:]],
            "InstanceNumber": z + 1,
            **tags,
        }
        path = folder / f"I{(z * 7919) % 1009:04d}"
        paths.append(save(slice_dataset(np.ascontiguousarray(plane), **own), path))
    return paths
