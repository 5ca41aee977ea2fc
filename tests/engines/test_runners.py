"""What computes the networks: every way gives the fp32 answer, stays quiet when idle, and sends nothing home."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from support.paths import SAMPLE

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.inference import openvino_runner
from featherseg_engines.inference.backends import Choice, choices, open_runner, usual_shape
from featherseg_engines.inference.machine import this_machine
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.onnx_rewrite import rewritten
from featherseg_engines.inference.runner import OnnxRunner
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_resources import models_folder

NETWORKS = ("repsegnet.skin", "med2dsegnet.skin", "reunet_slim8.skin", "lgmsnet.skin")
needs_openvino = pytest.mark.skipif(not openvino_runner.installed(), reason="OpenVINO is not installed")


def bundle_of(name):
    return open_bundle(models_folder() / name)


def images(n, side=96, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 3, side, side)).astype(np.float32)


def furthest(answer, truth):
    return np.abs(answer - truth).max() / np.abs(truth).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_is_answered_as_its_images_are_alone(name):
    runner = OnnxRunner(bundle_of(name).onnx)
    batch = images(3)
    alone = np.concatenate([runner.run(image[None]) for image in batch])
    assert runner.run(batch).shape == (3, 2, 96, 96)
    assert furthest(runner.run(batch), alone) < 1e-4


@pytest.mark.parametrize("name", sorted(p.name for p in models_folder().glob("repsegnet.*")))
def test_the_graph_changed_in_memory_answers_as_the_file(name):
    bundle = bundle_of(name)
    assert rewritten(bundle.onnx.read_bytes()) is not None
    batch = images(1)
    plain = OnnxRunner(bundle.onnx, rewrite=False).run(batch)
    assert furthest(OnnxRunner(bundle.onnx).run(batch), plain) < 1e-4


def test_what_is_no_network_is_left_to_onnx_runtime():
    assert rewritten(b"not a network") is None
    assert rewritten(b"") is None


@needs_openvino
@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_gives_the_fp32_answer_for_any_batch_and_size(name):
    bundle = bundle_of(name)
    exact, other = OnnxRunner(bundle.onnx), open_runner(bundle, Choice("openvino", "f32"))
    for batch in (images(1, 256), images(1), images(2)):
        assert furthest(other.run(batch), exact.run(batch)) < 1e-4


@needs_openvino
def test_answers_of_openvino_are_kept_when_the_next_one_comes():
    runner = open_runner(bundle_of(NETWORKS[0]), Choice("openvino", "f32"))
    first = runner.run(images(1))
    kept = first.copy()
    runner.run(images(1, seed=1))
    assert np.array_equal(first, kept)


@needs_openvino
def test_a_shape_that_comes_often_is_answered_as_before():
    runner = open_runner(bundle_of(NETWORKS[0]), Choice("openvino", "f32"))
    answers = [runner.run(images(1)) for _ in range(10)]
    assert furthest(answers[-1], answers[0]) < 1e-4


@needs_openvino
@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_gives_the_same_mask_on_the_sample_image(name):
    if not any(way.precision == "bf16" for way in choices(this_machine())):
        pytest.skip("this CPU computes no bfloat16")
    bundle, pixels = bundle_of(name), read_image(SAMPLE).slice(0)
    masks = [
        OnnxModel(bundle, 2, way).probability(pixels) >= 0.5 for way in (None, Choice("openvino", "bf16"))
    ]
    assert 2 * np.count_nonzero(masks[0] & masks[1]) / sum(map(np.count_nonzero, masks)) >= 0.99


def test_a_way_that_cannot_be_had_falls_back_to_onnx_runtime(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    bundle, pixels = bundle_of(NETWORKS[0]), read_image(SAMPLE).slice(0)
    found = OnnxModel(bundle, 2, Choice("openvino", "bf16")).probability(pixels)
    assert np.array_equal(found, OnnxModel(bundle).probability(pixels))


def test_a_model_that_is_no_network_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not a network")
    (tmp_path / "card.json").write_text(
        (models_folder() / NETWORKS[0] / "card.json").read_text().replace('"model.onnx"', '"other"')
    )
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxModel(open_bundle(tmp_path))


def every_way():
    return [way for way in choices(this_machine()) if way.threads == this_machine().threads[-1]]


@pytest.mark.parametrize("way", every_way(), ids=str)
def test_an_idle_runner_does_not_spin(way):
    bundle = bundle_of(NETWORKS[0])
    runner = open_runner(bundle, way)
    batch = np.zeros(usual_shape(bundle), np.float32)
    for _ in range(3):
        runner.run(batch)
    started, spent = time.monotonic(), time.process_time()
    while time.monotonic() - started < 0.3:
        time.sleep(0.1)  # what is measured is doing nothing; there is no state to wait for
    assert time.process_time() - spent < 0.25 * (time.monotonic() - started)


@needs_openvino
def test_openvinos_telemetry_is_shut_out(tmp_path):
    """A stand-in for the telemetry package leaves a trace where anything imports it."""
    package = tmp_path / "path" / "openvino_telemetry"
    package.mkdir(parents=True)
    trace = "from pathlib import Path\n(Path.home() / 'told').write_text('home')\n"
    (package / "__init__.py").write_text(trace)
    (package / "backend.py").write_text(trace)
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import numpy as np, sys
from pathlib import Path
from featherseg_engines.inference.openvino_runner import OpenVinoRunner
runner = OpenVinoRunner(Path({str(bundle_of(NETWORKS[0]).onnx)!r}))
runner.run(np.zeros((1, 3, 64, 64), np.float32))
import openvino.tools.ovc
print([name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module])
"""
    place = os.pathsep.join([str(package.parent), *filter(None, sys.path)])
    environment = {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": place}
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"):
        environment[name] = str(home)
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip() == "[]"
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_the_catalogue_needs_no_optional_package(monkeypatch):
    monkeypatch.setattr(openvino_runner, "installed", lambda: False)
    ways = choices(this_machine())
    assert {way.backend for way in ways} == {"onnxruntime"} and Catalogue().bundles()


@pytest.mark.parametrize("way", choices(this_machine()), ids=str)
def test_loading_and_running_leave_the_arithmetic_of_the_thread_as_it_was(way):
    runner = open_runner(bundle_of(NETWORKS[0]), way)
    runner.run(images(1))
    assert (np.array([1e-310]) * 0.5)[0] > 0, "the smallest numbers still count"
