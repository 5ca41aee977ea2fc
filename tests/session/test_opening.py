"""Reading off the UI thread: progress, Cancel, staleness, folders, and what was painted meanwhile."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.dicom_series import geometry_of, make_series
from support.paths import SAMPLE

from featherseg.session import opening
from featherseg.session.background import UNEXPECTED, Background, Ear, Task
from featherseg.session.case import suggested_mask
from featherseg.session.notice import Notice
from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box


def open_in(session, pump, path):
    session.open_image(path)
    pump.until(lambda: not session.reading)


def test_reading_says_so_offers_cancel_and_falls_silent_when_it_is_done(session, pump):
    session.open_image(SAMPLE)
    assert session.reading and session.case is None, "the order returns at once"
    first = session.notices[-1]
    assert first.kind == "progress" and first.offers[0].title == "Cancel" and SAMPLE.name in first.text
    pump.until(lambda: session.case is not None)
    assert session.notices[-1] is None and not session.reading


def test_cancel_keeps_what_was_open(session, pump):
    open_in(session, pump, SAMPLE)
    case = session.case
    session.open_image(SAMPLE)
    session.notices[-1].offers[0].run()
    assert not session.reading and session.notices[-1] is None
    open_in(session, pump, SAMPLE.with_name("missing.png"))
    assert session.case is case and "missing.png" in session.notices[-1].text


def test_the_newest_order_wins(session, pump, tmp_path):
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(other)
    opened = []
    session.opened.connect(lambda case: opened.append(case.volume.name))
    session.open_image(SAMPLE)
    open_in(session, pump, other)
    assert opened == ["other"]


def test_labels_painted_while_reading_are_not_lost_without_being_asked(session, pump):
    open_in(session, pump, SAMPLE)
    case = session.case
    session.open_image(SAMPLE)
    session.paint("Brush", Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), np.uint8))
    pump.until(lambda: not session.reading)
    assert session.case is case and case.labels.array.any()
    session.notices[-1].offers[0].run()
    assert session.case is not case


def test_warnings_of_the_reader_are_told(session, pump, tmp_path):
    path = tmp_path / "flat.nrrd"
    write_mask(path, np.ones((3, 4, 5), np.uint8), Geometry((3, 4, 5)))
    open_in(session, pump, path)
    told = [n.text for n in session.notices if isinstance(n, Notice) and n.kind == "info"]
    assert told == ([" ".join(session.case.volume.warnings)] if session.case.volume.warnings else [])


def test_a_folder_without_dicom_is_refused_with_a_sentence(session, pump, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("nothing")
    open_in(session, pump, tmp_path / "notes")
    assert "'notes' is a folder without DICOM images" in session.notices[-1].text and session.case is None


def test_progress_is_heard_newest_only_and_on_the_owners_thread(pump):
    background, heard, done, gate = Background(pump.post), [], [], threading.Event()

    def work(ear):
        for i in range(1000):
            ear.listen(i + 1, 1000)
        gate.set()
        return threading.get_ident()

    background.submit(Task(work, done.append, done.append, heard.append))
    assert gate.wait(10)
    pump.until(lambda: bool(done))
    assert heard == [1.0] and done[0] != threading.get_ident()
    background.close()


@pytest.mark.parametrize(("error", "sentence"), [(ReadError("No."), "No."), (KeyError("x"), UNEXPECTED)])
def test_work_that_fails_says_one_sentence_and_the_thread_lives_on(pump, error, sentence):
    background, done, failed = Background(pump.post), [], []

    def fail(ear):
        raise error

    background.submit(Task(fail, done.append, failed.append, lambda part: None))
    pump.until(lambda: bool(failed))
    background.submit(Task(lambda ear: 5, done.append, failed.append, lambda part: None))
    pump.until(lambda: bool(done))
    assert failed == [sentence] and done == [5]
    background.close()


@pytest.fixture
def long_series(tmp_path, monkeypatch):
    """A series of 8 slices that counts as long, and a gate that holds its reading before the fifth."""
    monkeypatch.setattr(opening, "LONG", 8)
    folder = tmp_path / "series"
    folder.mkdir()
    make_series(folder, geometry_of((8, 12, 10), (2.5, 0.8, 0.7), (0.1, 0, 0)))
    gate, step, visits = threading.Event(), Ear.listen, []

    def held(self, done, total):
        step(self, done, total)
        if (done, total) == (4, 8):
            visits.append(done)
            if len(visits) == 2:  # the first time the folder is listed, the second time its slices are read
                gate.wait(20)

    monkeypatch.setattr(Ear, "listen", held)
    yield folder, gate
    gate.set()


def test_a_long_series_is_shown_and_labelled_while_its_slices_come(session, pump, long_series):
    folder, gate = long_series
    session.open_image(folder)
    pump.until(lambda: session.case is not None and session.case.volume.voxels[3].any())
    case = session.case
    assert case.growing and not case.volume.voxels[7].any()
    session.propose()
    assert "still being read" in session.notices[-1].text
    session.paint("Brush", Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), np.uint8))
    gate.set()
    pump.until(lambda: not session.reading)
    assert session.case is case and not case.growing and case.labels.array.any()
    assert (
        np.array_equal(case.volume.voxels, read_image(folder).voxels)
        and session.viewing.volume is case.volume
    )


def test_a_long_series_that_is_cancelled_gives_way_to_what_was_open(session, pump, long_series):
    folder, gate = long_series
    open_in(session, pump, SAMPLE)
    before = session.case
    session.open_image(folder)
    pump.until(lambda: session.case is not before)
    session.opening.cancel()
    gate.set()
    assert session.case is before and not session.reading


def test_labels_drawn_on_a_series_that_never_came_whole_are_kept(session, pump, long_series):
    folder, gate = long_series
    session.open_image(folder)
    pump.until(lambda: session.case is not None)
    session.paint("Brush", Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), np.uint8))
    session.opening.cancel()
    gate.set()
    assert session.case.labels.array.any() and "Labels are kept" in session.notices[-1].text


@pytest.mark.parametrize("said", [".", "sub/..", "../series"])
def test_the_folder_one_stands_in_is_opened_like_any_other(session, pump, tmp_path, monkeypatch, said):
    """``featherseg open .`` had no name to call its mask by."""
    folder = tmp_path / "series"
    make_series(folder, geometry_of((3, 12, 10), (2.5, 0.8, 0.7), (0.1, 0, 0)))
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder)
    session.open_image(Path(said))
    pump.until(lambda: session.case is not None and not session.reading)
    case = session.case
    assert (
        suggested_mask(case.volume.path, case.volume).resolve() == tmp_path.resolve() / "series_mask.nii.gz"
    )
    assert suggested_mask(Path("/"), case.volume).name == "_mask.nii.gz"
