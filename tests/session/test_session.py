"""The whole product without a screen: proposals, staleness, undo, saving, bad input."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.paths import SAMPLE

from featherseg.session.case import new_case
from featherseg.session.mask_files import save_beside
from featherseg.session.session import Session
from featherseg.session.worker import UNEXPECTED
from featherseg_engines.annotation.history import History
from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image, read_mask
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box, LabelMap

FULL = np.full((1, 1, 4, 4), 255, np.uint8)


class SlowEngine:
    """Answers when told to, with the number of the slice as the mask's place."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.started: list[int] = []

    def propose(self, request, cancel):
        self.started.append(request.z)
        self.gate.acquire(timeout=10)
        cancel.check()
        box = Box((request.z, 2, 2), (request.z + 1, 6, 6))
        return Proposal(request, box, FULL, "slow", "0", 0.0)


class FailingEngine:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def propose(self, request, cancel):
        raise self.error


def volume(depth: int = 4) -> Volume:
    return Volume(np.zeros((depth, 10, 12), np.uint8), Geometry((depth, 10, 12)))


def open_in(session: Session, pump, path) -> None:
    session.open_image(path)
    pump.until(lambda: not session.reading)


@pytest.fixture
def make(pump):
    made = []

    def build(engine=None) -> Session:
        session = Session(pump.post) if engine is None else Session(pump.post, make_engine=lambda: engine)
        session.sentences = []
        session.noticed.connect(lambda notice: session.sentences.append(notice.text if notice else ""))
        made.append(session)
        return session

    yield build
    for session in made:
        session.close()


def test_a_proposal_changes_no_label_until_it_is_accepted_and_undo_takes_it_back(make, pump):
    session = make()
    open_in(session, pump, SAMPLE)
    session.propose()
    assert session.busy
    pump.until(lambda: session.proposal is not None)
    assert not session.busy and not session.case.labels.array.any()
    session.accept()
    accepted = session.case.labels.array.copy()
    assert accepted.any() and session.case.unsaved
    assert "repsegnet.skin" in session.case.history.done[-1].detail
    session.undo()
    assert not session.case.labels.array.any()
    session.redo()
    assert np.array_equal(session.case.labels.array, accepted)


def test_the_threshold_moves_the_ghost_without_running_the_model_again(make, pump):
    session = make()
    open_in(session, pump, SAMPLE)
    session.propose()
    pump.until(lambda: session.proposal is not None)
    same = session.proposal
    counts = []
    for threshold in (0.1, 0.5, 0.9):
        session.set_threshold(threshold)
        counts.append(np.count_nonzero(session.proposal.mask(session.threshold)))
    assert session.proposal is same and counts[0] > counts[2]


def test_what_a_person_painted_is_never_overwritten(make, pump):
    session = make()
    open_in(session, pump, SAMPLE)
    session.choose_label(2)
    session.paint("Brush", Box((0, 0, 0), (1, 192, 128)), np.full((1, 192, 128), 2, np.uint8))
    session.choose_label(1)
    session.propose()
    pump.until(lambda: session.proposal is not None)
    session.accept()
    array = session.case.labels.array
    assert (array[:, :, :128] == 2).all() and (array[:, :, 128:] == 1).any()


def test_the_newest_request_wins_and_a_stale_answer_is_dropped(make, pump):
    engine = SlowEngine()
    session = make(engine)
    session.use(new_case(volume()))
    answers = []
    session.proposed.connect(lambda p: p is not None and answers.append(p.request.z))
    for z in (1, 2, 3):
        session.go_to_slice(z)
        session.propose()
    for _ in range(4):
        engine.gate.release()
    pump.until(lambda: session.proposal is not None)
    assert answers == [3]
    assert len(engine.started) <= 2, "waiting requests are replaced, not queued"


def test_an_answer_for_a_slice_that_was_left_never_shows(make, pump):
    engine = SlowEngine()
    session = make(engine)
    session.use(new_case(volume()))
    session.propose()
    pump.until(lambda: bool(engine.started))
    late = Proposal(
        session.proposing.request_at(0),
        Box((0, 2, 2), (1, 6, 6)),
        FULL,
        "",
        "",
        0,
    )
    session.go_to_slice(2)
    session.proposing.worker._answered(late)
    assert session.proposal is None
    engine.gate.release()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ModelError("The model is damaged."), "The model is damaged."), (ZeroDivisionError(), UNEXPECTED)],
)
def test_a_model_that_fails_says_so_once_and_the_worker_lives(make, pump, error, sentence):
    session = make(FailingEngine(error))
    session.use(new_case(volume()))
    for _ in range(2):
        session.sentences.clear()
        session.propose()
        pump.until(lambda: not session.busy)
        assert session.sentences == [sentence]


