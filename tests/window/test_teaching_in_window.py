"""Teaching in the real window: a click on Teach, the strip, the sentence at the end, one filled button at a time."""

import gc
import shutil

import pytest
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox
from support.hand import Hand, has_hand, settle, wait
from support.lessons import SENTENCES, FakeArchive, FakeSource, FakeTeacher
from support.photographs import IMAGES, photographs

from featherseg.session import lesson_mark
from featherseg.session.gathering import gather, take_masks
from featherseg.session.lesson_plan import Wishes
from featherseg.session.teaching import Teaching
from featherseg.session.workspace_source import WorkspaceSource, mark_in
from featherseg.window.launch import make_window
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.teaching.order import Settings


class Classroom:
    """The real window on a workspace of photographs, taught by a teacher that a test holds."""

    def __init__(self, folder, count):
        gc.collect()
        self.teacher, self.archive, self.fake = FakeTeacher(), FakeArchive(folder / "models"), FakeSource()

        def make_teaching(session, bench):
            def read(workspace, cases, wishes, in_use, control):
                self.fake.cases = len(cases)
                return self.fake.gather(wishes.settings)

            source = WorkspaceSource(bench, read, lambda model: {})
            return Teaching(session, source, self.archive, lambda: self.teacher)

        self.window = make_window(make_teaching=make_teaching)
        self.window.resize(1366, 768)
        self.window.show()
        self.bench, self.teaching = self.window.work.bench, self.window.teach.teaching
        self.box = self.window.teach.box
        assert self.bench.open(photographs(folder / "Fälle", count))
        gather(self.bench, [folder / "Fälle"])
        wait(lambda: self.bench.current is not None and len(self.bench.cases) == count)
        settle(0.2)

    def accept(self, count):
        self.bench.set_state(self.bench.cases[-count:], CaseState.ACCEPTED)
        settle(0.1)

    def filled(self):
        buttons = (self.window.panel.model.primary, self.box.teach)
        return [b.text().split("  ")[0] for b in buttons if b.property("filled") and b.isVisible()]

    def close(self):
        self.teacher.free = True
        self.teaching.cancel()
        self.window.close()
        self.window.deleteLater()


@pytest.fixture
def room(qtbot, tmp_path):
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    made = Classroom(tmp_path, 8)
    yield made
    made.close()
    qtbot.wait(50)


def test_teach_is_offered_when_cases_are_accepted_and_filled_when_it_is_worth_it(room):
    assert not room.box.teach.isEnabled() and "No case is accepted" in room.box.about.text()
    room.accept(2)
    assert room.box.about.text() == "2 new cases · ~ 3 min" and room.box.teach.isEnabled()
    assert room.filled() == ["Propose"]
    room.accept(6)
    assert room.filled() == ["Teach"]
    room.window.session.propose()
    wait(lambda: room.window.session.proposal is not None)
    assert room.filled() == ["Accept"]


def test_a_click_on_teach_shows_the_strip_and_at_the_end_the_sentence_with_undo(room):
    hand, box, session = Hand(room.window), room.box, room.window.session
    room.accept(6)
    before = session.model
    room.teacher.free = False
    hand.click(box.teach)
    room.teacher.gate.release(2)
    wait(lambda: len(room.teaching.curve) == 2)
    settle(0.2)
    strip = box.running
    assert strip.isVisible() and not box.teach.isVisible() and room.filled() == ["Propose"]
    assert strip.text.text() == "learning from 6 cases, 0:33 left"
    assert strip.plot.isVisible() and strip.picture.isVisible()
    assert "0.84 in use" in strip.dice.text()
    lines = strip.plot.lines["new"].getData()[1]
    assert len(lines) == 2 and lines[1] > lines[0]
    hand.click(strip.pause)
    assert room.teaching.paused and "paused" in strip.text.text()
    hand.click(strip.pause)
    room.teacher.free = True
    wait(lambda: room.teaching.stage == "finished")
    settle(0.1)
    assert not strip.isVisible() and box.said.text().startswith(SENTENCES["adopt"])
    assert session.model.identity != before.identity
    assert room.window.notices.text().startswith(SENTENCES["adopt"])
    hand.click(box.undo)
    assert session.model.identity == before.identity and not box.undo.isVisible()
    assert room.window.panel.model.models.currentData() == before.card.name


class Repaints(QObject):
    """Counts how often a widget is drawn."""

    count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_while_a_lesson_is_prepared_the_window_is_not_drawn_again_and_again(room):
    room.accept(6)
    room.teacher.free = False
    Hand(room.window).click(room.box.teach)
    wait(lambda: room.box.running.isVisible())
    settle(0.5)
    repaints = Repaints()
    room.box.running.bar.installEventFilter(repaints)
    settle(1.0)
    assert (
        repaints.count <= 5
    )  # a bar that ran to and fro took half of the processor where OpenGL is software


