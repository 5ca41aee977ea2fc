"""All slices of a volume step by step: the same answers as one by one, in bounded memory, in the order wanted."""

import dataclasses
from itertools import product

import numpy as np
import pytest

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference import patches, whole
from featherseg_engines.inference.along_z import agree_along_z, reached
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.patches import blended, blocks, gaussian, streamed, to_block
from featherseg_engines.inference.postprocess import levels_of
from featherseg_engines.inference.proposal import CancelToken, Options, Request
from featherseg_engines.inference.volume_run import outwards, whole_volume
from featherseg_engines.labels import Box
from featherseg_engines.models.catalogue import Catalogue

SKIN, HIPPOCAMPUS = "repsegnet.skin", "lgmsnet3d.hippocampus"


def phantom(shape=(7, 60, 52), seed=0) -> Volume:
    """Noise with a bright ball, whatever a network may make of it."""
    z, y, x = (np.linspace(-1, 1, n) for n in shape)
    ball = (z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < 0.4) * 900
    noise = np.random.default_rng(seed).normal(200, 40, shape)
    return Volume((ball + noise).astype(np.int16), Geometry(shape, (2.0, 1.0, 1.0)), content=f"phantom{seed}")


def all_at_once(image, block, answer, overlap):
    """The blending with sums of the whole volume in memory, as it is written in the paper."""
    weight = gaussian(block)
    total, norm = 0.0, np.zeros(image.shape[1:], np.float64)
    for where in blocks(image.shape[1:], block, overlap):
        if isinstance(total, float):
            total = np.zeros((2, *image.shape[1:]), np.float64)
        total[(slice(None), *where)] += answer(image[(slice(None), *where)][None]) * weight
        norm[where] += weight
    return total / norm


def blur(batch):
    """A stand-in for a network: what it says of a voxel depends on where the block ends."""
    image = batch[0, 0]
    return np.stack([image - image.mean(), image * image[0, 0, 0]]).astype(np.float32)


@pytest.mark.parametrize("size", [(40, 33, 20), (9, 8, 8), (5, 30, 8), (8, 8, 8), (3, 4, 5)])
@pytest.mark.parametrize("overlap", [0.5, 0.25])
def test_blocks_in_rows_give_what_blocks_all_at_once_give(size, overlap):
    image = np.random.default_rng(1).random((1, *size)).astype(np.float32)
    block = (8, 8, 8)
    padded = to_block(image, tuple(max(a, b) for a, b in zip(size, block, strict=True)))
    expected = all_at_once(padded, block, blur, overlap)[:, : size[0], : size[1], : size[2]]
    assert np.allclose(blended(image, block, blur, overlap), expected, atol=1e-5)


@pytest.mark.parametrize("depth", [16, 200])
def test_the_sums_are_as_deep_as_a_block_whatever_the_depth(monkeypatch, depth):
    made = []
    zeros = np.zeros
    monkeypatch.setattr(patches.np, "zeros", lambda shape, *a: made.append(shape) or zeros(shape, *a))
    block, size = (8, 8, 8), (depth, 12, 12)
    found = streamed(lambda where: np.ones((1, *block), np.float32), size, block, blur)
    slices = [each.shape for each in found if each is not None]
    assert slices == [(2, 12, 12)] * depth
    assert sorted(made) == [(2, 8, 12, 12), (8, 12, 12)]


def test_a_slice_comes_as_soon_as_no_later_block_reaches_it():
    asked = []

    def answer(batch):
        asked.append(1)
        return batch[0]

    size, block = (32, 8, 8), (8, 8, 8)
    when = [
        len(asked)
        for each in streamed(lambda where: np.ones((1, *block), np.float32), size, block, answer)
        if each is not None
    ]
    assert when[:8] == [1, 1, 1, 1, 2, 2, 2, 2] and when[-8:] == [7] * 8


