"""Proposing for all slices: order, pieces as they come, pause, cancel, a request first, one undo step at the end."""

import threading

import numpy as np
import pytest

from featherseg.session import proposing
from featherseg.session.case import new_case
from featherseg.session.session import Session
from featherseg.session.sweep import left_in_words
from featherseg.session.worker import UNEXPECTED
from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal, Request
from featherseg_engines.inference.volume_run import Step, piece
from featherseg_engines.labels import Box
from featherseg_engines.models.catalogue import Catalogue

HIPPOCAMPUS = "lgmsnet3d.hippocampus"


class Engine:
    """Answers one slice after the other, each when the gate is opened for it; its mask is as wide as ``z`` + 2."""

    def __init__(self, free: bool = False):
        self.gate, self.free = threading.Semaphore(0), free
        self.asked: list[int] = []
        self.fails_at: dict[int, Exception] = {}

    def propose(self, request, cancel):
        self.asked.append(request.z)
        if not self.free:
            self.gate.acquire(timeout=10)
        if request.z in self.fails_at:
            raise self.fails_at[request.z]
        box = Box((request.z, 2, 2), (request.z + 1, 6, 4 + request.z))
        return Proposal(
            request, box, np.full((1, *box.shape), 200, np.uint8), "slow", request.model.identity, 0.1
        )


class Blocks(Engine):
    """As a network that takes volumes: the slices come from the first to the last, whatever is on screen."""

    def sweep(self, request, known=()):
        depth = request.volume.geometry.shape[0]
        for z in range(depth):
            self.gate.acquire(timeout=10)
            box = Box((z, 2, 2), (z + 1, 6, 6))
            found = piece(request, z, box, np.full((2, *box.shape), 200, np.uint8), 0.1)
            yield Step(z + 1, depth, (found,), 0.1)


def volume(depth: int = 6, name: str = "a", content: str = "a") -> Volume:
    return Volume(np.zeros((depth, 10, 16), np.uint8), Geometry((depth, 10, 16)), name=name, content=content)


@pytest.fixture
def make(pump):
    made = []

    def build(engine, depth=6, z=0) -> Session:
        session = Session(pump.post, make_engine=lambda: engine)
        session.notices = []
        session.noticed.connect(session.notices.append)
        session.use(new_case(volume(depth)))
        session.go_to_slice(z)
        made.append((session, engine))
        return session

    yield build
    for session, engine in made:
        engine.free = True
        engine.gate.release(100)
        session.close()


def slices(session) -> int:
    """How many slices the run says are there; -1 where none goes on."""
    progress = session.whole.progress
    return int(progress.text.split(": ")[1].split()[0]) if progress else -1


def go_on(session, engine, pump, to: int) -> None:
    """Open the gate until so many slices are there."""
    while slices(session) < to:
        before = slices(session)
        engine.gate.release()
        pump.until(lambda before=before: slices(session) != before)


def test_the_slice_on_screen_is_first_then_outwards_and_each_shows_where_one_is(make, pump):
    engine = Engine()
    session = make(engine, z=3)
    session.whole.start()
    assert session.whole.running and session.whole.progress.text.endswith("0 of 6 slices")
    go_on(session, engine, pump, 1)
    assert session.proposal.request.z == 3 and not session.proposal.request.spans_volume
    session.go_to_slice(4)
    assert session.proposal is None
    go_on(session, engine, pump, 2)
    assert session.proposal.request.z == 4
    session.go_to_slice(3)
    assert session.proposal.request.z == 3, "what is done shows at once"
    go_on(session, engine, pump, 5)
    engine.gate.release(2)
    pump.until(lambda: not session.whole.running)
    assert engine.asked == [3, 4, 2, 5, 1, 0]
    assert session.proposal.request.spans_volume


def test_the_end_is_one_proposal_that_one_step_accepts_and_one_undo_takes_back(make, pump):
    session = make(Engine(free=True))
    session.choose_label(2)
    session.paint("Brush", Box((2, 2, 2), (3, 6, 4)), np.full((1, 4, 2), 2, np.uint8))
    session.choose_label(1)
    session.whole.start()
    pump.until(lambda: not session.whole.running)
    assert session.proposal.box == Box((0, 2, 2), (6, 6, 9))
    session.accept()
    labels = session.case.labels.array
    assert [int((labels[z] == 1).sum()) for z in range(6)] == [8, 12, 8, 20, 24, 28]
    assert (labels[2, 2:6, 2:4] == 2).all(), "never over what a person painted"
    session.undo()
    assert not (labels == 1).any() and (labels == 2).any()


def test_cancel_keeps_the_pieces_and_they_are_not_computed_again(make, pump):
    engine = Engine()
    session = make(engine)
    session.whole.start()
    go_on(session, engine, pump, 3)
    session.whole.cancel()
    assert not session.whole.running and session.whole.progress is None
    engine.gate.release()  # the one that was being computed ends
    engine.free = True
    before = len(engine.asked)
    session.whole.start()
    assert slices(session) == 3
    pump.until(lambda: not session.whole.running)
    assert not set(engine.asked[before:]) & {0, 1, 2}
    assert session.proposal.box.shape[0] == 6


