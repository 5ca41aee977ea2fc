"""Lessons whose data lie on a device (here the CPU): changes, batches, courses in turns, and what they leave."""

import dataclasses
import json
import shutil
import time

import numpy as np
import pytest
import torch
from support.paths import TINY
from torch import nn
from typer.testing import CliRunner

from featherseg.cli import app
from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import TrainingError
from featherseg_engines.models.bundle import WEIGHTS
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training import contest
from featherseg_engines.training.accelerator import course
from featherseg_engines.training.accelerator.changes import Changes, changed
from featherseg_engines.training.accelerator.pool import Judged, Pool, kinds_of
from featherseg_engines.training.accelerator.step import Fitted, Step
from featherseg_engines.training.accelerator.turns import Entry, learn_all
from featherseg_engines.training.checkpoint import finished, half_kernels, load_best, save_tensors
from featherseg_engines.training.lesson import Lesson, teach
from featherseg_engines.training.plan import Stage
from featherseg_engines.training.recipes import plan_for, preprocessing_for
from featherseg_engines.training.samples import IGNORE, Sample

CPU = torch.device("cpu")


def lesson(network: str = "unext_s", epochs: int = 1, **changes) -> Lesson:
    spec = default_registry().get(network)
    train, dev = read_dataset(TINY, "train"), read_dataset(TINY, "dev")
    plan = dataclasses.replace(plan_for(spec), stages=(Stage(64, epochs),), batch=2, crops=4, **changes)
    return Lesson(train, dev, spec.name, f"{network}.skin", plan, preprocessing_for(spec, train))


def disc(height: int, width: int, at: tuple[int, int] = (20, 30)) -> Sample:
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - at[0]) ** 2 + (columns - at[1]) ** 2 < 12**2
    return Sample(np.repeat((inside * 255).astype(np.uint8)[None], 3, 0), inside.astype(np.uint8))


def test_image_and_labels_are_changed_alike():
    torch.manual_seed(3)
    sample = disc(64, 96)
    images = torch.from_numpy(sample.image)[None].float().repeat(16, 1, 1, 1) / 255
    labels = torch.from_numpy(sample.labels)[None].repeat(16, 1, 1)
    found, named = changed(images, labels, (64, 96), Changes(colour=0.0, dropout=0.0))
    bright = found[:, 0] > 0.5
    overlap = 2 * (bright & (named == 1)).sum() / (bright.sum() + (named == 1).sum())
    assert named.dtype == torch.int64 and overlap > 0.97
    assert len({int(n) for n in named.sum(dim=(1, 2))}) > 8, "each image of the batch is changed otherwise"


def test_patches_of_small_and_large_images_come_in_one_size_half_of_them_around_a_label():
    torch.manual_seed(0)
    pool = Pool([disc(40, 50), disc(400, 300, (350, 30))], (64, 64), True, CPU)
    images, labels = pool.batch(torch.tensor([0, 1] * 20), Changes())
    assert images.shape == (40, 3, 64, 64) and labels.shape == (40, 64, 64)
    assert images.min() >= 0 and images.max() <= 1
    assert (labels[1::2] == 1).any(dim=2).any(dim=1).float().mean() >= 0.4


