"""Strokes through the engine: features of deployed networks, patches, mirroring, volumes, what is kept."""

import numpy as np
import pytest
from support.paths import SAMPLE

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference import openvino_runner
from featherseg_engines.inference.backends import Choice, open_runner
from featherseg_engines.inference.feature_outputs import feature_names, with_outputs
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.proposal import CancelToken, Options, Request
from featherseg_engines.inference.refiner import Refiner
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.refine.prompts import Prompts, Stroke
from featherseg_resources import models_folder

SKIN = "repsegnet.skin"
SLICES = sorted(p.name for p in models_folder().glob("*.*") if not p.name.startswith("lgmsnet3d"))


def bundle_of(name):
    return open_bundle(models_folder() / name)


def disc(y, x, positive, z=0, radius=6):
    yy, xx = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    box = Box((z, y - radius, x - radius), (z + 1, y + radius + 1, x + radius + 1))
    return Stroke(box, (yy**2 + xx**2 <= radius**2)[None], positive)


def plane_of(proposal, size):
    found = np.zeros(size, np.float32)
    if not proposal.box.empty:
        _, rows, columns = proposal.box.slices
        found[rows, columns] = proposal.probability[0, 0]
    return found


def ask(engine, name, volume, *strokes, **how):
    prompts = Prompts(tuple(strokes))
    return engine.propose(Request(1, volume, 0, bundle_of(name), prompts=prompts, **how), CancelToken())


@pytest.mark.parametrize("name", SLICES)
def test_features_are_found_in_every_shipped_network_for_slices(name):
    bundle = bundle_of(name)
    names = feature_names(bundle.onnx.read_bytes())
    assert 3 <= len(names) <= 6
    image = np.random.default_rng(0).standard_normal((1, 3, 96, 64)).astype(np.float32)
    logits, maps = open_runner(bundle, Choice(), names).reveal(image)
    assert len(maps) == len(names) and all(m.ndim == 4 for m in maps)
    assert maps[0].shape[2:] == (96, 64) and maps[-1].shape[2] < 96
    plain = open_runner(bundle, Choice()).run(image)
    assert np.abs(logits - plain).max() < 1e-3 * np.abs(plain).max()


@pytest.mark.skipif(not openvino_runner.installed(), reason="OpenVINO is not installed")
def test_openvino_gives_the_same_features():
    bundle = bundle_of(SKIN)
    names = feature_names(bundle.onnx.read_bytes())
    image = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    _, exact = open_runner(bundle, Choice(), names).reveal(image)
    _, other = open_runner(bundle, Choice("openvino"), names).reveal(image)
    for a, b in zip(exact, other, strict=True):
        assert np.abs(a - b).max() < 1e-3 * np.abs(a).max()


def test_what_is_no_network_has_no_features():
    assert feature_names(b"not a network") == () and feature_names(b"") == ()
    assert with_outputs(b"not a network", ("a",)) == b"not a network"


@pytest.mark.parametrize("name", [SKIN, "repsegnet.nuclei"])
@pytest.mark.parametrize("flips", [False, True])
def test_strokes_are_obeyed_and_the_head_comes_back(name, flips):
    volume = read_image(SAMPLE)
    size = volume.geometry.shape[1:]
    found = ask(
        OnnxEngine(),
        name,
        volume,
        disc(20, 30, True),
        disc(96, 128, False),
        options=Options(flips=flips),
    )
    plane = plane_of(found, size)
    assert plane[20, 30] == 1 and plane[96, 128] == 0
    assert found.head is not None and found.head.strokes == 2
    assert found.head.model == bundle_of(name).identity and np.isfinite(found.head.weights).all()


def test_without_prompts_the_answer_is_as_before_and_has_no_head():
    volume, engine = read_image(SAMPLE), OnnxEngine()
    before = ask(OnnxEngine(), SKIN, volume)
    ask(engine, SKIN, volume, disc(20, 30, True))
    after = ask(engine, SKIN, volume)
    assert after.head is None and np.array_equal(before.levels, after.levels) and before.box == after.box


class Counted(OnnxModel):
    """Says how often the network ran."""

    runs = 0

    def evidence(self, *args):
        self.runs += 1
        return super().evidence(*args)

    def volume_crop(self, *args):
        self.runs += 1
        return super().volume_crop(*args)


def test_a_further_stroke_does_not_run_the_network():
    volume, model, refiner = read_image(SAMPLE), Counted(bundle_of(SKIN)), Refiner()
    strokes = (disc(20, 30, True), disc(60, 60, False), disc(100, 40, True))
    for count in (1, 2, 3, 1):
        prompts = Prompts(strokes[:count])
        refiner.answer(model, Request(1, volume, 0, model.bundle, image="one", prompts=prompts))
    assert model.runs == 1
    for flips in (True, False):
        request = Request(1, volume, 0, model.bundle, Options(flips=flips), "one", prompts=Prompts(strokes))
        refiner.answer(model, request)
    assert model.runs == 2


def test_evidence_of_many_slices_stays_within_its_bound():
    plane = read_image(SAMPLE).slice(0)[:64, :64]
    volume = Volume(np.stack([plane] * 4), Geometry((4, 64, 64), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    model, refiner = Counted(bundle_of(SKIN)), Refiner(bound=1)
    for z in (0, 0, 1, 1, 0):
        prompts = Prompts((disc(20, 30, True, z),))
        refiner.answer(model, Request(1, volume, z, model.bundle, image="one", prompts=prompts))
    assert model.runs == 3


def test_a_volume_network_is_asked_once_and_the_slice_changed():
    voxels = np.random.default_rng(0).integers(0, 400, (32, 64, 32)).astype(np.int16)
    volume = Volume(voxels, Geometry((32, 64, 32), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    model, refiner = Counted(bundle_of("lgmsnet3d.hippocampus")), Refiner()
    prompts = Prompts((disc(30, 15, True, 9), disc(50, 15, False, 9)), label=1)
    for piece in (True, False):
        request = Request(1, volume, 9, model.bundle, image="v", piece=piece, prompts=prompts)
        box, levels, head = refiner.answer(model, request)
        inside = (9 - box.start[0], 30 - box.start[1], 15 - box.start[2])
        assert levels[(1, *inside)] == 255 and levels[(0, *inside)] == 0
        assert head.strokes == 2
    assert model.runs == 1
