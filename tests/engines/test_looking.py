"""What a lesson looks at while it learns: little of what is large, and the same of both models."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.card import Asking
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.examining import Rival, seconds_to_examine
from featherseg_engines.teaching.looking import Glance
from featherseg_engines.teaching.order import Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.views import view_of

VESSELS = Catalogue().resolve("repsegnet.vessels")
NUCLEI = Catalogue().resolve("repsegnet.nuclei")
PATCHES = VESSELS.card.preprocessing


class Free:
    """A person who never interferes."""

    def between(self) -> None:
        """Go on."""


class Bright(torch.nn.Module):
    """Finds what is bright, and counts how often it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, x):
        self.asked.append(tuple(x.shape))
        bright = x.mean(dim=1, keepdim=True) * 20
        return torch.cat([-bright, bright], dim=1)


def case_of(height, width, depth=1):
    """A large dark picture with a bright square in its lower right quarter, which is its label."""
    voxels = np.zeros((depth, height, width, 3), np.uint8)
    labels = np.zeros((depth, height, width), np.uint8)
    labels[depth // 2, height * 5 // 8 : height * 5 // 8 + 90, width * 5 // 8 : width * 5 // 8 + 90] = 1
    voxels[labels > 0] = 255
    return TaughtCase("a", "a", voxels, labels)


def order_of(cases, in_use):
    return TeachOrder(tuple(cases), ("vessel",), (1,), in_use, in_use, Settings(seed=1, threads=1))


def test_of_a_large_picture_four_patches_around_the_label_are_looked_at():
    case, network = case_of(1000, 1200), Bright()
    order = order_of([case], None)
    glance = Glance([case], order, Rival(order), Free())
    result = glance(network, PATCHES, Asking(mirrored=True))
    assert network.asked == [(1, 3, 256, 256)] * 4
    assert result.dice == pytest.approx(1.0, abs=0.01) and result.parent_dice == 0.0
    assert result.picture.pixels.shape == (384, 384, 3) and (result.picture.truth > 0).sum() == 90 * 90
    small = case_of(300, 380)
    assert view_of(small, PATCHES).part.labels.shape == small.labels.shape


def test_a_network_that_sees_whole_slices_is_shown_the_whole_and_one_slice_of_many():
    case, network = case_of(1000, 1200, depth=9), Bright()
    order = order_of([case], None)
    whole = Preprocessing(long_side=128)
    result = Glance([case], order, Rival(order), Free())(network, whole, Asking())
    assert network.asked == [(1, 3, 112, 128)] and result.dice > 0.9
    assert result.picture.pixels.shape == (334, 400, 3)


def test_of_a_deep_volume_a_few_blocks_around_the_label_are_looked_at():
    case = case_of(200, 220, depth=120)
    view = view_of(case, Preprocessing(1, 0, 16, mean=(0.5,), std=(0.25,), patch=(32, 64, 32)))
    assert view.part.labels.shape == (32, 96, 48) and view.part.labels[view.z].any()
    assert np.array_equal(case.labels[view.at], view.part.labels)
    empty = replace(case, labels=np.zeros_like(case.labels))
    assert view_of(empty, PATCHES).at == (slice(60, 61), slice(0, 200), slice(0, 220))


@pytest.mark.parametrize(
    "bundle", [VESSELS, NUCLEI, Catalogue().resolve("repsegnet.skin")], ids=lambda b: b.task
)
def test_the_model_in_use_is_asked_for_the_same_part_and_not_before_the_lesson_has_begun(bundle, monkeypatch):
    case = case_of(600, 700)
    order = order_of([case], bundle)
    asked = []
    plain = OnnxModel._answer
    monkeypatch.setattr(
        OnnxModel, "_answer", lambda self, batch: asked.append(batch.shape) or plain(self, batch)
    )
    rival = Rival(order)
    glance = Glance([case], order, rival, Free())
    assert not asked
    first = glance(Bright(), PATCHES, Asking())
    assert len(asked) == (4 if bundle.card.preprocessing.patch else 1)
    view = view_of(case, PATCHES)
    if not bundle.card.preprocessing.patch:
        whole, _ = rival.look(case, lambda: None)
        assert np.array_equal(rival.look_at(view, lambda: None), whole[view.at])
    assert glance(Bright(), PATCHES, Asking()).parent_dice == first.parent_dice


def test_how_long_both_models_take_is_known_from_one_patch(monkeypatch):
    asked = []
    plain = OnnxModel.answers
    monkeypatch.setattr(
        OnnxModel, "answers", lambda self, batch: asked.append(batch.shape) or plain(self, batch)
    )
    case = case_of(1000, 1200)
    monkeypatch.setattr("featherseg_engines.teaching.examining._timed", lambda work: work() is None or 0.5)
    assert seconds_to_examine(order_of([case] * 3, VESSELS), [case] * 3) == 2 * 0.5 * 3 * 30
    assert len(asked) == 1
