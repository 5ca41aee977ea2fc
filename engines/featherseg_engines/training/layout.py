"""How a batch lies in memory, and which networks cannot learn in half precision."""

import torch
from torch import Tensor, nn

INSTANCE = (nn.InstanceNorm2d, nn.InstanceNorm3d)
"""Their gradients overflow in bfloat16 (measured on LGMSNet-3D); networks with them learn in float32."""


def learns_in_half(network: nn.Module) -> bool:
    """Whether a network's steps may be computed in bfloat16."""
    return not any(isinstance(module, INSTANCE) for module in network.modules())


def last_channels(x: Tensor) -> Tensor:
    """The same values with the channels last in memory, which CPU convolutions read faster."""
    return x.contiguous(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)
