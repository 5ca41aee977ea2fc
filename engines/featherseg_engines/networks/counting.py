"""Counts a network's parameters and multiply-adds without computing anything."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from featherseg_engines.networks.spec import NetworkSpec, deployed_form

UNCOUNTED = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    *(nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.Sigmoid, nn.PReLU),
)
"""Layers without multiply-adds that leave a map's shape as it is."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Parameters (all tensors) and multiply-adds in 1e9 for one input, of both forms of a network.

    A network that can be reparameterized is counted as its paper counts it: reparameterized, its other
    BatchNorms kept.
    """

    params_train: int
    params_deployed: int
    gmacs_train: float
    gmacs_deployed: float


def count(spec: NetworkSpec, sides: tuple[int, ...] | None = None) -> Counts:
    """Count the network of ``spec`` at its paper's channels and classes.

    Parameters
    ----------
    sides
        Input sides; ``spec.sides`` if left out.

    Notes
    -----
    Runs on PyTorch's ``meta`` device, so even the largest network takes no memory. Multiply-adds are those of
    convolutions, linear layers and attention (half of ``FlopCounterMode``'s total): norms and activations do
    not count, so figures are a little below those of hook-based tools.
    """
    shape = (1, spec.in_channels, *(spec.sides if sides is None else sides))
    with torch.device("meta"), torch.no_grad():
        training = spec.make().eval()
        fused: Callable[[], nn.Module] | None = getattr(training, "fused", None)
        deployed = deployed_form(training) if fused is None else fused()
        return Counts(
            parameters(training), parameters(deployed), _gmacs(training, shape), _gmacs(deployed, shape)
        )


def _without_what_costs_nothing(module: nn.Module) -> None:
    """Take out norms and activations, in place: on the meta device each is decomposed in Python, which takes long."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, UNCOUNTED):
                setattr(parent, name, nn.Identity())


def parameters(module: nn.Module) -> int:
    """The number of values in the parameters of ``module``, trained or not."""
    return sum(math.prod(p.shape) for p in module.parameters())


def _gmacs(module: nn.Module, shape: tuple[int, ...]) -> float:
    _without_what_costs_nothing(module)
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(shape, device="meta"))
    return counter.get_total_flops() / 2 / 1e9
