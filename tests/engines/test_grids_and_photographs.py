"""NIfTI, NRRD, MetaImage, PNG, JPEG, BMP and TIFF: true places, true values, sentences for what is wrong."""

import gzip

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from featherseg_engines.errors import Cancelled, ReadError, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.volume_writer import write_volume

VOXELS = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
affines = st.tuples(*[st.floats(-3.1, 3.1)] * 3, *[st.floats(0.2, 9)] * 3, *[st.floats(-200, 200)] * 3)


def affine(a, b, c, sx, sy, sz, ox, oy, oz) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = nibabel.eulerangles.euler2mat(a, b, c) @ np.diag([sx, sy, sz])
    matrix[:3, 3] = ox, oy, oz
    return matrix


@settings(max_examples=40, deadline=None)
@given(
    values=affines, flips=st.tuples(*[st.sampled_from([1, -1])] * 3), kind=st.sampled_from(["q", "s", "both"]),
    version=st.sampled_from([1, 2]), data=st.data(),
)  # fmt: skip
def test_nifti_lies_where_nibabel_and_simpleitk_put_it(tmp_path_factory, values, flips, kind, version, data):
    matrix = affine(*values) @ np.diag([*flips, 1])
    image = (nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image)(VOXELS.T, matrix)
    image.header.set_sform(matrix, 1 if kind != "q" else 0)
    image.header.set_qform(matrix, 1 if kind != "s" else 0)
    path = tmp_path_factory.mktemp("n") / "a.nii.gz"
    image.to_filename(path)
    volume = read_image(path)
    assert np.array_equal(volume.voxels, VOXELS) and not volume.warnings
    z, y, x = (data.draw(st.integers(0, n - 1)) for n in VOXELS.shape)
    world = volume.geometry.to_world((z, y, x))
    ras = nibabel.affines.apply_affine(nibabel.load(path).affine, (x, y, z))
    assert np.allclose(world, ras * [-1, -1, 1], atol=1e-2)
    if version == 2:
        return  # SimpleITK reads NIfTI-1 only
    other = sitk.ReadImage(str(path))
    assert np.allclose(world, other.TransformIndexToPhysicalPoint((x, y, z)), atol=1e-2)


def test_sform_and_qform_that_disagree_are_told(tmp_path):
    image = nibabel.Nifti1Image(VOXELS.T, np.diag([2, 2, 2, 1.0]))
    image.header.set_sform(np.diag([2, 2, 2, 1.0]), 1)
    image.header.set_qform(np.diag([3, 2, 2, 1.0]), 1)
    image.to_filename(tmp_path / "a.nii")
    volume = read_image(tmp_path / "a.nii")
    assert volume.geometry.spacing_mm == (2, 2, 2) and "disagree" in volume.warnings[0]


def test_a_nifti_without_any_place_lies_where_simpleitk_puts_it_and_says_so(tmp_path):
    image = nibabel.Nifti1Image(VOXELS.T, None)
    image.header["pixdim"][1:4] = (0.5, 0.6, 0.7)
    image.header.set_sform(None, 0)
    image.header.set_qform(None, 0)
    image.to_filename(tmp_path / "a.nii")
    volume = read_image(tmp_path / "a.nii")
    other = sitk.ReadImage(str(tmp_path / "a.nii"))
    at = other.TransformIndexToPhysicalPoint((4, 3, 2))
    assert np.allclose(volume.geometry.to_world((2, 3, 4)), at, atol=1e-4)
    assert "not say how the image is oriented" in volume.warnings[0]


def test_scaled_values_become_floats_and_units_become_millimetres(tmp_path):
    image = nibabel.Nifti1Image(VOXELS.T, np.diag([100, 100, 200, 1.0]))
    image.header.set_slope_inter(0.5, 3)
    image.header.set_xyzt_units("micron")
    image.to_filename(tmp_path / "a.nii.gz")
    volume = read_image(tmp_path / "a.nii.gz")
    assert volume.voxels.dtype == np.float32
    assert np.allclose(volume.voxels, nibabel.load(tmp_path / "a.nii.gz").get_fdata().T)
    assert volume.geometry.spacing_mm == pytest.approx((0.2, 0.1, 0.1))


def test_of_a_4d_nifti_the_asked_volume_opens_with_a_warning(tmp_path):
    four = np.stack([VOXELS.T, VOXELS.T + 100], axis=-1)
    nibabel.Nifti1Image(four, np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    first, second = (read_image(tmp_path / "a.nii.gz", moment=i) for i in range(2))
    assert np.array_equal(first.voxels, VOXELS) and np.array_equal(second.voxels, VOXELS + 100)
    assert "holds 2 volumes" in first.warnings[0]
    with pytest.raises(ReadError, match="number 3 is not one"):
        read_image(tmp_path / "a.nii.gz", moment=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_colours_in_nifti_come_back(tmp_path, dtype):
    colours = np.arange(3 * 4 * 5 * 3).reshape(3, 4, 5, 3).astype(dtype)
    volume = Volume(colours, Geometry((3, 4, 5), (3, 2, 1)))
    write_volume(tmp_path / "c.nii.gz", volume)
    found = read_image(tmp_path / "c.nii.gz")
    assert np.array_equal(found.voxels, colours) and found.geometry.spacing_mm == (3, 2, 1)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "c.nii.gz"))), colours)


