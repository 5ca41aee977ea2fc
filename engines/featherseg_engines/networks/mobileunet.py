"""A reconstruction of Mobile-Unet (Jing et al. 2022): MobileNetV2 down, five transposed convolutions up.

Reconstruction: the authors published no code. The paper names the encoder (MobileNetV2 at width 1) and five
deconvolutions; how skips enter (concatenation, then an inverted residual without shortcut) is our reading.
4,683,097 parameters with one class.
"""

import torch
from torch import Tensor, nn

from featherseg_engines.networks.blocks import folded

STRIDE = 32
"""Height and width must be multiples of this."""

EXPANSION = 6
STEM = 32
LAST = 1280

STAGES = (
    ((16, 1, 1),),
    ((24, 2, 2),),
    ((32, 3, 2),),
    ((64, 4, 2), (96, 3, 1)),
    ((160, 3, 2), (320, 1, 1)),
)
"""Width, blocks and first stride, by the resolution reached: 1/2 to 1/32. Source: MobileNetV2."""

SKIPS = (16, 24, 32, 96)
"""Width of the map at the end of each of the first four."""


class InvertedResidual(nn.Module):
    """1 x 1 expansion, depthwise 3 x 3, linear 1 x 1 reduction; shortcut where asked for."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        stride: int = 1,
        expansion: int = EXPANSION,
        residual: bool,
    ) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.residual = residual
        expand = [] if expansion == 1 else _conv_bn_relu6(channels_in, hidden, 1)
        self.body = nn.Sequential(
            *expand,
            *_conv_bn_relu6(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        y = self.body(x)
        return x + y if self.residual else y


def _conv_bn_relu6(
    channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    conv = nn.Conv2d(
        channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    return [conv, nn.BatchNorm2d(channels_out), nn.ReLU6()]


def _stage(channels_in: int, rows: tuple[tuple[int, int, int], ...], expansion: int) -> nn.Sequential:
    blocks = []
    before = channels_in
    for width, repeats, first_stride in rows:
        for i in range(repeats):
            stride = first_stride if i == 0 else 1
            same = stride == 1 and before == width
            blocks.append(InvertedResidual(before, width, stride=stride, expansion=expansion, residual=same))
            before = width
    return nn.Sequential(*blocks)


class MobileUNet(nn.Module):
    """The whole network (a reconstruction, see the module's text); logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Any number; 4,683,097 parameters with three and one.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv_bn_relu6(in_channels, STEM, 3, stride=2))
        before = (STEM, *SKIPS)
        self.encoder = nn.ModuleList(
            _stage(before[i], rows, 1 if i == 0 else EXPANSION) for i, rows in enumerate(STAGES)
        )
        self.widen = nn.Sequential(*_conv_bn_relu6(STAGES[-1][-1][0], LAST, 1))
        below = (LAST, *reversed(SKIPS))
        self.rise = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1)
            for a, b in zip(below, reversed(SKIPS), strict=False)
        )
        self.join = nn.ModuleList(InvertedResidual(2 * c, c, residual=False) for c in reversed(SKIPS))
        self.head = nn.ConvTranspose2d(SKIPS[0], classes, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 32."""
        x = self.stem(x)
        maps = []
        for stage in self.encoder:
            x = stage(x)
            maps.append(x)
        x = self.widen(x)
        for rise, join, skip in zip(self.rise, self.join, reversed(maps[:-1]), strict=True):
            x = join(torch.cat([rise(x), skip], dim=1))
        return self.head(x)

    def deployed(self) -> nn.Module:
        """A copy in eval mode with every convolution + BatchNorm pair folded; the form that is exported."""
        return folded(self)
