"""Preprocessing and its inverse, postprocessing, and the deployed model on real images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import SAMPLE, TINY

from featherseg_engines.errors import Cancelled, ModelError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.imaging.readers import read_image, read_mask
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.inference.proposal import CancelToken, Request
from featherseg_engines.metrics import overlap
from featherseg_engines.models.catalogue import Catalogue

SKIN = "repsegnet.skin"


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 300), width=st.integers(1, 300), side=st.sampled_from([0, 64, 256]))
def test_any_size_goes_in_and_comes_back(height, width, side):
    pre = Preprocessing(long_side=side)
    batch, placement = pre.apply(np.zeros((height, width, 3), np.uint8))
    assert batch.shape[2] % 16 == 0 and batch.shape[3] % 16 == 0
    assert pre.invert(batch[0], placement).shape == (3, height, width)


def test_a_disc_comes_back_where_it_was():
    pre = Preprocessing(channels=1, mean=(0.0,), std=(1.0,), long_side=128)
    y, x = np.mgrid[:300, :220]
    disc = ((y - 200) ** 2 + (x - 60) ** 2 < 40**2).astype(np.uint8) * 255
    batch, placement = pre.apply(disc)
    back = pre.invert(batch[0], placement)[0] > 0.5
    assert overlap(back, disc > 0, 1).dice > 0.98


def test_constant_and_not_finite_pixels_become_numbers():
    pre = Preprocessing(intensity="percentile")
    for pixels in (
        np.full((20, 20), 7.0),
        np.full((20, 20), np.nan),
        np.array([[np.inf, 1.0], [0.0, -np.inf]]),
    ):
        assert np.isfinite(pre.apply(pixels)[0]).all()


def test_softmax_of_two_equals_sigmoid_of_the_difference():
    logits = np.random.default_rng(0).normal(size=(2, 5, 5)).astype(np.float32)
    exact = np.exp(logits) / np.exp(logits).sum(0)
    assert np.allclose(probabilities(logits, "softmax")[0], exact[1], atol=1e-6)
    three = np.random.default_rng(0).normal(size=(3, 5, 5)).astype(np.float32)
    assert np.allclose(probabilities(three, "softmax"), (np.exp(three) / np.exp(three).sum(0))[1:], atol=1e-6)


def test_a_lower_threshold_never_shrinks_the_mask():
    probability = np.random.default_rng(1).random((2, 9, 9)).astype(np.float32) / 2
    sizes = [np.count_nonzero(labels_at(probability, t)) for t in (0.1, 0.5, 0.9)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_shipped_model_finds_real_lesions():
    model = OnnxModel(Catalogue().resolve(SKIN))
    scores = []
    for path in sorted((TINY / "dev" / "images").iterdir()):
        truth = read_mask(TINY / "dev" / "masks" / (path.stem + ".png"))
        found = labels_at(model.probability(read_image(path).slice(0)), 0.5)
        scores.append(overlap(found[None], truth, 1).dice)
    assert len(scores) == 4 and np.mean(scores) > 0.6


def test_a_proposal_is_a_crop_that_says_who_answered():
    bundle = Catalogue().resolve(SKIN)
    volume = read_image(SAMPLE)
    proposal = OnnxEngine().propose(Request(1, volume, 0, bundle), CancelToken())
    assert proposal.model == SKIN and proposal.weights == bundle.identity and proposal.seconds > 0
    assert proposal.box.shape[0] == 1
    assert proposal.mask(0.5).shape == proposal.box.shape
    assert proposal.probability.max() <= 1.0
    whole = labels_at(OnnxModel(bundle).probability(volume.slice(0)), 0.5)
    pasted = np.zeros_like(whole)[None]
    pasted[proposal.box.slices] = proposal.mask(0.5)
    assert np.array_equal(pasted[0], whole)


def test_a_cancelled_request_is_not_answered():
    token = CancelToken()
    token.cancel()
    request = Request(1, read_image(SAMPLE), 0, Catalogue().resolve(SKIN))
    with pytest.raises(Cancelled):
        OnnxEngine().propose(request, token)


def test_damaged_weights_are_refused(tmp_path):
    import shutil

    folder = tmp_path / "broken.skin"
    shutil.copytree(Catalogue().resolve(SKIN).folder, folder)
    content = bytearray((folder / "model.onnx").read_bytes())
    content[1000] ^= 255
    (folder / "model.onnx").write_bytes(bytes(content))
    with pytest.raises(ModelError, match="damaged"):
        OnnxModel(Catalogue().resolve(str(folder)))


@pytest.mark.parametrize("text", ["{}", "not json", '{"format": 99}', '{"format": 1, "name": 3}'])
def test_a_wrong_card_is_refused_with_one_sentence(tmp_path, text):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "card.json").write_text(text)
    with pytest.raises(ModelError) as info:
        Catalogue().resolve(str(folder))
    assert "odd" in str(info.value) and "\n" not in str(info.value)
    catalogue = Catalogue([tmp_path])
    assert not catalogue.bundles() and len(catalogue.problems()) == 1
