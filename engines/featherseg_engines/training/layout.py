"""How a batch lies in memory, and which networks learn in half precision, on which processors."""

import time
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

INSTANCE = (nn.InstanceNorm2d, nn.InstanceNorm3d)
"""Their gradients overflow in bfloat16 (measured on LGMSNet-3D); networks with them learn in float32."""


CLEARLY = 0.85
"""bfloat16 must take less than this share of the time in float32: the shorter numbers are also less exact."""
TRIES = 5


def learns_in_half(network: nn.Module) -> bool:
    """Whether a network's steps may be computed in bfloat16, wherever they are computed."""
    return not any(isinstance(module, INSTANCE) for module in network.modules())


def in_half_here(network: nn.Module) -> bool:
    """Whether a network's steps on this processor are computed in bfloat16: where they may, and it is faster."""
    return learns_in_half(network) and half_is_faster()


@cache
@torch.inference_mode(False)
@torch.enable_grad()
def half_is_faster() -> bool:
    """Whether this processor learns clearly faster in bfloat16, by trying the layers that a step is made of.

    Many have no products in it. Without AVX-512 PyTorch leaves oneDNN's kernels for them, and a step then takes nine
    times as long as in float32 (``bench halves``).
    """
    layers = nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.ReLU(), nn.Conv2d(64, 64, 1), nn.Conv2d(64, 64, 3)
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = last_channels(torch.ones(2, 64, 32, 32))

    def step(half: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answer: Tensor = layers(batch)
        answer.float().sum().backward()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would wait for each other beside another busy program
    try:
        for half in (False, True):
            step(half)  # the first of each makes its kernels
        return _best(lambda: step(True)) < CLEARLY * _best(lambda: step(False))
    finally:
        torch.set_num_threads(threads)


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few times."""
    took = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)


def last_channels(x: Tensor) -> Tensor:
    """The same values with the channels last in memory, which CPU convolutions read faster."""
    return x.contiguous(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)