def test_reading_a_nifti_can_be_stopped(tmp_path):
    nibabel.Nifti1Image(VOXELS.T, np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    heard: list[tuple[int, int]] = []
    with pytest.raises(Cancelled):
        read_image(
            tmp_path / "a.nii.gz", listen=lambda *at: heard.append(at), cancelled=lambda: len(heard) == 2
        )
    assert heard == [(0, 3), (1, 3)]


def test_a_packed_nifti_that_claims_too_much_or_is_cut_is_refused(tmp_path):
    nibabel.Nifti1Image(VOXELS.T, np.eye(4)).to_filename(tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[42:48] = np.array([20000, 20000, 2000], "<i2").tobytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ReadError, match=r"claims|cut off"):
        read_image(tmp_path / "b.nii.gz")
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes())[:-40])
    with pytest.raises(ReadError, match=r"c\.nii\.gz"):
        read_image(tmp_path / "c.nii.gz")


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("packed", [True, False])
def test_nrrd_and_metaimage_open_as_simpleitk_writes_them(tmp_path, ending, packed):
    image = sitk.GetImageFromArray(VOXELS)
    image.SetSpacing((0.5, 0.6, 2.0))
    image.SetOrigin((1, -2, 3))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    path = tmp_path / ("a" + ending)
    sitk.WriteImage(image, str(path), useCompression=packed)
    volume = read_image(path)
    assert np.array_equal(volume.voxels, VOXELS)
    assert np.allclose(volume.geometry.to_world((2, 3, 4)), image.TransformIndexToPhysicalPoint((4, 3, 2)))


def test_a_nrrd_header_may_not_reach_for_files_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(b"\0" * 1000)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.nhdr").write_text(
        "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 4 4\nencoding: raw\ndata file: ../secret\n"
    )
    with pytest.raises(ReadError, match="should lie beside it"):
        read_image(folder / "a.nhdr")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.nrrd", "NRRD0004\ntype: short\ndimension: 3\nsizes: 99999 99999 9999\nencoding: gzip\n\nxx"),
        ("b.nrrd", "NRRD0004\ntype: short\ndimension: 3\nsizes: 0 4 4\nencoding: raw\n\nxx"),
        ("c.nrrd", "NRRD0004\ntype: block\ndimension: 3\nsizes: 4 4 4\nencoding: raw\n\nxx"),
        (
            "d.mha",
            "NDims = 3\nDimSize = 4000 4000 4000\nElementType = MET_SHORT\nElementDataFile = LOCAL\nxx",
        ),
        ("e.mha", "NDims = 3\nDimSize = 4 -4 4\nElementType = MET_SHORT\nElementDataFile = LOCAL\nxx"),
        ("f.mhd", "NDims = 3\nDimSize = 4 4 4\nElementType = MET_SHORT\nElementDataFile = gone.raw\n"),
    ],
)
def test_grids_whose_headers_cannot_be_true_are_refused(tmp_path, name, header):
    (tmp_path / name).write_text(header)
    with pytest.raises(ReadError) as info:
        read_image(tmp_path / name)
    assert name in str(info.value) and "\n" not in str(info.value)


def test_the_pages_of_a_tiff_are_slices_with_imagej_sizes(tmp_path):
    pages = [Image.fromarray(plane.astype(np.uint16)) for plane in VOXELS]
    tags = ImageFileDirectory_v2()
    tags[270] = "ImageJ=1.53\nimages=3\nslices=3\nunit=micron\nspacing=2.5\n"
    tags[282] = tags[283] = IFDRational(2, 1)
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], tiffinfo=tags)
    volume = read_image(tmp_path / "a.tif")
    assert np.array_equal(volume.voxels, VOXELS) and volume.voxels.dtype == np.uint16
    assert (
        volume.geometry.spacing_mm == pytest.approx((0.0025, 0.0005, 0.0005)) and volume.geometry.calibrated
    )


def test_printing_resolutions_are_no_physical_size(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "a.tif", dpi=(300, 300))
    assert read_image(tmp_path / "a.tif").is_photograph
    Image.new("L", (8, 6)).save(tmp_path / "b.tif", resolution_unit=3, x_resolution=20000, y_resolution=10000)
    assert read_image(tmp_path / "b.tif").geometry.spacing_mm == pytest.approx((1.0, 0.001, 0.0005))


def test_ome_sizes_are_read(tmp_path):
    tags = ImageFileDirectory_v2()
    tags[270] = '<OME><Pixels PhysicalSizeX="0.5" PhysicalSizeY="0.25" PhysicalSizeZ="2"/></OME>'
    Image.new("L", (8, 6)).save(tmp_path / "a.tif", tiffinfo=tags)
    assert read_image(tmp_path / "a.tif").geometry.spacing_mm == pytest.approx((0.002, 0.00025, 0.0005))


def test_16_bit_colours_of_a_tiff_are_kept(tmp_path):
    import tifffile

    colours = np.arange(6 * 7 * 3, dtype=np.uint16).reshape(6, 7, 3) * 500
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    assert np.array_equal(read_image(tmp_path / "a.tif").voxels[0], colours)


def test_pages_of_another_size_are_told(tmp_path):
    Image.new("L", (8, 6)).save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("L", (4, 3))])
    volume = read_image(tmp_path / "a.tif")
    assert volume.voxels.shape == (1, 6, 8) and "1 more pages" in volume.warnings[0]


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [("a.png", (2, 4, 5), np.uint8), ("a.png", (1, 4, 5), np.float32), ("a.gif", (1, 4, 5), np.uint8)],
)
def test_a_picture_that_cannot_hold_the_image_is_refused(tmp_path, name, shape, dtype):
    with pytest.raises(WriteError, match=r"instead|saved as"):
        write_volume(tmp_path / name, Volume(np.zeros(shape, dtype), Geometry(shape)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "dtype"), [("a.tif", np.uint16), ("a.tiff", np.uint8)])
def test_a_stack_is_written_as_tiff(tmp_path, name, dtype):
    voxels = VOXELS.astype(dtype)
    write_volume(tmp_path / name, Volume(voxels, Geometry(voxels.shape)))
    assert np.array_equal(read_image(tmp_path / name).voxels, voxels)
