"""How a model wants to be asked: over mirror images, and what is told where something is always there."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.asking import LEAST, asked, best_threshold, lifted, likeliest
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.proposal import PLAIN, CancelToken, Options, Request
from featherseg_engines.inference.volume_run import whole_volume
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.card import Asking, read_card
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.asking import ALWAYS, asking_for
from featherseg_engines.teaching.order import UNSEEN, TaughtCase

BASE = Catalogue().resolve("repsegnet.skin")
CLEAR = Asking(mirrored=True, always=True)


def bundle(asking: Asking) -> ModelBundle:
    return dataclasses.replace(BASE, card=dataclasses.replace(BASE.card, asking=asking))


def blob(depth: int = 2) -> Volume:
    """A dark blob, not in the middle, on light noise."""
    y, x = np.mgrid[:70, :90]
    shade = 190 - 90 * np.exp(-((y - 25) ** 2 / 300 + (x - 30) ** 2 / 500))
    noise = np.random.default_rng(0).normal(0, 6, (depth, 70, 90))
    return Volume((shade + noise).clip(0, 255).astype(np.uint8), Geometry((depth, 70, 90)), content="blob")


@given(
    shares=st.lists(st.floats(0, 1, width=32), min_size=2, max_size=9),
    split=st.floats(0, 1, width=32),
    threshold=st.sampled_from([0.1, 0.25, 0.5, 0.8]),
)
def test_what_reaches_the_threshold_reaches_a_half_and_nothing_else_changes_place(shares, split, threshold):
    anything = np.array(shares, np.float32)
    two = np.stack([anything * split, anything * (1 - split)])
    moved = lifted(two, threshold)
    together = moved.sum(axis=0)
    clear = np.abs(anything - threshold) > 1e-5
    assert np.array_equal((together >= 0.5)[clear], (anything >= threshold)[clear])
    assert ((moved >= 0) & (together <= 1 + 1e-5)).all()
    assert np.allclose(together[anything == 0], 0) and np.allclose(together[anything == 1], 1, atol=1e-5)
    order = np.argsort(anything, kind="stable")
    assert (np.diff(together[order]) >= -1e-6).all()
    assert np.array_equal(two[0] >= two[1], moved[0] >= moved[1]) or np.isclose(*two, atol=1e-6).any()


def expected_dice(chances, chosen):
    """Mean Dice of a choice over many truths drawn by these chances, pixel by pixel."""
    truths = np.random.default_rng(0).random((2000, len(chances))) < chances
    return np.mean(2 * (truths & chosen).sum(axis=1) / np.maximum(truths.sum(axis=1) + chosen.sum(), 1))


@pytest.mark.parametrize("sure", [0.95, 0.6, 0.3, 0.12])
def test_the_best_threshold_gives_the_best_dice_that_can_be_expected(sure):
    """Against draws of truths in a slice of 600 pixels, a spot that is likeliest in its middle."""
    chances = (sure / (1 + np.exp((np.abs(np.arange(600) - 200) - 50) / 4))).astype(np.float32)
    best = best_threshold(chances)
    dice = [expected_dice(chances, chances >= t) for t in np.linspace(0.02, 0.7, 35)]
    assert expected_dice(chances, chances >= best) > max(dice) - 0.01
    assert (best > 0.4) == (sure == 0.95)  # about one half only where it is sure


def test_the_best_threshold_stays_between_the_least_and_one_half():
    assert best_threshold(np.zeros((8, 8), np.float32)) == LEAST
    assert best_threshold(np.ones((8, 8), np.float32)) == 0.5
    assert best_threshold(np.full((8, 8), 0.001, np.float32)) == LEAST


def test_one_answer_and_many_are_asked_alike():
    many = np.random.default_rng(1).random((3, 2, 8, 6), np.float32) / 2
    at_once = asked(lambda batch: batch, CLEAR, 2)(many)
    one_by_one = [asked(lambda batch: batch[0], CLEAR, 2)(many[i : i + 1]) for i in range(3)]
    assert np.allclose(at_once, one_by_one, atol=1e-6)


def test_a_card_can_want_mirror_images_and_that_something_is_told():
    image = blob().voxels[0]
    probability = OnnxModel(bundle(Asking(mirrored=True))).probability(image)
    plain = OnnxModel(BASE).probability(image)
    assert np.abs(probability - plain).max() > 0.01  # this network is not its own mirror image
    told = OnnxModel(bundle(CLEAR)).probability(image)
    assert np.allclose(told, likeliest(probability), atol=0.05)  # on the network's grid, then enlarged
    assert (told >= 0.5).sum() > (probability >= 0.5).sum() > 0


@pytest.mark.parametrize("patch", [(), (64, 64)])
def test_slices_sweeps_strokes_and_mirroring_by_hand_all_ask_alike(patch):
    volume, engine, chosen = blob(), OnnxEngine(), bundle(CLEAR)
    if patch:
        pre = dataclasses.replace(chosen.card.preprocessing, patch=patch, long_side=0)
        chosen = dataclasses.replace(chosen, card=dataclasses.replace(chosen.card, preprocessing=pre))
    request = Request(1, volume, 0, chosen, PLAIN, "blob")
    first = engine.propose(request, CancelToken())
    swept = next(p for s in whole_volume(engine, request) for p in s.pieces if p.request.z == 0)
    assert swept.box == first.box and np.abs(swept.levels.astype(int) - first.levels).max() <= 1
    model = OnnxModel(request.model)
    for options in (PLAIN, Options(flips=True)):
        box, levels = model.slice_crop(volume.voxels[0], 0, options)
        assert box == first.box and np.abs(levels.astype(int) - first.levels).max() <= 1
        known = model.evidence(volume.voxels[0], options).probability
        assert np.abs(known - model.probability(volume.voxels[0])).max() < 0.1
    every = model.volume_probability(volume.voxels)
    assert np.array_equal(every, np.stack(list(model.volume_slices(volume.voxels)), axis=1))
    assert np.allclose(every[:, 0], model.probability(volume.voxels[0]), atol=1e-5)


def test_asking_over_mirror_images_costs_four_answers_also_where_a_person_asks_for_them():
    model, runs = OnnxModel(bundle(CLEAR)), []
    run = model._runner.run
    model._runner.run = lambda batch: runs.append(1) or run(batch)
    model.slice_crop(blob().voxels[0], 0, Options(flips=True))
    assert len(runs) == 4


def test_a_card_keeps_how_it_wants_to_be_asked(tmp_path):
    path = tmp_path / "card.json"
    raw = bundle(CLEAR).card.to_json()
    path.write_text(json.dumps(raw), "utf-8")
    assert read_card(path).asking == CLEAR
    path.write_text(json.dumps({k: v for k, v in raw.items() if k != "asking"}), "utf-8")
    assert read_card(path).asking == Asking()


@pytest.mark.parametrize("asking", [{"always": 1}, {"mirrored": "often"}, {"often": True}, 3])
def test_a_card_that_cannot_be_asked_so_is_refused(tmp_path, asking):
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**BASE.card.to_json(), "asking": asking}), "utf-8")
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(path)


def cases(*planes: list[int]) -> tuple[TaughtCase, ...]:
    """Cases of one volume each; a number says what each of its slices holds."""
    made = []
    for i, plane in enumerate(planes):
        labels = np.array([np.full((4, 4), value) for value in plane], np.uint8)
        labels[:, 0] = np.where(labels[:, 0] == UNSEEN, UNSEEN, 0)
        made.append(TaughtCase(f"c{i}", f"g{i}", np.zeros(labels.shape, np.uint8), labels))
    return tuple(made)


@pytest.mark.parametrize(
    ("planes", "always"),
    [
        ([[1]] * ALWAYS, True),
        ([[1, 2]] * ALWAYS, True),
        ([[1]] * (ALWAYS - 1), False),  # too few to say
        ([*[[1]] * ALWAYS, [0]], False),  # one picture held nothing
        ([[1, UNSEEN]] * ALWAYS, False),  # what nobody has looked at may hold nothing
    ],
)
def test_where_a_label_was_always_there_it_is_told_in_the_next_picture(planes, always):
    assert asking_for(cases(*planes)) == Asking(mirrored=True, always=always)
