"""A written mask lies where the image lies, whoever reads it: random grids, oblique, left-handed, turned axes."""

from itertools import permutations

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.dicom_series import rotation

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask


@st.composite
def grids(draw) -> Geometry:
    """Any grid with right angles: oblique, axes in any order, any of them turned round."""
    matrix = rotation(draw(st.tuples(*[st.floats(-3.1, 3.1)] * 3)))
    matrix = matrix[:, draw(st.sampled_from(list(permutations(range(3)))))]
    matrix = matrix * draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    return Geometry(
        draw(st.tuples(*[st.integers(1, 6)] * 3)),
        draw(st.tuples(*[st.floats(0.05, 12.0)] * 3)),
        draw(st.tuples(*[st.floats(-900, 900)] * 3)),
        tuple(matrix.ravel()),
    )


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
@settings(max_examples=25, deadline=None)
@given(geometry=grids(), value=st.sampled_from([1, 255, 256, 65535]), data=st.data())
def test_a_marked_voxel_is_at_the_same_place_for_every_reader(
    tmp_path_factory, suffix, geometry, value, data
):
    path = tmp_path_factory.mktemp("grid") / f"mask{suffix}"
    index = tuple(data.draw(st.integers(0, n - 1)) for n in geometry.shape)
    labels = np.zeros(geometry.shape, np.uint16)
    labels[index] = value
    write_mask(path, labels, geometry)
    expected = geometry.to_world(index)
    image = sitk.ReadImage(str(path))
    ((z, y, x),) = np.argwhere(sitk.GetArrayFromImage(image) == value)
    assert np.allclose(image.TransformIndexToPhysicalPoint([int(x), int(y), int(z)]), expected, atol=1e-2)
    assert np.allclose(image.GetSpacing()[::-1], geometry.spacing_mm, rtol=1e-5)
    if "nii" in suffix:
        other = nibabel.load(path)
        ((i, j, k),) = np.argwhere(np.asarray(other.dataobj) == value)
        for affine in (other.get_sform(), other.get_qform()):
            ras = nibabel.affines.apply_affine(affine, (i, j, k))
            assert np.allclose(ras * [-1, -1, 1], expected, atol=2e-2)


TILTED = Geometry((3, 4, 5), (2.0, 0.5, 0.7), (1.0, 2.0, 3.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.2, 0.0, 0.0, 0.98))


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_tilted_gantry_is_kept(tmp_path, suffix):
    labels = np.zeros(TILTED.shape, np.uint8)
    labels[2, 3, 4] = 1
    write_mask(tmp_path / f"m{suffix}", labels, TILTED)
    image = sitk.ReadImage(str(tmp_path / f"m{suffix}"))
    assert np.allclose(image.TransformIndexToPhysicalPoint((4, 3, 2)), TILTED.to_world((2, 3, 4)))


def test_a_tilted_gantry_is_kept_in_nifti(tmp_path):
    labels = np.zeros(TILTED.shape, np.uint8)
    labels[2, 3, 4] = 1
    write_mask(tmp_path / "m.nii.gz", labels, TILTED)
    image = nibabel.load(tmp_path / "m.nii.gz")
    assert np.asarray(image.dataobj)[4, 3, 2] == 1
    ras = nibabel.affines.apply_affine(image.affine, (4, 3, 2))
    assert np.allclose(ras * [-1, -1, 1], TILTED.to_world((2, 3, 4)), atol=1e-4)


@pytest.mark.parametrize("highest", [3, 300])
def test_a_stack_goes_into_one_tiff_with_its_spacing(tmp_path, highest):
    labels = (np.arange(4 * 6 * 7).reshape(4, 6, 7) % (highest + 1)).astype(np.uint16)
    labels[3, 5, 6] = highest
    write_mask(tmp_path / "m.tif", labels, Geometry((4, 6, 7), (2.5, 0.5, 0.25)))
    with Image.open(tmp_path / "m.tif") as image:
        assert image.n_frames == 4 and image.mode == ("L" if highest < 256 else "I;16")
        for z in range(4):
            image.seek(z)
            assert np.array_equal(np.asarray(image), labels[z])
        image.seek(0)
        assert float(image.tag_v2[282]) == 4.0 and float(image.tag_v2[283]) == 2.0
        assert "spacing=2.5" in image.tag_v2[270]
