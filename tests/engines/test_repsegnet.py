"""RepSegNet: exact counts, and one answer in all its forms."""

import numpy as np
import pytest
import torch

from featherseg_engines.networks.registry import default_registry
from featherseg_engines.networks.repsegnet import RepSegNet
from featherseg_engines.training.export import onnx_bytes, onnx_difference


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def gmacs(module, side: int) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(torch.zeros(1, 3, side, side))
    return counter.get_total_flops() / 2e9


def restless(module):
    """Randomised BatchNorm statistics and weights, so that folding is really tried."""
    generator = torch.Generator().manual_seed(7)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.5, 0.5),
                (layer.running_var, 0.5, 2.0),
                (layer.weight.data, 0.5, 1.5),
                (layer.bias.data, -0.5, 0.5),
            ):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)
    return module.eval()


def test_parameters_of_both_forms_are_exact():
    network = RepSegNet()
    assert count(network) == 2_664_912
    assert count(network.fused()) == 1_218_138
    assert count(RepSegNet(classes=3)) == 2_664_912 + 9


@pytest.mark.parametrize(("branches", "expected"), [(1, 1_248_208), (2, 1_956_560), (4, 3_373_264)])
def test_parameters_follow_the_number_of_branches(branches, expected):
    assert count(RepSegNet(branches=branches)) == expected


@pytest.mark.parametrize(("side", "train", "fused"), [(224, 2.8150, 1.3538), (256, 3.6767, 1.7682)])
def test_multiplications_of_both_forms_are_exact(side, train, fused):
    network = RepSegNet()
    assert gmacs(network, side) == pytest.approx(train, rel=0.005)
    assert gmacs(network.fused(), side) == pytest.approx(fused, rel=0.005)


@pytest.mark.parametrize("block_bn", [True, False])
def test_training_fused_and_deployed_form_answer_the_same(block_bn):
    network = restless(RepSegNet(block_bn=block_bn))
    x = torch.randn(2, 3, 48, 80, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(x)
        for form in (network.fused(), network.deployed()):
            assert (form(x) - expected).abs().max() < 1e-4 * expected.abs().max()


def test_onnx_runtime_answers_like_torch_at_another_size_and_batch():
    deployed = restless(RepSegNet()).deployed()
    content = onnx_bytes(deployed, torch.zeros(1, 3, 64, 64))
    assert onnx_difference(content, deployed, torch.randn(3, 3, 96, 48)) < 1e-4


def test_every_parameter_learns():
    network = RepSegNet().train()
    network(torch.randn(2, 3, 32, 32)).square().mean().backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not dead


def test_an_unknown_network_names_the_nearest():
    from featherseg_engines.errors import ModelError

    with pytest.raises(ModelError, match="did you mean 'repsegnet'"):
        default_registry().get("repsegnt")


def test_a_seed_gives_the_same_network():
    registry = default_registry()
    networks = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(registry.build("repsegnet", in_channels=1, classes=4))
    for a, b in zip(*(n.parameters() for n in networks), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())