def test_an_empty_answer_can_be_accepted_as_a_step(make, pump):
    class Nothing:
        def propose(self, request, cancel):
            from featherseg_engines.labels import EMPTY_BOX

            return Proposal(request, EMPTY_BOX, np.zeros((1, 0, 0, 0), np.uint8), "m", "0", 0.0)

    session = make(Nothing())
    session.use(new_case(volume()))
    session.propose()
    pump.until(lambda: session.proposal is not None)
    assert "Nothing found" in session.sentences[-1]
    session.accept()
    assert session.case.history.done[-1].name == "Accept: nothing found"
    assert session.case.unsaved and session.proposal is None
    session.undo()
    assert not session.case.history.done


def test_bad_files_keep_what_is_open(make, tmp_path, pump):
    session = make()
    open_in(session, pump, SAMPLE)
    case = session.case
    bad = tmp_path / "x.png"
    bad.write_text("no image")
    open_in(session, pump, bad)
    assert session.case is case and "x.png" in session.sentences[-1]
    session.open_mask(bad)
    session.choose_model("no.such.model")
    assert "no.such.model" in session.sentences[-1]
    assert not session.save_mask(tmp_path / "none" / "m.png")
    assert session.case is case


def test_a_failed_save_keeps_labels_and_says_so(make, tmp_path, pump):
    session = make()
    open_in(session, pump, SAMPLE)
    session.paint("Brush", Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), np.uint8))
    assert not session.save_mask(tmp_path / "missing" / "m.png")
    assert session.case.unsaved and session.case.labels.array.sum() == 81
    assert "cannot be saved" in session.sentences[-1]


def test_a_saved_mask_beside_the_image_is_offered(make, tmp_path, pump):
    image = tmp_path / "a.png"
    Image.open(SAMPLE).save(image)
    session = make()
    open_in(session, pump, image)
    session.paint("Brush", Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), np.uint8))
    session.save_mask(tmp_path / "a_mask.png")
    notices = []
    session.noticed.connect(notices.append)
    open_in(session, pump, image)
    offer = next(n for n in notices if n and n.kind == "info" and n.offers)
    offer.offers[0].run()
    assert session.case.labels.array.sum() == 81 and not session.case.unsaved


def test_a_volume_saves_on_its_own_grid(make, tmp_path):
    session = make()
    geometry = Geometry((3, 5, 6), (3.0, 0.5, 0.7), (10.0, -4.0, 7.5))
    session.use(new_case(Volume(np.zeros((3, 5, 6), np.int16), geometry)))
    session.paint("Brush", Box((1, 1, 1), (2, 3, 3)), np.ones((1, 2, 2), np.uint8))
    path = tmp_path / "m.nii.gz"
    assert session.save_mask(path)
    found = read_image(path).geometry
    assert np.allclose(found.spacing_mm, geometry.spacing_mm)
    assert np.allclose(found.to_world((2, 4, 5)), geometry.to_world((2, 4, 5)), atol=1e-3)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("do"), st.integers(0, 2), st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)),
        st.just(("undo",)),
        st.just(("redo",)),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(steps=steps)
def test_any_edits_undo_and_redo_equal_a_plain_list_of_copies(steps):
    labels = LabelMap(np.zeros((3, 8, 8), np.uint8))
    history = History(labels)
    copies, at = [labels.array.copy()], 0
    for step in steps:
        if step[0] == "do":
            _, z, y, x, value = step
            box = Box((z, y, x), (z + 1, y + 2, x + 3))
            history.do(labels.propose_edit("e", "hand", box, np.full(box.shape, value, np.uint8)))
            copies = [*copies[: at + 1], labels.array.copy()]
            at += 1
        elif step[0] == "undo" and at > 0:
            assert history.undo() is not None
            at -= 1
        elif step[0] == "redo" and at < len(copies) - 1:
            assert history.redo() is not None
            at += 1
        assert np.array_equal(labels.array, copies[at])


def test_a_large_mask_is_saved_beside_and_painting_goes_on(session, pump, tmp_path):
    volume = Volume(
        np.zeros((40, 320, 340), np.int16), Geometry((40, 320, 340), (2.0, 1.0, 1.0)), "CT", "big"
    )
    session.use(new_case(volume))
    box = Box((3, 5, 5), (9, 50, 60))
    session.paint("Brush", box, np.ones(box.shape, np.uint8))
    target = tmp_path / "big.nii.gz"
    assert save_beside(session, target) and session.reading
    session.paint("Brush", Box((0, 0, 0), (1, 1, 1)), np.ones((1, 1, 1), np.uint8))
    pump.until(lambda: not session.reading)
    assert read_mask(target, volume.geometry.shape).sum() == np.prod(box.shape)
    assert session.case.unsaved, "the stroke that came while the file was written is not in it"
    session.undo()
    assert not session.case.unsaved
    session.redo()
    session.open_mask(target)
    assert session.reading and session.case.labels.array[0, 0, 0] == 1
    pump.until(lambda: not session.reading)
    assert session.case.labels.array[0, 0, 0] == 0 and session.case.labels.array.sum() == np.prod(box.shape)
