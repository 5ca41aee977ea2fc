"""Small DICOM series made here, with a volume that says which file is behind which slice."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.volume import Volume

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"


def rotation(angles) -> np.ndarray:
    """Columns are the directions of x, y, z after turning about z, y and x (radians)."""
    a, b, c = angles
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return z @ y @ x


def direction_of(angles) -> tuple[float, ...]:
    """The same as a geometry's direction."""
    return tuple(rotation(angles).ravel())


def geometry_of(shape, spacing, angles, origin=(-12.5, 30.25, 100.0), left_handed=False) -> Geometry:
    """An oblique grid; left-handed: its slices count downwards."""
    matrix = rotation(angles)
    if left_handed:
        matrix[:, 2] *= -1
    return Geometry(shape, spacing, origin, tuple(matrix.ravel()))


def _base(geometry: Geometry, sop_class: str, frame_of_reference: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID = "Doe^Jane", "HOSP-4711"
    ds.PatientBirthDate, ds.PatientSex = "19610203", "F"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = "20240506"
    ds.StudyTime = ds.ContentTime = "101112"
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "S77", "ACC99", "House^Gregory"
    ds.InstitutionName, ds.StudyDescription = "Princeton", "Liver of Jane Doe"
    ds.Modality, ds.Manufacturer, ds.SeriesNumber = "CT", "Phantom", 2
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame_of_reference, ""
    ds.Rows, ds.Columns = geometry.shape[1:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    block = ds.private_block(0x0009, "PHANTOM", create=True)
    block.add_new(0x01, "LO", "Jane Doe in private")
    return ds


def _place(ds: Dataset, geometry: Geometry, z: int) -> None:
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    ds.ImageOrientationPatient = [f"{v:.12f}"[:16] for v in (*matrix[:, 0], *matrix[:, 1])]
    ds.ImagePositionPatient = [f"{v:.9f}"[:16] for v in geometry.to_world((z, 0, 0))]


def make_series(folder: Path, geometry: Geometry, seed: int = 0) -> Volume:
    """A CT series of one file a slice, file names in random order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    voxels = rng.integers(0, 2000, geometry.shape).astype(np.uint16)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    names = rng.permutation(geometry.shape[0])
    paths = []
    for z in range(geometry.shape[0]):
        ds = _base(geometry, CT, frame)
        ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
        ds.InstanceNumber = z + 1
        ds.PixelSpacing = list(geometry.spacing_mm[1:])
        ds.SliceThickness = geometry.spacing_mm[0]
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        _place(ds, geometry, z)
        ds.PixelData = voxels[z].tobytes()
        path = folder / f"im{names[z]:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    source = DicomSource(series, study, frame, tuple(paths), (1,) * len(paths))
    return Volume(voxels, geometry, "CT", "series", None, source)


def make_enhanced(folder: Path, geometry: Geometry, seed: int = 0) -> Volume:
    """An enhanced CT file of many frames, stored in random order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    voxels = rng.integers(0, 2000, geometry.shape).astype(np.uint16)
    order = rng.permutation(geometry.shape[0])
    ds = _base(geometry, ENHANCED_CT, generate_uid())
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.InstanceNumber, ds.NumberOfFrames = 1, geometry.shape[0]
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = list(geometry.spacing_mm[1:])
    measures.SliceThickness = geometry.spacing_mm[0]
    shared.PixelMeasuresSequence = [measures]
    groups = []
    for z in order:
        at = Dataset()
        _place(at, geometry, int(z))
        orientation, position, group = Dataset(), Dataset(), Dataset()
        orientation.ImageOrientationPatient = at.ImageOrientationPatient
        position.ImagePositionPatient = at.ImagePositionPatient
        group.PlanePositionSequence = [position]
        group.PlaneOrientationSequence = [orientation]
        groups.append(group)
    shared.PlaneOrientationSequence = groups[0].PlaneOrientationSequence
    for group in groups:
        del group.PlaneOrientationSequence
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.PixelData = voxels[order].tobytes()
    path = folder / "enhanced.dcm"
    ds.save_as(path, enforce_file_format=True)
    frames = tuple(int(np.flatnonzero(order == z)[0]) + 1 for z in range(len(order)))
    source = DicomSource(
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID, (path,) * len(order), frames
    )
    return Volume(voxels, geometry, "CT", "enhanced", path, source)
