"""The label table and the history list in the real window, with a real mouse and real keys."""

import json

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.session.label_files import (
    PRESET_TITLES,
    export_table,
    import_table,
    presets_in_words,
    remove_label,
)
from featherseg.ui.labels_menu import CodeDialog
from featherseg_engines.annotation.presets import PRESETS
from featherseg_engines.labels import Box, Code

BOX = Box((0, 10, 10), (1, 40, 50))


@pytest.fixture
def session(window):
    open_in(window, SAMPLE)
    settle(0.3)
    return window.session


def rows(window):
    return window.panel.labels.rows


def paint(session, value=1, box=BOX):
    session.paint("Brush", box, np.full(box.shape, value, np.uint8))


def double_click(hand, widget):
    middle = widget.mapToGlobal(widget.rect().center())
    hand._do("mousemove", str(middle.x()), str(middle.y()), "click", "--repeat", "2", "--delay", "40", "1")
    settle()


def test_a_row_is_chosen_by_click_and_by_its_key(window, session):
    hand = Hand(window)
    hand.click(window.panel.labels.add)
    hand.click(window.panel.labels.add)
    assert session.active_label == 3 and rows(window)[3].property("active")
    hand.click(rows(window)[1].name)
    assert session.active_label == 1
    hand.key("2")
    assert session.active_label == 2 and rows(window)[2].property("active")


def test_a_name_is_typed_in_place_and_the_keys_go_back_to_the_image(window, session):
    hand = Hand(window)
    window.to_image()
    double_click(hand, rows(window)[1].name)
    hand.type("Haar b")
    hand.key("Return")
    assert session.table.rows[1].name == "Haar b" and session.tool == "browse"
    assert window.qt_viewer.canvas.native.hasFocus()
    double_click(hand, rows(window)[1].name)
    hand.type("other")
    hand.key("Escape")
    assert session.table.rows[1].name == "Haar b" == rows(window)[1].name.text()
    hand.key("b")
    assert session.tool == "brush"


def test_eye_and_colour_reach_the_canvas_at_once_and_the_lock_holds(window, session):
    hand = Hand(window)
    paint(session)
    layer = window.viewer.layers["labels"]
    row = rows(window)[1]
    row.set_colour("#d55e00")
    assert np.allclose(layer.colormap.map(1)[:3], [0xD5 / 255, 0x5E / 255, 0], atol=0.01)
    hand.click(row.eye)
    assert not session.table.rows[1].visible and layer.colormap.map(1)[3] == 0
    hand.click(row.eye)
    assert layer.colormap.map(1)[3] == 1
    hand.click(row.lock)
    assert session.table.rows[1].locked and "unlock" in row.lock.toolTip()
    paint(session, 0)
    assert (session.case.labels.array == 1).any(), "a locked label stays"


def test_every_preset_has_words_and_can_be_taken(window, session):
    assert set(PRESET_TITLES) == set(PRESETS)
    menu = window.panel.labels.menu
    for title, name in presets_in_words():
        menu.fill()
        next(a for a in menu.presets.actions() if a.text() == title).trigger()
        assert [r.label for r in session.labelling.rows()] == [r.label for r in PRESETS[name]]
        assert sorted(rows(window)) == [r.label.value for r in PRESETS[name]]


def test_a_table_goes_out_and_comes_in_as_it_was(window, session, tmp_path):
    session.labelling.put(session.table.rows[1], "7")
    session.labelling.lock(1, True)
    session.labelling.ensure((4,))
    before = session.labelling.rows()
    export_table(session, tmp_path / "Tabelle.json")
    assert json.loads((tmp_path / "Tabelle.json").read_text("utf-8"))["labels"][0]["hotkey"] == "7"
    session.labelling.load([])
    import_table(session, tmp_path / "Tabelle.json")
    assert session.labelling.rows() == before
    (tmp_path / "broken.json").write_text("{", "utf-8")
    import_table(session, tmp_path / "broken.json")
    assert session.labelling.rows() == before and "broken.json" in window.notices.text()


def test_a_drawn_label_is_removed_only_after_asking_and_its_voxels_stay(window, session):
    session.labelling.ensure((2,))
    paint(session, 2)
    remove_label(session, 2)
    assert 2 in session.table.rows and "voxels stay" in window.notices.text()
    window.notices._buttons.itemAt(0).widget().click()
    assert 2 not in session.table.rows and (session.case.labels.array == 2).any()
    assert 2 not in rows(window)


def test_a_table_without_a_drawn_label_keeps_a_row_for_it(window, session, tmp_path):
    export_table(session, tmp_path / "one.json")
    session.labelling.ensure((5,))
    paint(session, 5)
    import_table(session, tmp_path / "one.json")
    assert 5 in session.table.rows


def test_a_code_needs_all_its_parts(window, session):
    dialog = CodeDialog(Code("52988006", "SCT", "Lesion"), "Code", window)
    dialog.value.clear()
    assert not dialog.box.button(dialog.box.StandardButton.Ok).isEnabled()
    dialog.value.setText("367643001")
    dialog.meaning.setText("Cyst")
    assert dialog.code() == Code("367643001", "SCT", "Cyst")
    dialog.deleteLater()


def test_many_labels_scroll_and_leave_the_tools_in_sight(window, session):
    for _ in range(20):
        session.labelling.add()
    settle(0.3)
    tools = window.panel.tools
    bottom = tools.mapTo(window, QPoint(0, tools.height())).y()
    assert bottom <= window.height()


def test_the_history_names_the_steps_and_a_click_goes_back(window, session):
    hand = Hand(window)
    hand.key("ctrl+h")
    panel = window.work.history.panel
    assert panel.isVisible()
    for i in range(4):
        paint(session, 1, Box((0, i * 10, 5), (1, i * 10 + 5, 9)))
    after_two = 2 * 5 * 4
    names = [panel.steps.index(i).data().split("   ")[0] for i in range(panel.steps.rowCount())]
    assert names == ["Brush"] * 4 + ["As opened"]
    at = panel.visualRect(panel.steps.index(2)).center()
    there = panel.viewport().mapToGlobal(at)
    hand._do("mousemove", str(there.x()), str(there.y()), "click", "1")
    settle()
    assert session.case.labels.array.sum() == after_two and panel.steps.now == 2
    assert panel.steps.index(0).data().startswith("↶")
    panel.clicked.emit(panel.steps.index(0))
    assert session.case.labels.array.sum() == 2 * after_two
    panel.clicked.emit(panel.steps.index(4))
    assert not session.case.labels.array.any()
    paint(session)
    assert panel.steps.rowCount() == 2, "what had been taken back is gone"


def test_the_history_follows_five_hundred_steps_row_by_row(window, session):
    steps = window.work.history.panel.steps
    resets, inserted = [], []
    steps.modelReset.connect(lambda: resets.append(1))
    steps.rowsInserted.connect(lambda *_: inserted.append(1))
    for i in range(500):
        paint(session, 1 + i % 2, Box((0, 0, 0), (1, 2, 2)))
    assert steps.rowCount() == 501 and len(inserted) == 500 and not resets
    wait(lambda: True)
