"""The dock inside plain napari, opened through the manifest, with real mouse and key events."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from npe2 import PluginManager
from PIL import Image
from qtpy.QtWidgets import QWidget
from support.canvas import canvas_point
from support.hand import Hand, has_hand, settle, wait
from support.paths import SAMPLE, TINY

from featherseg.ui.style import sheet
from featherseg.viewer.dock_strokes import MARKS_NAME
from featherseg.viewer.unsure import MARK
from featherseg_engines.imaging.volume import Window
from featherseg_engines.labels import Box


@pytest.fixture(autouse=True)
def _no_windows_of_other_tests():
    """napari's fixture wants none alive and looks only at young garbage."""
    gc.collect()


@pytest.fixture
def viewer(_no_windows_of_other_tests, make_napari_viewer_proxy):
    return make_napari_viewer_proxy(show=True)


def open_dock(viewer):
    PluginManager.instance().discover()
    _, dock = viewer.window.add_plugin_dock_widget("featherseg", "Featherseg")
    return dock


def canvas_of(dock):
    natives = [w for w in dock.window().findChildren(QWidget) if type(w).__name__.startswith("CanvasBackend")]
    return natives[0]


def test_the_manifest_offers_the_dock():
    manager = PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest("featherseg")
    assert [w.display_name for w in manifest.contributions.widgets] == ["Featherseg"]


def test_propose_accept_brush_undo_redo_save_on_layers_of_the_viewer(viewer, tmp_path):
    pixels = np.asarray(Image.open(SAMPLE))
    image = viewer.add_image(pixels, rgb=True, name="anything", scale=(0.5, 0.5), translate=(3, 7))
    dock = open_dock(viewer)
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    dock.window().resize(1300, 760)
    hand = Hand(dock.window())
    settle(0.5)
    viewer.reset_view()
    session = dock.session
    assert session.case is not None
    assert session.case.volume.geometry.spacing_mm == (1.0, 0.5, 0.5)
    assert len(viewer.layers) == 1, "opening the dock adds no layer"

    hand.key("ctrl+alt+space")
    wait(lambda: session.proposal is not None)
    ghost = viewer.layers["Featherseg proposal"]
    box = session.proposal.box
    assert np.allclose(ghost.scale, image.scale)
    assert np.allclose(ghost.translate, image.data_to_world(box.start[1:]))
    expected = np.zeros(pixels.shape[:2], np.uint8)
    expected[box.slices[1:]] = session.proposal.mask(session.threshold)[0]

    hand.key("ctrl+alt+space")
    labels = viewer.layers["anything labels"]
    assert np.array_equal(labels.data, expected)
    assert np.allclose(labels.scale, image.scale) and np.allclose(labels.translate, image.translate)

    assert dock.labels_choice.currentText() == "anything labels"
    assert dock.image_choice.currentText() == "anything"
    assert [dock.labels_choice.itemText(i) for i in range(dock.labels_choice.count())] == [
        "New labels layer",
        "anything labels",
    ]

    hand.key("ctrl+alt+b")
    session.set_brush_size(9)
    native = canvas_of(dock)
    ends = [image.data_to_world((12, x)) for x in (12, 60)]
    hand.drag(native, *(canvas_point(viewer, native, *end) for end in ends))
    painted = labels.data.copy()
    assert painted[12, 36] == 1 and not np.array_equal(painted, expected)
    hand.key("ctrl+z")
    assert np.array_equal(labels.data, expected)
    hand.key("ctrl+z")
    assert not labels.data.any()
    hand.key("ctrl+shift+z", "ctrl+shift+z")
    assert np.array_equal(labels.data, painted)

    target = tmp_path / "mask.png"
    assert session.save_mask(target)
    assert np.array_equal(np.asarray(Image.open(target)), painted)
    labels.data[:] = 0
    session.open_mask(target)
    assert np.array_equal(labels.data, painted)


