"""Readers, writers and sample data in plain napari, asked for through the manifest."""

import gc

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager, read, write
from support.paths import SAMPLE

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box

FLIPPED = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
OBLIQUE = (1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8)
GRID = Geometry((4, 6, 5), (3.0, 0.5, 0.75), (10.0, -20.0, 30.0), FLIPPED)


@pytest.fixture(autouse=True)
def manager():
    gc.collect()  # napari's fixture wants no windows of other tests alive
    PluginManager.instance().discover()
    return PluginManager.instance()


@pytest.fixture
def labels():
    array = np.zeros(GRID.shape, np.uint8)
    array[1, 2, 3], array[3, 0, 4] = 1, 2
    return array


def read_layers(path):
    return read([str(path)], plugin_name="featherseg", stack=False)


def opened(path):
    viewer = ViewerModel()
    for data, options, kind in read_layers(path):
        viewer._add_layer_from_data(data, options, kind)
    return viewer


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_volume_opens_in_napari_at_its_place_in_mm(tmp_path, labels, ending):
    path = tmp_path / ("volume" + ending)
    write_mask(path, labels, GRID)
    layer = opened(path).layers[0]
    assert np.allclose(np.abs(layer.scale), GRID.spacing_mm) and str(layer.units[0]) in ("mm", "millimeter")
    known = layer.metadata["featherseg"].geometry
    for voxel in ((0, 0, 0), (3, 5, 4), (1, 2, 3)):
        assert np.allclose(layer.data_to_world(voxel), known.to_world(voxel)[::-1], atol=1e-3)


def test_an_oblique_volume_keeps_its_grid_and_its_direction_comes_back_when_labels_are_written(tmp_path):
    grid = Geometry((4, 6, 5), (3.0, 0.5, 0.75), (10.0, -20.0, 30.0), OBLIQUE)
    write_mask(tmp_path / "image.nrrd", np.ones(grid.shape, np.uint8), grid)
    image = opened(tmp_path / "image.nrrd").layers[0]
    assert np.allclose(image.scale, grid.spacing_mm)
    made = np.zeros(grid.shape, np.uint8)
    made[2, 3, 4] = 1
    meta = {"name": "labels", "scale": image.scale, "metadata": image.metadata}
    target = tmp_path / "mask.nii.gz"
    assert write(str(target), [(made, meta, "labels")], plugin_name="featherseg") == [str(target)]
    back = read_image(target)
    assert back.voxels.sum() == 1
    at = np.argwhere(back.voxels)[0]
    assert np.allclose(back.geometry.to_world(at), grid.to_world((2, 3, 4)), atol=1e-3)


def test_labels_of_somebody_elses_layer_are_written_where_the_layer_lies(tmp_path, labels):
    meta = {"scale": (3.0, -0.5, 0.75), "translate": (30.0, -20.0, 10.0), "metadata": {}}
    target = tmp_path / "mask.nrrd"
    write(str(target), [(labels, meta, "labels")], plugin_name="featherseg")
    back = read_image(target)
    assert np.array_equal(back.voxels, labels)
    assert np.allclose(back.geometry.to_world((1, 2, 3)), GRID.to_world((1, 2, 3)), atol=1e-3)


def test_the_dock_works_on_the_volume_that_our_reader_opened_and_saves_on_its_grid(
    make_napari_viewer_proxy, tmp_path, labels
):
    write_mask(tmp_path / "image.nrrd", labels, GRID)
    viewer = make_napari_viewer_proxy()
    viewer.open(str(tmp_path / "image.nrrd"), plugin="featherseg")
    _, dock = viewer.window.add_plugin_dock_widget("featherseg", "Featherseg")
    session = dock.session
    session.paint("Brush", Box((1, 2, 3), (2, 3, 4)), np.ones((1, 1, 1), np.uint8))
    assert viewer.layers[-1].data[1, 2, 3] == 1
    assert np.allclose(viewer.layers[-1].data_to_world((1, 2, 3)), viewer.layers[0].data_to_world((1, 2, 3)))
    assert session.save_mask(tmp_path / "mask.nii.gz")
    back = read_image(tmp_path / "mask.nii.gz")
    at = np.argwhere(back.voxels)[0]
    assert np.allclose(back.geometry.to_world(at), GRID.to_world((1, 2, 3)), atol=1e-3)


def test_flat_labels_go_to_png(tmp_path):
    flat = np.zeros((7, 9), np.int32)
    flat[2, 3] = 5
    target = tmp_path / "mask.png"
    write(str(target), [(flat, {}, "labels")], plugin_name="featherseg")
    assert np.array_equal(read_image(target).voxels[0], flat)


def test_the_samples_open(manager):
    samples = dict(manager.iter_sample_data())["featherseg"]
    assert [sample.key for sample in samples][:2] == ["skin_lesion", "skin_naevus"] and len(samples) == 6
    assert all(sample.open()[0][0].size for sample in samples)
    data, options, kind = samples[0].open()[0]
    assert kind == "image" and options["rgb"] and np.array_equal(data, read_image(SAMPLE).voxels[0])


def test_a_folder_without_dicom_and_a_photograph_are_left_to_others(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    from featherseg_napari.readers import get_reader

    assert get_reader(str(tmp_path)) is None and get_reader(str(SAMPLE)) is None
