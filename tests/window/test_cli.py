"""The command line, run as a person runs it: answers on stdout, one sentence on stderr, exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support.paths import SAMPLE, TINY


def featherseg(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "featherseg.cli", *(str(w) for w in words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


def test_predict_gives_the_mask_that_the_window_proposes(tmp_path):
    from featherseg_engines.imaging.readers import read_image
    from featherseg_engines.inference.onnx_engine import OnnxModel
    from featherseg_engines.inference.postprocess import labels_at
    from featherseg_engines.models.catalogue import Catalogue

    out = tmp_path / "mask.png"
    done = featherseg("predict", SAMPLE, "--model", "repsegnet.skin", "-o", out)
    assert done.returncode == 0, done.stderr
    mask = np.asarray(Image.open(out))
    model = OnnxModel(Catalogue().resolve("repsegnet.skin"))
    assert np.array_equal(mask, labels_at(model.probability(read_image(SAMPLE).slice(0)), 0.5))
    assert mask.any()


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_wrong_input_is_one_sentence_and_exit_code_2(tmp_path):
    text, empty = tmp_path / "text.png", tmp_path / "empty.png"
    text.write_text("hello")
    empty.touch()
    out = tmp_path / "m.png"
    predict = ("predict", "--model", "repsegnet.skin", "-o", out)
    assert "text.png" in refused(featherseg(*predict, text))
    assert "0 bytes" in refused(featherseg(*predict, empty))
    assert "no file" in refused(featherseg(*predict, tmp_path / "missing.png"))
    assert "did you mean 'repsegnet.skin'" in refused(
        featherseg("predict", SAMPLE, "--model", "repsegnet.skn", "-o", out)
    )
    assert "model folder" in refused(featherseg("predict", SAMPLE, "--model", tmp_path / "none", "-o", out))
    assert "cannot be saved" in refused(
        featherseg("predict", SAMPLE, "-m", "repsegnet.skin", "-o", tmp_path / "no" / "m.png")
    )
    assert "dev/images" in refused(featherseg("evaluate", tmp_path, "--model", "repsegnet.skin"))
    assert not out.exists()


def test_opening_without_a_display_or_a_file_is_refused(monkeypatch, tmp_path):
    assert "no file" in refused(featherseg("open", tmp_path / "missing.png"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform.startswith("linux"):
        assert "no display" in refused(featherseg("open", SAMPLE))


def test_models_lists_networks_with_exact_counts_and_bundles_with_cards():
    pytest.importorskip("torch")
    done = featherseg("models", "--json")
    assert done.returncode == 0, done.stderr
    listing = json.loads(done.stdout)
    rows = {row["name"]: row for row in listing["networks"]}
    assert rows["repsegnet"]["params_train"] == 2_664_912
    assert rows["repsegnet"]["params_deployed"] == 1_218_138
    assert rows["repsegnet"]["gmacs_train"] == pytest.approx(3.6767, rel=0.005)
    assert "1.22 M" in rows["repsegnet"]["note"]
    for name, params in (
        ("med2dsegnet", 2_070_269),
        ("reunet_slim8", 5_179_808),
        ("lgmsnet", 2_321_393),
        ("lgmsnet3d", 9_860_814),
        ("cmunext", 3_149_185),
        ("tinyunet", 481_170),
        ("unext", 1_471_921),
    ):
        assert rows[name]["params_train"] == params
    wanted = {"name", "paper", "params_train", "params_deployed", "gmacs_train", "gmacs_deployed", "input"}
    assert all(wanted | {"published_params", "published_gmacs", "note"} <= set(row) for row in rows.values())
    cards = {row["name"]: row["card"] for row in listing["bundles"]}
    assert cards["repsegnet.skin"]["measured"][0]["dice"] >= 0.80


def test_evaluate_prints_the_agreed_json():
    done = featherseg("evaluate", TINY, "--model", "repsegnet.skin", "--json", "--per-image")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    wanted = {
        "model",
        "dataset",
        "split",
        "n",
        "dice",
        "iou",
        "precision",
        "recall",
        "dice_pooled",
        "iou_pooled",
    }
    assert wanted <= set(report)
    assert (report["model"], report["split"], report["n"]) == ("repsegnet.skin", "dev", 4)
    assert len(report["images"]) == 4
    assert report["dice"] == pytest.approx(np.mean([row["dice"] for row in report["images"]]))


def test_train_writes_a_bundle_that_predicts_and_resumes(tmp_path):
    pytest.importorskip("torch")
    bundle = tmp_path / "tiny.skin"
    words = ("train", TINY, "--network", "unext_s", "-o", bundle, "--stages", "64:1,96:1", "--threads", "1")
    done = featherseg(*words)
    assert done.returncode == 0, done.stderr
    card = json.loads((bundle / "card.json").read_text())
    assert card["name"] == "tiny.skin" and card["training"]["train_cases"] == 4
    assert card["measured"][0]["n"] == 4 and card["training"]["epochs"] == 2
    again = featherseg(*words)
    assert again.returncode == 0 and "epoch" not in again.stderr, (
        "nothing is left to learn, the run is only closed"
    )
    report = json.loads(featherseg("evaluate", TINY, "--model", bundle, "--json").stdout)
    assert report["dice"] == pytest.approx(card["measured"][0]["dice"], abs=2e-3)
    child = ("train", TINY, "--network", "unext_s", "-o", tmp_path / "child.skin", "--parent", bundle)
    parent = featherseg(*child, "--stages", "64:1", "--threads", "1")
    assert parent.returncode == 0, parent.stderr
    assert json.loads((tmp_path / "child.skin" / "card.json").read_text())["parent"].startswith("tiny.skin")
