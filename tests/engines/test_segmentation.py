"""Series to mask to DICOM-SEG and back: the same voxels in the same place, nothing of the patient taken along."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dicom_series import geometry_of, make_enhanced, make_series

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.disclosure import Disclosure, UidMap
from featherseg_engines.imaging.dicom.segmentation import read_segmentation, write_segmentation
from featherseg_engines.labels import ABNORMAL_STRUCTURE, Code, Label, LabelTable

OBLIQUE = geometry_of((5, 7, 9), (2.5, 0.7, 0.9), (0.3, -0.2, 0.5))


def table_of(*values: int) -> LabelTable:
    table = LabelTable()
    for value in values:
        code = Code("10200004", "SCT", "Liver")
        table.put(Label(value, f"Leber {value}", "#56b4e9", code=code, category=ABNORMAL_STRUCTURE))
    return table


def random_labels(shape, values, seed=1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 0, 0, *values], shape).astype(np.uint16)
    labels[0] = 0
    return labels


@pytest.mark.parametrize("make", [make_series, make_enhanced])
@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_a_mask_comes_back_from_dicom_seg_as_it_was(tmp_path, make, kind):
    volume = make(tmp_path / "series", OBLIQUE)
    labels = random_labels(OBLIQUE.shape, [2, 7, 300])
    table = table_of(2, 7, 300)
    write_segmentation(tmp_path / "mask.dcm", labels, table, volume, kind)
    back = read_segmentation(tmp_path / "mask.dcm", volume)
    assert np.array_equal(back.labels, labels) and not back.warnings
    assert [(row.value, row.name, row.code, row.category) for row in back.table] == [
        (row.value, row.name, row.code, row.category) for row in table
    ]
    rgb = np.array([int(back.table.rows[2].colour[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(rgb - [0x56, 0xB4, 0xE9]).max() <= 2


@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 6.0)] * 3),
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    left_handed=st.booleans(),
    make=st.sampled_from([make_series, make_enhanced]),
    seed=st.integers(0, 9999),
)
def test_every_voxel_lies_where_the_file_says(
    tmp_path_factory, shape, spacing, angles, left_handed, make, seed
):
    folder = tmp_path_factory.mktemp("seg")
    spacing = tuple(round(s, 4) for s in spacing)
    geometry = geometry_of(shape, spacing, angles, left_handed=left_handed)
    volume = make(folder, geometry, seed)
    labels = np.zeros(shape, np.uint16)
    labels[tuple(np.random.default_rng(seed).integers(0, shape))] = 1
    write_segmentation(folder / "mask.dcm", labels, LabelTable(), volume)
    ds = pydicom.dcmread(folder / "mask.dcm")
    frames = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)
    shared, per_frame = ds.SharedFunctionalGroupsSequence[0], ds.PerFrameFunctionalGroupsSequence
    ((frame, row, column),) = np.argwhere(frames)
    groups = (per_frame[frame], shared)
    position = next(g.PlanePositionSequence[0] for g in groups if "PlanePositionSequence" in g)
    orientation = next(g.PlaneOrientationSequence[0] for g in groups if "PlaneOrientationSequence" in g)
    pixel = next(g.PixelMeasuresSequence[0] for g in groups if "PixelMeasuresSequence" in g)
    cosines = np.array(orientation.ImageOrientationPatient, float)
    world = np.array(position.ImagePositionPatient, float)
    world = world + cosines[:3] * column * pixel.PixelSpacing[1] + cosines[3:] * row * pixel.PixelSpacing[0]
    assert np.allclose(world, geometry.to_world(np.argwhere(labels)[0]), atol=1e-3)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_an_empty_mask_with_named_labels_says_that_nothing_was_found(tmp_path, kind):
    volume = make_series(tmp_path / "series", OBLIQUE)
    write_segmentation(
        tmp_path / "mask.dcm", np.zeros(OBLIQUE.shape, np.uint16), table_of(1, 2), volume, kind
    )
    back = read_segmentation(tmp_path / "mask.dcm", volume)
    assert not back.labels.any() and [row.value for row in back.table] == [1, 2]


def test_an_empty_mask_without_labels_is_refused(tmp_path):
    volume = make_series(tmp_path / "series", OBLIQUE)
    with pytest.raises(WriteError, match="empty"):
        write_segmentation(tmp_path / "m.dcm", np.zeros(OBLIQUE.shape, np.uint16), LabelTable(), volume)


def test_names_in_any_script_survive(tmp_path):
    volume = make_series(tmp_path / "series", OBLIQUE)
    path = volume.source.paths[0]
    for path in volume.source.paths:
        ds = pydicom.dcmread(path)
        ds.SpecificCharacterSet, ds.PatientName = "ISO_IR 100", "Müller^Jörg"
        ds.save_as(path)
    table = LabelTable({1: Label(1, "Läsion 病変", "#ff0000")})
    labels = random_labels(OBLIQUE.shape, [1])
    write_segmentation(tmp_path / "m.dcm", labels, table, volume, disclosure=Disclosure(False))
    assert read_segmentation(tmp_path / "m.dcm", volume).table.rows[1].name == "Läsion 病変"
    assert pydicom.dcmread(tmp_path / "m.dcm").PatientName == "Müller^Jörg"


def test_nothing_of_the_patient_is_in_the_file_unless_asked_for(tmp_path):
    volume = make_series(tmp_path / "series", OBLIQUE)
    labels = random_labels(OBLIQUE.shape, [1])
    secrets = (b"Doe", b"Jane", b"HOSP-4711", b"19610203", b"20240506", b"ACC99", b"House", b"Princeton")
    write_segmentation(tmp_path / "a.dcm", labels, LabelTable(), volume)
    content = (tmp_path / "a.dcm").read_bytes()
    assert not [s for s in secrets if s in content]
    assert volume.source.study_uid.encode() in content, "references keep the images' identifiers"
    write_segmentation(tmp_path / "b.dcm", labels, LabelTable(), volume, disclosure=Disclosure(uids=UidMap()))
    content = (tmp_path / "b.dcm").read_bytes()
    uids = (volume.source.study_uid, volume.source.series_uid, volume.source.frame_of_reference_uid)
    assert not [s for s in (*secrets, *(u.encode() for u in uids)) if s in content]
    assert np.array_equal(read_segmentation(tmp_path / "b.dcm", volume).labels, labels)
    write_segmentation(tmp_path / "c.dcm", labels, LabelTable(), volume, disclosure=Disclosure(False))
    named = pydicom.dcmread(tmp_path / "c.dcm")
    assert named.PatientID == "HOSP-4711" and named.StudyDate == "20240506"
    assert "PatientIdentityRemoved" not in named


def test_a_mask_of_another_examination_is_refused(tmp_path):
    one, other = make_series(tmp_path / "a", OBLIQUE), make_series(tmp_path / "b", OBLIQUE)
    path = tmp_path / "m.dcm"
    write_segmentation(
        path, random_labels(OBLIQUE.shape, [1]), LabelTable(), one, disclosure=Disclosure(False)
    )
    with pytest.raises(ReadError, match="another examination"):
        read_segmentation(path, other)


@pytest.mark.parametrize(
    "moved",
    [
        {"origin_mm": (-12.5, 30.25, 99.0)},
        {"spacing_mm": (2.5, 0.7, 0.8)},
        {"shape": (3, 7, 9)},
        {"direction": geometry_of((5, 7, 9), (1, 1, 1), (0.35, -0.2, 0.5)).direction},
    ],
)
def test_a_mask_that_lies_off_the_grid_is_refused(tmp_path, moved):
    volume = make_series(tmp_path / "a", OBLIQUE)
    labels = np.ones(OBLIQUE.shape, np.uint16)
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume)
    geometry = replace(OBLIQUE, **moved)
    target = replace(volume, voxels=np.zeros(geometry.shape), geometry=geometry, source=None)
    with pytest.raises(ReadError, match=r"m\.dcm"):
        read_segmentation(tmp_path / "m.dcm", target)


def test_a_mask_lands_on_the_same_anatomy_seen_along_another_axis(tmp_path):
    volume = make_series(tmp_path / "a", OBLIQUE)
    labels = random_labels(OBLIQUE.shape, [1, 2])
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume)
    matrix = np.asarray(OBLIQUE.direction).reshape(3, 3)
    turned = Geometry(
        (9, 5, 7), (0.9, 2.5, 0.7), OBLIQUE.origin_mm, tuple(matrix[:, [1, 2, 0]].ravel())
    )  # its z is the first one's x, its y the z, its x the y
    target = replace(volume, voxels=np.zeros(turned.shape), geometry=turned, source=None)
    assert np.array_equal(
        read_segmentation(tmp_path / "m.dcm", target).labels, np.transpose(labels, (2, 0, 1))
    )


def test_slices_at_irregular_distances_are_found_by_the_image_they_name(tmp_path):
    volume = make_series(tmp_path / "a", OBLIQUE)
    moved = pydicom.dcmread(volume.source.paths[3])
    normal = np.asarray(OBLIQUE.direction).reshape(3, 3)[:, 2]
    moved.ImagePositionPatient = [
        f"{v:.9f}"[:16] for v in np.array(moved.ImagePositionPatient, float) + 1.1 * normal
    ]
    moved.save_as(volume.source.paths[3])
    labels = random_labels(OBLIQUE.shape, [1, 2])
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume)
    assert np.array_equal(read_segmentation(tmp_path / "m.dcm", volume).labels, labels)


def test_a_grid_that_is_not_that_of_the_images_is_refused(tmp_path):
    volume = make_series(tmp_path / "a", OBLIQUE)
    shifted = replace(volume, geometry=replace(OBLIQUE, origin_mm=(0.0, 0.0, 0.0)))
    labels = np.ones(OBLIQUE.shape, np.uint16)
    with pytest.raises(WriteError, match="resampled"):
        write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), shifted)
    with pytest.raises(WriteError, match=r"\.nii\.gz"):
        write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), replace(volume, source=None))
    assert not (tmp_path / "m.dcm").exists()


def test_what_is_no_segmentation_is_refused(tmp_path):
    volume = make_series(tmp_path / "a", OBLIQUE)
    (tmp_path / "text.dcm").write_text("no DICOM here")
    for path in (tmp_path / "text.dcm", volume.source.paths[0], tmp_path / "missing.dcm"):
        with pytest.raises(ReadError, match=path.name):
            read_segmentation(path, volume)


@pytest.mark.parametrize("make", [make_series, make_enhanced])
@pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed"
)
def test_the_validator_of_dicom3tools_finds_no_error(tmp_path, make):
    volume = make(tmp_path / "series", OBLIQUE)
    write_segmentation(
        tmp_path / "m.dcm", random_labels(OBLIQUE.shape, [1, 5]), table_of(1, 5), volume, "binary"
    )
    run = subprocess.run(["dciodvfy", "-new", str(tmp_path / "m.dcm")], capture_output=True, text=True)
    said = (run.stdout + run.stderr).splitlines()
    assert any("Segmentation" in line for line in said)
    assert not [line for line in said if line.startswith("Error")]


def test_images_without_a_frame_of_reference_get_one_of_their_own(tmp_path):
    volume = make_series(tmp_path / "series", OBLIQUE)
    for path in volume.source.paths:
        ds = pydicom.dcmread(path)
        del ds.FrameOfReferenceUID
        ds.NumberOfFrames = 1
        ds.ReferencedStudySequence = []
        ds.save_as(path)
    volume = replace(volume, source=replace(volume.source, frame_of_reference_uid=""))
    labels = random_labels(OBLIQUE.shape, [1, 2])
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume)
    assert np.array_equal(read_segmentation(tmp_path / "m.dcm", volume).labels, labels)
    assert pydicom.dcmread(tmp_path / "m.dcm").FrameOfReferenceUID.startswith("2.25.")


def test_one_image_that_does_not_say_where_it_lies_keeps_its_mask(tmp_path):
    geometry = replace(OBLIQUE, shape=(1, 7, 9))
    volume = make_series(tmp_path / "series", geometry)
    (path,) = volume.source.paths
    ds = pydicom.dcmread(path)
    for keyword in ("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(ds, keyword)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    ds.Modality = "US"
    ds.save_as(path)
    labels = np.zeros(geometry.shape, np.uint16)
    labels[0, 2:5, 3:7] = 4
    write_segmentation(tmp_path / "m.dcm", labels, LabelTable(), volume)
    assert np.array_equal(read_segmentation(tmp_path / "m.dcm", volume).labels, labels)
    other = make_series(tmp_path / "other", geometry)
    with pytest.raises(ReadError, match="nor names an image"):
        read_segmentation(tmp_path / "m.dcm", other)


def test_a_damaged_segmentation_is_refused_and_never_crashes(tmp_path):
    volume = make_series(tmp_path / "a", OBLIQUE)
    path = tmp_path / "m.dcm"
    write_segmentation(path, random_labels(OBLIQUE.shape, [1, 2]), table_of(1, 2), volume)
    content, rng = path.read_bytes(), np.random.default_rng(7)
    outcomes = []
    for _ in range(60):
        damaged = bytearray(content[: rng.integers(200, len(content) + 1)])
        for at in rng.integers(132, len(damaged), 6):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            outcomes.append(read_segmentation(path, volume).labels.shape == OBLIQUE.shape)
        except ReadError as error:
            assert "\n" not in str(error)
            outcomes.append(False)
    assert False in outcomes
