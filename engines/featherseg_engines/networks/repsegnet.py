"""RepSegNet: multi-path blocks of reparameterizable depthwise units (Juraev et al., Sci Rep 16, 4682, 2026).

Built from the description of the paper and of the published graph, not from its code. Where they disagree:

* The skip at 1/8 is *added* (the published graph), not concatenated (the text).
* Each block ends in BatchNorm and ReLU as the paper says; the published code computes that BatchNorm and
  throws its result away. ``block_bn=False`` gives that behaviour.
* The printed "0.518 M parameters when fused" counts only tensors outside the fused units; the fused network
  has 1,218,138 (1.22 M) with two classes.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import (
    batchnorm_scale_shift,
    block_norm,
    conv_bn_relu,
    folded,
    joined,
    upsample2,
)

STRIDE = 16
"""Height and width must be multiples of this."""


class BranchedConv(nn.Module):
    """A sum of parallel convolution + BatchNorm branches (and an identity branch) that folds into one.

    Depthwise (``depthwise=True``): ``branches`` 3 x 3 kernels, one 1 x 1 scale, identity where the unit keeps
    its width. Pointwise: ``branches`` 1 x 1 convolutions, identity likewise.

    Source: paper section on the RepMobile unit; K = 3 in the published configuration.
    """

    def __init__(
        self, channels_in: int, channels_out: int, branches: int, *, depthwise: bool, identity: bool
    ) -> None:
        super().__init__()
        groups = channels_in if depthwise else 1
        kernels = [1] * max(1, branches)
        if depthwise:
            kernels = [3] * branches + [1] if branches else [3]
        self.depthwise = depthwise
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels_in, channels_out, k, padding=k // 2, groups=groups, bias=False),
                nn.BatchNorm2d(channels_out),
            )
            for k in kernels
        )
        self.identity = nn.BatchNorm2d(channels_in) if identity else None

    def forward(self, x: Tensor) -> Tensor:
        """Sum of the branches, no activation; (b, channels_in, h, w) to (b, channels_out, h, w)."""
        total: Tensor = self.branches[0](x)
        for branch in self.branches[1:]:
            total = total + branch(x)
        return total if self.identity is None else total + self.identity(x)

    @torch.no_grad()
    def fused(self) -> nn.Conv2d:
        """The one convolution with bias that answers as this module does in eval mode.

        Branch kernels are scaled by their BatchNorm, 1 x 1 and identity kernels put into the centre tap of a
        zero 3 x 3 (depthwise) or on the diagonal (pointwise), and all are summed. Exact because every spatial
        branch pads the raw input with zeros and BatchNorm comes after the convolution.
        """
        first = self.branches[0][0]  # type: ignore[index]
        assert isinstance(first, nn.Conv2d)
        kernel = torch.zeros_like(first.weight)
        bias = kernel.new_zeros(first.out_channels)
        for branch in self.branches:
            conv, norm = branch[0], branch[1]  # type: ignore[index]
            scale, shift = batchnorm_scale_shift(norm)
            margin = (kernel.shape[-1] - conv.kernel_size[0]) // 2
            kernel += F.pad(conv.weight * scale[:, None, None, None], (margin,) * 4)
            bias += shift
        if self.identity is not None:
            scale, shift = batchnorm_scale_shift(self.identity)
            bias += shift
            if self.depthwise:
                kernel[:, 0, 1, 1] += scale
            else:
                kernel[:, :, 0, 0] += torch.diag(scale)
        side = kernel.shape[-1]
        conv = nn.Conv2d(first.in_channels, first.out_channels, side, padding=side // 2, groups=first.groups)
        conv.weight.copy_(kernel)
        assert conv.bias is not None
        conv.bias.copy_(bias)
        return conv.to(kernel.device)


class RepMobileUnit(nn.Module):
    """Depthwise stage, ReLU, pointwise stage, ReLU; the ReLU between keeps the two from merging.

    ``branches`` of 0 is the ablation without reparameterization: one convolution and its BatchNorm in each stage.
    """

    def __init__(self, channels_in: int, channels_out: int, branches: int = 3) -> None:
        super().__init__()
        same = channels_in == channels_out and branches > 0
        self.spatial: nn.Module = BranchedConv(
            channels_in, channels_in, branches, depthwise=True, identity=same
        )
        self.mixing: nn.Module = BranchedConv(
            channels_in, channels_out, branches, depthwise=False, identity=same
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w), not negative."""
        return F.relu(self.mixing(F.relu(self.spatial(x))))

    def fuse(self) -> None:
        """Replace both stages by their single convolutions, in place."""
        for name in ("spatial", "mixing"):
            stage = getattr(self, name)
            if isinstance(stage, BranchedConv):
                setattr(self, name, stage.fused())


