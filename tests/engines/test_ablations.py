"""The papers' ablations: they answer, deploy to the same answer, and leave the whole networks as they were."""

import pytest
import torch

from featherseg_engines.networks.ablations import ABLATIONS
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.networks.spec import deployed_form


def settled(spec, side=64):
    """The network with norms that have seen something, so that folding is put to the test."""
    torch.manual_seed(0)
    network = spec.make(in_channels=3, classes=2)
    with torch.no_grad():
        network.train()(torch.randn(2, 3, side, side))
    return network.eval()


@pytest.mark.parametrize("spec", ABLATIONS, ids=lambda spec: spec.name)
def test_an_ablation_answers_and_deploys_to_the_same_answer(spec):
    network, image = settled(spec), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        answer, deployed = network(image), deployed_form(network)(image)
    assert answer.shape == (1, 2, 64, 96)
    assert (answer - deployed).abs().max() <= 1e-3 * answer.abs().max()


def parameters(name):
    spec = next((s for s in ABLATIONS if s.name == name), None) or default_registry().get(name)
    return sum(p.numel() for p in spec.make(in_channels=3, classes=2).parameters())


@pytest.mark.parametrize(
    ("name", "count"), [("repsegnet_k1", 1_248_208), ("repsegnet_k2", 1_956_560), ("repsegnet_k4", 3_373_264)]
)
def test_the_branches_have_the_counts_of_the_description(name, count):
    assert parameters(name) == count


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("repsegnet_plain", "repsegnet_k1"),
        ("reunet_slim8_no_signal", "reunet_slim8"),
        ("reunet_slim8_no_gates", "reunet_slim8"),
        ("reunet_slim8_i0", "reunet_slim8_i5"),
        ("reunet_slim8_i9", "reunet_slim8"),
        ("lgmsnet_kernel3", "lgmsnet_kernel9"),
        ("lgmsnet_share0", "lgmsnet"),
    ],
)
def test_what_is_left_out_is_left_out(less, more):
    assert parameters(less) < parameters(more)


def test_the_whole_network_is_the_paper_s_share_of_its_ablations():
    from featherseg_engines.networks.lgmsnet import IMAGE, lgmsnet_ablated

    assert IMAGE.with_share(0.75) == IMAGE
    whole, same = default_registry().get("lgmsnet").make(classes=1), lgmsnet_ablated(3, 1)
    assert [p.shape for p in whole.parameters()] == [p.shape for p in same.parameters()]


def test_nobody_is_offered_an_ablation():
    offered = {spec.name for spec in default_registry()}
    assert not offered & {spec.name for spec in ABLATIONS}
