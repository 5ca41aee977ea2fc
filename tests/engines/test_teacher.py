"""A lesson ends with a judged candidate in its folder, or with one sentence and nothing changed."""

import dataclasses
import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.taught import Copying, Free, copied, order_of, shipped

from featherseg_engines.errors import Cancelled, TrainingError, WriteError
from featherseg_engines.models.bundle import file_sha256
from featherseg_engines.models.card import Asking
from featherseg_engines.teaching import examining
from featherseg_engines.teaching.looking import output_numbers
from featherseg_engines.teaching.order import UNSEEN
from featherseg_engines.teaching.record import case_key, learnt_cases, read_record
from featherseg_engines.teaching.run_folder import lock_of, sweep
from featherseg_engines.teaching.teach import NOTHING_LEFT, LocalTeacher

WORKER = Path(__file__).resolve().parents[1] / "support" / "killed_lesson.py"


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    return copied(shipped(), tmp_path_factory.mktemp("models") / "spoiled", "repsegnet.skin-9", spoiled=True)


def teach(school, order, folder):
    heard = []
    return LocalTeacher(school.school).teach(order, folder, Free(), heard.append), heard


def test_of_eight_cases_two_are_held_out_and_the_better_candidate_is_to_be_adopted(tmp_path, spoiled):
    school, order = Copying(shipped()), order_of(8, spoiled)
    outcome, heard = teach(school, order, tmp_path / "new")
    ((learnt, budget),) = school.lessons
    judged = {score.name for score in outcome.verdict.scores}
    assert len(learnt) == 6 and len(judged) == 2 and not judged & set(learnt) and budget == pytest.approx(0.6)
    assert outcome.verdict.decision == "adopt" and outcome.verdict.how == "held out" and school.looks[0]
    assert outcome.candidate.folder == tmp_path / "new" and not outcome.side_by_side
    assert outcome.curve and not list(tmp_path.glob("*.training*"))
    assert next(p.phase for p in heard) == "preparing" and heard[-1].phase == "measuring"
    assert heard[-1].done == 1 and heard[-1].seconds_left == 0


def test_the_time_left_of_measuring_follows_its_own_pace(tmp_path, spoiled, monkeypatch):
    """A candidate that wants mirror images takes four times as long as the model that was timed before."""
    found = examining.answer

    def slow(*words):
        time.sleep(0.2)
        return found(*words)

    monkeypatch.setattr(examining, "answer", slow)
    monkeypatch.setattr("featherseg_engines.teaching.lesson.seconds_to_examine", lambda order, cases: 0.0)
    monkeypatch.setattr("featherseg_engines.teaching.lesson.EXPORT_S", 0.0)
    _, heard = teach(Copying(shipped()), order_of(8, spoiled), tmp_path / "new")
    begin, first, last = (p for p in heard if p.phase == "measuring")
    assert (begin.done, first.done, last.done) == (0, 0.5, 1) and last.seconds_left == 0
    assert first.seconds_left >= 0.2


def test_the_record_keeps_numbers_and_no_names(tmp_path, spoiled):
    order = order_of(8, spoiled)
    order = dataclasses.replace(
        order, cases=tuple(dataclasses.replace(c, name=f"Mrs {c.name}") for c in order.cases)
    )
    outcome, _ = teach(Copying(shipped()), order, tmp_path / "new")
    record = read_record(outcome.candidate)
    assert record.cases == 8 and len(record.learnt) == 6 and record.beaten.startswith("repsegnet.skin-9 ")
    assert record.verdict.gain == outcome.verdict.gain and record.curve == outcome.curve
    assert "Mrs" not in (outcome.candidate.folder / "version.json").read_text()
    assert "Mrs case 3" in learnt_cases(outcome.candidate) and "Mrs case 8" not in learnt_cases(
        outcome.candidate
    )
    assert case_key("Mrs case 3") in {*record.learnt, *record.held_out}


def test_of_five_cases_each_is_judged_by_a_fold_and_the_candidate_learns_from_all(tmp_path, spoiled):
    school = Copying(shipped())
    outcome, _ = teach(school, order_of(5, spoiled), tmp_path / "new")
    assert [len(names) for names, _ in school.lessons] == [2, 3, 5]
    assert sum(budget for _, budget in school.lessons) == pytest.approx(0.6)
    assert outcome.verdict.how == "folds" and len(outcome.verdict.scores) == 5
    assert "in trials on your 5 cases" in outcome.verdict.sentence and school.looks[-1] is None
    assert school.before == [[], [], school.learnt[:2]], "the candidate begins where the folds have come to"
    assert not (outcome.candidate.folder / "fold").exists()


def test_of_three_cases_the_person_is_shown_both_side_by_side(tmp_path, spoiled):
    outcome, _ = teach(Copying(shipped()), order_of(3, spoiled), tmp_path / "new")
    assert outcome.verdict.decision == "ask" and outcome.verdict.how == "nothing"
    assert len(outcome.side_by_side) == 3
    old, new = outcome.side_by_side[0]
    assert old.name == new.name and max(old.pixels.shape) <= 512 and (old.answer != new.answer).any()


def test_a_worse_candidate_is_kept_with_the_reason(tmp_path, spoiled):
    outcome, _ = teach(Copying(spoiled), order_of(8, shipped()), tmp_path / "new")
    assert outcome.verdict.decision == "keep" and "Kept the old model" in outcome.verdict.sentence
    assert outcome.candidate.folder.is_dir()