def test_a_paused_run_takes_no_step_and_goes_on_where_it_was(make, pump):
    engine = Engine()
    session = make(engine)
    session.whole.start()
    go_on(session, engine, pump, 2)
    session.whole.pause()
    assert session.whole.progress.paused and session.whole.progress.left == "paused"
    engine.gate.release(4)
    pump.until(lambda: slices(session) == 3)  # the step that was being taken
    session.go_to_slice(5)
    session.propose()
    pump.until(lambda: session.proposal is not None and session.proposal.request.z == 5)
    assert slices(session) == 3
    engine.free = True
    session.whole.start()  # the same key goes on
    assert not session.whole.paused
    pump.until(lambda: not session.whole.running)
    assert session.proposal.box.shape[0] == 6


def test_what_a_person_asks_for_goes_before_the_next_slice_of_a_run(make, pump):
    engine = Engine()
    session = make(engine)
    session.whole.start()
    go_on(session, engine, pump, 1)
    pump.until(lambda: len(engine.asked) == 2)
    session.go_to_slice(5)
    session.propose()
    engine.gate.release(2)
    pump.until(lambda: session.proposal is not None)
    assert engine.asked[:3] == [0, 1, 5] and session.proposal.request.z == 5


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ModelError("gave values that are not numbers"), "not numbers"), (RuntimeError("boom"), UNEXPECTED)],
)
def test_a_model_that_fails_ends_the_run_with_one_sentence_and_the_worker_lives(make, pump, error, sentence):
    engine = Engine(free=True)
    engine.fails_at[2] = error
    session = make(engine)
    session.whole.start()
    pump.until(lambda: not session.whole.running)
    problems = [n for n in session.notices if n is not None and n.kind == "problem"]
    assert len(problems) == 1 and sentence in problems[0].text
    session.go_to_slice(1)
    session.drop()
    session.propose()
    pump.until(lambda: session.proposal is not None and session.proposal.request.z == 1)
    assert engine.asked.count(1) == 1, "the pieces stayed"
    session.go_to_slice(5)
    session.propose()
    pump.until(lambda: session.proposal is not None and session.proposal.request.z == 5)


def test_another_case_or_model_ends_the_run_and_it_is_told_in_one_sentence(make, pump):
    engine = Engine()
    session = make(engine)
    for leave, reason in (
        (lambda: session.use(new_case(volume(content="b"))), "another case was opened"),
        (lambda: session.choose_model(HIPPOCAMPUS), "another model was chosen"),
    ):
        session.whole.start()
        reached = slices(session)
        leave()
        assert not session.whole.running
        told = [n.text for n in session.notices if n is not None and "stopped" in n.text]
        assert told[-1] == f"Proposing for all slices stopped at {reached} of 6 slices: {reason}."
        engine.gate.release(2)
    assert session.proposal is None


def test_pieces_of_a_network_that_takes_volumes_show_slice_by_slice(make, pump):
    engine = Blocks()
    session = make(engine)
    session.choose_model(HIPPOCAMPUS)
    session.go_to_slice(1)
    session.whole.start()
    go_on(session, engine, pump, 1)
    assert session.proposal is None, "the slice on screen is not there yet"
    go_on(session, engine, pump, 2)
    assert session.proposal.request.z == 1
    session.go_to_slice(0)
    assert session.proposal.request.z == 0
    session.go_to_slice(5)
    assert session.proposal is None
    engine.gate.release(9)
    pump.until(lambda: not session.whole.running)
    assert session.proposal.request.spans_volume and session.proposal.box.shape[0] == 6
    session.drop()
    session.whole.start()
    assert not session.whole.running and session.proposal.request.spans_volume, "it is not computed again"


def test_proposing_for_a_large_volume_runs_with_progress_and_cancel(make, pump, monkeypatch):
    monkeypatch.setattr(proposing, "LIVE_VOXELS", 100)
    session = make(Blocks())
    session.choose_model(HIPPOCAMPUS)
    session.propose()
    assert session.whole.running and not session.busy
    session.whole.cancel()
    assert not session.whole.running


def test_a_dropped_slice_is_not_shown_again_while_the_run_goes_on(make, pump):
    engine = Engine()
    session = make(engine)
    session.whole.start()
    go_on(session, engine, pump, 2)
    session.drop()
    session.go_to_slice(1)
    assert session.proposal is not None
    session.go_to_slice(0)
    assert session.proposal is None


def test_a_photograph_is_proposed_for_at_once(make, pump):
    session = make(Engine(free=True), depth=1)
    session.whole.start()
    assert not session.whole.running and session.busy
    pump.until(lambda: session.proposal is not None)


def test_slices_agree_where_it_is_switched_on(make, pump):
    session = make(Engine(free=True))
    session.whole.start()
    pump.until(lambda: not session.whole.running)
    plain = session.proposal
    session.whole.smooth(True)
    session.whole.start()
    pump.until(lambda: not session.whole.running)
    assert plain.levels.max() == 200 and len(np.unique(session.proposal.levels)) > len(
        np.unique(plain.levels)
    )


def test_without_image_or_model_a_sentence_says_so(pump):
    session = Session(pump.post, make_engine=Engine)
    said = []
    session.noticed.connect(said.append)
    session.whole.start()
    assert not session.whole.running and "Open an image first" in said[-1].text
    session.close()


def test_time_left_is_said_as_people_say_it():
    said = [left_in_words(s) for s in (None, 3, 42, 200, 3700)]
    assert said == ["", "a few seconds left", "40 s left", "3 min left", "1 h 2 min left"]


def test_a_piece_is_found_under_its_slice_and_the_whole_under_none():
    request = Request(1, volume(), 0, Catalogue().resolve(HIPPOCAMPUS), image="a", whole=True)
    assert request.spans_volume and not request.at(3).spans_volume
    assert request.at(3).key != request.key and request.at(3).key.z == 3