def test_a_large_volume_s_range_is_that_of_a_sample_and_a_small_one_s_is_exact(monkeypatch):
    voxels = phantom((20, 50, 50)).voxels
    pre = Preprocessing(
        channels=1, mean=(0.5,), std=(0.25,), intensity="percentile", patch=(32, 32, 32), stride=8
    )
    exact = whole.with_range(pre, voxels).window
    assert exact == tuple(np.percentile(voxels.astype(np.float32), (1, 99)))
    monkeypatch.setattr(whole, "SAMPLE", 5000)
    sampled = whole.with_range(pre, voxels).window
    assert np.allclose(sampled, exact, atol=0.02 * (exact[1] - exact[0]))
    fixed = dataclasses.replace(pre, intensity="window", window=(0.0, 5.0))
    assert whole.with_range(fixed, voxels) is fixed


def request_for(name, volume, z=0, **options) -> Request:
    return Request(1, volume, z, Catalogue().resolve(name), Options(**options), volume.content, whole=True)


def last_of(steps):
    *_, last = steps
    return last


@pytest.mark.parametrize("flips", [False, True])
def test_a_sweep_over_slices_gives_what_each_slice_alone_gives(flips):
    engine, volume = OnnxEngine(), phantom()
    request = request_for(SKIN, volume, 3, flips=flips)
    pieces = {p.request.z: p for step in whole_volume(engine, request) for p in step.pieces}
    assert sorted(pieces) == list(range(7))
    for z, piece in pieces.items():
        alone = engine.propose(dataclasses.replace(request, z=z, whole=False), CancelToken())
        assert piece.request.key == alone.request.key and piece.box == alone.box
        assert np.abs(piece.levels.astype(int) - alone.levels).max(initial=0) <= 1


def test_a_network_of_patches_gives_what_each_slice_alone_gives_and_stops_between_patches():
    base = Catalogue().resolve(SKIN)
    pre = dataclasses.replace(base.card.preprocessing, long_side=64, patch=(32, 32))
    bundle = dataclasses.replace(base, card=dataclasses.replace(base.card, preprocessing=pre))
    engine, volume = OnnxEngine(), phantom((3, 60, 52))
    request = Request(1, volume, 1, bundle, image="p", whole=True)
    steps = list(engine.sweep(request))
    assert len(steps) > 3 and [step.done for step in steps] == list(range(1, steps[0].total + 1))
    for piece in (p for step in steps for p in step.pieces):
        alone = engine.propose(dataclasses.replace(request, z=piece.request.z, whole=False), CancelToken())
        assert piece.box == alone.box
        assert np.abs(piece.levels.astype(int) - alone.levels).max(initial=0) <= 1


def test_the_slice_on_screen_comes_first_and_alone():
    volume = phantom()
    request = request_for(SKIN, volume, 5)
    assert outwards(request) == [5, 6, 4, 3, 2, 1, 0]
    first = next(iter(OnnxEngine().sweep(request)))
    assert [p.request.z for p in first.pieces] == [5]


def test_slices_that_are_known_are_laid_in_and_not_asked_for_again():
    engine, volume = OnnxEngine(), phantom()
    request = request_for(SKIN, volume)
    steps = list(whole_volume(engine, request))
    known = {p.request.z: p for step in steps for p in step.pieces if p.request.z != 4}
    again = list(whole_volume(engine, request, known))
    assert [p.request.z for step in again for p in step.pieces] == [4]
    assert again[-1].slices == 7
    assert again[-1].whole.box == steps[-1].whole.box
    assert np.array_equal(again[-1].whole.levels, steps[-1].whole.levels)
    assert last_of(whole_volume(engine, request, {**known, 4: steps[0].pieces[0]})).slices == 7


