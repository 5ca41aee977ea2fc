"""Live mode without a screen: what follows by itself, what is computed ahead, and what never shows."""

import dataclasses
import gc
import threading
import weakref

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.proposing import AHEAD, BEHIND, neighbours
from featherseg.session.session import Session
from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box

FULL = np.full((1, 1, 4, 4), 255, np.uint8)
DEPTH = 40


class Recorder:
    """Answers at once, or only as often as the gate is opened; keeps what it was asked."""

    def __init__(self, gated: bool = False) -> None:
        self.asked = []
        self.gate = threading.Semaphore(0) if gated else None
        self.breaks_at: set[int] = set()

    def propose(self, request, cancel):
        self.asked.append(request)
        if self.gate is not None:
            self.gate.acquire(timeout=10)
        cancel.check()
        if request.z in self.breaks_at:
            raise ModelError("The model 'x' gave values that are not numbers for this image.")
        box = Box((request.z, 2, 2), (request.z + 1, 6, 6))
        return Proposal(request, box, FULL, "recorder", request.model.identity, 0.0)


def volume(seed: int = 0, depth: int = DEPTH) -> Volume:
    values = np.random.default_rng(seed).integers(0, 900, (depth, 10, 12)).astype(np.int16)
    return with_content(Volume(values, Geometry((depth, 10, 12))))


@pytest.fixture
def live(pump):
    made = []

    def build(engine) -> Session:
        session = Session(pump.post, make_engine=lambda: engine)
        session.sentences, session.shown = [], []
        session.noticed.connect(lambda notice: notice and session.sentences.append(notice.text))
        session.proposed.connect(lambda p: session.shown.append((session.z, p.request.z if p else None)))
        session.use(new_case(volume()))
        session.proposing.go_live(True)
        made.append(session)
        return session

    yield build
    for session in made:
        session.close()


def rest(session, pump) -> None:
    """Until the worker sleeps and everything it posted has come."""
    pump.until(lambda: not session.proposing.worker.busy)
    pump.run()
    assert not session.busy


def test_the_proposal_follows_the_slice_by_itself_and_labels_nothing(live, pump):
    session = live(Recorder())
    for z in (0, 3, 9, 2):
        session.go_to_slice(z)
        pump.until(lambda: session.proposal is not None)
        assert session.proposal.request.z == session.z == z
    assert not session.case.labels.array.any() and not session.sentences


def test_slices_ahead_are_computed_in_idle_time_and_shown_in_the_same_call(live, pump):
    engine = Recorder()
    session = live(engine)
    rest(session, pump)
    asked = [r.z for r in engine.asked]
    assert asked[0] == 0 and asked[1:3] == [1, 2] and len(asked) == 1 + AHEAD
    session.go_to_slice(5)
    assert session.proposal.request.z == 5, "no waiting: it was there"
    rest(session, pump)
    assert len({r.z for r in engine.asked}) == len(engine.asked), "nothing is computed twice"


def test_the_direction_of_scrolling_comes_first():
    forwards, backwards = list(neighbours(20, DEPTH, 1)), list(neighbours(20, DEPTH, -1))
    assert forwards[:4] == [21, 22, 19, 23] and backwards[:4] == [19, 18, 21, 17]
    assert len(forwards) == AHEAD + BEHIND == len(set(forwards))
    assert list(neighbours(0, 2, 1)) == [1] and not list(neighbours(0, 1, -1))


def test_while_one_scrolls_no_mask_of_another_slice_is_ever_shown(live, pump):
    engine = Recorder(gated=True)
    session = live(engine)
    rng = np.random.default_rng(1)
    for z in rng.integers(0, DEPTH, 60):
        session.go_to_slice(int(z))
        if rng.random() < 0.6:
            engine.gate.release()
        pump.run()
        assert session.proposal is None or session.proposal.request.z == session.z
    for _ in range(200):
        engine.gate.release()
    rest(session, pump)
    assert session.proposal.request.z == session.z
    assert all(shown in (None, z) for z, shown in session.shown)


