"""DICOM series to volumes: where they lie, what belongs together, and what is refused with a sentence."""

import os
import shutil
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from support.dicom import save, slice_dataset, write_series
from support.dicom_series import direction_of
from support.paths import DATA

from featherseg_engines.errors import Cancelled, ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.series import begin, preview
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.readers import list_series, read_image
from featherseg_engines.imaging.volume_writer import write_volume

GRID = Geometry((5, 6, 7), (2.5, 0.8, 0.7), (-40.0, 30.0, 12.5))


geometries = st.builds(
    Geometry,
    shape=st.tuples(*[st.integers(2, 6)] * 3),
    spacing_mm=st.tuples(*[st.floats(0.2, 9.0)] * 3),
    origin_mm=st.tuples(*[st.floats(-200, 200)] * 3),
    direction=st.tuples(*[st.floats(-3.1, 3.1)] * 3).map(direction_of),
)


def ramp(shape, dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@settings(max_examples=25, deadline=None)
@given(geometry=geometries, data=st.data())
def test_a_dicom_series_and_its_nifti_twin_lie_at_one_place(tmp_path_factory, geometry, data):
    folder = tmp_path_factory.mktemp("twins")
    voxels = np.zeros(geometry.shape, np.int16)
    index = tuple(data.draw(st.integers(0, n - 1)) for n in geometry.shape)
    voxels[index] = 7
    write_series(folder / "dicom", voxels, geometry)
    twin = sitk.GetImageFromArray(voxels)
    twin.SetSpacing(geometry.spacing_mm[::-1])
    twin.SetOrigin(geometry.origin_mm)
    twin.SetDirection(geometry.direction)
    sitk.WriteImage(twin, str(folder / "twin.nii.gz"))

    for volume in (read_image(folder / "dicom"), read_image(folder / "twin.nii.gz")):
        assert np.array_equal(volume.voxels, voxels)
        corners = [index, (0, 0, 0), tuple(n - 1 for n in geometry.shape)]
        assert np.allclose(volume.geometry.to_world(corners), geometry.to_world(corners), atol=1e-2)
    second = nibabel.load(folder / "twin.nii.gz")
    ijk = np.argwhere(np.asarray(second.dataobj) == 7)[0]
    ras = nibabel.affines.apply_affine(second.affine, ijk)
    assert np.allclose(ras * [-1, -1, 1], read_image(folder / "dicom").geometry.to_world(index), atol=1e-2)


@settings(max_examples=25, deadline=None)
@given(geometry=geometries, ending=st.sampled_from([".nii.gz", ".nii", ".nrrd", ".mha"]))
def test_what_is_converted_lies_where_the_series_lies(tmp_path_factory, geometry, ending):
    folder = tmp_path_factory.mktemp("converted")
    write_series(folder / "dicom", ramp(geometry.shape), geometry)
    volume = read_image(folder / "dicom")
    write_volume(folder / ("v" + ending), volume)
    image = sitk.ReadImage(str(folder / ("v" + ending)))
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.voxels)
    last = tuple(int(n) - 1 for n in geometry.shape)
    at = image.TransformIndexToPhysicalPoint(last[::-1])
    assert np.allclose(at, geometry.to_world(last), atol=1e-2)


def test_slices_are_sorted_by_place_whatever_their_names_and_numbers_say(tmp_path):
    paths = write_series(tmp_path, ramp(GRID.shape), GRID)
    for i, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        dataset.InstanceNumber = (i * 3) % 5
        dataset.save_as(path)
    volume = read_image(tmp_path)
    assert np.array_equal(volume.voxels, ramp(GRID.shape)) and not volume.warnings
    assert [p.name for p in volume.source.paths] == [p.name for p in paths]
    assert volume.source.frame_of_reference_uid == "1.2.3.9" and volume.source.frames == (1,) * 5


