"""What leaves names nobody: the whole header at every depth, consistent identifiers, pixels as they were."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from support.dicom_series import geometry_of, make_enhanced, make_series
from support.paths import SHARED

from featherseg_engines.errors import FeathersegError, ReadError, WriteError
from featherseg_engines.imaging.burnt_in import may_hold_text
from featherseg_engines.imaging.dicom.deidentify import deidentify_instances
from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap
from featherseg_engines.imaging.dicom.profile import apply_profile
from featherseg_engines.imaging.dicom.segmentation import write_segmentation
from featherseg_engines.imaging.dicom.tags import header_rows
from featherseg_engines.labels import LabelTable

GRID = geometry_of((3, 6, 5), (2.0, 0.5, 0.5), (0.1, 0.2, 0.3))
SECRETS = (
    b"Doe",
    b"Jane",
    b"HOSP-4711",
    b"19610203",
    b"20240506",
    b"ACC99",
    b"House",
    b"Princeton",
    b"PHANTOM",
)


def change(path: Path, **values: object) -> Path:
    ds = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    ds.save_as(path)
    return path


def test_copies_hold_nothing_of_the_patient_and_the_same_pixels(tmp_path):
    volume = make_series(tmp_path / "series", GRID)
    copies = deidentify_instances(volume.source.paths, tmp_path)
    assert len(copies) == 3
    for copy, original in zip(copies, volume.source.paths, strict=True):
        content = copy.read_bytes()
        old, new = pydicom.dcmread(original), pydicom.dcmread(copy)
        assert not [s for s in SECRETS if s in content]
        assert not [u for u in (old.StudyInstanceUID, old.SOPInstanceUID) if str(u).encode() in content]
        assert new.PatientIdentityRemoved == "YES" and new.DeidentificationMethod
        assert [c.CodeValue for c in new.DeidentificationMethodCodeSequence] == ["113100"]
        assert np.array_equal(new.pixel_array, old.pixel_array)
        assert new.ImagePositionPatient == old.ImagePositionPatient and new.PixelSpacing == old.PixelSpacing
        assert new.SOPClassUID == old.SOPClassUID
        assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID != old.SOPInstanceUID


def test_one_series_stays_one_series_and_two_patients_two(tmp_path):
    uids, found = UidMap(), []
    for name in ("a", "b"):
        volume = make_series(tmp_path / name, GRID)
        for path in volume.source.paths:
            change(path, PatientID=name)
        found.append(
            [pydicom.dcmread(p) for p in deidentify_instances(volume.source.paths, tmp_path / name, uids)]
        )
    for series in found:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
            assert len({str(ds[keyword].value) for ds in series}) == 1
        assert len({str(ds.SOPInstanceUID) for ds in series}) == 3
    assert found[0][0].PatientID != found[1][0].PatientID


def test_a_mask_of_the_same_export_refers_to_the_copies(tmp_path):
    volume, uids = make_series(tmp_path / "series", GRID), UidMap()
    copies = [pydicom.dcmread(p) for p in deidentify_instances(volume.source.paths, tmp_path, uids)]
    labels = np.ones(GRID.shape, np.uint16)
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume, disclosure=Disclosure(uids=uids))
    mask = pydicom.dcmread(tmp_path / "m.dcm")
    named = {i.ReferencedSOPInstanceUID for i in mask.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert named == {ds.SOPInstanceUID for ds in copies}
    assert mask.FrameOfReferenceUID == copies[0].FrameOfReferenceUID
    assert mask.StudyInstanceUID == copies[0].StudyInstanceUID and mask.PatientID == copies[0].PatientID


def test_two_exports_cannot_be_joined(tmp_path):
    volume = make_series(tmp_path / "series", GRID)
    (tmp_path / "two").mkdir()
    first = deidentify_instances(volume.source.paths[:1], tmp_path)
    second = deidentify_instances(volume.source.paths[:1], tmp_path / "two")
    one, two = pydicom.dcmread(first[0]), pydicom.dcmread(second[0])
    assert one.SOPInstanceUID != two.SOPInstanceUID and one.PatientID != two.PatientID


def test_names_deep_inside_sequences_go(tmp_path):
    volume = make_enhanced(tmp_path / "series", GRID)
    ds = pydicom.dcmread(volume.path)
    deep, middle = Dataset(), Dataset()
    deep.PersonName = deep.OperatorsName = "Doe^Jane"
    deep.add_new(0x00110010, "LO", "PHANTOM")
    deep.add_new(0x00111001, "LO", "Jane")
    deep.FrameAcquisitionDateTime = "20240506101112"
    middle.ViewCodeSequence = [deep]  # neither is in the table by itself
    ds.PerFrameFunctionalGroupsSequence[1].CTExposureSequence = [middle]
    ds.add_new(0x60003000, "OW", b"Jane")
    ds.add_new(0x60000010, "US", 2)
    ds.save_as(volume.path)
    (copy,) = deidentify_instances([volume.path, volume.path], tmp_path)
    content, new = copy.read_bytes(), pydicom.dcmread(copy)
    assert not [s for s in SECRETS if s in content]
    assert 0x60000010 not in new and len(new.PerFrameFunctionalGroupsSequence) == 3
    assert np.array_equal(new.pixel_array, ds.pixel_array)


def test_every_attribute_of_the_table_is_gone_or_changed():
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
    from pydicom.datadict import dictionary_VR

    from featherseg_engines.imaging.dicom.profile import EDITION

    lists = dicom_anonymization_database_selector(EDITION)
    values = {
        "DA": "20240506",
        "TM": "101112",
        "DT": "20240506101112",
        "AS": "063Y",
        "UI": "1.2.3.4",
        "DS": "47",
    }
    values |= {"IS": "47", "OB": b"Jane", "OW": b"Jane", "UN": b"Jane", "SQ": []}
    ds, tags = Dataset(), []
    for entry in lists["ALL_TAGS"]:
        tag = entry[0] << 16 | entry[1]
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            continue
        if len(entry) > 2 or entry[0] == 2 or vr == "SQ":
            continue
        ds.add_new(tag, vr, values.get(vr, 47 if vr in ("FD", "FL", "US", "UL", "SS", "SL") else "JANE"))
        tags.append((tag, ds[tag].value))
    assert len(tags) > 500
    apply_profile(ds, UidMap())
    assert not [f"{tag:08x}" for tag, old in tags if tag in ds and ds[tag].value == old]


@pytest.mark.parametrize(
    "marks",
    [
        {"Modality": "US"},
        {"BurnedInAnnotation": "YES"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"ConversionType": "WSD"},
        {"Modality": "ES"},
        {"SequenceOfUltrasoundRegions": [Dataset()]},
    ],
)
def test_pixels_that_may_show_a_name_are_not_copied_before_someone_looked(tmp_path, marks):
    volume = make_series(tmp_path / "series", GRID)
    assert may_hold_text(volume) is None
    path = change(volume.source.paths[0], **marks)
    assert "look at every slice" in may_hold_text(volume)
    with pytest.raises(WriteError, match="look at every slice"):
        deidentify_instances([path], tmp_path)
    assert not list(tmp_path.glob("*.dcm"))
    assert deidentify_instances([path], tmp_path, pixels_checked=True)


def test_an_image_declared_free_of_text_is_believed(tmp_path):
    volume = make_series(tmp_path / "series", GRID)
    change(volume.source.paths[0], Modality="US", BurnedInAnnotation="NO")
    assert may_hold_text(volume) is None


def test_what_is_no_dicom_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "a.dcm").write_text("Dear colleague, please find the image attached.")
    for name in ("a.dcm", "missing.dcm"):
        with pytest.raises(ReadError, match=name):
            deidentify_instances([tmp_path / name], tmp_path)
        with pytest.raises(ReadError, match=name):
            header_rows(tmp_path / name)


def test_the_header_is_shown_with_long_values_cut(tmp_path):
    volume = make_enhanced(tmp_path / "series", geometry_of((30, 4, 4), (1, 1, 1), (0, 0, 0)))
    change(volume.path, ImageComments="x" * 5000)
    rows = header_rows(volume.source, 3)
    by_name = {row.name: row for row in rows if row.depth == 0}
    assert by_name["Patient's Name"].value == "Doe^Jane" and by_name["Patient's Name"].tag == "(0010,0010)"
    assert by_name["Transfer Syntax UID"].vr == "UI"
    assert len(by_name["Image Comments"].value) == 200
    assert by_name["Per-Frame Functional Groups Sequence"].value == "30 items"
    assert sum(row.name.endswith("of 30") for row in rows) == 5
    assert max(row.depth for row in rows) >= 2


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data folder is not beside this checkout")
def test_real_files_are_copied_without_their_names_or_refused_with_a_sentence(tmp_path):
    index = json.loads((SHARED / "dicom" / "index.json").read_text())
    done = 0
    for number, entry in enumerate(index["files"]):
        path = SHARED / "dicom" / entry["file"]
        folder = tmp_path / str(number)
        folder.mkdir()
        rows_ok = True
        try:
            header_rows(path)
            (copy,) = deidentify_instances([path], folder, pixels_checked=True)
        except FeathersegError as error:
            assert "\n" not in str(error)
            rows_ok = False
        if rows_ok:
            done += 1
            left = [
                element
                for element in pydicom.dcmread(copy).iterall()
                if element.tag.is_private
                or (element.VR == "PN" and str(element.value) not in ("", "None", "ANONYMOUS"))
                or (element.VR in ("DA", "DT") and str(element.value)[:8] not in ("", "None", "19000101"))
            ]
            assert not left, path.name
            copy.unlink()
    assert done > 100
