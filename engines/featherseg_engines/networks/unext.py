"""UNeXt (Valanarasu and Patel, MICCAI 2022, arXiv 2203.04967): convolutions above, shifted MLPs below.

Built from a description of the published graph, not from its code: 1,471,921 parameters (S: 253,561) with one
class. The linear layers are written as 1 x 1 convolutions, which is the same sum without two transpositions.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import folded, upsample2

STRIDE = 32
"""Height and width must be multiples of this."""

SHIFTS = (-2, -1, 0, 1, 2)
"""How far each fifth of the channels moves; what moves in from outside is zero."""

Size = Literal["base", "s"]
WIDTHS: dict[Size, tuple[int, ...]] = {"base": (16, 32, 128, 160, 256), "s": (8, 16, 32, 64, 128)}


def shifted(x: Tensor, dim: int) -> Tensor:
    """``x`` (b, c, h, w) with its channels in five parts, each moved by its :data:`SHIFTS` along ``dim``.

    The parts have ``ceil(c / 5)`` channels, the last one what is left. Written as slices of a padded map, so
    that no size is fixed when the network is exported.
    """
    reach = max(SHIFTS)
    padded = F.pad(x, (0, 0, reach, reach) if dim == 2 else (reach, reach, 0, 0))
    parts = []
    for part, shift in zip(padded.chunk(len(SHIFTS), dim=1), SHIFTS, strict=False):
        end = -(reach + shift) or None
        window = slice(reach - shift, end)
        parts.append(part[:, :, window] if dim == 2 else part[:, :, :, window])
    return torch.cat(parts, dim=1)


class ChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels of (b, c, h, w), each pixel for itself."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ShiftedBlock(nn.Module):
    """LayerNorm, shift along height, linear, depthwise 3 x 3, GELU, shift along width, linear; residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelLayerNorm(channels)
        self.first = nn.Conv2d(channels, channels, 1)
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.second = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) to the same shape."""
        y = self.first(shifted(self.norm(x), dim=2))
        y = F.gelu(self.spatial(y))
        return x + self.second(shifted(y, dim=3))


class UNeXt(nn.Module):
    """The whole network; logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Three and one in the paper.
    size
        ``"base"`` or ``"s"``.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 1, *, size: Size = "base") -> None:
        super().__init__()
        w = WIDTHS[size]
        self.encoder = nn.ModuleList(
            _conv_bn(a, b) for a, b in zip((in_channels, *w[:2]), w[:3], strict=True)
        )
        self.tokens = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(w[i - 1], w[i], 3, stride=2, padding=1),
                ChannelLayerNorm(w[i]),
                ShiftedBlock(w[i]),
                ChannelLayerNorm(w[i]),
            )
            for i in (3, 4)
        )
        self.decoder = nn.ModuleList(_conv_bn(w[i], w[i - 1]) for i in (4, 3, 2, 1))
        self.decoder_tokens = nn.ModuleList(
            nn.Sequential(ShiftedBlock(w[i]), ChannelLayerNorm(w[i])) for i in (3, 2)
        )
        self.last = nn.Conv2d(w[0], w[0], 3, padding=1)
        self.head = nn.Conv2d(w[0], classes, 1)
        self._initialise()

    def _initialise(self) -> None:
        """In the token stages, linear layers truncated normal 0.02, convolutions normal by their fan-out.

        Everywhere else PyTorch's defaults: by its fan-out, a head of one class would begin with huge logits.
        """
        token_stages = nn.ModuleList([self.tokens, self.decoder_tokens])
        for module in token_stages.modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if module.kernel_size == (1, 1):
                nn.init.trunc_normal_(module.weight, std=0.02)
            else:
                fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 32."""
        skips = []
        for conv in self.encoder:
            x = F.relu(F.max_pool2d(conv(x), 2))
            skips.append(x)
        for stage in self.tokens:
            x = stage(x)
            skips.append(x)
        for i, conv in enumerate(self.decoder):
            x = F.relu(upsample2(conv(x), align_corners=False)) + skips[3 - i]
            if i < len(self.decoder_tokens):
                x = self.decoder_tokens[i](x)
        return self.head(F.relu(upsample2(self.last(x), align_corners=False)))

    def deployed(self) -> nn.Module:
        """A copy in eval mode with every convolution + BatchNorm pair folded; the form that is exported."""
        return folded(self)


def _conv_bn(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out))