def test_t_teaches_and_cancel_ends_it(room):
    hand = Hand(room.window)
    room.accept(3)
    room.teacher.free = False
    hand.key("t", "t")
    wait(lambda: bool(room.teacher.orders))
    assert room.teaching.running
    hand.click(room.box.running.cancel)
    assert room.teaching.stage == "cancelled" and room.box.teach.isVisible()
    assert len(room.teacher.orders) == 1


def test_a_hand_at_work_holds_the_lesson_back(room):
    hand = Hand(room.window)
    room.accept(3)
    assert room.teaching.steering.felt_at == 0.0
    hand.key("n")
    assert room.teaching.steering.felt_at == 0.0, "nothing listens while nothing is learnt"
    room.teacher.free = False
    hand.key("t")
    wait(lambda: bool(room.teacher.orders))
    felt = room.teaching.steering.felt_at
    hand.key("n")
    assert room.teaching.steering.felt_at > felt


def test_too_few_cases_ask_the_person_to_look_and_choose(room):
    hand = Hand(room.window)
    room.teacher.decision = "ask"
    room.accept(2)
    hand.click(room.box.teach)
    wait(lambda: room.teaching.stage == "asking")
    settle(0.2)
    asking = room.box.asking
    assert asking.isVisible() and asking.which.text().endswith("1 of 2")
    hand.click(asking.on)
    assert asking.which.text().endswith("2 of 2")
    hand.click(asking.use)
    assert room.teaching.stage == "finished" and room.teaching.may_undo


def test_why_shows_both_models_case_by_case(room):
    room.teacher.decision = "keep"
    room.accept(2)
    room.teaching.start()
    wait(lambda: room.teaching.stage == "finished")
    Hand(room.window).click(room.box.why)
    table = room.box._scores.table
    names = [table.topLevelItem(i).text(0) for i in range(table.topLevelItemCount())]
    assert names[:2] == ["Mean Dice of each label", "lesion"]
    assert "Cases you corrected" in names and "case 3" in names
    room.box._scores.close()


def test_advanced_changes_how_it_teaches(room):
    hand = Hand(room.window)
    room.accept(3)
    hand.click(room.box.advanced.fold)
    room.box.advanced.minutes.setValue(7)
    assert room.box.about.text() == "3 new cases · ~ 7 min"
    room.teaching.start()
    wait(lambda: room.teaching.stage == "finished")
    assert room.teacher.orders[0].settings.minutes == 7


def test_closing_the_window_while_it_learns_asks(room):
    room.accept(3)
    room.teacher.free = False
    room.teaching.start()
    wait(lambda: bool(room.teacher.orders))
    said = []

    def answer():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        said.append(box.text())
        box.button(QMessageBox.StandardButton.Cancel).click()

    QTimer.singleShot(200, answer)
    room.window.close()
    assert said == ["The model is learning from 3 cases."]
    assert room.window.isVisible() and room.teaching.running


def test_a_lesson_that_was_cut_off_is_told_at_the_next_start(room):
    folder = room.bench.workspace.folder
    assert room.bench.close()
    lesson_mark.put(mark_in(folder), 6)
    assert room.bench.open(folder)
    wait(lambda: "a lesson over 6 cases was cut off" in room.window.notices.text())
    assert not mark_in(folder).exists()


@pytest.mark.slow
def test_a_real_lesson_from_the_click_to_the_answer_of_what_was_learnt(qtbot, tmp_path):
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    window = make_window()
    window.resize(1366, 768)
    window.show()
    bench, teaching, session = window.work.bench, window.teach.teaching, window.session
    images = photographs(tmp_path / "images", 4)
    masks = []
    for i in range(3):
        image = IMAGES[i % len(IMAGES)]
        mask = next((image.parent.parent / "masks").glob(f"{image.stem}.*"))
        masks.append(tmp_path / f"photo{i}{mask.suffix}")
        shutil.copy(mask, masks[-1])
    assert bench.open(tmp_path / "Work")
    gather(bench, [images])
    wait(lambda: len(bench.cases) == 4 and not bench.errands.busy)
    take_masks(bench, masks)
    wait(lambda: not session.reading)
    bench.set_state(bench.cases[:3], CaseState.ACCEPTED)
    bench.open_case(bench.cases[3])
    wait(lambda: bench.current is not None and bench.current.name == bench.cases[3].name)
    before = session.model
    teaching.change(Wishes(Settings(minutes=0.1)))
    settle(0.2)
    Hand(window).click(window.teach.box.teach)
    wait(lambda: not teaching.running, 240)
    assert teaching.stage == "asking", teaching.sentence
    assert session.model is before and len(teaching.result.outcome.side_by_side) >= 1
    Hand(window).click(window.teach.box.asking.use)
    assert session.model.identity not in ("", before.identity)
    session.propose()
    wait(lambda: session.proposal is not None)
    assert session.proposal.weights == session.model.identity
    teaching.undo()
    assert session.model.identity == before.identity
    window.close()
    window.deleteLater()
    qtbot.wait(50)
