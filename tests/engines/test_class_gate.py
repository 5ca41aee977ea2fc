"""A class of another kind of image: one number a class, from the whole picture, added to the answer."""

import torch
from torch import nn

from featherseg_engines.inference.feature_outputs import feature_names
from featherseg_engines.networks.class_gate import ClassGated
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training.export import onnx_bytes, onnx_difference


def small() -> nn.Module:
    torch.manual_seed(0)
    return default_registry().build("unext_s", in_channels=3, classes=3)


def talking() -> ClassGated:
    gated = ClassGated(small(), 3, 3)
    nn.init.normal_(gated.say.weight)
    return gated.eval()


def test_in_the_beginning_it_changes_nothing() -> None:
    network, image = small().eval(), torch.randn(2, 3, 64, 64)
    assert torch.equal(ClassGated(network, 3, 3).eval()(image), network(image))


def test_it_adds_the_same_everywhere_in_a_picture() -> None:
    gated, image = talking(), torch.randn(2, 3, 64, 96)
    added = gated(image) - gated.network(image)
    assert added.std(dim=(2, 3)).max() < 1e-4 and added.abs().max() > 0.01


def test_it_is_deployed_and_exported_as_it_answers_and_its_features_are_found() -> None:
    gated = talking()
    content = onnx_bytes(gated.deployed(), torch.randn(1, 3, 64, 64))
    assert onnx_difference(content, gated, torch.randn(2, 3, 96, 64)) < 1e-3
    plain = onnx_bytes(gated.network.deployed(), torch.randn(1, 3, 64, 64))  # type: ignore[operator,union-attr]
    assert {f"/network{name}" for name in feature_names(plain)} <= set(feature_names(content))
