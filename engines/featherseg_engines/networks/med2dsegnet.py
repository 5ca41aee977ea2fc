"""A reconstruction of Med-2D SegNet (arXiv 2504.14715): expand, look around depthwise, reduce.

Reconstruction: no code of the paper is public, and only its abstract, its figure captions and a third party's
summary were at hand. Grounded are the total of 2.07 M parameters, the block (1 x 1 expansion by 6, 7 x 7
depthwise convolution, global average pooling on it, 1 x 1 reduction, the features of both convolutions
integrated), four reductions to 1/16, a width of 124, and residual decoder stages. Chosen by us to land on
2.07 M (2,070,269 with one class): stage widths and repeats, norm and activation, what the pooled values do
(they gate the channels through five weights), the decoder's inner order. Other choices fit as well.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import conv_bn_relu, folded, upsample2

STRIDE = 16
"""Height and width must be multiples of this."""

EXPANSION = 6
STEM = 16
STAGES = ((32, 2), (64, 3), (124, 4), (124, 3))
"""Width and number of blocks of each reduction (1/2, 1/4, 1/8, 1/16)."""


class ChannelGate(nn.Module):
    """Weighs each channel by a sigmoid of its own and its neighbours' averages (five weights in all)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        pooled = x.mean(dim=(2, 3)).unsqueeze(1)
        gate = torch.sigmoid(self.conv(pooled)).squeeze(1)
        return x * gate[:, :, None, None]


class MedBlock(nn.Module):
    """1 x 1 expansion, gated 7 x 7 depthwise convolution, their sum, 1 x 1 reduction, shortcut.

    The shortcut is a 1 x 1 convolution with BatchNorm where the width changes. No activation after the sum.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        hidden = EXPANSION * channels_in
        self.expand = nn.Sequential(
            nn.Conv2d(channels_in, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()
        )
        self.spatial = nn.Sequential(
            nn.Conv2d(hidden, hidden, 7, padding=3, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
        )
        self.gate = ChannelGate()
        self.reduce = _pointwise(hidden, channels_out)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else _pointwise(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w)."""
        expanded = self.expand(x)
        integrated = self.gate(self.spatial(expanded)) + expanded
        return self.reduce(integrated) + self.shortcut(x)


def _pointwise(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out))


class DecoderStage(nn.Module):
    """Twice the sides, a convolution, the skip added, a second convolution, a residual path around it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = conv_bn_relu(channels_in, channels_out, 3, bias=False)
        self.second = conv_bn_relu(channels_out, channels_out, 3, bias=False)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(b, channels_in, h, w) and skip (b, channels_out, 2h, 2w) to the skip's shape."""
        first = self.first(upsample2(x, align_corners=False))
        return self.second(first + skip) + first


class Med2DSegNet(nn.Module):
    """The whole network (a reconstruction, see the module's text); logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Any number; 2,070,269 parameters with three and one.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 1) -> None:
        super().__init__()
        self.stem = conv_bn_relu(in_channels, STEM, 3, bias=False)
        widths = [STEM] + [width for width, _ in STAGES]
        self.encoder = nn.ModuleList(
            nn.Sequential(*(MedBlock(before if i == 0 else width, width) for i in range(repeats)))
            for before, (width, repeats) in zip(widths, STAGES, strict=False)
        )
        self.decoder = nn.ModuleList(
            DecoderStage(widths[i + 1], widths[i]) for i in reversed(range(len(STAGES)))
        )
        self.head = nn.Conv2d(STEM, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        y = self.stem(x)
        skips = []
        for stage in self.encoder:
            skips.append(y)
            y = stage(F.max_pool2d(y, 2))
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            y = stage(y, skip)
        return self.head(y)

    def deployed(self) -> nn.Module:
        """A copy in eval mode with every convolution + BatchNorm pair folded; the form that is exported."""
        return folded(self)