class MultiPathBlock(nn.Module):
    """MultiPathMobileBlock: a 1 x 1 convolution and a chain of three units, a quarter of the width each.

    Order of the concatenation: 1 x 1, first, second, third unit. ``block_bn=False`` is the published code's
    behaviour (BatchNorm computed and unused); the module then has none. ``paths=2`` is the paper's ablation: the
    1 x 1 convolution and one unit, half of the width each (the paper gives no more).
    """

    def __init__(
        self, channels_in: int, channels_out: int, branches: int, *, block_bn: bool, paths: int = 4
    ) -> None:
        super().__init__()
        if paths not in (2, 4):
            raise ValueError("a block has two paths or four")
        width = channels_out // paths
        self.point = nn.Conv2d(channels_in, width, 1)
        self.first = RepMobileUnit(channels_in, width, branches)
        self.second = RepMobileUnit(width, width, branches) if paths == 4 else None
        self.third = RepMobileUnit(width, width, branches) if paths == 4 else None
        self.norm: nn.Module = block_norm(channels_out) if block_bn else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w), not negative."""
        parts = [self.point(x), self.first(x)]
        for unit in (self.second, self.third):
            if unit is not None:
                parts.append(unit(parts[-1]))
        return F.relu(self.norm(joined(parts)))


class RepSegNet(nn.Module):
    """The whole network; logits for ``classes`` (background first), softmax over them.

    Parameters
    ----------
    in_channels, classes
        Three and two in the paper.
    branches
        K, the number of parallel convolutions in each stage of a unit (3 in the paper); 0: a single one without scale
        and identity beside it, nothing to reparameterize.
    block_bn
        BatchNorm at the end of each block, as the paper says (see the module's text).
    paths
        4 in each block, or 2 as in the paper's ablation.

    Source: paper Fig. 2 and the published graph; widths 64, 128, 256, 512, bridge 1024.
    """

    stride = STRIDE

    def __init__(
        self,
        in_channels: int = 3,
        classes: int = 2,
        *,
        branches: int = 3,
        block_bn: bool = True,
        paths: int = 4,
    ) -> None:
        super().__init__()

        def block(channels_in: int, channels_out: int) -> MultiPathBlock:
            return MultiPathBlock(channels_in, channels_out, branches, block_bn=block_bn, paths=paths)

        self.stem = conv_bn_relu(in_channels, 64, 3)
        self.encoder1 = block(64, 64)
        self.encoder2 = nn.Sequential(block(64, 128), block(128, 128))
        self.encoder3 = nn.Sequential(block(128, 256), block(256, 256))
        self.encoder4 = nn.Sequential(block(256, 512), block(512, 512))
        self.bridge = nn.Sequential(block(512, 1024), block(1024, 512))
        self.reduce16 = conv_bn_relu(512, 128, 1)
        self.lateral8 = conv_bn_relu(256, 128, 1)
        self.lateral4 = conv_bn_relu(128, 64, 1)
        self.lateral2 = conv_bn_relu(64, 32, 1)
        self.lateral1 = conv_bn_relu(64, 32, 1)
        self.decoder8 = block(128, 64)
        self.decoder4 = block(128, 32)
        self.decoder2 = block(64, 32)
        self.decoder1 = block(64, 8)
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        full = self.encoder1(self.stem(x))
        half = F.max_pool2d(full, 2)
        quarter = F.max_pool2d(self.encoder2(half), 2)
        eighth = F.max_pool2d(self.encoder3(quarter), 2)
        sixteenth = F.max_pool2d(self.encoder4(eighth), 2)
        y = upsample2(self.reduce16(self.bridge(sixteenth)), align_corners=True)
        y = upsample2(self.decoder8(self.lateral8(eighth) + y), align_corners=True)
        y = upsample2(self.decoder4(joined([self.lateral4(quarter), y])), align_corners=True)
        y = upsample2(self.decoder2(joined([self.lateral2(half), y])), align_corners=True)
        return self.head(self.decoder1(joined([self.lateral1(full), y])))

    def fused(self) -> "RepSegNet":
        """A copy in eval mode with reparameterized units: the paper's deployed form, 1,218,138 parameters."""
        result = copy.deepcopy(self).eval()
        for module in result.modules():
            if isinstance(module, RepMobileUnit):
                module.fuse()
        return result

    def deployed(self) -> nn.Module:
        """:meth:`fused` with the other convolution + BatchNorm pairs folded too; the form that is exported.

        The BatchNorm at the end of each block stays: ReLUs stand before and after it.
        """
        return folded(self.fused())