def test_a_request_that_is_computed_ahead_already_is_not_computed_again(live, pump):
    engine = Recorder(gated=True)
    session = live(engine)
    engine.gate.release()
    pump.until(lambda: len(engine.asked) == 2)  # slice 1 is being computed ahead
    session.go_to_slice(1)
    engine.gate.release()
    pump.until(lambda: session.proposal is not None)
    assert [r.z for r in engine.asked].count(1) == 1
    for _ in range(50):
        engine.gate.release()


def test_another_window_is_what_the_model_sees_and_the_first_one_leaves_it_to_the_model(live, pump):
    engine = Recorder()
    session = live(engine)
    rest(session, pump)
    assert session.proposal.request.options.window is None
    session.viewing.choose_window(Window(100.0, 50.0, "mine"))
    pump.until(lambda: session.proposal.request.options.window == Window(100.0, 50.0))
    session.viewing.choose_window(session.viewing.presets[0])
    pump.until(lambda: session.proposal.request.options.window is None)
    assert session.proposal.request.z == 0


def test_another_model_proposes_by_itself(live, pump):
    engine = Recorder()
    session = live(engine)
    pump.until(lambda: session.proposal is not None)
    session.choose_model("repsegnet.nuclei")
    pump.until(lambda: session.proposal is not None and session.proposal.request.model is session.model)
    assert session.model.card.name == "repsegnet.nuclei"


def test_what_was_accepted_or_dropped_does_not_come_back_by_itself_but_when_asked(live, pump):
    session = live(Recorder())
    rest(session, pump)
    session.accept()
    session.go_to_slice(1)
    assert session.proposal is not None
    session.drop()
    for z in (0, 1):
        session.go_to_slice(z)
        rest(session, pump)
        assert session.proposal is None
    session.propose()
    assert session.proposal is not None, "from the cache"


def test_undo_takes_back_a_step_and_not_the_ghost_that_came_by_itself(live, pump):
    session = live(Recorder())
    rest(session, pump)
    session.paint("Brush", Box((0, 0, 0), (1, 2, 2)), np.ones((1, 2, 2), np.uint8))
    session.undo()
    assert not session.case.labels.array.any() and session.proposal is not None


def test_a_model_that_fails_on_every_slice_says_so_once_and_goes_on_when_it_can(live, pump):
    engine = Recorder()
    engine.breaks_at = set(range(30))
    session = live(engine)
    for z in range(0, 12):
        session.go_to_slice(z)
        rest(session, pump)
        assert session.proposal is None
    assert len([s for s in session.sentences if "not numbers" in s]) == 1
    session.go_to_slice(35)
    rest(session, pump)
    assert session.proposal.request.z == 35, "the worker lives"


def test_an_image_opened_again_is_answered_from_the_cache(live, pump):
    engine = Recorder()
    session = live(engine)
    rest(session, pump)
    first = len(engine.asked)
    session.use(new_case(volume(seed=7)))
    rest(session, pump)
    assert session.proposal.request.image != volume().content
    session.use(new_case(volume()))
    assert session.proposal is not None and len(engine.asked) > first
    assert engine.asked[-1].image == volume(seed=7).content, "the first image was not computed again"


def test_an_image_without_a_hash_is_forgotten_with_its_case(live, pump):
    session = live(Recorder())
    plain = Volume(np.zeros((3, 8, 8), np.int16), Geometry((3, 8, 8)))
    session.use(new_case(plain))
    rest(session, pump)
    token = session.case.token
    assert any(key.image == token for key in session.proposing.cache._kept)
    session.use(None)
    assert not any(key.image == token for key in session.proposing.cache._kept)


def test_with_live_mode_off_nothing_is_computed_unasked_and_the_ghost_stays(live, pump):
    engine = Recorder()
    session = live(engine)
    rest(session, pump)
    session.proposing.go_live(False)
    assert session.proposal is not None
    asked = len(engine.asked)
    session.go_to_slice(30)
    rest(session, pump)
    assert session.proposal is None and len(engine.asked) == asked