def test_a_real_oblique_series_opens_as_simpleitk_opens_it():
    folder = DATA / "dicom" / "oblique"
    volume = read_image(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    other = reader.Execute()
    corner = tuple(int(n) - 1 for n in volume.geometry.shape)
    assert np.array_equal(volume.voxels, sitk.GetArrayFromImage(other)) and volume.voxels.dtype == np.int16
    assert np.allclose(
        volume.geometry.to_world(corner), other.TransformIndexToPhysicalPoint(corner[::-1]), atol=1e-3
    )


def test_ct_values_are_hounsfield_units_in_16_bits(tmp_path):
    stored = ramp(GRID.shape, np.uint16)
    write_series(
        tmp_path, stored, GRID, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=[40, -600],
        WindowWidth=[400, 1500], WindowCenterWidthExplanation=["SOFT", "LUNG"],
    )  # fmt: skip
    volume = read_image(tmp_path)
    assert volume.voxels.dtype == np.int16
    assert np.array_equal(volume.voxels, stored.astype(int) - 1024)
    assert [(w.centre, w.width, w.name) for w in volume.windows] == [(40, 400, "SOFT"), (-600, 1500, "LUNG")]


def test_values_beyond_16_bits_in_a_late_slice_widen_the_volume(tmp_path):
    stored = ramp(GRID.shape, np.uint16)
    stored[4, 0, 0] = 65000
    write_series(tmp_path, stored, GRID, RescaleSlope=1, RescaleIntercept=-1024)
    volume = read_image(tmp_path)
    assert volume.voxels.dtype == np.int32
    assert np.array_equal(volume.voxels, stored.astype(int) - 1024)


def test_each_slice_of_a_pet_series_keeps_its_own_slope(tmp_path):
    paths = write_series(tmp_path, ramp(GRID.shape), GRID, Modality="PT")
    for i, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{1 + i / 4:.4f}", "0"
        dataset.save_as(path)
    volume = read_image(tmp_path)
    expected = ramp(GRID.shape) * (1 + np.arange(5) / 4)[:, None, None]
    assert volume.voxels.dtype == np.float32 and np.allclose(volume.voxels, expected)


def test_a_tilted_gantry_gives_a_sheared_grid_and_says_so(tmp_path):
    sheared = Geometry(GRID.shape, GRID.spacing_mm, GRID.origin_mm, (1, 0, 0, 0, 1, 0.3, 0, 0, 0.954))
    write_series(tmp_path, ramp(GRID.shape), sheared)
    volume = read_image(tmp_path)
    corners = [(0, 0, 0), (4, 5, 6), (2, 1, 3)]
    assert np.allclose(volume.geometry.to_world(corners), sheared.to_world(corners), atol=1e-4)
    assert "gantry tilt" in volume.warnings[0] and "17.5 degrees" in volume.warnings[0]


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_sheared_grid_survives_being_written(tmp_path, ending):
    sheared = Geometry(GRID.shape, GRID.spacing_mm, GRID.origin_mm, (1, 0, 0, 0, 1, 0.3, 0, 0, 0.954))
    write_series(tmp_path / "dicom", ramp(GRID.shape), sheared)
    write_volume(tmp_path / ("v" + ending), read_image(tmp_path / "dicom"))
    found = read_image(tmp_path / ("v" + ending)).geometry
    assert np.allclose(found.to_world((4, 5, 6)), sheared.to_world((4, 5, 6)), atol=1e-3)


def test_a_missing_slice_is_refused_and_the_files_beside_it_named(tmp_path):
    paths = write_series(tmp_path, ramp((6, 4, 4)), Geometry((6, 4, 4), (2.0, 1.0, 1.0)))
    paths[3].unlink()
    with pytest.raises(ReadError, match="not evenly spaced") as info:
        read_image(tmp_path)
    assert paths[2].name in str(info.value) and paths[4].name in str(info.value)


def test_a_slightly_uneven_series_opens_with_its_mean_spacing_and_says_so(tmp_path):
    paths = write_series(tmp_path, ramp(GRID.shape), GRID)
    dataset = pydicom.dcmread(paths[2])
    dataset.ImagePositionPatient = [-40, 30, 17.7]
    dataset.save_as(paths[2])
    volume = read_image(tmp_path)
    assert volume.geometry.spacing_mm[0] == pytest.approx(2.5)
    assert "distance of slices varies" in volume.warnings[0]


def test_a_file_that_is_there_twice_is_one_slice(tmp_path):
    paths = write_series(tmp_path, ramp(GRID.shape), GRID)
    shutil.copy(paths[1], tmp_path / "copy")
    volume = read_image(tmp_path)
    assert np.array_equal(volume.voxels, ramp(GRID.shape)) and "there twice" in volume.warnings[0]


def test_of_several_volumes_at_one_place_the_asked_one_opens(tmp_path):
    for time in range(3):
        write_series(
            tmp_path / str(time), ramp(GRID.shape) + 1000 * time, GRID, TemporalPositionIdentifier=time + 1
        )
    assert np.array_equal(read_image(tmp_path).voxels, ramp(GRID.shape))
    third = read_image(tmp_path, moment=2)
    assert np.array_equal(third.voxels, ramp(GRID.shape) + 2000) and "3 volumes" in third.warnings[0]
    with pytest.raises(ReadError, match="number 4 is not one"):
        read_image(tmp_path, moment=3)


def test_orientations_and_sizes_of_one_series_are_parts_to_choose_from(tmp_path):
    coronal = Geometry((3, 6, 7), (4.0, 1.0, 1.0), direction=(1, 0, 0, 0, 0, 1, 0, -1, 0))
    write_series(tmp_path / "a", ramp(GRID.shape), GRID)
    write_series(tmp_path / "b", ramp(coronal.shape), coronal)
    write_series(tmp_path / "c", ramp((2, 9, 9)), Geometry((2, 9, 9)))
    found = list_series(tmp_path)
    assert sorted((s.slices, s.rows, s.columns, s.parts) for s in found) == [
        (2, 9, 9, 3),
        (3, 6, 7, 3),
        (5, 6, 7, 3),
    ]
    with pytest.raises(ReadError, match="holds 3 series, choose one by its number"):
        read_image(tmp_path)
    for number, part in enumerate(found, 1):
        volume = read_image(tmp_path, series=number)
        assert volume.voxels.shape == (part.slices, part.rows, part.columns)
        assert preview(part).shape == (part.rows, part.columns)
        assert np.array_equal(read_image(tmp_path, series=part).voxels, volume.voxels)


def test_several_series_nested_without_endings_beside_other_files_are_listed(tmp_path):
    write_series(tmp_path / "deep" / "er", ramp(GRID.shape), GRID, SeriesDescription="THIN", SeriesNumber=2)
    write_series(
        tmp_path / "b", ramp(GRID.shape), GRID, SeriesInstanceUID="1.2.5", Modality="MR", SeriesNumber=1
    )
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    first, second = list_series(tmp_path)
    assert (first.modality, first.slices) == ("MR", 5)
    assert second.label == "CT · THIN · 5 slices · 7 x 6" and "Nobody" not in second.label


def test_a_dicomdir_opens_the_series_it_names(tmp_path):
    from pydicom.fileset import FileSet

    write_series(tmp_path / "loose", ramp(GRID.shape), GRID, PatientID="1", StudyID="1", SeriesNumber=1)
    files = FileSet()
    for path in (tmp_path / "loose").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StudyDate, dataset.StudyTime = "20200101", "120000"
        files.add(dataset)
    files.write(tmp_path / "disc")
    volume = read_image(tmp_path / "disc" / "DICOMDIR")
    assert np.array_equal(volume.voxels, ramp(GRID.shape))
    assert np.array_equal(read_image(tmp_path / "disc").voxels, volume.voxels)


def test_a_dicomdir_cannot_name_files_outside_its_folder(tmp_path):
    (secret,) = write_series(tmp_path / "elsewhere", ramp((1, 4, 4)), Geometry((1, 4, 4)))
    record = Dataset()
    record.DirectoryRecordType = "IMAGE"
    record.ReferencedFileID = ["..", "elsewhere", secret.name]
    directory = slice_dataset(
        ramp((4, 4)), PixelData=None, Rows=None, Columns=None, SOPClassUID="1.2.840.10008.1.3.10"
    )
    directory.DirectoryRecordSequence = Sequence([record])
    save(directory, tmp_path / "disc" / "DICOMDIR")
    with pytest.raises(ReadError, match="none of them lies beside it"):
        read_image(tmp_path / "disc" / "DICOMDIR")


def test_reading_tells_its_progress_and_stops_between_slices(tmp_path):
    write_series(tmp_path, ramp(GRID.shape), GRID)
    heard: list[tuple[int, int]] = []
    read_image(tmp_path, listen=lambda done, total: heard.append((done, total)))
    assert heard == [(i, 5) for i in range(6)]
    with pytest.raises(Cancelled):
        read_image(tmp_path, cancelled=lambda: len(heard) > 7, listen=lambda d, t: heard.append((d, t)))
    assert len(heard) == 8


def test_slices_appear_one_after_the_other_in_an_array_that_is_there_at_once(tmp_path):
    write_series(tmp_path, ramp(GRID.shape) + 1, GRID)
    (series,) = list_series(tmp_path)
    filling = begin(series)
    assert (
        filling.voxels.shape == GRID.shape and filling.voxels.dtype == np.int16 and not filling.voxels.any()
    )
    assert filling.geometry.spacing_mm == pytest.approx(GRID.spacing_mm)
    seen = []
    volume = filling.fill(
        Reading(lambda done, total: seen.append(int((filling.voxels > 0).any(axis=(1, 2)).sum())))
    )
    assert seen == [0, 1, 2, 3, 4, 5]
    assert volume.voxels is filling.voxels and np.array_equal(volume.voxels, ramp(GRID.shape) + 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_in_a_folder_stops_nothing(tmp_path):
    write_series(tmp_path, ramp(GRID.shape), GRID)
    os.mkfifo(tmp_path / "pipe")
    assert len(list_series(tmp_path)) == 1


def test_frames_without_positions_are_slices_in_their_order(tmp_path):
    frames = ramp((4, 5, 6), np.uint8)
    dataset = slice_dataset(frames[0], Modality="US", NumberOfFrames=4, PixelData=frames.tobytes())
    volume = read_image(save(dataset, tmp_path / "cine"))
    assert np.array_equal(volume.voxels, frames) and volume.source.frames == (1, 2, 3, 4)
    assert "no positions" in " ".join(volume.warnings)


def enhanced(frames: np.ndarray, order: list[int]) -> Dataset:
    """An enhanced MR whose frames lie at z = order * 3 mm."""
    dataset = slice_dataset(frames[0], Modality="MR", NumberOfFrames=len(frames), PixelData=frames.tobytes())
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.25], 9
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([plane])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for at in order:
        group, position, values = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [10, 20, 3 * at]
        values.RescaleSlope, values.RescaleIntercept = 2, at
        group.PlanePositionSequence = Sequence([position])
        group.PixelValueTransformationSequence = Sequence([values])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return dataset


def test_an_enhanced_multi_frame_file_is_sorted_by_its_functional_groups(tmp_path):
    frames = ramp((4, 5, 6), np.uint16)
    volume = read_image(save(enhanced(frames, [2, 0, 3, 1]), tmp_path / "enhanced"))
    assert volume.geometry.spacing_mm == (3.0, 0.5, 0.25) and volume.geometry.origin_mm == (10, 20, 0)
    assert volume.source.frames == (2, 4, 1, 3)
    assert np.array_equal(volume.voxels[2], frames[0].astype(int) * 2 + 2)


def test_of_an_enhanced_file_with_several_orientations_the_most_frames_open_and_the_rest_is_told(tmp_path):
    frames = ramp((4, 5, 6), np.uint16)
    dataset = enhanced(frames, [0, 1, 2, 9])
    plane = Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 0, 1]
    dataset.PerFrameFunctionalGroupsSequence[3].PlaneOrientationSequence = Sequence([plane])
    volume = read_image(save(dataset, tmp_path / "scout"))
    assert volume.voxels.shape == (3, 5, 6) and volume.source.frames == (1, 2, 3)
    assert "holds 1 more images of another orientation" in volume.warnings[0]