def test_it_works_on_a_labels_layer_that_was_there_before(viewer, tmp_path):
    pixels = np.asarray(Image.open(SAMPLE))
    viewer.add_image(pixels, rgb=True)
    mine = viewer.add_labels(np.zeros(pixels.shape[:2], np.int32), name="mine")
    mine.data[:20, :20] = 3
    dock = open_dock(viewer)
    session = dock.session
    session.propose()
    wait(lambda: session.proposal is not None)
    session.accept()
    assert (mine.data[:20, :20] == 3).all(), "what a person painted stays"
    assert (mine.data == 1).any()
    assert session.save_mask(tmp_path / "mask.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "mask.png")), mine.data)


def test_a_volume_is_proposed_slice_by_slice_where_the_slider_stands(viewer):
    pixels = np.stack([np.asarray(Image.open(SAMPLE).convert("L"))] * 5)
    viewer.add_image(pixels, scale=(3.0, 0.5, 0.5))
    dock = open_dock(viewer)
    viewer.dims.set_current_step(0, 4)
    session = dock.session
    assert session.z == 4
    session.propose()
    wait(lambda: session.proposal is not None)
    assert session.proposal.box.start[0] == 4
    session.accept()
    assert not session.case.labels.array[:4].any()


def test_closing_the_image_layer_closes_the_case(viewer):
    image = viewer.add_image(np.zeros((64, 64), np.uint8))
    dock = open_dock(viewer)
    assert dock.session.case is not None
    viewer.layers.remove(image)
    assert dock.session.case is None


def test_four_dimensions_are_refused_with_a_sentence(viewer):
    viewer.add_image(np.zeros((2, 3, 32, 32), np.uint8), name="film")
    dock = open_dock(viewer)
    assert dock.session.case is None
    assert "4 dimensions" in dock.notices.text()


@pytest.mark.parametrize("depth", [1, 5])
def test_a_tool_of_the_panel_acts_at_the_click(viewer, depth):
    pixels = np.full((depth, 60, 80), 20, np.uint8)
    pixels[:, 20:40, 30:50] = 200
    viewer.add_image(pixels[0] if depth == 1 else pixels, scale=(0.5, 0.5) if depth == 1 else (3, 0.5, 0.5))
    dock = open_dock(viewer)
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    dock.window().resize(1300, 760)
    hand = Hand(dock.window())
    settle(0.5)
    viewer.reset_view()
    session = dock.session
    hand.key("ctrl+alt+g")
    assert session.tool == "grow"
    session.choose_tool("browse")
    native = canvas_of(dock)
    where = canvas_point(viewer, native, 15, 20)
    hand.drag(native, where, where)
    assert session.viewing.position == (session.z, 30, 40), "the range is taken from here"
    hand.key("ctrl+alt+g")
    hand.drag(native, where, where)
    found = np.zeros(pixels.shape, bool)
    found[session.z, 20:40, 30:50] = True
    assert np.array_equal(session.case.labels.array == 1, found)
    dock.toolbox.set_sizes(replace(dock.toolbox.sizes, margin_mm=1.0))
    dock.panel.tools.more.orders["grow_margin"].click()
    assert session.case.labels.array[session.z, 18, 40] == 1
    assert session.case.labels.array[session.z, 17, 40] == 0
    session.undo()
    assert np.array_equal(session.case.labels.array == 1, found)


def test_a_label_picked_on_the_layer_is_the_active_one(viewer):
    viewer.add_image(np.zeros((20, 20), np.uint8))
    mine = viewer.add_labels(np.full((20, 20), 3, np.uint8))
    session = open_dock(viewer).session
    mine.selected_label = 3
    assert session.active_label == 3
    mine.selected_label = 0
    assert session.active_label == 3


def test_the_dock_follows_napari_dark_and_light(viewer):
    dock = open_dock(viewer)
    for theme in ("light", "dark"):
        viewer.theme = theme
        for widget in (dock.notices, dock.panel.widget()):
            assert widget.styleSheet() == sheet(theme)


def test_colours_and_hidden_labels_reach_the_layers_and_unknown_numbers_stay_in_sight(viewer):
    viewer.add_image(np.zeros((40, 50)), name="picture")
    drawn = np.zeros((40, 50), np.uint8)
    drawn[:5], drawn[5:9] = 1, 77
    layer = viewer.add_labels(drawn, name="mine")
    session = open_dock(viewer).session
    own = layer.colormap.map(1)
    session.labelling.ensure((2, 3))
    assert np.allclose(layer.colormap.map(1), own), "a row more changes no colour that was there"
    session.labelling.put(replace(session.table.rows[1], colour="#d55e00"))
    assert np.allclose(layer.colormap.map(1)[:3], [0xD5 / 255, 0x5E / 255, 0], atol=0.01)
    session.labelling.show(1, False)
    assert layer.colormap.map(1)[3] == 0 and layer.colormap.map(77)[3] == 1


def test_where_the_model_is_unsure_glows_on_a_layer_that_is_nobodys_image(viewer):
    image = viewer.add_image(np.asarray(Image.open(SAMPLE)), rgb=True, scale=(0.5, 0.5), translate=(3, 7))
    dock = open_dock(viewer)
    session = dock.session
    session.propose()
    wait(lambda: session.proposal is not None)
    before = len(viewer.layers)
    session.unsure.show(True)
    (glow,) = [layer for layer in viewer.layers if MARK in layer.metadata]
    assert len(viewer.layers) == before + 1 and dock.view.images() == [image] and dock.view.image == image
    assert viewer.layers.index(glow) == viewer.layers.index(image) + 1
    start = session.proposal.box.start
    assert np.allclose(glow.data_to_world((0, 0)), (3 + start[1] * 0.5, 7 + start[2] * 0.5))
    viewer.layers.remove(glow)
    assert not session.unsure.shown, "taken off napari's list, it is switched off"
    session.unsure.show(True)
    assert sum(MARK in layer.metadata for layer in viewer.layers) == 1
    session.unsure.show(False)
    assert len(viewer.layers) == before


def test_naparis_contrast_limits_are_the_window_that_the_model_sees(viewer):
    viewer.add_image(np.random.default_rng(0).integers(0, 900, (64, 64)).astype(np.int16), name="mr")
    session = open_dock(viewer).session
    assert session.proposing.request_at(0).options.window is None
    viewer.layers["mr"].contrast_limits = (100, 300)
    assert session.proposing.request_at(0).options.window == Window(200.0, 200.0)


def test_strokes_refine_the_proposal_and_their_marks_lie_on_a_layer_of_their_own(viewer):
    pixels = np.asarray(Image.open(TINY / "dev" / "images" / "isic2017_train_0965.jpg"))
    image = viewer.add_image(pixels, rgb=True, name="skin", scale=(0.5, 0.5), translate=(3, 7))
    dock = open_dock(viewer)
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    dock.window().resize(1300, 760)
    hand, session = Hand(dock.window()), dock.session
    settle(0.5)
    viewer.reset_view()
    native = canvas_of(dock)

    def drag(*places):
        ends = [image.data_to_world(place) for place in places]
        hand.drag(native, *(canvas_point(viewer, native, *end) for end in ends))
        wait(lambda: not session.busy)

    def ghost():
        whole = np.zeros(pixels.shape[:2], bool)
        whole[session.proposal.box.slices[1:]] = session.proposal.mask(0.5)[0] > 0
        return whole

    centre = viewer.scene.camera.center
    session.set_brush_size(7)
    hand.key("ctrl+alt+m")
    drag((20, 20), (20, 40))
    assert ghost()[20, 22:39].all() and viewer.scene.camera.center == centre
    hand.press("shift")
    drag((90, 110), (100, 110))
    hand.release("shift")
    assert not ghost()[91:100, 110].any()
    marks = viewer.layers[MARKS_NAME]
    assert set(np.unique(marks.data)) == {0, 1, 2} and not session.case.labels.array.any()
    assert [layer.name for layer in dock.view.labels_for(dock.view.image)] == ["skin labels"]
    hand.key("ctrl+z")
    wait(lambda: not session.busy)
    assert ghost()[95, 110] and set(np.unique(marks.data)) == {0, 1}
    hand.key("ctrl+alt+space")
    assert MARKS_NAME not in viewer.layers and session.case.labels.array[0, 20, 30] == 1


def test_the_dock_offers_to_teach_from_labelled_slices(viewer):
    values = np.random.default_rng(0).integers(0, 255, (6, 40, 48)).astype(np.uint8)
    viewer.add_image(values, name="anything")
    dock = open_dock(viewer)
    assert not dock.teach.teach.isEnabled() and "at least 3 slices" in dock.teach.about.text()
    for z in range(3):
        box = Box((z, 2, 2), (z + 1, 9, 9))
        dock.session.paint("Stroke", box, np.ones((1, 7, 7), np.uint8))
    wait(lambda: dock.teach.teach.isEnabled())
    assert dock.teach.about.text().startswith("3 new")
