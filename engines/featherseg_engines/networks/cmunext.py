"""CMUNeXt (Tang et al., ISBI 2024, arXiv 2308.01239): large depthwise kernels and a skip fusion.

Built from a description of the published graph, not from its code. The counts 3,149,185 / 417,505 / 8,286,721
(base, S, L; one class) are those of the published network.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import conv_bn_relu, fold_forward, folded, skip_fusion, upsample2

STRIDE = 16
"""Height and width must be multiples of this."""

Size = Literal["base", "s", "l"]

# widths, blocks and kernel of each of the five encoder stages
SIZES: dict[Size, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    "base": ((16, 32, 128, 160, 256), (1, 1, 1, 3, 1), (3, 3, 7, 7, 7)),
    "s": ((8, 16, 32, 64, 128), (1, 1, 1, 1, 1), (3, 3, 7, 7, 9)),
    "l": ((32, 64, 128, 256, 512), (1, 1, 1, 6, 3), (3, 3, 7, 7, 7)),
}


class LargeKernelBlock(nn.Module):
    """A residual depthwise convolution, then 1 x 1 convolutions to four times the width and back.

    The first BatchNorm stands inside the residual sum and the last before a padded convolution: these two
    cannot be folded. The middle one folds forward.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.spatial = nn.Sequential(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels),
            nn.GELU(),
            nn.BatchNorm2d(channels),
        )
        self.mixing = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 1),
            nn.GELU(),
            nn.BatchNorm2d(4 * channels),
            nn.Conv2d(4 * channels, channels, 1),
            nn.GELU(),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) to the same shape."""
        return self.mixing(x + self.spatial(x))


class CMUNeXt(nn.Module):
    """The whole network; logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Three and one in the paper.
    size
        ``"base"``, ``"s"`` or ``"l"``.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 1, *, size: Size = "base") -> None:
        super().__init__()
        widths, repeats, kernels = SIZES[size]
        before = (widths[0], *widths[:-1])
        self.stem = conv_bn_relu(in_channels, widths[0], 3)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                *(LargeKernelBlock(before[i], kernels[i]) for _ in range(repeats[i])),
                conv_bn_relu(before[i], widths[i], 3),
            )
            for i in range(5)
        )
        order = [3, 2, 1, 0]
        self.narrow = nn.ModuleList(conv_bn_relu(widths[i + 1], widths[i], 3) for i in order)
        self.fuse = nn.ModuleList(skip_fusion(widths[i]) for i in order)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        y = self.encoder[0](self.stem(x))
        skips = [y]
        for stage in self.encoder[1:]:
            y = stage(F.max_pool2d(y, 2))
            skips.append(y)
        for narrow, fuse, skip in zip(self.narrow, self.fuse, reversed(skips[:-1]), strict=True):
            y = narrow(upsample2(y, align_corners=False))
            y = fuse(torch.cat([skip, y], dim=1))
        return self.head(y)

    def deployed(self) -> nn.Module:
        """A copy in eval mode with every BatchNorm folded that can be; the form that is exported.

        What stays: two in each block (see :class:`LargeKernelBlock`) and the last of each fusion but the
        full-size one, which the head takes in.
        """
        result = folded(self)
        assert isinstance(result, CMUNeXt)
        last = result.fuse[-1]
        assert isinstance(last, nn.Sequential)
        fold_forward(last[-1], result.head)  # type: ignore[arg-type]
        last[-1] = nn.Identity()
        return result
