"""A parent that stays untouched beside what a person taught, and a look that says whose kind a picture is."""

import pytest
import torch
from torch import nn

from featherseg_engines.inference.feature_outputs import feature_names
from featherseg_engines.networks.beside import NEVER, Beside
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.training.export import onnx_bytes, onnx_difference


def small(classes: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return default_registry().build("unext_s", in_channels=3, classes=classes)


def saying(what: float) -> Beside:
    """One whose look says the same of every picture."""
    network = Beside(small(4, 0), small(2, 1), 3, 2)
    nn.init.zeros_(network.look[-1].weight)
    nn.init.constant_(network.look[-1].bias, what)
    return network.eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))


def test_of_its_own_kind_the_learner_answers(image: torch.Tensor) -> None:
    network = saying(1.0)
    assert torch.equal(network(image), network.learner(image))


def test_of_the_other_kind_the_parent_answers_as_ever_and_never_with_what_it_does_not_know(
    image: torch.Tensor,
) -> None:
    network = saying(-1.0)
    answer = network(image)
    assert torch.equal(answer[:, :2], network.known(image)) and (answer[:, 2:] == NEVER).all()


def test_each_picture_of_a_batch_is_looked_at_by_itself(image: torch.Tensor) -> None:
    network = saying(0.0)
    nn.init.normal_(network.look[-1].weight)
    image[1] = -image[1] * 3
    nn.init.constant_(network.look[-1].bias, -float((network.kind(image)).mean()))
    mine = network.kind(image).flatten() > 0
    assert mine.sum() == 1
    assert torch.equal(network(image)[mine], network.learner(image)[mine])


def test_the_parent_does_not_learn() -> None:
    network = saying(0.0)
    assert not any(p.requires_grad for p in network.known.parameters())


def test_it_is_deployed_and_exported_as_it_answers_and_the_learners_features_are_found() -> None:
    network = saying(1.0)
    content = onnx_bytes(network.deployed(), torch.randn(1, 3, 64, 64))
    assert onnx_difference(content, network, torch.randn(2, 3, 96, 64)) < 1e-3
    plain = onnx_bytes(network.learner.deployed(), torch.randn(1, 3, 64, 64))  # type: ignore[operator,union-attr]
    assert {f"/learner{name}" for name in feature_names(plain)} <= set(feature_names(content))
