"""Layers that several networks really share, and the folding of BatchNorm into a convolution beside it."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CONVOLUTION: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
"""The convolution for images (2) and volumes (3)."""

BATCH_NORM: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
"""The BatchNorm for images (2) and volumes (3)."""


def conv_bn_relu(channels_in: int, channels_out: int, kernel: int, *, bias: bool = True) -> nn.Sequential:
    """Convolution with 'same' zero padding, BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def stage_norm(channels: int, dims: int) -> nn.Module:
    """BatchNorm in 2D; in 3D InstanceNorm without parameters or running statistics.

    Source: LGMSNet (arXiv 2508.15476), whose 3D form changes the norm so.
    """
    return nn.BatchNorm2d(channels) if dims == 2 else nn.InstanceNorm3d(channels)


def skip_fusion(width: int, dims: int = 2) -> nn.Sequential:
    """Skip and decoder, concatenated to ``2 * width`` channels, become ``width`` channels.

    A grouped 3 x 3 convolution looks at the two halves apart, two 1 x 1 convolutions mix them.
    Source: the fusion of CMUNeXt, which LGMSNet takes over.
    """
    conv = CONVOLUTION[dims]
    return nn.Sequential(
        conv(2 * width, 2 * width, 3, padding=1, groups=2),
        nn.GELU(),
        stage_norm(2 * width, dims),
        conv(2 * width, 4 * width, 1),
        nn.GELU(),
        stage_norm(4 * width, dims),
        conv(4 * width, width, 1),
        nn.GELU(),
        stage_norm(width, dims),
    )


def upsample2(x: Tensor, *, align_corners: bool) -> Tensor:
    """Twice the sides of ``x``: bilinear for (b, c, h, w), trilinear for (b, c, d, h, w)."""
    mode = "bilinear" if x.dim() == 4 else "trilinear"
    return F.interpolate(x, scale_factor=2, mode=mode, align_corners=align_corners)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Maps (b, c, h, w) or (b, c, d, h, w) beside each other in one, by their channels.

    As ``torch.cat``, but each part's gradient is copied out on the way back. Else it would be a view with gaps where
    channels lie last in memory, over which PyTorch's CPU kernels are slow (upsampling's thirteen times).
    """
    if torch.is_grad_enabled() and parts[0].dim() == 4 and any(part.requires_grad for part in parts):
        whole: Tensor = _Joined.apply(*parts)
        return whole
    return torch.cat(list(parts), dim=1)


class _Joined(torch.autograd.Function):
    """The channels of all parts, and on the way back a dense gradient for each."""

    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Tensor:
        ctx.widths = [part.shape[1] for part in parts]
        return torch.cat(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        (gradient,) = gradients
        last = gradient.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        return tuple(part.contiguous(memory_format=layout) for part in gradient.split(ctx.widths, dim=1))


def folded(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in eval mode with BatchNorms folded into the convolutions beside them.

    Pairs are found inside each ``nn.Sequential``: a BatchNorm that follows a convolution directly, and a
    BatchNorm that is followed directly by a 1 x 1 convolution (``[GELU, BatchNorm, Conv 1 x 1]``). The answer
    is the same but for rounding. A BatchNorm before a zero-padded convolution stays: at the border the
    padding is zero after the norm, which no single bias can say.
    """
    result = copy.deepcopy(module).eval()
    for parent in list(result.modules()):
        if isinstance(parent, nn.Sequential):
            _fold_pairs(parent)
    return result


def _fold_pairs(sequence: nn.Sequential) -> None:
    for i in range(len(sequence) - 1):
        first, second = sequence[i], sequence[i + 1]
        if isinstance(first, nn.Conv2d | nn.Conv3d) and isinstance(second, nn.BatchNorm2d | nn.BatchNorm3d):
            sequence[i] = fuse_conv_bn_eval(first, second)
            sequence[i + 1] = nn.Identity()
        elif isinstance(first, nn.BatchNorm2d) and isinstance(second, nn.Conv2d) and _is_pointwise(second):
            fold_forward(first, second)
            sequence[i] = nn.Identity()


def _is_pointwise(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and conv.padding == (0, 0) and conv.groups == 1


@torch.no_grad()
def fold_forward(norm: nn.BatchNorm2d, conv: nn.Conv2d) -> None:
    """Change ``conv`` (1 x 1, one group, with bias), in place, to answer ``conv(norm(x))`` when given ``x``.

    Raises
    ------
    ValueError
        ``conv`` is not of that kind.
    """
    if conv.bias is None or not _is_pointwise(conv):
        raise ValueError("a BatchNorm folds forward only into a 1 x 1 convolution with bias and one group")
    scale, shift = batchnorm_scale_shift(norm)
    conv.bias += conv.weight[:, :, 0, 0] @ shift
    conv.weight *= scale[:, None, None]


def batchnorm_scale_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale ``t`` and shift ``b`` (c,) so that in eval mode ``norm(x) = t * x + b``, channel by channel."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("this BatchNorm keeps no running statistics and cannot be folded")
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


class NarrowNorm(nn.BatchNorm2d):
    """A BatchNorm for fewer channels than PyTorch's kernel takes at a time, over which its way back is slow.

    The same but for rounding, parameters and buffers too. Only where its statistics stand still and gradients are
    wanted, which is how a lesson learns, it is computed as one multiplication and one addition.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        if self.training or not (torch.is_grad_enabled() and x.requires_grad):
            return super().forward(x)
        scale, shift = (v.to(x.dtype)[:, None, None] for v in batchnorm_scale_shift(self))
        return torch.addcmul(shift, x, scale)


NARROW = 16
"""Channels that a vector of the widest processors holds."""


def block_norm(channels: int) -> nn.BatchNorm2d:
    """The BatchNorm that learns ``channels`` (c,) of images fastest."""
    return NarrowNorm(channels) if channels < NARROW else nn.BatchNorm2d(channels)
