"""The workspace behind the window: cases, states, mask files, locks; without a screen."""

import sqlite3

import numpy as np
import pytest
from support.photographs import photographs

from featherseg.session.gathering import gather, take_masks
from featherseg.session.session import Session
from featherseg.session.workbench import Shown, Workbench
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.tools.growing import IntensityRange
from featherseg_engines.imaging.readers import read_mask
from featherseg_engines.labels import Box, Edit, Label


@pytest.fixture
def images(tmp_path):
    return photographs(tmp_path / "Bilder für Ä", 3)


@pytest.fixture
def bench(session, pump, images):
    made = Workbench(session, pump.post, "AB")
    assert made.open(images)
    gather(made, [images])
    pump.until(lambda: made.current is not None)
    yield made
    made.close()


def paint(session, box, value=1):
    session.paint("Brush", box, np.full(box.shape, value, np.uint8))


BOX = Box((0, 10, 10), (1, 20, 30))


def test_a_folder_becomes_cases_and_the_first_opens(bench):
    assert [case.name for case in bench.cases] == ["photo0", "photo1", "photo2"]
    assert bench.session.case.title == "photo0" and str(bench.progress) == "0 of 3 accepted"


def test_an_edit_is_in_the_database_before_the_order_returns(bench):
    paint(bench.session, BOX)
    db = sqlite3.connect(bench.workspace.folder / "featherseg.sqlite")
    assert db.execute("SELECT name FROM edits").fetchall() == [("Brush",)]
    assert not bench.session.case.unsaved and bench.cases[0].state is CaseState.IN_WORK


def test_undo_goes_on_after_switching_cases_and_after_a_restart(bench, pump, session):
    paint(session, BOX)
    first = session.case.labels.array.copy()
    paint(session, Box((0, 40, 40), (1, 60, 60)), 2)
    bench.next()
    pump.until(lambda: session.case is not None and session.case.title == "photo1")
    assert not session.case.history.done
    bench.next(backwards=True)
    pump.until(lambda: session.case.title == "photo0")
    session.undo()
    assert np.array_equal(session.case.labels.array, first)
    folder = bench.workspace.folder
    assert bench.close()
    again = Workbench(session, pump.post)
    assert again.open(folder)
    again.open_case(again.cases[0])
    pump.until(lambda: again.current is not None)
    assert np.array_equal(session.case.labels.array, first)
    session.redo()
    assert (session.case.labels.array == 2).sum() == 400
    session.undo()
    session.undo()
    assert not session.case.labels.array.any()
    again.close()


def test_enter_accepts_and_goes_to_the_next_that_is_not_accepted(bench, pump):
    paint(bench.session, BOX)
    for name in ("photo1", "photo2"):
        bench.accept()
        pump.until(lambda name=name: bench.current is not None and bench.current.name == name)
    bench.accept()
    assert str(bench.progress) == "3 of 3 accepted"
    assert bench.session.notices[-1].text == "Every case of this list is accepted."


def test_a_changed_case_is_to_be_accepted_again(bench):
    bench.set_state(bench.cases[:1], CaseState.ACCEPTED)
    paint(bench.session, BOX)
    assert bench.cases[0].state is CaseState.IN_WORK


def test_the_mask_file_follows_by_itself_and_closing_waits_for_it(bench, pump):
    wrote = []
    bench.wrote.connect(wrote.append)
    paint(bench.session, BOX)
    bench.save()
    pump.until(lambda: bool(wrote))
    case = bench.cases[0]
    mask = bench.workspace.folder / case.mask
    assert read_mask(mask, case.geometry.shape).sum() == 200
    paint(bench.session, Box((0, 40, 40), (1, 41, 41)), 1)
    bench.close()
    assert read_mask(mask, case.geometry.shape).sum() == 201


def test_what_the_disk_refuses_stays_and_is_saved_when_there_is_room(bench, session):
    db = bench.workspace.store.connection
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    noise = np.random.default_rng(0).integers(0, 2, (1, 190, 200)).astype(np.uint8)
    box = Box((0, 0, 0), (1, 190, 200))
    for i in range(30):
        session.paint("Brush", box, np.roll(noise, i, axis=1))
    assert session.case.unsaved and "disk is full" in session.notices[-1].text
    expected = session.case.labels.array.copy()
    db.execute("PRAGMA max_page_count = 1073741823")
    session.notices[-1].offers[0].run()
    assert not session.case.unsaved
    assert np.array_equal(bench.workspace.open_case(bench.current.id).history.labels.array, expected)


def test_a_case_whose_edits_the_disk_refuses_is_not_left(bench, pump, session):
    db = bench.workspace.store.connection
    db.execute("PRAGMA query_only = ON")
    paint(session, BOX)
    case = session.case
    bench.next()
    assert session.case is case and not bench.close() and case.unsaved
    session.undo()
    assert not case.labels.array.any()
    db.execute("PRAGMA query_only = OFF")
    assert session.editing.retry() and not case.unsaved