def test_a_ghost_in_the_way_is_never_of_a_case_that_was_left(live, pump):
    engine = Recorder(gated=True)
    session = live(engine)
    session.use(None)
    for _ in range(30):
        engine.gate.release()
    pump.until(lambda: not session.proposing.worker.busy)
    pump.run()
    assert session.proposal is None and not session.busy


def test_a_slice_that_holds_the_label_already_is_left_alone_until_somebody_asks(live, pump):
    session = live(Recorder())
    session.paint("Brush", Box((3, 0, 0), (4, 2, 2)), np.ones((1, 2, 2), np.uint8))
    session.go_to_slice(3)
    rest(session, pump)
    assert session.proposal is None
    session.propose()
    pump.until(lambda: session.proposal is not None)


def whole_of(session) -> Proposal:
    asked = dataclasses.replace(session.proposing.request_at(0), whole=True)
    box = Box((0, 2, 2), (DEPTH, 6, 6))
    return Proposal(asked, box, np.full((1, DEPTH, 4, 4), 255, np.uint8), "m", "w", 0.0)


def test_after_all_slices_were_accepted_no_slice_brings_its_ghost_back(live, pump):
    session = live(Recorder())
    rest(session, pump)
    session.proposing.show(whole_of(session))
    session.accept()
    session.undo()
    for z in (0, 1, 5):
        session.go_to_slice(z)
        rest(session, pump)
        assert session.proposal is None


def test_a_ghost_over_all_slices_outlives_another_window(live, pump):
    session = live(Recorder())
    rest(session, pump)
    whole = whole_of(session)
    session.proposing.show(whole)
    session.viewing.choose_window(Window(50.0, 20.0))
    session.go_to_slice(7)
    rest(session, pump)
    assert session.proposal is whole


def test_an_answer_that_came_too_late_is_kept_for_the_next_time(live, pump):
    engine = Recorder(gated=True)
    session = live(engine)
    pump.until(lambda: len(engine.asked) == 1)
    session.go_to_slice(30)
    for _ in range(60):
        engine.gate.release()
    rest(session, pump)
    assert session.proposal.request.z == 30 == session.z


def test_somebodys_array_that_changed_without_a_word_is_looked_at_anew_when_asked(live, pump):
    engine = Recorder()
    session = live(engine)
    session.proposing.go_live(False)
    session.use(new_case(Volume(np.zeros((1, 8, 8), np.int16), Geometry((1, 8, 8)))))
    rest(session, pump)
    for count in (1, 2):
        session.propose()
        pump.until(lambda: session.proposal is not None)
        rest(session, pump)
        session.drop()
        assert len([r for r in engine.asked if r.volume is session.case.volume]) == count


def test_the_worker_keeps_no_image_that_was_closed(live, pump):
    session = live(Recorder())
    values = np.zeros((2, 8, 8), np.int16)
    gone = weakref.ref(values)
    session.use(new_case(Volume(values, Geometry((2, 8, 8)))))
    del values
    rest(session, pump)
    session.use(None)
    rest(session, pump)
    engine_asked(session).clear()
    gc.collect()
    assert gone() is None


def engine_asked(session) -> list:
    return session.proposing.worker._engine.asked


class Steps:
    """A long run of so many steps that writes down when each was taken."""

    def __init__(self, name: str, count: int, log: list[str]) -> None:
        self.name, self.count, self.log = name, count, log

    def step(self, engine) -> bool:
        self.log.append(self.name)
        self.count -= 1
        return self.count > 0

    def broke(self, sentence: str) -> None:
        raise AssertionError(sentence)


def test_what_is_done_in_idle_time_comes_after_what_a_person_started(pump):
    log: list[str] = []
    engine = Recorder(gated=True)
    session = Session(pump.post, make_engine=lambda: engine)
    session.use(new_case(volume()))
    session.propose()
    pump.until(lambda: len(engine.asked) == 1)
    session.proposing.worker.run(Steps("idle", 2, log), idle=True)
    session.proposing.worker.run(Steps("wanted", 2, log))
    engine.gate.release()
    rest(session, pump)
    session.close()
    assert log == ["wanted", "wanted", "idle", "idle"]
