"""Every DICOM file of the shared collection opens as its index says, or is refused with a sentence."""

import json
import re

import numpy as np
import pydicom
import pytest
from support.paths import SHARED

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.readers import list_series, read_image

FOLDER = SHARED / "dicom"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.exists(), reason="the shared data folder is not beside this checkout"),
]
ENTRIES = json.loads((FOLDER / "index.json").read_text())["files"] if FOLDER.exists() else []
WITHOUT_PIXELS = ("fo-dicom__chrJapMulti.dcm",)
LOSSY = ("4.50", "4.51", "4.53", "4.81", "4.91")


def expected_shape(entry) -> tuple[int, ...]:
    painted = entry["photometric"] == "PALETTE COLOR" and entry["modality"] != "SEG"
    colours = (3,) if entry["samples"] == 3 or painted else ()
    return (max(1, entry["frames"]), entry["rows"], entry["cols"], *colours)


def expected_range(entry, header) -> tuple[float, float] | None:
    """What the index measured, carried through the header's own rescale; None where it says nothing."""
    found = re.match(r"ok .* \[(-?\d+),(-?\d+)\]", entry["decode_pydicom3"] or "")
    plain = entry["photometric"] in ("MONOCHROME2", "RGB") and "SharedFunctionalGroupsSequence" not in header
    if not found or not plain or (entry["samples"] == 3 and entry["transfer_syntax"].endswith(LOSSY)):
        return None
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    if entry["modality"] == "RTDOSE":
        slope = float(header.DoseGridScaling)
    low, high = (int(v) * slope + intercept for v in found.groups())
    return low, high


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e["file"].split("/")[-1])
def test_a_file_opens_as_the_index_says_or_is_refused(entry):
    path = FOLDER / entry["file"]
    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    if entry["rows"] is None or path.name in WITHOUT_PIXELS:
        with pytest.raises(ReadError) as info:
            read_image(path)
        assert path.name in str(info.value) and "\n" not in str(info.value)
        return
    volume = read_image(path)
    assert volume.voxels.shape == expected_shape(entry)
    if entry["modality"]:
        assert volume.modality == entry["modality"]
    values = expected_range(entry, header)
    if values is not None:
        measured = float(volume.voxels.min()), float(volume.voxels.max())
        assert measured == pytest.approx(values, rel=1e-5, abs=1e-3)
    spacing = header.get("PixelSpacing")
    if spacing and min(spacing) > 0:
        assert volume.geometry.spacing_mm[1:] == pytest.approx(tuple(float(v) for v in spacing))
    position = header.get("ImagePositionPatient")
    if position and "ImageOrientationPatient" in header and entry["frames"] == 1:
        assert volume.geometry.to_world((0, 0, 0)) == pytest.approx([float(v) for v in position])


@pytest.mark.parametrize(
    ("name", "shapes", "spacings", "told"),
    [
        ("ct_gantry_tilt_philips_plus16", [(6, 512, 512)], [2.5], "16.5 degrees"),
        ("ct_no_position", [(2, 512, 512)], [1.0], ""),
        ("ct_rtstruct_rtutils", [(2, 512, 512)], [5.0], ""),
        ("ct_with_seg_dcmqi", [(3, 512, 512), (3, 512, 512)], [1.0, 1.0], ""),
        ("mr_4d_fmri_philips", [(2, 80, 80)], [3.3], "4 volumes"),
        ("mr_hippocampus_crop_1", [(32, 51, 35)], [1.0], ""),
        ("mr_mixed_orientation", [(2, 288, 288), (2, 288, 288)], [4.4, 3.3], ""),
        ("mr_oblique_hitachi", [(4, 64, 64)], [4.0], ""),
        ("mr_oriented_rtutils", [(3, 50, 100)], [4.5], ""),
        ("mr_rgb_j2k", [(4, 77, 52, 3)], [3.0], ""),
        ("mr_volume_dcm4che", [(6, 256, 256)], [2.0], ""),
    ],
)
def test_a_series_opens_as_the_volumes_it_holds(name, shapes, spacings, told):
    found = list_series(FOLDER / "series" / name)
    volumes = [read_image(FOLDER / "series" / name, series=one) for one in found]
    assert [v.voxels.shape for v in volumes] == shapes
    assert [v.geometry.spacing_mm[0] for v in volumes] == pytest.approx(spacings, rel=1e-4)
    assert told in " ".join(volumes[0].warnings) and bool(volumes[0].warnings) == bool(told)
    for volume in volumes:
        first = pydicom.dcmread(volume.source.paths[0], stop_before_pixels=True)
        position = first.get("ImagePositionPatient")
        if position:
            assert volume.geometry.to_world((0, 0, 0)) == pytest.approx([float(v) for v in position])


def test_a_series_with_a_gap_is_refused_and_the_files_named():
    with pytest.raises(ReadError, match=r"0009-0001\.dcm' to '.*0010-0001\.dcm' it is 10\.00 mm"):
        read_image(FOLDER / "series" / "ct_irregular_spacing_ge")


def test_the_whole_collection_is_scanned_and_each_series_opens_or_is_refused():
    found = list_series(FOLDER)
    assert len(found) > 100 and all(s.slices >= 1 and "\n" not in s.label for s in found)
    assert np.unique([s.uid for s in found]).size > 80
