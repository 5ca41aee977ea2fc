"""The cache of answers: what is found again, how much is kept; the crop's way is the whole's way."""

import dataclasses
import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import SAMPLE

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.preprocess import Preprocessing, resized, resized_part
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.inference import crops, whole
from featherseg_engines.inference.cache import OVERHEAD, ProposalCache
from featherseg_engines.inference.flips import mirrored
from featherseg_engines.inference.postprocess import labels_at, labels_at_levels, levels_of
from featherseg_engines.inference.proposal import Options, Proposal, Request
from featherseg_engines.labels import Box
from featherseg_engines.models.catalogue import Catalogue

MODEL = Catalogue().resolve("repsegnet.skin")


def request(z: int = 0, image: str = "a", **parts) -> Request:
    return Request(
        1, Volume(np.zeros((9, 4, 4), np.uint8), Geometry((9, 4, 4))), z, MODEL, image=image, **parts
    )


def proposal(asked: Request, side: int = 10) -> Proposal:
    box = Box((asked.z, 0, 0), (asked.z + 1, side, side))
    return Proposal(asked, box, np.zeros((1, 1, side, side), np.uint8), "m", MODEL.identity, 0.01)


def test_an_answer_is_found_by_content_slice_weights_and_options_and_by_nothing_else():
    cache = ProposalCache()
    cache.put(proposal(request()))
    assert cache.get(dataclasses.replace(request(), serial=99)).request.serial == 99
    card = dataclasses.replace(MODEL.card, preprocessing=Preprocessing(long_side=64))
    other = dataclasses.replace(MODEL, card=card)
    for different in (
        request(z=1),
        request(image="b"),
        request(options=Options(flips=True)),
        request(options=Options(Window(1.0, 2.0))),
        request(whole=True),
        dataclasses.replace(request(), model=other),
    ):
        assert cache.get(different) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=60), st.integers(600, 20_000))
def test_the_cache_never_grows_beyond_its_bound_and_drops_what_was_unused_longest(steps, bound):
    cache, order = ProposalCache(bound), []
    for z, side in steps:
        cache.put(proposal(request(z), side))
        order = [n for n in order if n != z]
        if side * side + OVERHEAD <= bound:
            order.append(z)
        assert cache.size <= bound
    kept = [key.z for key in cache._kept]
    assert kept == order[len(order) - len(kept) :]


def test_the_cache_keeps_no_image_in_memory():
    cache, asked = ProposalCache(), request()
    gone = weakref.ref(asked.volume.voxels)
    cache.put(proposal(asked))
    del asked
    gc.collect()
    assert gone() is None and len(cache) == 1


def test_forgetting_an_image_leaves_the_others():
    cache = ProposalCache()
    for image in "aab":
        cache.put(proposal(request(image=image, z=len(cache))))
    cache.forget("a")
    assert {key.image for key in cache._kept} == {"b"} and cache.size == 100 + OVERHEAD


def test_the_content_of_an_image_is_its_values_type_and_shape():
    image = read_image(SAMPLE)
    first = with_content(image)
    assert first.content == with_content(read_image(SAMPLE)).content and len(first.content) == 64
    changed = image.voxels.copy()
    changed.flat[7] ^= 1
    others = (changed, image.voxels.astype(np.int16))
    assert all(with_content(dataclasses.replace(image, voxels=v)).content != first.content for v in others)
    assert with_content(first) is first


@settings(max_examples=40)
@given(
    st.tuples(st.integers(2, 40), st.integers(2, 40)),
    st.tuples(st.integers(2, 90), st.integers(2, 90)),
    st.data(),
)
def test_a_part_that_is_resized_alone_is_the_part_of_the_whole(small, large, data):
    plane = np.random.default_rng(3).random(small).astype(np.float32)
    y0, x0 = (data.draw(st.integers(0, n - 1)) for n in large)
    y1, x1 = data.draw(st.integers(y0 + 1, large[0])), data.draw(st.integers(x0 + 1, large[1]))
    part = resized_part(plane, large, (y0, y1), (x0, x1))
    assert np.allclose(part, resized(plane, large)[y0:y1, x0:x1], atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 90), st.integers(8, 90), st.integers(0, 10_000))
def test_the_crop_of_a_slice_is_what_the_whole_answer_holds(height, width, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (height, width)).astype(np.uint8)
    pre = Preprocessing(long_side=32, stride=8)

    def network(batch):
        blob = np.zeros((1, *batch.shape[2:]), np.float32)
        y, x = rng.integers(0, batch.shape[2]), rng.integers(0, batch.shape[3])
        blob[0, y : y + 6, x : x + 5] = 0.9
        return blob

    answers = []
    box, levels = crops.of_slice(pre, pixels, 4, lambda b: answers.append(network(b)) or answers[-1])
    full = whole.of_slice(pre, pixels, lambda b: answers[0])
    mask = np.zeros((1, height, width), np.uint8)
    if not box.empty:
        assert box.start[0] == 4 and box.stop[0] == 5
        mask[0][box.slices[1:]] = labels_at_levels(levels, 0.5)[0]
    sure = np.abs(full - 0.5) > 0.005
    assert np.array_equal(mask[sure], labels_at(full, 0.5)[None][sure])


@pytest.mark.parametrize("labels", [1, 3])
def test_levels_give_the_masks_that_probabilities_give(labels):
    probability = np.random.default_rng(0).random((labels, 2, 30, 30)).astype(np.float32) / labels
    levels = levels_of(probability)
    for threshold in (0.05, 0.5, 0.95):
        sure = np.abs(probability.sum(axis=0) - threshold) > 0.004 * labels
        a, b = labels_at(probability, threshold) > 0, labels_at_levels(levels, threshold) > 0
        assert np.array_equal(a[sure], b[sure])


def test_mirrored_answers_are_turned_back_before_they_are_meant():
    image = np.random.default_rng(2).random((1, 1, 6, 8)).astype(np.float32)
    seen = []

    def same(batch):
        seen.append(batch)
        return batch[0]

    assert np.allclose(mirrored(same, 2)(image), image[0], atol=1e-6) and len(seen) == 4
    biased = mirrored(lambda b: b[0] + (np.arange(8, dtype=np.float32) / 8)[None, None], 2)(image)
    assert np.allclose(biased, image[0] + 3.5 / 8, atol=1e-5), "a lean to one side is evened out"


def test_a_window_of_a_persons_own_is_what_the_network_sees_unless_the_bundle_has_a_fixed_one():
    ct = np.linspace(-1000, 1000, 64, dtype=np.float32).reshape(8, 8)
    pre = Preprocessing(long_side=0, stride=1)
    seen = pre.seen_in(Window(0.0, 200.0)).scale(ct)
    assert (
        seen.min() == 0 and seen.max() == 1 and np.isclose(seen[0].ravel()[32], (ct.ravel()[32] + 100) / 200)
    )
    fixed = dataclasses.replace(pre, intensity="window", window=(0.0, 80.0))
    assert fixed.seen_in(Window(0.0, 200.0)) is fixed and pre.seen_in(None) is pre