def test_a_glance_tells_the_dice_of_both_and_shows_one_image(tmp_path, spoiled):
    import torch

    class Glancing(Copying):
        def learn(self, cases, order, budget_s, control, listen, aids):
            class Nothing(torch.nn.Module):
                def forward(self, image):
                    return torch.stack([torch.ones_like(image[:, 0]), torch.zeros_like(image[:, 0])], 1)

            self.seen = aids.look(Nothing(), order.parent.card.preprocessing, Asking())
            return super().learn(cases, order, budget_s, control, listen, aids)

    school = Glancing(shipped())
    teach(school, order_of(8, shipped()), tmp_path / "new")
    assert school.seen.dice == 0 and school.seen.parent_dice > 0.5
    assert school.seen.picture.answer.max() == 0 and school.seen.picture.truth.max() == 1


def test_the_estimate_is_the_time_for_learning_and_what_comes_after(spoiled):
    order = order_of(8, spoiled)
    assert LocalTeacher().estimate(order) > 0.6
    longer = dataclasses.replace(order, settings=dataclasses.replace(order.settings, minutes=0.0))
    assert LocalTeacher().estimate(longer) > 180


class Failing(Copying):
    """Learns, or writes, as far as an error."""

    def __init__(self, error, *, at="learn"):
        super().__init__(shipped())
        self.error, self.at = error, at

    def learn(self, *arguments):
        if self.at == "learn":
            raise self.error
        return super().learn(*arguments)

    def export(self, learnt, order, folder, naming, control):
        (folder / "model.onnx").write_bytes(b"half")
        raise self.error


FULL = OSError(errno.ENOSPC, "No space left on device")


def as_write_error():
    error = WriteError("'model.onnx' cannot be saved")
    error.__cause__ = FULL
    return error


@pytest.mark.parametrize(
    ("error", "at", "words"),
    [
        (TrainingError("The loss is not a number."), "learn", "loss is not a number"),
        (MemoryError(), "learn", "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "learn", "not enough memory"),
        (FULL, "export", "disk is full"),
        (as_write_error(), "export", "disk is full"),
        (OSError(errno.EIO, "Input/output error"), "export", "disk refused"),
    ],
)
def test_what_fails_is_one_sentence_and_leaves_no_folder_and_the_old_model_whole(tmp_path, error, at, words):
    in_use = copied(shipped(), tmp_path / "in use")
    before = {file.name: file_sha256(file) for file in in_use.folder.iterdir()}
    with pytest.raises(TrainingError, match=words) as told:
        teach(Failing(error, at=at), order_of(8, in_use), tmp_path / "new")
    assert "\n" not in str(told.value)
    assert {file.name: file_sha256(file) for file in in_use.folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in use"]


def test_a_cancel_leaves_nothing(tmp_path, spoiled):
    class Stopping(Copying):
        def learn(self, *arguments):
            raise Cancelled

    with pytest.raises(Cancelled):
        teach(Stopping(shipped()), order_of(8, spoiled), tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_case_that_does_not_fit_is_left_out_with_a_sentence(tmp_path, spoiled):
    order = order_of(9, spoiled)
    torn = dataclasses.replace(order.cases[4], voxels=order.cases[4].voxels[:, :10])
    order = dataclasses.replace(order, cases=(*order.cases[:4], torn, *order.cases[5:]))
    school = Copying(shipped())
    outcome, _ = teach(school, order, tmp_path / "new")
    assert "case 4" not in school.lessons[0][0] and "One case was left out" in outcome.verdict.sentence


def test_with_no_case_that_was_seen_there_is_nothing_to_learn(tmp_path, spoiled):
    order = order_of(1, spoiled)
    unseen = dataclasses.replace(order.cases[0], labels=np.full_like(order.cases[0].labels, UNSEEN))
    with pytest.raises(TrainingError) as told:
        teach(Copying(shipped()), dataclasses.replace(order, cases=(unseen,)), tmp_path / "new")
    assert str(told.value) == NOTHING_LEFT and not list(tmp_path.iterdir())


def test_a_folder_in_which_something_stands_is_not_written_into(tmp_path, spoiled):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine")
    with pytest.raises(WriteError, match="is there already"):
        teach(Copying(shipped()), order_of(3, spoiled), tmp_path / "new")
    assert (tmp_path / "new" / "mine.txt").read_text() == "mine"


def test_killed_in_the_middle_the_old_model_is_whole_and_the_rest_is_swept_at_the_next_start(tmp_path):
    in_use = copied(shipped(), tmp_path / "in use")
    before = {file.name: file_sha256(file) for file in in_use.folder.iterdir()}
    child = subprocess.Popen(
        [sys.executable, str(WORKER), str(in_use.folder), str(tmp_path / "new")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "half written\n"
    run = tmp_path / "new.training"
    assert sweep(tmp_path) == 0 and run.is_dir()  # it lives
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert run.is_dir() and sweep(tmp_path) == 1
    assert not run.exists() and not lock_of(run).exists()
    assert {file.name: file_sha256(file) for file in in_use.folder.iterdir()} == before


def test_what_the_parent_knew_beside_the_classes_is_nothing_while_looking():
    order = order_of(1, shipped(), classes=("polyp", "Lesion"), values=(1, 4))
    assert output_numbers(order).tolist() == [0, 2, 1]
    assert output_numbers(dataclasses.replace(order, classes=("polyp",), values=(1,))).tolist() == [0, 0, 1]
