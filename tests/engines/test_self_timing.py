"""Measuring once which way of computing a model is fastest, and keeping it."""

import json

import pytest

from featherseg_engines.errors import Cancelled
from featherseg_engines.inference import self_timing
from featherseg_engines.inference.backends import Choice
from featherseg_engines.inference.machine import this_machine
from featherseg_engines.inference.proposal import CancelToken
from featherseg_engines.inference.self_timing import choice_for, time_bundle, timed_for
from featherseg_engines.models.bundle import open_bundle
from featherseg_resources import models_folder

SMALL = "repsegnet.skin"


@pytest.fixture
def bundle():
    return open_bundle(models_folder() / SMALL)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(self_timing.PLACE, str(tmp_path / "kept"))
    return tmp_path / "kept" / self_timing.FILE


def test_nothing_is_chosen_before_it_was_measured(bundle, place):
    assert choice_for(bundle) is None and timed_for(bundle) is None and not place.exists()


def test_a_measured_choice_is_one_of_the_ways_and_is_kept(bundle, place):
    choice = time_bundle(bundle, CancelToken())
    timed = timed_for(bundle)
    assert choice_for(bundle) == choice and timed is not None
    assert timed.ms[str(choice)] <= min(timed.ms.values()) * 1.06 or timed.dice is not None
    assert choice.threads in this_machine().threads
    assert SMALL not in place.read_text() and str(place.parent) not in place.read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 0}', '{"format": 1, "ms": 3, "dice": {}}'])
def test_a_damaged_or_old_file_means_not_measured(bundle, place, content):
    place.parent.mkdir()
    place.write_text(content)
    assert choice_for(bundle) is None


def test_a_folder_that_cannot_be_written_is_no_error(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(self_timing, "choices", lambda machine: (Choice(),))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(self_timing.PLACE, str(tmp_path / "file" / "folder"))
    assert time_bundle(bundle, CancelToken()).threads >= 1
    assert choice_for(bundle) is None


def test_measuring_stops_when_asked_and_keeps_nothing(bundle, place):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        time_bundle(bundle, token)
    assert not place.exists()


def kept(bundle, place, monkeypatch, dice):
    """A file that says bfloat16 is fastest, on a machine that has it."""
    ways = (Choice(), Choice("openvino", "f32"), Choice("openvino", "bf16"))
    monkeypatch.setattr(self_timing, "choices", lambda machine: ways)
    time_of = dict(zip(map(str, ways), (60.0, 59.0, 30.0), strict=True))
    place.parent.mkdir()
    graph, weights = self_timing._graph_key(bundle), self_timing._weights_key(bundle)
    place.write_text(json.dumps({"format": 1, "ms": {graph: time_of}, "dice": {weights: dice}}))


def test_bfloat16_is_taken_where_its_mask_agrees(bundle, place, monkeypatch):
    kept(bundle, place, monkeypatch, 0.995)
    assert choice_for(bundle) == Choice("openvino", "bf16")


@pytest.mark.parametrize("dice", [0.98, None])
def test_bfloat16_is_not_taken_where_its_mask_differs_and_ties_go_to_onnx_runtime(
    bundle, place, monkeypatch, dice
):
    kept(bundle, place, monkeypatch, dice)
    assert choice_for(bundle) == Choice()


def test_models_of_one_network_share_the_times_but_not_the_agreement(bundle, place, monkeypatch):
    kept(bundle, place, monkeypatch, 0.995)
    assert timed_for(open_bundle(models_folder() / "repsegnet.lesion")) is None
