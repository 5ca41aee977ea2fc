"""TinyU-Net (Chen et al., MICCAI 2024): cascades of depthwise convolutions on a few channels.

Built from a description of the published graph, not from its code: 481,170 parameters with two classes. Its
tables print 1.66 GFLOPs, which are multiply-adds counted with the norms and activations (1.565 without).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import folded

STRIDE = 16
"""Height and width must be multiples of this."""

WIDTHS = (64, 128, 256, 512)
CASCADE = 8
"""Members of a cascade: the sum of the even and odd channels, and seven chained convolutions."""


class CascadeBlock(nn.Module):
    """CMRF, the cascade multi-receptive-field block.

    A 1 x 1 convolution to an eighth of the width; of its channels the odd ones pass through seven chained
    depthwise convolutions, each member of the chain is kept, and a 1 x 1 convolution mixes them with the sum
    of even and odd. Shortcut where the width stays.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        few = channels_out // (2 * CASCADE)
        self.same = channels_in == channels_out
        self.squeeze = _point_unit(channels_in, 2 * few)
        self.chain = nn.ModuleList(
            nn.Sequential(nn.Conv2d(few, few, 3, padding=1, groups=few, bias=False), _norm(few))
            for _ in range(CASCADE - 1)
        )
        self.mix = _point_unit(CASCADE * few, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w)."""
        squeezed = self.squeeze(x)
        even, odd = squeezed[:, 0::2], squeezed[:, 1::2]
        members = [even + odd]
        member = odd
        for link in self.chain:
            member = link(member)
            members.append(member)
        y = self.mix(torch.cat(members, dim=1))
        return y + x if self.same else y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)


def _point_unit(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, bias=False), _norm(channels_out), nn.GELU())


class TinyUNet(nn.Module):
    """The whole network; logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Three and two in the published configuration.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 2) -> None:
        super().__init__()
        before = (in_channels, *WIDTHS[:-1])
        self.encoder = nn.ModuleList(CascadeBlock(a, b) for a, b in zip(before, WIDTHS, strict=True))
        self.decoder = nn.ModuleList(
            CascadeBlock(below + width, width)
            for below, width in zip((512, 512, 256, 128), reversed(WIDTHS), strict=True)
        )
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        skips = []
        for stage in self.encoder:
            skips.append(stage(x))
            x = F.max_pool2d(skips[-1], 2)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
            x = stage(torch.cat([x, skip], dim=1))
        return self.head(x)

    def deployed(self) -> nn.Module:
        """A copy in eval mode with every convolution + BatchNorm pair folded; the form that is exported."""
        return folded(self)
