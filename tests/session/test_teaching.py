"""One click teaches: one run for two clicks, held back by the person, and only what is better comes into use."""

import gc
import threading
import time

import numpy as np
import pytest
from support.lessons import SENTENCES, FakeArchive, FakeSource, FakeTeacher
from support.paths import SAMPLE

from featherseg.session import lesson_mark
from featherseg.session.case import new_case
from featherseg.session.session import Session
from featherseg.session.teaching import Teaching
from featherseg.session.trainer import NO_MEMORY, UNEXPECTED, Steering
from featherseg_engines.errors import Cancelled, TrainingError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box


class Engine:
    """Answers with the weights it was asked for, when the gate lets it."""

    def __init__(self):
        self.gate, self.free = threading.Semaphore(0), True

    def propose(self, request, cancel):
        while not self.free and not self.gate.acquire(timeout=0.01):
            cancel.check()
        box = Box((request.z, 3, 4), (request.z + 1, 13, 24))
        found = np.full((1, 1, 10, 20), 200, np.uint8)
        return Proposal(request, box, found, request.model.card.name, request.model.identity, 0.01)


class School:
    """A session that teaches with a fake teacher."""

    def __init__(self, pump, folder, decision="adopt"):
        self.pump, self.engine, self.teacher = pump, Engine(), FakeTeacher(decision)
        self.session = Session(pump.post, make_engine=lambda: self.engine)
        self.notices = []
        self.session.noticed.connect(self.notices.append)
        self.source, self.archive = FakeSource(mark=folder / ".lesson.json"), FakeArchive(folder / "models")
        self.teaching = Teaching(self.session, self.source, self.archive, lambda: self.teacher)
        self.base = self.session.model

    def until(self, *stages):
        self.pump.until(lambda: self.teaching.stage in stages)

    def teach(self):
        self.teaching.start()
        self.until("finished", "asking", "failed", "cancelled")

    def close(self):
        self.teacher.free = self.engine.free = True
        self.teaching.close()
        self.session.close()


@pytest.fixture
def school(pump, tmp_path):
    made = School(pump, tmp_path)
    yield made
    made.close()


def test_two_clicks_on_teach_start_one_run(school):
    school.teacher.free = False
    school.teaching.start()
    school.teaching.start()
    school.until("learning")
    school.teaching.start()
    school.teacher.free = True
    school.until("finished")
    assert len(school.teacher.orders) == 1
    assert school.teacher.threads == {"featherseg-trainer"}


def test_no_full_garbage_collection_holds_the_window_up_while_it_learns(school):
    before = gc.get_threshold()
    school.teacher.free = False
    school.teaching.start()
    school.pump.until(lambda: bool(school.teacher.orders))
    assert gc.get_threshold()[2] > 10_000
    school.teacher.free = True
    school.until("finished")
    school.teaching.close()
    assert gc.get_threshold() == before


def test_a_second_lesson_is_given_by_the_same_thread(school):
    school.teach()
    school.teach()
    assert len(school.teacher.orders) == 2 and school.teacher.threads == {"featherseg-trainer"}


def test_progress_curve_and_picture_come_across_and_no_point_is_lost(school):
    seen = []
    school.teaching.changed.connect(lambda: seen.append(school.teaching.stage))
    school.teach()
    assert [point.step for point in school.teaching.curve] == [0, 1, 2]
    assert school.teaching.picture is not None and school.teaching.cases == 9
    assert seen[0] == "gathering" and seen[-1] == "finished"
    assert {"learning", "measuring"} & set(
        seen
    )  # only the newest crosses: on a busy machine the last of them


def test_what_is_better_comes_into_use_and_undo_brings_the_old_one_back(school):
    school.teach()
    taught = school.session.model
    assert taught.identity != school.base.identity
    assert school.notices[-1].text.startswith(SENTENCES["adopt"])
    assert [offer.title for offer in school.notices[-1].offers] == ["Undo"]
    assert school.teaching.may_undo
    school.notices[-1].offers[0].run()
    assert school.session.model.identity == school.base.identity
    assert not school.teaching.may_undo
    assert school.archive.notes == [(taught.card.name, True), (taught.card.name, False)]


def test_what_is_not_better_is_kept_in_the_history_and_the_old_model_stays(pump, tmp_path):
    school = School(pump, tmp_path, "keep")
    school.teach()
    assert school.session.model is school.base
    assert school.notices[-1].text == SENTENCES["keep"]
    assert len(school.archive.kept) == 1 and not school.archive.notes
    school.close()


@pytest.mark.parametrize("wanted", ["new", "old"])
def test_with_too_few_cases_the_person_looks_and_chooses(pump, tmp_path, wanted):
    school = School(pump, tmp_path, "ask")
    school.teach()
    assert school.teaching.stage == "asking" and school.session.model is school.base
    assert len(school.teaching.result.outcome.side_by_side) == 2
    if wanted == "new":
        school.teaching.use_new()
        assert school.session.model.identity != school.base.identity and school.teaching.may_undo
    else:
        school.teaching.keep_old()
        assert school.session.model is school.base and not school.teaching.may_undo
    assert school.teaching.stage == "finished"
    school.close()


