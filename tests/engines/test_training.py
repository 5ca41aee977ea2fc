"""Every network learns an epoch on real images, is exported, and its bundle proposes; blocks, blending, losses."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import SHARED, TINY
from support.phantoms import two_boxes

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import Cancelled, TrainingError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.patches import blended, blocks
from featherseg_engines.inference.proposal import CancelToken, Request
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training.feeds import cut_block
from featherseg_engines.training.lesson import Lesson, teach
from featherseg_engines.training.losses import SoftCrossEntropyDice
from featherseg_engines.training.plan import Stage
from featherseg_engines.training.recipes import plan_for, preprocessing_for
from featherseg_engines.training.samples import IGNORE, Sample


def lesson(network: str, data=TINY, epochs: int = 1) -> Lesson:
    spec = default_registry().get(network)
    train, dev = read_dataset(data, "train"), read_dataset(data, "dev")
    plan = dataclasses.replace(plan_for(spec), stages=(Stage(64, epochs),))
    return Lesson(train, dev, spec.name, f"{network}.skin", plan, preprocessing_for(spec, train))


@pytest.mark.parametrize(
    "network",
    [
        *("repsegnet", "lgmsnet"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("med2dsegnet", "unext_s", "reunet", "cmunext_s", "tinyunet")
        ),
    ],
)
def test_a_network_learns_an_epoch_and_its_bundle_proposes(tmp_path, network):
    plan = lesson(network)
    bundle = teach(plan, default_registry(), tmp_path / plan.name)
    for name in ("model.onnx", "weights.safetensors"):
        bundle.verify(name)
    image, _ = plan.dev.read(plan.dev.cases[0])
    proposal = OnnxEngine().propose(Request(1, image, 0, bundle), CancelToken())
    assert proposal.mask(0.5).shape == proposal.box.shape
    assert np.isfinite(bundle.card.measured[0].dice) and bundle.card.network == plan.network


def test_a_3d_network_learns_from_volumes_and_answers_on_their_grid(tmp_path):
    plan = lesson("lgmsnet3d", two_boxes(tmp_path / "data"))
    assert plan.preprocessing.patch == (32, 32, 32)
    bundle = teach(plan, default_registry(), tmp_path / "bundle")
    assert bundle.card.dims == 3 and [e.name for e in bundle.card.labels] == ["front", "back"]
    volume, _ = plan.dev.read(plan.dev.cases[0])
    probability = OnnxModel(bundle).volume_probability(volume.voxels)
    assert probability.shape == (2, 30, 40, 32) and np.isfinite(probability).all()
    proposal = OnnxEngine().propose(Request(1, volume, 5, bundle), CancelToken())
    assert proposal.mask(0.5).shape == proposal.box.shape


def test_cancel_stops_between_two_steps_and_the_run_resumes(tmp_path):
    plan = lesson("unext_s", epochs=2)
    calls = iter([False, True])
    with pytest.raises(Cancelled):
        teach(plan, default_registry(), tmp_path / "b", cancelled=lambda: next(calls))
    assert not (tmp_path / "b").exists()
    seen = []
    bundle = teach(plan, default_registry(), tmp_path / "b", lambda p: seen.append(p.epoch))
    assert bundle.card.training.epochs == 2
    again = teach(plan, default_registry(), tmp_path / "b", lambda p: pytest.fail("nothing is left to learn"))
    assert again.card.training.settings["curve"] == bundle.card.training.settings["curve"]


def test_a_seed_gives_the_same_lesson(tmp_path):
    curves = [
        teach(lesson("unext_s"), default_registry(), tmp_path / str(i)).card.training.settings["curve"]
        for i in range(2)
    ]
    assert curves[0] == curves[1]


def test_a_loss_that_is_no_number_stops_with_a_sentence(tmp_path):
    plan = lesson("unext_s")
    wild = dataclasses.replace(
        plan,
        plan=dataclasses.replace(
            plan.plan, label_smoothing=0.0, learning_rate=1e30, optimizer="sgd", stages=(Stage(64, 5),)
        ),
    )
    with pytest.raises(TrainingError, match="no longer a number"):
        teach(wild, default_registry(), tmp_path / "b")


def test_ignored_pixels_take_no_part_in_the_loss():
    loss = SoftCrossEntropyDice()
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(1))
    labels[:, :, 4:] = IGNORE
    changed = logits.clone()
    changed[:, :, :, 4:] = 50.0
    assert torch.allclose(loss(logits, labels), loss(changed, labels), atol=1e-5)
    perfect = torch.nn.functional.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).float() * 20
    assert loss(perfect, labels) < loss(logits, labels)


@settings(max_examples=40, deadline=None)
@given(size=st.tuples(*[st.integers(1, 50)] * 3), overlap=st.sampled_from([0.0, 0.25, 0.5]))
def test_blocks_cover_a_volume_and_blending_an_identity_changes_nothing(size, overlap):
    block = (16, 8, 16)
    image = np.random.default_rng(0).random((1, *size)).astype(np.float32)
    out = blended(image, block, lambda batch: batch[0] * 2, overlap)
    assert np.allclose(out, image * 2, atol=1e-5)
    seen = np.zeros([max(n, b) for n, b in zip(size, block, strict=True)], int)
    for where in blocks(seen.shape, block, overlap):
        seen[where] += 1
    assert seen.min() >= 1


def test_cut_blocks_hold_labelled_voxels_often_and_ignore_what_sticks_out():
    sample = Sample(np.zeros((1, 10, 60, 60), np.uint8), np.zeros((10, 60, 60), np.uint8))
    sample.labels[5, 55, 55] = 1
    rng = np.random.default_rng(0)
    cuts = [cut_block(sample, (16, 16, 16), rng) for _ in range(60)]
    assert all(c.labels.shape == (16, 16, 16) and (c.labels[10:] == IGNORE).all() for c in cuts)
    assert sum((c.labels == 1).any() for c in cuts) > 20


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data folder is not beside this checkout")
def test_lgmsnet_3d_learns_from_the_real_hippocampus(tmp_path):
    plan = lesson("lgmsnet3d", SHARED / "msd_hippocampus")
    small = dataclasses.replace(
        plan,
        train=dataclasses.replace(plan.train, cases=plan.train.cases[:6]),
        dev=dataclasses.replace(plan.dev, cases=plan.dev.cases[:2]),
    )
    bundle = teach(small, default_registry(), tmp_path / "b")
    image: Volume = small.dev.read(small.dev.cases[0])[0]
    assert OnnxModel(bundle).volume_probability(image.voxels).shape[1:] == image.geometry.shape


def test_a_run_is_closed_early_and_its_card_says_how_far_it_came(tmp_path):
    plan = lesson("unext_s", epochs=3)
    early = dataclasses.replace(plan, plan=dataclasses.replace(plan.plan, stop_at=1))
    card = teach(early, default_registry(), tmp_path / "b").card
    assert card.training.epochs == 1 and card.training.settings["stages"] == [[64, 3]]
    assert teach(plan, default_registry(), tmp_path / "b").card.training.epochs == 3
