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

CUBIC_TAPS = (-0.10546875, 0.87890625, 0.26171875, -0.03515625)
"""Weights of the pixels around a point a quarter of a pixel after one: the cubic kernel with a = -0.75."""


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
        y = self.cascade(self.squeeze(x))
        return y + x if self.same else y

    def cascade(self, squeezed: Tensor) -> Tensor:
        """What follows the first convolution: (b, channels_out / 8, h, w) to (b, channels_out, h, w)."""
        even, odd = squeezed[:, 0::2], squeezed[:, 1::2]
        members = [even + odd]
        member = odd
        for link in self.chain:
            member = link(member)
            members.append(member)
        return self.mix(torch.cat(members, dim=1))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)


def _point_unit(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, bias=False), _norm(channels_out), nn.GELU())


class DecoderStage(nn.Module):
    """Twice the sides (bicubic), beside the skip, into a cascade."""

    def __init__(self, channels_below: int, channels_skip: int) -> None:
        super().__init__()
        self.block = CascadeBlock(channels_below + channels_skip, channels_skip)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(b, channels_below, h, w) and skip (b, channels_skip, 2h, 2w) to the skip's shape."""
        x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return self.block(torch.cat([x, skip], dim=1))


class CubicUpsampling(nn.Module):
    """Bicubic doubling of both sides, written as depthwise convolutions.

    Equal to ``F.interpolate``; ONNX Runtime's cubic Resize is some ten times slower than these.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        after = torch.tensor([0.0, *CUBIC_TAPS])
        kernels = torch.stack([after.flip(0), after])  # even pixels lie a quarter before, odd ones after
        self.kernels: Tensor
        self.register_buffer("kernels", kernels[:, None, None, :].repeat(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) to (b, channels, 2h, 2w)."""
        x = F.pad(x, (2, 2, 2, 2), mode="replicate")
        rows = [F.conv2d(x, k[..., None], groups=self.channels) for k in self.kernels]
        x = torch.stack(rows, dim=3).flatten(2, 3)
        columns = [F.conv2d(x, k[:, :, None], groups=self.channels) for k in self.kernels]
        return torch.stack(columns, dim=4).flatten(3, 4)


class DeployedDecoderStage(nn.Module):
    """A folded :class:`DecoderStage` that squeezes before it upsamples.

    The first convolution of the cascade is 1 x 1 and linear, and so is upsampling, channel by channel: they
    change places. An eighth or less of the channels is left to upsample.
    """

    def __init__(self, stage: DecoderStage) -> None:
        super().__init__()
        self.block = stage.block
        squeeze = stage.block.squeeze[0]
        assert isinstance(squeeze, nn.Conv2d) and squeeze.bias is not None
        few = squeeze.out_channels
        skip = few * CASCADE
        below = squeeze.in_channels - skip
        self.below = nn.Conv2d(below, few, 1, bias=False)
        self.skip = nn.Conv2d(skip, few, 1)
        self.upsample = CubicUpsampling(few)
        self.below.weight = nn.Parameter(squeeze.weight[:, :below].detach())
        self.skip.weight = nn.Parameter(squeeze.weight[:, below:].detach())
        self.skip.bias = nn.Parameter(squeeze.bias.detach())
        self.block.squeeze = nn.Sequential(nn.GELU())
        self.to(squeeze.weight.device)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """As :meth:`DecoderStage.forward`."""
        return self.block(self.upsample(self.below(x)) + self.skip(skip))


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
            DecoderStage(below, width) for below, width in ((512, 512), (512, 256), (256, 128), (128, 64))
        )
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        skips = []
        for stage in self.encoder:
            skips.append(stage(x))
            x = F.max_pool2d(skips[-1], 2)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        return self.head(x)

    def deployed(self) -> nn.Module:
        """A copy in eval mode, convolution + BatchNorm pairs folded; the form that is exported.

        The decoder squeezes before it upsamples (:class:`DeployedDecoderStage`): the same answer, with
        fewer multiply-adds.
        """
        result = folded(self)
        assert isinstance(result, TinyUNet)
        result.decoder = nn.ModuleList(
            DeployedDecoderStage(stage) for stage in result.decoder if isinstance(stage, DecoderStage)
        )
        return result.eval()
