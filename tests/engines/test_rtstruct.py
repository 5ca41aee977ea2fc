"""Masks to contours in mm: what lies inside them is the mask, holes and islands included."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.dicom_series import geometry_of, make_enhanced, make_series

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.contours import outlines
from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap
from featherseg_engines.imaging.dicom.rtstruct import write_rtstruct
from featherseg_engines.labels import Label, LabelTable

GRID = geometry_of((4, 12, 10), (3.0, 0.6, 0.8), (0.4, -0.3, 0.2), left_handed=True)


def inside(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixel centres inside a closed polygon (y, x) by the even-odd rule: crossings of a ray towards +x."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    crossings = np.zeros(shape, int)
    for (y0, x0), (y1, x1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        spans = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        crossings += spans & (at > x)
    return crossings % 2 == 1


@settings(max_examples=80, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.booleans()))
def test_the_pixels_inside_the_contours_are_the_mask(plane):
    found = np.zeros(plane.shape, int)
    for outline in outlines(plane):
        assert len(outline) >= 4 and not np.array_equal(outline[0], outline[-1])
        found += inside(outline, plane.shape)
    assert np.array_equal(found, plane.astype(int))


def test_a_ring_within_a_ring_within_a_ring_is_three_contours_at_most():
    y, x = np.mgrid[:41, :41]
    radius = np.hypot(y - 20, x - 20)
    plane = (radius < 18) & ~((radius > 6) & (radius < 12))
    contours = list(outlines(plane))
    assert len(contours) == 2, "the outer ring with its hole, and the disc within"
    assert np.array_equal(sum(inside(c, plane.shape) for c in contours), plane)


def mask() -> np.ndarray:
    labels = np.zeros(GRID.shape, np.uint16)
    labels[1:3, 2:10, 2:9] = 3
    labels[1, 4:6, 4:7] = 0
    labels[2, 5, 5] = 8
    return labels


TABLE = LabelTable(
    {3: Label(3, "Läsion", "#12ab34"), 8: Label(8, "Kern", "#ff0000"), 9: Label(9, "x", "#000000")}
)


@pytest.mark.parametrize("make", [make_series, make_enhanced])
def test_contours_lie_in_the_patient_where_the_mask_lies(tmp_path, make):
    volume = make(tmp_path / "series", GRID)
    write_rtstruct(tmp_path / "rt.dcm", mask(), TABLE, volume, Disclosure(False))
    ds = pydicom.dcmread(tmp_path / "rt.dcm")
    assert [roi.ROIName for roi in ds.StructureSetROISequence] == ["Läsion", "Kern"]
    assert list(ds.ROIContourSequence[0].ROIDisplayColor) == [0x12, 0xAB, 0x34]
    images = {}
    for path, frame in zip(volume.source.paths, volume.source.frames, strict=True):
        images[str(pydicom.dcmread(path).SOPInstanceUID), frame] = len(images)
    back = np.zeros(GRID.shape, np.uint16)
    for roi, value in zip(ds.ROIContourSequence, (3, 8), strict=True):
        for contour in roi.ContourSequence:
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints
            index = GRID.to_index(points)
            (image,) = contour.ContourImageSequence
            z = images[image.ReferencedSOPInstanceUID, int(image.get("ReferencedFrameNumber", 1))]
            assert np.allclose(index[:, 0], z, atol=1e-3)
            back[z][inside(index[:, 1:], GRID.shape[1:])] = value
    assert np.array_equal(back, mask())
    assert ds.PatientName == "Doe^Jane" and ds.FrameOfReferenceUID == volume.source.frame_of_reference_uid


def test_nothing_of_the_patient_is_in_the_contours_file(tmp_path):
    volume = make_series(tmp_path / "series", GRID)
    write_rtstruct(tmp_path / "rt.dcm", mask(), TABLE, volume, Disclosure(uids=UidMap()))
    content = (tmp_path / "rt.dcm").read_bytes()
    secrets = [b"Doe", b"Jane", b"HOSP-4711", b"19610203", b"20240506", b"ACC99", b"House"]
    assert not [s for s in (*secrets, volume.source.series_uid.encode()) if s in content]
    assert pydicom.dcmread(tmp_path / "rt.dcm").PatientIdentityRemoved == "YES"


def test_an_empty_mask_is_refused(tmp_path):
    volume = make_series(tmp_path / "series", GRID)
    with pytest.raises(WriteError, match="empty"):
        write_rtstruct(tmp_path / "rt.dcm", np.zeros(GRID.shape, np.uint16), TABLE, volume)


@pytest.mark.parametrize("make", [make_series, make_enhanced])
@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed"
)
def test_the_validator_of_dicom3tools_finds_no_error_in_contours(tmp_path, make):
    volume = make(tmp_path / "series", GRID)
    write_rtstruct(tmp_path / "rt.dcm", mask(), TABLE, volume)
    run = subprocess.run(["dciodvfy", "-new", str(tmp_path / "rt.dcm")], capture_output=True, text=True)
    said = (run.stdout + run.stderr).splitlines()
    assert any("RTStructureSet" in line for line in said)
    assert not [line for line in said if line.startswith("Error")]