def test_blocks_of_a_volume_give_what_the_whole_volume_gives_within_a_level():
    bundle = Catalogue().resolve(HIPPOCAMPUS)
    volume = phantom((40, 70, 36))
    model = OnnxModel(bundle)
    steps = list(whole_volume(OnnxEngine(), request_for(HIPPOCAMPUS, volume)))
    pieces = [p for step in steps for p in step.pieces]
    assert [p.request.z for p in pieces] == list(range(40)), "from the first to the last, each once"
    assert not any(p.request.spans_volume for p in pieces) and steps[-1].whole.request.spans_volume
    pre = bundle.card.preprocessing
    image = pre.normalise(pre.unit_volume(volume.voxels))
    expected = levels_of(all_at_once(image, pre.patch, model._answer, 0.5).astype(np.float32))
    found = np.zeros_like(expected)
    found[(slice(None), *steps[-1].whole.box.slices)] = steps[-1].whole.levels
    near = expected.sum(axis=0) >= 0.06 * 255
    assert near.any() and np.abs(found.astype(int) - expected)[:, near].max() <= 1


def test_nothing_is_found_in_a_block_of_a_single_value():
    model = OnnxModel(Catalogue().resolve(HIPPOCAMPUS))
    voxels = np.zeros((32, 64, 64), np.int16)
    voxels[:, :, 32:] = phantom((32, 64, 32)).voxels
    found = model.volume_probability(voxels)
    assert not found[..., :16].any() and found[..., 16:].any()


class OneByOne:
    """An engine that knows single requests only."""

    def __init__(self):
        self.engine = OnnxEngine()

    def propose(self, request, cancel):
        return self.engine.propose(request, cancel)


@pytest.mark.parametrize("name", [SKIN, HIPPOCAMPUS])
def test_an_engine_of_single_requests_gives_the_same(name):
    volume = phantom((5, 40, 34))
    swept = last_of(whole_volume(OnnxEngine(), request_for(name, volume))).whole
    single = last_of(whole_volume(OneByOne(), request_for(name, volume))).whole
    if swept.box.empty:
        assert single.box.empty
        return
    assert np.count_nonzero(swept.mask(0.5)) == pytest.approx(np.count_nonzero(single.mask(0.5)), rel=0.01)


def test_agreement_along_z_fills_a_slice_that_stands_out_and_leaves_rows_alone():
    levels = np.zeros((2, 12, 9, 7), np.uint8)
    levels[0, 2:10, 3:6, 2:5] = 200
    levels[0, 6] = 0
    before = levels.copy()
    for _ in agree_along_z(levels, 1.0):
        pass
    assert levels[0, 6, 4, 3] > 100 and not levels[1].any()
    outside = np.ones((9, 7), bool)
    outside[3:6, 2:5] = False
    assert not levels[0][:, outside].any() and levels[0, 4, 4, 3] <= before[0, 4, 4, 3]


def test_agreement_reaches_slices_beyond_the_box_and_stays_in_the_volume():
    assert reached(Box((4, 1, 1), (6, 5, 5)), 1.0, 20) == Box((1, 1, 1), (9, 5, 5))
    assert reached(Box((1, 1, 1), (19, 5, 5)), 1.0, 20) == Box((0, 1, 1), (20, 5, 5))


def test_an_answer_that_is_to_agree_along_z_says_so_in_its_box():
    volume = phantom()
    plain = last_of(whole_volume(OnnxEngine(), request_for(SKIN, volume))).whole
    smooth = last_of(whole_volume(OnnxEngine(), request_for(SKIN, volume), sigma=lambda: 1.0)).whole
    if plain.box.empty:
        pytest.skip("nothing found")
    assert smooth.box == reached(plain.box, 1.0, 7)


def test_slices_one_after_the_other_are_the_whole_volume():
    for name, shape in ((SKIN, (3, 30, 40)), (HIPPOCAMPUS, (20, 40, 34))):
        model, voxels = OnnxModel(Catalogue().resolve(name)), phantom(shape).voxels
        together = model.volume_probability(voxels)
        assert np.array_equal(np.stack(list(model.volume_slices(voxels)), axis=1), together)
        assert together.shape[1:] == shape


def test_every_index_of_a_volume_is_covered():
    seen = np.zeros((40, 33, 20), int)
    for where in blocks(seen.shape, (8, 8, 8), 0.25):
        seen[where] += 1
    assert all(seen[at] for at in product(range(40), range(33), range(20)))
