"""The whole job in the real window, with real mouse and key events on a real X display."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QPoint
from support.hand import Hand, has_hand, settle, wait
from support.paths import SAMPLE

from featherseg.window.launch import make_window


@pytest.fixture
def window(qtbot, tmp_path):
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    made = make_window()
    made.resize(1366, 768)
    made.show()
    yield made
    if made.session.case is not None:
        made.session.case.mark_saved(tmp_path / "done")
    made.close()
    made.deleteLater()


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "Läsion 1.png"
    Image.open(SAMPLE).save(path)
    return path


def canvas_point(window, y: float, x: float) -> QPoint:
    """Where voxel (y, x) is on the canvas widget."""
    native = window.qt_viewer.canvas.native
    zoom = window.viewer.scene.camera.zoom / native.devicePixelRatioF()
    _, cy, cx = window.viewer.scene.camera.center
    return QPoint(round(native.width() / 2 + (x - cx) * zoom), round(native.height() / 2 + (y - cy) * zoom))


def test_propose_accept_brush_undo_redo_save_reopen(window, image, tmp_path):
    hand = Hand(window)
    assert window.files.open(image)
    session = window.session
    settle(0.5)
    labels = session.case.labels.array

    hand.key("space")
    wait(lambda: session.proposal is not None)
    assert not labels.any(), "a proposal changes no label"
    assert "ms" in window.status.answer.text()
    ghost = session.proposal
    expected = np.zeros_like(labels)
    expected[ghost.box.slices] = ghost.mask(session.threshold)
    assert expected.any()

    hand.key("space")
    assert np.array_equal(labels, expected)
    assert session.proposal is None

    hand.key("b")
    session.set_brush_size(12)
    native = window.qt_viewer.canvas.native
    hand.drag(native, canvas_point(window, 12, 12), canvas_point(window, 12, 60))
    painted = labels.copy()
    assert painted[0, 12, 12] == painted[0, 12, 36] == painted[0, 12, 60] == 1
    assert not np.array_equal(painted, expected)

    hand.key("ctrl+z")
    assert np.array_equal(labels, expected), "undo takes the stroke back"
    hand.key("ctrl+z")
    assert not labels.any(), "undo takes the accepted proposal back too"
    hand.key("ctrl+shift+z", "ctrl+shift+z")
    assert np.array_equal(labels, painted)

    hand.key("e")
    hand.drag(native, canvas_point(window, 12, 12), canvas_point(window, 12, 60))
    assert labels[0, 12, 36] == 0
    hand.key("ctrl+z")

    target = tmp_path / "mask.png"
    assert session.save_mask(target)
    assert np.array_equal(np.asarray(Image.open(target)), painted[0])
    assert "saved" in window.status.saved.text()

    assert window.files.open(image)
    assert not session.case.labels.array.any()
    session.open_mask(target)
    assert np.array_equal(session.case.labels.array, painted)


def test_the_save_dialog_is_driven_by_keys(window, image, tmp_path):
    hand = Hand(window)
    window.files.open(image)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    hand.key("space")
    hand.key("escape")
    window.files._parent = window
    target = tmp_path / "typed.png"
    assert window.session.save_mask(target)
    hand.key("ctrl+s")
    assert target.exists() and not window.session.case.unsaved


def test_ctrl_z_never_reaches_the_label_history_of_napari(window, image):
    hand = Hand(window)
    window.files.open(image)
    layer = window.viewer.layers["labels"]
    settle(0.5)
    hand.key("b")
    native = window.qt_viewer.canvas.native
    hand.drag(native, canvas_point(window, 40, 40), canvas_point(window, 60, 90))
    once = layer.data.copy()
    called = []
    original = type(layer).undo
    type(layer).undo = lambda self: called.append(self)
    try:
        hand.key("ctrl+z")
    finally:
        type(layer).undo = original
    assert not called
    assert once.any() and not layer.data.any()


def test_keys_of_napari_are_shadowed(window, image):
    hand = Hand(window)
    window.files.open(image)
    layer = window.viewer.layers["labels"]
    settle(0.3)
    keep = layer.preserve_labels
    hand.click(window.qt_viewer.canvas.native)
    hand.key("p", "l", "m", "2", "3")
    assert layer.preserve_labels == keep
    assert str(layer.mode) == "pan_zoom"
    assert window.viewer.dims.ndisplay == 2


def test_an_empty_answer_says_so_and_can_be_accepted(window, tmp_path):
    black = tmp_path / "empty.png"
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(black)
    hand = Hand(window)
    window.files.open(black)
    window.session.set_threshold(0.95)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    if window.session.proposal.mask(0.95).any():
        pytest.skip("this model sees something in a black image")
    assert "Nothing found" in window.notices.text()
    hand.key("space")
    assert not window.session.case.labels.array.any()
    assert window.session.case.history.done[-1].name == "Accept: nothing found"


def test_bad_files_give_one_sentence_and_lose_nothing(window, image, tmp_path):
    window.files.open(image)
    case = window.session.case
    text = tmp_path / "text.png"
    text.write_text("this is no image")
    empty = tmp_path / "zero.png"
    empty.touch()
    for path in (text, empty, tmp_path / "missing.png"):
        window.files.open(path)
        assert path.name in window.notices.text()
        assert window.session.case is case