class Bright(nn.Module):
    """Says 1 where an image is brighter than its middle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros_like(x[:, :1]), x[:, :1]], dim=1)


@pytest.mark.parametrize("patches", [False, True])
def test_a_right_answer_scores_one_and_padding_counts_for_nothing(patches):
    empty = Sample(np.zeros((3, 50, 60), np.uint8), np.zeros((50, 60), np.uint8))
    samples = [disc(50, 60), empty, disc(30, 70)]
    size = (32, 32) if patches else (64, 96)
    judged = Judged(samples, size, patches, 1, CPU)
    half = torch.full((1, 3, 1, 1), 0.5)
    assert judged.dice(Bright(), half, half, half=False) == 1.0
    wrong = judged.dice(Bright(), half, -half, half=False)
    assert wrong < 0.1
    assert IGNORE not in (0, 1)


def test_a_course_leaves_what_the_row_then_publishes(tmp_path):
    one, told = lesson("repsegnet", form="folded"), []
    learn_all([Entry(one, tmp_path / "b.training")], default_registry(), "cpu", 0.0, told.append)
    assert "b: Dice" in told[-1] and finished(tmp_path / "b.training")
    state = json.loads((tmp_path / "b.training" / "state.json").read_text())
    bundle = teach(one, default_registry(), tmp_path / "b", lambda _: pytest.fail("nothing is left to learn"))
    assert bundle.card.measured[0].dice == pytest.approx(state["history"]["best_dice"], abs=0.05)
    assert bundle.card.training.settings["form"] == "folded"


@pytest.mark.slow
def test_branches_are_learned_and_folded_at_the_end(tmp_path):
    one = lesson("repsegnet", form="folded_last")
    learn_all([Entry(one, tmp_path / "b.training")], default_registry(), "cpu", 0.0, lambda _: None)
    bundle = teach(one, default_registry(), tmp_path / "b")
    settings = bundle.card.training.settings
    assert settings["form"] == "folded" and settings["learned_form"] == "folded_last"
    assert bundle.weights.stat().st_size < 3_000_000


def test_several_courses_take_turns_and_one_that_fails_takes_none_along(tmp_path):
    told: list[str] = []
    mad = lesson(cross_entropy_weight=float("nan"), epochs=2)
    entries = [Entry(mad, tmp_path / "mad.training"), Entry(lesson(), tmp_path / "good.training")]
    learn_all(entries, default_registry(), "cpu", 0.0, told.append)
    assert any(t.startswith("mad: The course was stopped") for t in told)
    assert finished(tmp_path / "good.training") and not finished(tmp_path / "mad.training")


def test_a_course_whose_numbers_run_away_once_goes_back_and_on(tmp_path, monkeypatch):
    real, calls = Step.__call__, [0]

    def wild(self, images, labels):
        calls[0] += 1
        loss = real(self, images, labels)
        if calls[0] == 2:
            for parameter in self._network.parameters():
                parameter.grad.fill_(float("nan"))
        return loss * float("nan") if calls[0] == 2 else loss

    monkeypatch.setattr(Step, "__call__", wild)
    told: list[str] = []
    learn_all([Entry(lesson(epochs=4), tmp_path / "b.training")], default_registry(), "cpu", 0.0, told.append)
    assert finished(tmp_path / "b.training") and "Dice" in told[-1], told
    best = load_best(default_registry().build("unext_s", in_channels=3, classes=2), tmp_path / "b.training")
    assert all(v.isfinite().all() for v in best.state_dict().values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
def test_where_there_is_no_gpu_one_sentence_says_so(tmp_path):
    with pytest.raises(TrainingError, match="no GPU"):
        learn_all([Entry(lesson(), tmp_path / "b.training")], default_registry(), "cuda", 0.0, pytest.fail)


def test_a_run_that_is_not_there_or_of_another_network_gets_a_sentence(tmp_path):
    entry = Entry(lesson(), tmp_path / "b.training", begin_from=tmp_path / "gone.training")
    with pytest.raises(TrainingError, match=r"'gone\.training' does not hold"):
        learn_all([entry], default_registry(), "cpu", 0.0, pytest.fail)


def test_teachers_without_a_folder_to_find_them_in_are_refused(tmp_path):
    words = ["rows", "learn", "lgmsnet.skin", "--data", str(tmp_path), "--teachers", "repsegnet.skin"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code != 0 and "--after" in str(told.exception)


def test_several_seeds_of_a_row_are_runs_of_their_own_that_may_teach_it(tmp_path, monkeypatch):
    taken: list[Entry] = []
    monkeypatch.setattr(
        "featherseg_engines.training.accelerator.turns.learn_all", lambda e, *_: taken.extend(e)
    )
    shutil.copytree(TINY, tmp_path / "isic2017_lesion")
    words = ["rows", "learn", "med2dsegnet.skin", "--data", str(tmp_path), "--seeds"]
    told = CliRunner().invoke(app, [*words, "43,44"])
    assert told.exit_code == 0, told.output
    assert [(e.name, e.lesson.plan.seed) for e in taken] == [
        ("med2dsegnet.skin", 43),
        ("med2dsegnet.skin~44", 44),
    ]
    (tmp_path / "med2dsegnet.skin~44.training").mkdir()
    (tmp_path / "lgmsnet.skin").mkdir()
    taught = [
        "43",
        "--after",
        str(tmp_path),
        "--teachers",
        "med2dsegnet.skin~44,lgmsnet.skin,lgmsnet.polyp,unext.skin",
    ]
    CliRunner().invoke(app, [*words, *taught])
    assert [(t, folder.name) for t, folder in taken[-1].teachers] == [
        ("med2dsegnet", "med2dsegnet.skin~44.training"),
        ("lgmsnet", "lgmsnet.skin"),
        ("unext", "unext.skin.training"),  # not there: a sentence says so when it begins
    ]
    told = CliRunner().invoke(app, [*words, "43,many"])
    assert told.exit_code != 0 and "list of seeds" in str(told.exception)


def test_a_course_begins_from_another_and_heeds_its_teachers(tmp_path):
    first, second = tmp_path / "first.training", tmp_path / "second.training"
    learn_all([Entry(lesson(), first)], default_registry(), "cpu", 0.0, lambda _: None)
    taught = Entry(lesson(learning_rate=1e-9), second, first, (("unext_s", first),))
    learn_all([taught], default_registry(), "cpu", 0.0, lambda _: None)
    curves = [json.loads((f / "state.json").read_text())["history"]["best_dice"] for f in (first, second)]
    assert curves[1] == pytest.approx(curves[0], abs=0.1)


def test_a_teacher_may_need_larger_multiples_than_its_pupil(tmp_path):
    first, told = tmp_path / "first.training", []
    coarse, fine = default_registry().get("unext_s"), default_registry().get("med2dsegnet")
    assert coarse.stride > fine.stride and 48 % coarse.stride
    learn_all([Entry(lesson(), first)], default_registry(), "cpu", 0.0, told.append)
    pupil = Entry(lesson("med2dsegnet"), tmp_path / "second.training", None, (("unext_s", first),))
    learn_all([pupil], default_registry(), "cpu", 0.0, told.append)
    assert "Dice" in told[-1]


class Brightness(nn.Module):
    """Answers with its input's first channel; says what size it saw."""

    def forward(self, x):
        self.saw = tuple(x.shape[-2:])
        return x[:, :1]