def test_pause_holds_the_lesson_and_resume_lets_it_go_on(school):
    school.teacher.free = False
    school.teaching.start()
    school.teacher.gate.release()
    school.until("learning")
    school.teaching.pause()
    assert school.teaching.paused and school.teaching.running
    time.sleep(0.05)  # the step that was being taken ends
    school.teacher.free, taken = True, school.teacher.taken
    time.sleep(0.1)
    assert school.teacher.taken <= taken + 1
    school.teaching.start()  # the same button
    assert not school.teaching.paused
    school.until("finished")


def test_cancel_leaves_model_and_labels_and_nothing_is_heard_afterwards(school):
    school.teacher.free = False
    school.teaching.start()
    school.teacher.gate.release()
    school.until("learning")
    school.teaching.cancel()
    assert school.teaching.stage == "cancelled"
    school.teacher.free = True
    school.teach()  # the next lesson waits for the end of the cancelled one and is heard alone
    assert school.teaching.stage == "finished" and len(school.archive.kept) == 1


def test_cancel_wakes_a_lesson_that_is_held(school):
    school.teacher.free = False
    school.teaching.start()
    school.until("gathering", "learning")
    school.teaching.pause()
    school.teaching.cancel()
    school.teaching.close()
    assert not any(t.name == "featherseg-trainer" and t.is_alive() for t in threading.enumerate())


def test_a_cancelled_control_raises_also_while_it_waits():
    steering = Steering(busy=lambda: True)
    threading.Timer(0.05, steering.cancel).start()
    with pytest.raises(Cancelled):
        steering.between()


def test_a_control_waits_while_the_person_is_at_work_and_counts_that_time():
    steering = Steering()
    steering.between()
    assert steering.waited_s == 0.0
    steering.felt_input()
    steering.between()
    assert steering.waited_s > 0.1


def test_a_lesson_waits_while_a_proposal_is_computed(school):
    school.engine.free = False
    school.session.use(new_case(read_image(SAMPLE)))
    school.session.propose()
    school.teaching.start()
    time.sleep(0.15)
    assert not school.teacher.orders
    school.engine.free = True
    school.until("finished")


def test_what_goes_wrong_is_one_sentence_and_teach_again(school):
    for error, sentence in (
        (TrainingError("The loss is not a number any more; teach with fewer frozen parts."), "The loss is"),
        (MemoryError(), NO_MEMORY),
        (KeyError("x"), UNEXPECTED),
    ):
        school.teacher.error = error
        school.teach()
        assert school.teaching.stage == "failed" and school.session.model is school.base
        assert school.notices[-1].text.startswith(sentence) and school.notices[-1].kind == "problem"
        assert school.notices[-1].offers[0].title == "Teach again"
    school.teacher.error = None
    school.notices[-1].offers[0].run()
    school.until("finished")


def test_nothing_to_learn_is_a_sentence(school):
    school.source.objection = "Accept some cases first: there is nothing to learn from yet."
    school.teaching.start()
    assert school.teaching.stage == "idle" and school.notices[-1].text == school.source.objection


def test_labels_and_the_label_in_hand_are_untouched(school):
    case = new_case(read_image(SAMPLE))
    school.session.use(case)
    school.session.labelling.ensure((1, 3))
    school.session.choose_label(3)
    box = Box((0, 2, 2), (1, 9, 9))
    school.session.paint("Stroke", box, np.full((1, 7, 7), 3, np.uint8))
    before = case.labels.array.copy()
    school.teach()
    assert school.session.active_label == 3 and len(case.history.done) == 1
    assert (case.labels.array == before).all()


def test_the_ghost_on_screen_is_asked_for_anew(school):
    school.session.use(new_case(read_image(SAMPLE)))
    school.session.propose()
    school.pump.until(lambda: school.session.proposal is not None)
    school.teach()
    school.pump.until(lambda: school.session.proposal is not None)
    assert school.session.proposal.weights == school.session.model.identity != school.base.identity


def test_during_live_scrolling_no_mask_of_the_old_model_is_shown_as_the_new_one_s(school):
    values = np.random.default_rng(0).integers(0, 255, (40, 32, 40)).astype(np.uint8)
    session = school.session
    shown = []
    session.proposed.connect(lambda p: shown.append((p, session.model.identity)) if p is not None else None)
    session.use(new_case(with_content(Volume(values, Geometry(values.shape), name="v"))))
    session.proposing.go_live(True)
    school.teaching.start()
    for z in range(200):
        session.go_to_slice(z % 40)
        school.pump.run()
        time.sleep(0.002)
    school.until("finished")
    for z in range(40):
        session.go_to_slice(z)
        school.pump.until(lambda z=z: session.proposal is not None and session.proposal.request.z == z)
    assert {identity for _, identity in shown} == {school.base.identity, session.model.identity}
    assert all(p.weights == identity for p, identity in shown)


def test_a_lesson_that_was_cut_off_leaves_a_mark_and_one_that_ended_does_not(school):
    mark = school.source.mark
    school.teacher.free = False
    school.teaching.start()
    school.pump.until(lambda: bool(school.teacher.orders))
    assert lesson_mark.cut_off(mark) == 9
    school.teacher.free = True
    school.until("finished")
    assert not mark.exists() and lesson_mark.cut_off(mark) == 0
