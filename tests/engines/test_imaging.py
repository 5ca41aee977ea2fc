"""Images in, masks out: geometry kept, bad files refused in one sentence, old files never lost."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.dicom_series import direction_of
from support.paths import SAMPLE, SHARED

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image, read_mask
from featherseg_engines.imaging.writers import write_mask

geometries = st.builds(
    Geometry,
    shape=st.tuples(*[st.integers(2, 7)] * 3),
    spacing_mm=st.tuples(*[st.floats(0.1, 9.0)] * 3),
    origin_mm=st.tuples(*[st.floats(-200, 200)] * 3),
    direction=st.tuples(*[st.floats(-3.1, 3.1)] * 3).map(direction_of),
)


@settings(max_examples=40, deadline=None)
@given(geometry=geometries, data=st.data())
def test_a_written_mask_lies_where_the_image_lies(tmp_path_factory, geometry, data):
    path = tmp_path_factory.mktemp("grid") / "mask.nii.gz"
    index = tuple(data.draw(st.integers(0, n - 1)) for n in geometry.shape)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[index] = 3
    write_mask(path, labels, geometry)
    expected = geometry.to_world(index)
    image = sitk.ReadImage(str(path))
    found = np.argwhere(sitk.GetArrayFromImage(image) == 3)[0]
    at = image.TransformIndexToPhysicalPoint(tuple(int(i) for i in found[::-1]))
    assert np.allclose(at, expected, atol=1e-2)
    other = nibabel.load(path)
    ijk = np.argwhere(np.asarray(other.dataobj) == 3)[0]
    ras = nibabel.affines.apply_affine(other.affine, ijk)
    assert np.allclose(ras * [-1, -1, 1], expected, atol=1e-2)
    assert np.allclose(geometry.to_index(expected), index, atol=1e-6)


def test_a_photograph_is_one_slice_without_physical_size():
    volume = read_image(SAMPLE)
    assert volume.voxels.shape == (1, 192, 256, 3)
    assert volume.is_photograph and volume.channels == 3


@pytest.mark.parametrize(
    ("mode", "dtype", "channels"),
    [("L", np.uint8, 1), ("I;16", np.uint16, 1), ("RGBA", np.uint8, 3), ("P", np.uint8, 3)],
)
def test_kinds_of_png(tmp_path, mode, dtype, channels):
    path = tmp_path / "a.png"
    if mode == "I;16":
        Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(path)
    else:
        Image.open(SAMPLE).convert(mode).save(path)
    volume = read_image(path)
    assert volume.voxels.dtype == dtype and volume.channels == channels


def test_exif_orientation_is_obeyed(tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(SAMPLE).save(path, exif=exif)
    assert read_image(path).voxels.shape[:3] == (1, 256, 192)


@pytest.mark.parametrize("name", ["text.png", "text.jpg", "text.nii.gz", "text.nrrd", "text.tif", "text.dcm"])
def test_a_text_file_is_refused_with_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_text("Dear colleague, please find the image attached.")
    with pytest.raises(ReadError) as info:
        read_image(path)
    assert name in str(info.value) and "\n" not in str(info.value)


@pytest.mark.parametrize("make", ["missing", "empty", "folder", "unknown"])
def test_what_is_no_image_is_refused_with_one_sentence(tmp_path, make):
    path = tmp_path / ("a.docx" if make == "unknown" else "a.png")
    if make == "empty":
        path.touch()
    elif make == "folder":
        path.mkdir()
    elif make == "unknown":
        path.write_text("x")
    with pytest.raises(ReadError) as info:
        read_image(path)
    assert str(info.value).count(".") >= 1 and "\n" not in str(info.value)


def test_a_mask_of_another_size_is_refused(tmp_path):
    path = tmp_path / "m.png"
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(path)
    with pytest.raises(ReadError, match="5 x 4 pixels and the image 6 x 4"):
        read_mask(path, (1, 4, 6))


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.nii.gz", "m.nrrd", "m.mha"])
def test_a_mask_comes_back_as_it_was(tmp_path, name):
    path = tmp_path / ("Prüfung mit Leerzeichen " + name)
    labels = (np.arange(12 * 9).reshape(1, 12, 9) % 300).astype(np.uint16)
    write_mask(path, labels, Geometry((1, 12, 9), calibrated=False))
    assert np.array_equal(read_mask(path), labels)
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing is left beside it"


def test_a_read_only_folder_is_refused_and_keeps_the_old_file(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    target = folder / "m.png"
    target.write_bytes(b"old")
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere but into the kernel's own folders
        folder.chmod(0o700)
        target = Path("/proc/m.png")
    try:
        with pytest.raises(WriteError, match="read-only"):
            write_mask(target, np.zeros((1, 4, 4), np.uint8), Geometry((1, 4, 4)))
    finally:
        folder.chmod(0o700)
    assert (folder / "m.png").read_bytes() == b"old"


def test_a_missing_folder_and_a_full_disk_keep_the_old_file(tmp_path, monkeypatch):
    labels, geometry = np.zeros((1, 4, 4), np.uint8), Geometry((1, 4, 4))
    with pytest.raises(WriteError, match="missing or read-only"):
        write_mask(tmp_path / "nowhere" / "m.png", labels, geometry)
    target = tmp_path / "m.png"
    target.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(WriteError, match="disk full"):
        write_mask(target, labels, geometry)
    assert target.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_several_slices_do_not_go_into_a_png(tmp_path):
    with pytest.raises(WriteError, match=r"\.nii\.gz instead"):
        write_mask(tmp_path / "m.png", np.zeros((2, 4, 4), np.uint8), Geometry((2, 4, 4)))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data folder is not beside this checkout")
def test_a_real_volume_and_its_mask_are_on_one_grid():
    case = SHARED / "msd_hippocampus" / "dev"
    image = read_image(next(iter(sorted((case / "images").iterdir()))))
    mask = read_mask(next(iter(sorted((case / "masks").iterdir()))), image.geometry.shape)
    assert set(np.unique(mask)) <= {0, 1, 2}