@pytest.mark.parametrize(("scale", "seen"), [(1.0, (64, 64)), (2.0, (96, 128)), (0.5, (32, 32))])
def test_a_teacher_sees_at_its_own_size_and_answers_at_the_pupil_s(scale, seen):
    x = torch.linspace(0, 1, 64).expand(2, 3, 48, 64)
    teacher = Fitted(Brightness(), 32, scale)
    answer = teacher(x)
    assert teacher.network.saw == seen
    torch.testing.assert_close(answer, x[:, :1], atol=0.02, rtol=0)


def test_a_bundle_that_was_taught_folded_teaches_a_network_that_was_not(tmp_path):
    models = [Catalogue().resolve(name).folder for name in ("repsegnet.polyp", "repsegnet.skin")]
    told = []
    entry = Entry(lesson("lgmsnet"), tmp_path / "run.training", None, tuple(("repsegnet", m) for m in models))
    learn_all([entry], default_registry(), "cpu", 0.01, told.append)
    assert "Dice" in told[-1]


def test_a_course_begins_from_a_model_that_ships(tmp_path):
    network = default_registry().build("unext_s", in_channels=3, classes=2)
    (tmp_path / "model").mkdir()
    save_tensors(tmp_path / "model" / WEIGHTS, half_kernels(network.state_dict()))
    entry = Entry(lesson(learning_rate=1e-9), tmp_path / "run.training", tmp_path / "model")
    learn_all([entry], default_registry(), "cpu", 0.0, lambda _: None)
    best = load_best(default_registry().build("unext_s", in_channels=3, classes=2), entry.folder)
    head = "head.weight"
    assert torch.allclose(best.state_dict()[head], network.state_dict()[head], atol=1e-3)


def test_rare_kinds_of_picture_are_shown_more_often_where_that_is_asked_for():
    torch.manual_seed(0)
    bright = [Sample(np.full((3, 32, 32), 200 + i, np.uint8), np.zeros((32, 32), np.uint8)) for i in range(4)]
    dark = [Sample(np.full((3, 32, 32), i, np.uint8), np.zeros((32, 32), np.uint8)) for i in range(60)]
    samples = [*bright, *dark]
    kinds = kinds_of(samples)
    assert len(set(kinds[:4]) & set(kinds[4:])) == 0, "no bright one is taken for a dark one"
    pool = Pool(samples, (32, 32), False, CPU)
    plain, shown = ((pool.order(4000, balance) < 4).float().mean() for balance in (0.0, 1.0))
    assert plain == pytest.approx(4 / 64, abs=0.01) and shown > 0.12
    assert (kinds_of(samples[:5]) == 0).all(), "of so few pictures nothing is said"


def test_a_course_ends_when_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "LOOKS", 2)
    one = lesson(epochs=10_000)
    started = time.monotonic()
    learn_all([Entry(one, tmp_path / "b.training")], default_registry(), "cpu", 0.1, lambda _: None)
    assert finished(tmp_path / "b.training") and time.monotonic() - started < 120


@pytest.mark.slow
def test_a_contestant_measured_on_the_device_is_not_trained_again(tmp_path, monkeypatch):
    shutil.copytree(TINY, tmp_path / "isic2017_lesion")
    monkeypatch.chdir(tmp_path)
    words = f"--data {tmp_path} --networks unext_s --tasks skin --side 32 --epochs 1 --batch 2".split()
    told = CliRunner().invoke(app, ["rows", "ranking", *words, "--device", "cpu"])
    assert told.exit_code == 0, told.output
    terms = contest.Terms("skin", 32, 1, batch=2)
    result = contest.run("unext_s", terms, tmp_path, tmp_path / "out/contest", pytest.fail)
    assert 0 <= result.dice <= 1 and result.ms > 0 and result.batch == 2


@pytest.mark.slow
def test_a_row_learned_on_the_device_is_published_by_the_row_s_own_command(tmp_path, monkeypatch):
    shutil.copytree(TINY, tmp_path / "isic2017_lesion")
    (tmp_path / "resources" / "shipped").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    words = ["med2dsegnet.skin", "--data", str(tmp_path)]
    told = CliRunner().invoke(app, ["rows", "learn", *words, "--device", "cpu"])
    assert told.exit_code == 0 and "med2dsegnet.skin: Dice" in told.output, told.output
    models = tmp_path / "resources" / "shipped"
    told = CliRunner().invoke(app, ["rows", "train", *words, "--models", str(models)])
    assert told.exit_code == 0 and "epoch" not in told.output, told.output
    card = json.loads((models / "med2dsegnet.skin" / "card.json").read_text("utf-8"))
    assert card["training"]["epochs"] == 4 and card["training"]["settings"]["stages"] == [[96, 4]]