def test_a_dose_grid_lies_by_its_offsets_in_gray(tmp_path):
    frames = ramp((3, 4, 5), np.uint32)
    dataset = slice_dataset(
        frames[0], Modality="RTDOSE", NumberOfFrames=3, PixelData=frames.tobytes(), DoseGridScaling="0.5",
        GridFrameOffsetVector=[0, 2.5, 5], ImagePositionPatient=[1, 2, 3], PixelSpacing=[2, 2],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
    )  # fmt: skip
    volume = read_image(save(dataset, tmp_path / "dose"))
    assert volume.geometry.spacing_mm[0] == 2.5 and np.allclose(volume.voxels, frames * 0.5)


def test_a_series_is_held_once_while_it_is_read(tmp_path):
    shape = (64, 128, 128)
    write_series(
        tmp_path, ramp(shape, np.uint16) % 4096, Geometry(shape), RescaleSlope=1, RescaleIntercept=-1024
    )
    read_image(tmp_path)  # imports
    tracemalloc.start()
    volume = read_image(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert volume.voxels.dtype == np.int16 and peak < 1.5 * volume.voxels.nbytes + 2_000_000


def test_a_folder_without_images_and_a_report_are_refused(tmp_path):
    with pytest.raises(ReadError, match="without DICOM images"):
        read_image(tmp_path)
    with pytest.raises(ReadError, match="holds no image"):
        read_image(DATA / "dicom" / "highdicom__sr_document.dcm")


def test_no_warning_and_no_refusal_names_the_patient_or_a_folder(tmp_path):
    secret = tmp_path / "Meier_Hans"
    paths = write_series(secret, ramp((6, 4, 4)), Geometry((6, 4, 4)), PatientName="Meier^Hans")
    paths[3].unlink()
    with pytest.raises(ReadError) as info:
        read_image(secret)
    assert "Meier" not in str(info.value) and str(Path("/")) not in str(info.value).replace(" / ", "")
