"""Propose, correct, teach: each step is over when it is done, and closed is closed for good."""

from types import SimpleNamespace

import numpy as np
from psygnal import Signal

from featherseg.session.first_steps import FirstSteps

TAKEN, DRAWN = SimpleNamespace(source="proposal"), SimpleNamespace(source="hand")


class Session:
    proposed, edited, opened = Signal(object), Signal(object, str), Signal(object)


class Lesson:
    changed = Signal()
    running = False


def steps(done: bool = False, lesson: Lesson | None = None) -> tuple[FirstSteps, Session, list[str]]:
    session, kept = Session(), []
    return FirstSteps(session, lesson, done, lambda: kept.append("kept")), session, kept  # type: ignore[arg-type]


def test_the_steps_follow_what_the_person_does():
    lesson = Lesson()
    first, session, kept = steps(lesson=lesson)
    seen = []
    first.changed.connect(lambda: seen.append(first.step))
    first.begin(many=True)
    session.proposed.emit(np.zeros(1))
    session.edited.emit(TAKEN, "do")
    session.edited.emit(DRAWN, "adopt")
    lesson.running = True
    lesson.changed.emit()
    assert seen == ["propose", "correct", "teach", ""] and kept == ["kept"]


def test_a_ghost_that_goes_is_no_step():
    first, session, _ = steps()
    first.begin(many=False)
    session.proposed.emit(None)
    assert first.step == "propose"


def test_closed_they_never_come_back_unless_asked_for():
    first, _, kept = steps()
    first.begin(many=False)
    first.close()
    first.begin(many=False)
    assert first.step == "" and kept == ["kept"]
    first.begin(many=False, again=True)
    assert first.step == "propose"


def test_who_has_seen_them_is_left_alone():
    first, session, _ = steps(done=True)
    first.begin(many=True)
    session.proposed.emit(np.zeros(1))
    assert first.step == ""


def test_they_go_when_the_picture_goes_but_are_not_done():
    first, session, kept = steps()
    first.begin(many=False)
    session.opened.emit(None)
    first.begin(many=False)
    assert first.step == "propose" and kept == []


def test_a_picture_that_was_right_as_it_came_is_corrected_too():
    first, session, _ = steps()
    first.begin(many=True)
    session.proposed.emit(np.zeros(1))
    session.edited.emit(TAKEN, "do")
    assert first.step == "correct"
    session.opened.emit(object())
    assert first.step == "teach"


def test_over_an_image_of_ones_own_they_rest():
    first, _, kept = steps()
    first.begin(many=False)
    first.rest()
    assert first.step == "" and kept == []
