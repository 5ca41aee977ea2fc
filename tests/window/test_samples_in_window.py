"""A first start: tiles, the sample menu, the model that suits, the steps over the picture."""

from pathlib import Path

import pytest
from support.canvas import canvas_point
from support.hand import Hand

from featherseg.session.settings import PLACE
from featherseg.window.launch import make_window
from featherseg_engines.annotation.cases import CaseState


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv(PLACE, str(tmp_path / "settings"))
    monkeypatch.setattr("featherseg.session.samples.user_documents_path", lambda: tmp_path / "Dokumente")


def sample(window, title):
    return next(s for s in window.samples.samples if s.title == title)


def test_every_sample_is_in_the_menu_with_its_credit(window):
    menu = next(a.menu() for a in window.menus.menus["File"].actions() if a.text() == "Open sample")
    assert len(menu.actions()) == len(window.samples.samples) >= 5
    assert all("Licence: CC" in action.statusTip() for action in menu.actions())


def test_a_sample_opens_with_the_model_that_suits_it_and_the_steps_begin(window, qtbot):
    window.samples.open(sample(window, "nuclei, fluorescence"))
    qtbot.waitUntil(lambda: window.session.case is not None, timeout=20000)
    assert window.session.model.card.name == "repsegnet.nuclei"
    assert "Space" in window.samples.strip.text()
    Hand(window).key("space")
    qtbot.waitUntil(lambda: window.session.proposal is not None, timeout=30000)
    assert "again to take it" in window.samples.strip.text()
    Hand(window).key("space")
    qtbot.waitUntil(lambda: window.session.proposal is None)
    assert "again to take it" in window.samples.strip.text()
    native = window.qt_viewer.canvas.native
    Hand(window).key("b")
    Hand(window).drag(native, *(canvas_point(window.viewer, native, *at) for at in ((40, 40), (60, 60))))
    qtbot.waitUntil(lambda: "twelve to try" in window.samples.strip.text(), timeout=10000)


def test_a_sample_opened_as_a_file_brings_the_steps_and_leaves_the_model(window, qtbot):
    before = window.session.model.card.name
    path = sample(window, "nuclei, fluorescence").path
    window.files.open(path.parent / ".." / path.parent.name / path.name)
    qtbot.waitUntil(lambda: window.session.case is not None, timeout=20000)
    assert "Space" in window.samples.strip.text()
    assert window.session.model.card.name == before


def test_another_file_has_no_steps(window, qtbot, tmp_path):
    window.samples.open(sample(window, "naevus"))
    qtbot.waitUntil(lambda: bool(window.samples.strip.text()), timeout=20000)
    mine = tmp_path / "naevus.jpg"
    mine.write_bytes(sample(window, "naevus").path.read_bytes())
    window.files.open(mine)
    qtbot.waitUntil(lambda: window.samples.strip.text() == "", timeout=20000)


def test_skipped_the_steps_stay_away_also_after_a_restart(window, qtbot):
    window.samples.open(sample(window, "naevus"))
    qtbot.waitUntil(lambda: bool(window.samples.strip.text()), timeout=20000)
    window.samples.strip._close.click()
    assert window.samples.strip.text() == "" and window.settings.value.hinted
    window.samples.open(sample(window, "skin lesion"))
    qtbot.waitUntil(lambda: window.session.case.title.startswith("skin_lesion"), timeout=20000)
    assert window.samples.strip.text() == ""
    window.menus.run("help.first_steps")
    assert "Space" in window.samples.strip.text()


def test_the_pictures_to_teach_become_a_workspace_of_ones_own(window, qtbot):
    window.samples.open(sample(window, "cells to teach"))
    qtbot.waitUntil(lambda: len(window.work.bench.cases) == 12, timeout=20000)
    qtbot.waitUntil(lambda: bool(window.samples.strip.text()), timeout=20000)
    assert window.session.model.card.name == "repsegnet.skin"
    assert sum(case.state is CaseState.ACCEPTED for case in window.work.bench.cases) == 8
    assert window.teach.teaching.stock.objection == ""
    assert [row.name for row in window.session.table.rows.values()] == ["nucleus"]
    assert "Dokumente" in str(window.work.bench.workspace.folder)


def test_a_damaged_list_of_samples_costs_the_samples_not_the_program(tmp_path, monkeypatch, qtbot):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "samples.json").write_text("{", "utf-8")
    monkeypatch.setattr("featherseg.session.samples.samples_folder", lambda: tmp_path / "samples")
    window = make_window()
    try:
        assert window.samples.samples == ()
        assert "list of sample images is damaged" in window.notices.text()
    finally:
        window.close()


def test_the_last_step_says_nothing_that_is_untrue_of_ones_own_pictures(window):
    window.samples.steps.begin(many=True, again=True)
    window.samples.steps._go("teach")
    assert "Eight" not in window.samples.strip.text() and "accepted pictures" in window.samples.strip.text()


def test_the_mask_of_a_sample_is_offered_among_the_documents(window, qtbot, tmp_path, monkeypatch):
    offered = []
    ask = lambda parent, title, start, kinds: offered.append(start) or ("", "")  # noqa: E731
    monkeypatch.setattr("featherseg.window.files.QFileDialog.getSaveFileName", ask)
    window.samples.open(sample(window, "naevus"))
    qtbot.waitUntil(lambda: window.session.case is not None, timeout=20000)
    window.menus.run("file.save_as")
    window.menus.run("file.export")
    assert [Path(o).parent for o in offered] == [tmp_path / "Dokumente"] * 2
