"""LGMSNet for images and volumes (arXiv 2508.15476, ECAI 2025): local and global multi-scale blocks.

Built from a description of the paper and of the published graph, not from its code. Where they disagree:

* The LMS block uses GELU (published graph), not SiLU (text).
* The 2D network has 2,321,393 parameters with one class: the published 2.32 M. The published 4.89 "GFLOPs"
  are multiply-adds without those of the attention (5.01 with).
* No published 3D configuration gives the published 9.86 M. :data:`VOLUME` is a *reconstruction* that does
  (9,860,814 with 14 classes); :data:`VOLUME_REPOSITORY` is the configuration in the authors' repository
  (6,193,742).
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import (
    CONVOLUTION,
    fold_forward,
    folded,
    skip_fusion,
    stage_norm,
    upsample2,
)
from featherseg_engines.networks.lgms_blocks import KERNELS, GMSBlock, LMSBlock, SelfAttention, conv_norm_silu
from featherseg_engines.networks.staged_norm import stage_norms

STRIDE = 32
"""Sides must be multiples of this: four reductions, and patches of two at the lowest."""

Split = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LGMSPlan:
    """The sizes of one configuration.

    Parameters
    ----------
    dims
        2 for images, 3 for volumes.
    widths
        Output width of the five encoder stages.
    repeats
        LMS blocks in the first three stages.
    splits
        Channels for the transformer and for the convolution in the GMS blocks at encoder 4, encoder 5,
        decoder 5 and decoder 4.
    kernels
        Of the LMS blocks.
    """

    dims: int
    widths: tuple[int, int, int, int, int]
    repeats: tuple[int, int, int]
    splits: tuple[Split, Split, Split, Split]
    kernels: tuple[int, int, int, int] = KERNELS

    def with_share(self, share: float) -> "LGMSPlan":
        """The plan with another share of the channels (0..1) for the transformers; 0.75 in the paper."""
        totals = (sum(split) for split in self.splits)
        a, b, c, d = ((round(share * n), n - round(share * n)) for n in totals)
        return replace(self, splits=(a, b, c, d))


IMAGE = LGMSPlan(2, (16, 32, 64, 128, 128), (1, 1, 1), ((96, 32), (96, 32), (96, 32), (48, 16)))
"""The paper's 2D network."""

VOLUME = LGMSPlan(3, (16, 32, 64, 160, 192), (1, 1, 6), ((120, 40), (144, 48), (120, 40), (48, 16)))
"""A reconstruction of the 3D network that has the published 9.86 M parameters."""

VOLUME_REPOSITORY = LGMSPlan(3, (16, 32, 64, 128, 128), (1, 1, 1), ((96, 32), (96, 32), (96, 32), (48, 16)))
"""The 3D configuration in the authors' repository."""


class LGMSNet(nn.Module):
    """The whole network; logits for ``classes``. See :func:`lgmsnet3d` for volumes.

    Parameters
    ----------
    in_channels, classes
        Three and one in the paper's 2D network; one and 14 in its 3D network.
    plan
        The sizes, and whether for images or volumes.
    """

    stride = STRIDE

    def __init__(self, in_channels: int = 3, classes: int = 1, *, plan: LGMSPlan = IMAGE) -> None:
        super().__init__()
        d, dims = plan.widths, plan.dims
        self.dims = dims
        self.stem = _conv_norm_relu(in_channels, d[0], dims)
        before = (d[0], d[0], d[1])
        self.local_stages = nn.ModuleList(
            nn.Sequential(
                *(LMSBlock(before[i], dims, plan.kernels) for _ in range(plan.repeats[i])),
                conv_norm_silu(before[i], d[i], 1, dims),
            )
            for i in range(3)
        )
        self.encoder4 = GMSBlock(d[2], d[3], plan.splits[0], dims)
        self.encoder5 = GMSBlock(d[3], d[4], plan.splits[1], dims)
        self.narrow5 = _conv_norm_relu(d[4], d[3], dims)
        self.narrow4 = _conv_norm_relu(d[3], d[2], dims)
        self.narrow3 = _conv_norm_relu(d[2], d[1], dims)
        self.narrow2 = _conv_norm_relu(d[1], d[0], dims)
        self.decoder5 = GMSBlock(2 * d[3], d[3], plan.splits[2], dims)
        self.fusion4 = skip_fusion(d[2], dims)
        self.decoder4 = GMSBlock(d[2], d[2], plan.splits[3], dims)
        self.fusion3 = skip_fusion(d[1], dims)
        self.fusion2 = skip_fusion(d[0], dims)
        self.head = CONVOLUTION[dims](d[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) or volume (b, in_channels, d, h, w) to logits of the same sides.

        Sides are multiples of 32.
        """
        x1 = self.local_stages[0](self.stem(x))
        x2 = self.local_stages[1](self._pool(x1))
        x3 = self.local_stages[2](self._pool(x2))
        x4 = self.encoder4(self._pool(x3))
        y = self.encoder5(self._pool(x4))
        y = self.decoder5(torch.cat([x4, self._up(y, self.narrow5)], dim=1))
        y = self.fusion4(torch.cat([x3, self._up(y, self.narrow4)], dim=1))
        y = self.decoder4(y)
        y = self.fusion3(torch.cat([x2, self._up(y, self.narrow3)], dim=1))
        y = self.fusion2(torch.cat([x1, self._up(y, self.narrow2)], dim=1))
        return self.head(y)

    def _pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 2) if self.dims == 2 else F.max_pool3d(x, 2)

    @staticmethod
    def _up(x: Tensor, narrow: nn.Module) -> Tensor:
        return narrow(upsample2(x, align_corners=False))

    def deployed(self) -> nn.Module:
        """A copy in eval mode: BatchNorms folded where they can be, attention that exports as one node.

        In 2D two BatchNorms stay, the last of the fusions at 1/4 and 1/2: a padded convolution follows. The
        InstanceNorms of 3D and the GroupNorms depend on their input and stay, as :class:`StagedNorm`.
        """
        result = folded(self)
        assert isinstance(result, LGMSNet)
        stage_norms(result)
        for module in result.modules():
            if isinstance(module, SelfAttention):
                module.for_export = True
        if self.dims == 2:
            fold_forward(result.fusion2[-1], result.head)  # type: ignore[arg-type]
            result.fusion2[-1] = nn.Identity()
        return result


def lgmsnet3d(in_channels: int = 1, classes: int = 14, *, repository: bool = False) -> LGMSNet:
    """LGMSNet for volumes: the reconstruction with 9.86 M parameters, or the authors' repository's 6.19 M."""
    return LGMSNet(in_channels, classes, plan=VOLUME_REPOSITORY if repository else VOLUME)


def lgmsnet_ablated(
    in_channels: int = 3, classes: int = 1, *, kernel: int = 0, transformer_share: float = 0.75
) -> LGMSNet:
    """LGMSNet for images with one ``kernel`` size in its LMS blocks (0: all four) or another share for transformers.

    Source: the ablations of the paper.
    """
    plan = IMAGE.with_share(transformer_share)
    return LGMSNet(in_channels, classes, plan=replace(plan, kernels=(kernel,) * 4) if kernel else plan)


def _conv_norm_relu(channels_in: int, channels_out: int, dims: int) -> nn.Sequential:
    return nn.Sequential(
        CONVOLUTION[dims](channels_in, channels_out, 3, padding=1), stage_norm(channels_out, dims), nn.ReLU()
    )
