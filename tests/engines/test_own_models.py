"""Bring your own model: any ONNX file with a small card is taken in, or refused in words."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.paths import SAMPLE

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.training.export import onnx_bytes

CARD = {
    "format": 1,
    "name": "mine.skin",
    "labels": [{"value": 4, "name": "spot"}],
    "activation": "sigmoid",
    "preprocessing": {"long_side": 128, "stride": 8},
}


def bundle(folder: Path, network: torch.nn.Module, card: dict, channels: int = 3, **changes: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(onnx_bytes(network, torch.zeros(1, channels, 32, 32)))
    (folder / "card.json").write_text(json.dumps({**card, **changes}))
    return folder


def test_a_model_with_a_small_card_is_listed_and_answers(tmp_path):
    bundle(tmp_path / "any name", torch.nn.Conv2d(3, 1, 1), CARD)
    found = Catalogue([tmp_path]).resolve("mine.skin")
    assert len(found.identity) == 12 and found.card.labels[0].value == 4
    probability = OnnxModel(found).probability(read_image(SAMPLE).slice(0))
    assert probability.shape == (1, 192, 256) and np.isfinite(probability).all()


@pytest.mark.parametrize(
    ("network", "channels", "changes", "words"),
    [
        (torch.nn.Conv2d(3, 2, 1), 3, {}, "gives 2 maps and its card says 1"),
        (torch.nn.Conv2d(1, 1, 1), 1, {}, "takes 1 channels and its card says 3"),
        (torch.nn.Conv2d(3, 1, 2, stride=2), 3, {}, "answered with maps"),
        (torch.nn.Conv2d(3, 1, 1), 3, {"dims": 3}, "dims must be"),
        (torch.nn.Conv2d(3, 1, 1), 3, {"activation": "relu"}, "activation must be"),
        (torch.nn.Conv2d(3, 1, 1), 3, {"labels": []}, "labels do not fit"),
        (torch.nn.Conv2d(3, 1, 1), 3, {"sha256": {"model.onnx": "0"}}, "damaged"),
    ],
)
def test_a_model_that_does_not_fit_its_card_is_refused_in_words(tmp_path, network, channels, changes, words):
    folder = bundle(tmp_path / "odd", network, CARD, channels, **changes)
    with pytest.raises(ModelError, match=words) as info:
        OnnxModel(Catalogue([]).resolve(str(folder))).probability(read_image(SAMPLE).slice(0))
    assert "\n" not in str(info.value)


def test_what_is_no_onnx_file_is_refused(tmp_path):
    folder = bundle(tmp_path / "odd", torch.nn.Conv2d(3, 1, 1), CARD)
    (folder / "model.onnx").write_text("hello")
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxModel(Catalogue([]).resolve(str(folder)))


def test_a_model_of_one_size_is_refused(tmp_path):
    folder = bundle(tmp_path / "fixed", torch.nn.Conv2d(3, 1, 1), CARD)
    torch.onnx.export(
        torch.nn.Conv2d(3, 1, 1), (torch.zeros(1, 3, 32, 32),), folder / "model.onnx", dynamo=False
    )
    with pytest.raises(ModelError, match="one size only"):
        OnnxModel(Catalogue([]).resolve(str(folder)))
