"""Your models: the history in the window; back to any version, as one file and in again, deleted after a question."""

import gc

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox
from support.hand import settle, wait
from support.photographs import photographs
from support.taught import Copying, Free, order_of, shipped

from featherseg.session.gathering import gather
from featherseg.window.launch import make_window
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.labels import Box
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.teaching.versions import Versions

FIRST, SECOND = "RepSegNet · skin, yours 1", "RepSegNet · skin, yours 2"


@pytest.fixture
def window(qtbot):
    gc.collect()
    versions = Versions()
    for _ in range(2):
        order = order_of(8, shipped())
        teacher = LocalTeacher(Copying(shipped()).school)
        kept = versions.keep(order, teacher.teach(order, versions.scratch(), Free(), lambda _: None))
    versions.note(kept, in_use=True)
    made = make_window()
    made.resize(1366, 768)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    qtbot.wait(50)


@pytest.fixture
def dialog(window):
    window.actions_by_id["model.own"].trigger()
    settle(0.2)
    return window.teach.models


def titles(dialog):
    return [dialog.list.topLevelItem(i).text(0) for i in range(dialog.list.topLevelItemCount())]


def choose(dialog, title):
    dialog.list.setCurrentItem(dialog.list.topLevelItem(titles(dialog).index(title)))


def state(dialog, title):
    return dialog.list.topLevelItem(titles(dialog).index(title)).text(4)


def test_the_history_shows_each_version_with_its_numbers_and_what_shipped_below(window, dialog):
    assert titles(dialog) == [SECOND, FIRST, "RepSegNet · skin"]
    assert state(dialog, SECOND) == "● in use" and state(dialog, FIRST) == "not better"
    assert dialog.list.topLevelItem(1).text(2) == "8" and "→" in dialog.list.topLevelItem(1).text(3)
    choose(dialog, FIRST)
    text = dialog.details.text()
    assert "Started from repsegnet.skin" in text and "seed 42" in text and "held out" in text
    assert dialog.plot is not None and dialog.plot.isVisible()


def test_one_click_goes_back_to_another_version_or_to_what_shipped(window, dialog):
    choose(dialog, FIRST)
    dialog.use.click()
    assert window.session.model.card.title == FIRST and state(dialog, FIRST) == "● in use"
    assert not dialog.use.isEnabled() and not dialog.delete.isEnabled()
    choose(dialog, "RepSegNet · skin")
    dialog.use.click()
    assert window.session.model.card.name == "repsegnet.skin"
    assert Versions().in_use("repsegnet.skin") is None


def test_a_version_is_saved_as_one_file_deleted_after_a_question_and_taken_in_again(
    window, dialog, tmp_path, monkeypatch
):
    file = str(tmp_path / "mine.fsmodel")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (file, ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (file, ""))
    choose(dialog, FIRST)
    dialog.save.click()
    wait(lambda: not window.work.bench.errands.busy)
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    dialog.delete.click()
    assert FIRST in titles(dialog)
    dialog.delete.click()
    assert titles(dialog) == [SECOND, "RepSegNet · skin"]
    choose(dialog, SECOND)
    dialog.take.click()
    wait(lambda: not window.work.bench.errands.busy)
    settle(0.1)
    assert "is here already" in dialog.said.text()  # yours 2 holds the same weights


def test_two_models_are_compared_on_the_accepted_cases(window, dialog, tmp_path):
    choose(dialog, FIRST)
    dialog.compare.click()
    assert "Open a workspace" in dialog.said.text()
    bench = window.work.bench
    assert bench.open(photographs(tmp_path / "images", 2))
    gather(bench, [tmp_path / "images"])
    wait(lambda: len(bench.cases) == 2 and not bench.errands.busy and bench.current is not None)
    for case in bench.cases:
        history = bench.workspace.open_case(case.id).history
        box = Box((0, 5, 5), (1, 40, 40))
        history.do(history.labels.propose_edit("Brush", "hand", box, history.labels.array[box.slices] + 1))
    bench.set_state(bench.cases, CaseState.ACCEPTED)
    choose(dialog, FIRST)
    dialog.compare.click()
    wait(lambda: "on 2 cases" in dialog.said.text())
    assert f"{SECOND}: " in dialog.said.text() and f"{FIRST}: " in dialog.said.text()


def test_without_a_lesson_the_history_says_what_will_stand_there(qtbot):
    made = make_window()
    made.actions_by_id["model.own"].trigger()
    settle(0.1)
    dialog = made.teach.models
    assert titles(dialog) == [] and "No model was taught yet" in dialog.details.text()
    assert not dialog.use.isEnabled() and dialog.take.isEnabled()
    made.close()
    made.deleteLater()
    qtbot.wait(50)


def test_what_a_killed_lesson_left_is_gone_after_the_next_start(qtbot):
    left = Versions().scratch()
    left.mkdir()
    left.with_name(left.name + ".lock").touch()
    made = make_window()
    assert not left.exists()
    made.close()
    made.deleteLater()
    qtbot.wait(50)