def test_a_second_program_is_told_and_may_look(bench, session, pump):
    other = Session(pump.post)
    notices = []
    other.noticed.connect(notices.append)
    second = Workbench(other, pump.post)
    assert not second.open(bench.workspace.folder)
    assert "open" in notices[-1].text and "AB" in notices[-1].text
    notices[-1].offers[0].run()
    assert second.workspace.read_only and len(second.cases) == 3
    second.close()
    other.close()


def test_existing_masks_come_in_by_name_and_the_open_case_shows_them(bench, pump, tmp_path):
    from featherseg_engines.imaging.writers import write_mask

    case = bench.cases[0]
    labels = np.zeros(case.geometry.shape, np.uint8)
    labels[0, 5:9, 5:9] = 1
    write_mask(tmp_path / "photo0_mask.png", labels, case.geometry)
    take_masks(bench, [tmp_path / "photo0_mask.png"])
    pump.until(lambda: bench.session.case is not None and bool(bench.session.case.labels.array.any()))
    assert bench.session.case.labels.array.sum() == 16


def test_the_list_is_filtered_and_sorted(bench):
    bench.set_state(bench.cases[1:2], CaseState.FLAGGED)
    bench.show(Shown(frozenset({CaseState.FLAGGED})))
    assert [case.name for case in bench.cases] == ["photo1"]
    bench.show(Shown(text="OTO2"))
    assert [case.name for case in bench.cases] == ["photo2"]
    bench.show(Shown(sort="name", descending=True))
    assert [case.name for case in bench.cases] == ["photo2", "photo1", "photo0"]


def test_the_label_table_belongs_to_the_workspace(bench, session, pump):
    session.labelling.put(Label(3, "Haar", "#009e73", locked=True), "7")
    folder = bench.workspace.folder
    bench.close()
    session.labelling.load([])
    again = Workbench(session, pump.post)
    again.open(folder)
    assert session.table.rows[3].name == "Haar" and session.table.rows[3].locked
    assert session.labelling.by_key("7") == 3
    again.close()


@pytest.mark.parametrize("way", ["do", "adopt"])
def test_locked_labels_are_never_changed(bench, session, way):
    paint(session, BOX, 2)
    session.labelling.ensure((2,))
    session.labelling.lock(2, True)
    wide = Box((0, 0, 0), (1, 30, 40))
    labels = session.case.labels
    edit = labels.propose_edit("Brush", "hand", wide, np.ones(wide.shape, np.uint8))
    if way == "do":
        session.do(edit)
    else:
        labels.apply(edit)
        assert session.adopt(edit) is not edit
    assert (labels.array[BOX.slices] == 2).all() and (labels.array == 1).sum() == 1200 - 200
    assert "locked" in session.notices[-1].text
    session.undo()
    assert (labels.array > 0).sum() == 200
    steps = len(session.case.history.done)
    erased = labels.propose_edit("Eraser", "hand", BOX, np.zeros(BOX.shape, np.uint8))
    session.do(erased)
    assert len(session.case.history.done) == steps and (labels.array == 2).sum() == 200


def test_strokes_keep_to_the_intensity_range_and_the_eraser_does_not(bench, session):
    grey = session.case.volume.voxels[BOX.slices].astype(np.float32).mean(axis=3)
    middle = float(np.median(grey))
    session.editing.set_range(IntensityRange(0.0, middle))
    paint(session, BOX)
    painted = session.case.labels.array[BOX.slices] > 0
    assert 0 < painted.sum() < 200 and (grey[painted] <= middle).all()
    session.editing.set_range(IntensityRange(middle + 1000, middle + 2000))
    session.paint("Eraser", BOX, np.zeros(BOX.shape, np.uint8))
    assert not session.case.labels.array.any()


def test_an_edit_of_nothing_is_a_step_all_the_same(session, bench):
    empty = np.zeros((0, 0, 0), np.uint8)
    session.do(Edit("Accept: nothing found", "proposal", Box((0, 0, 0), (0, 0, 0)), empty, empty))
    assert [step.name for step in session.case.history.done] == ["Accept: nothing found"]


def test_the_workspace_s_own_masks_are_no_images_when_its_folder_is_added_again(bench, pump, images):
    paint(bench.session, BOX)
    bench.save()
    mask = bench.workspace.folder / bench.cases[0].mask
    pump.until(mask.is_file)
    gather(bench, [images])
    pump.until(lambda: not bench.errands.busy)
    assert [case.name for case in bench.cases] == ["photo0", "photo1", "photo2"]
