"""The whole job in the real window, with real mouse and key events on a real X display."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QMessageBox
from support.canvas import canvas_point
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "Läsion 1.png"
    Image.open(SAMPLE).save(path)
    return path


def at(window, y: float, x: float) -> QPoint:
    return canvas_point(window.viewer, window.qt_viewer.canvas.native, y, x)


def test_propose_accept_brush_undo_redo_save_reopen(window, image, tmp_path):
    hand = Hand(window)
    open_in(window, image)
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
    hand.drag(native, at(window, 12, 12), at(window, 12, 60))
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
    hand.drag(native, at(window, 12, 12), at(window, 12, 60))
    assert labels[0, 12, 36] == 0
    hand.key("ctrl+z")

    target = tmp_path / "mask.png"
    assert session.save_mask(target)
    assert np.array_equal(np.asarray(Image.open(target)), painted[0])
    assert "saved" in window.status.saved.text()

    open_in(window, image)
    assert not session.case.labels.array.any()
    session.open_mask(target)
    assert np.array_equal(session.case.labels.array, painted)


def test_ctrl_s_saves_again_where_it_was_saved(window, image, tmp_path):
    hand = Hand(window)
    open_in(window, image)
    target = tmp_path / "again.png"
    assert window.session.save_mask(target)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    hand.key("space")
    assert window.session.case.unsaved
    hand.key("ctrl+s")
    wait(lambda: not window.session.case.unsaved)
    assert np.array_equal(np.asarray(Image.open(target)), window.session.case.labels.array[0])


def test_the_panel_mirrors_the_session_and_the_mouse_drives_it(window, image):
    hand = Hand(window)
    open_in(window, image)
    settle(0.3)
    panel = window.panel
    assert "Propose" in panel.model.primary.text() and not panel.model.drop.isEnabled()
    hand.click(panel.model.primary)
    wait(lambda: window.session.proposal is not None)
    assert "Accept" in panel.model.primary.text()
    hand.click(panel.model.drop)
    assert window.session.proposal is None and not window.session.case.labels.array.any()
    hand.click(panel.tools.buttons["eraser"])
    assert window.session.tool == "eraser"
    hand.click(panel.model.primary)
    wait(lambda: window.session.proposal is not None)
    hand.click(panel.model.primary)
    assert window.session.case.labels.array.any()
    hand.click(panel.tools.undo)
    assert not window.session.case.labels.array.any()
    hand.click(panel.tools.redo)
    assert window.session.case.labels.array.any()


def test_a_typed_threshold_is_taken_and_space_still_proposes(window, image):
    hand = Hand(window)
    open_in(window, image)
    settle(0.3)
    field = window.panel.model.threshold.findChild(QLineEdit)
    hand.click(field)
    hand.key("ctrl+a")
    hand.type("0.31")
    assert window.session.active_label == 1, "digits typed into a field choose no label"
    hand.key("Return")
    assert window.session.threshold == pytest.approx(0.31)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)


def test_a_slice_model_proposes_on_the_slice_of_a_volume_that_is_on_screen(window, tmp_path):
    path = tmp_path / "stack.nii.gz"
    grey = np.asarray(Image.open(SAMPLE).convert("L"))
    write_mask(path, np.stack([grey] * 6), Geometry((6, *grey.shape), (4.0, 0.5, 0.5)))
    hand = Hand(window)
    open_in(window, path)
    settle(0.3)
    assert window.session.z == 3 == window.viewer.dims.current_step[0]
    window.viewer.dims.set_current_step(0, 5)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    assert window.session.proposal.request.z == 5
    window.viewer.dims.set_current_step(0, 1)
    assert window.session.proposal is None, "a proposal never shows on another slice"
    assert not window.planes.main.contours.ghost.visible


def test_h_held_hides_the_masks(window, image):
    hand = Hand(window)
    open_in(window, image)
    hand.click(window.qt_viewer.canvas.native)
    hand.press("h")
    assert not window.viewer.layers["labels"].visible
    hand.release("h")
    assert window.viewer.layers["labels"].visible


def test_ctrl_z_never_reaches_the_label_history_of_napari(window, image):
    hand = Hand(window)
    open_in(window, image)
    layer = window.viewer.layers["labels"]
    settle(0.5)
    hand.key("b")
    native = window.qt_viewer.canvas.native
    hand.drag(native, at(window, 40, 40), at(window, 60, 90))
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
    open_in(window, image)
    layer = window.viewer.layers["labels"]
    settle(0.3)
    keep = layer.preserve_labels
    hand.click(window.qt_viewer.canvas.native)
    hand.key("p", "l", "m", "2", "3")
    assert layer.preserve_labels == keep
    assert str(layer.mode) == "pan_zoom"
    assert window.viewer.dims.ndisplay == 2


def test_an_empty_answer_says_so_and_can_be_accepted(window, image, tmp_path):
    hand = Hand(window)
    open_in(window, image)
    window.session.add_model(blind_model(tmp_path / "blind"))
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    assert "blind.skin" in window.status.answer.text()
    assert "Nothing found" in window.notices.text()
    hand.key("space")
    assert not window.session.case.labels.array.any()
    assert window.session.case.history.done[-1].name == "Accept: nothing found"
    assert window.notices.text() == ""


def blind_model(folder: Path) -> Path:
    """A real ONNX bundle that never finds anything, whatever the shipped weights see."""
    torch = pytest.importorskip("torch")
    from featherseg_engines.training.export import onnx_bytes

    network = torch.nn.Conv2d(3, 1, 1)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.constant_(network.bias, -20.0)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(onnx_bytes(network, torch.zeros(1, 3, 32, 32)))
    card = {"format": 1, "name": "blind.skin", "activation": "sigmoid", "preprocessing": {}}
    (folder / "card.json").write_text(json.dumps({**card, "labels": [{"value": 1, "name": "lesion"}]}))
    return folder


def test_bad_files_give_one_sentence_and_lose_nothing(window, image, tmp_path):
    open_in(window, image)
    case = window.session.case
    text = tmp_path / "text.png"
    text.write_text("this is no image")
    empty = tmp_path / "zero.png"
    empty.touch()
    for path in (text, empty, tmp_path / "missing.png"):
        open_in(window, path)
        assert path.name in window.notices.text()
        assert window.session.case is case
    window.session.add_model(tmp_path / "no model")
    assert "no model" in window.notices.text()
    hand = Hand(window)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    hand.key("space")
    drawn = window.session.case.labels.array.copy()
    assert not window.session.save_mask(Path("/proc/mask.png"))
    assert "cannot be saved" in window.notices.text()
    assert np.array_equal(window.session.case.labels.array, drawn) and window.session.case.unsaved


def test_a_file_dropped_on_the_canvas_is_opened_by_us(window, image):
    open_in(window, SAMPLE)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(image))])
    native = window.qt_viewer.canvas.native
    assert not native.acceptDrops() and not window.qt_viewer.acceptDrops()
    where = native.mapTo(window, native.rect().center())
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(where, Qt.DropAction.CopyAction, mime, buttons, keys))
    drop = QDropEvent(QPointF(where), Qt.DropAction.CopyAction, mime, buttons, keys)
    QApplication.sendEvent(window, drop)
    wait(lambda: not window.session.reading)
    assert window.session.case.volume.path == image
    assert [layer.name for layer in window.viewer.layers] == ["image", "labels"]


def test_closing_with_unsaved_labels_asks_and_cancel_keeps_them(window, image):
    hand = Hand(window)
    open_in(window, image)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    hand.key("space")
    asked = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        asked.append(box.text())
        box.button(QMessageBox.StandardButton.Cancel).click()

    QTimer.singleShot(500, answer)
    assert not window.close()
    assert "not saved" in asked[0] and window.isVisible()
