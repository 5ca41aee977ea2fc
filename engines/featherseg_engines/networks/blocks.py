"""Layers that several networks really share, and the folding of BatchNorm into the convolution before it."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def conv_bn_relu(channels_in: int, channels_out: int, kernel: int, *, bias: bool = True) -> nn.Sequential:
    """Convolution with 'same' zero padding, BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def upsample2(x: Tensor, *, align_corners: bool) -> Tensor:
    """Twice the height and width of ``x`` (b, c, h, w), bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=align_corners)


def folded(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in eval mode with each convolution + BatchNorm pair made one convolution.

    Pairs are found where a BatchNorm follows a convolution directly inside an ``nn.Sequential``; the
    answer is the same but for rounding.
    """
    result = copy.deepcopy(module).eval()
    for parent in list(result.modules()):
        if isinstance(parent, nn.Sequential):
            _fold_pairs(parent)
    return result


def _fold_pairs(sequence: nn.Sequential) -> None:
    layers = list(sequence)
    for i in range(len(layers) - 1):
        conv, norm = layers[i], layers[i + 1]
        fits_2d = isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        fits_3d = isinstance(conv, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d)
        if fits_2d or fits_3d:
            sequence[i] = fuse_conv_bn_eval(conv, norm)  # type: ignore[type-var, arg-type]
            sequence[i + 1] = nn.Identity()


def batchnorm_scale_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale ``t`` and shift ``b`` (c,) so that in eval mode ``norm(x) = t * x + b``, channel by channel."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("this BatchNorm keeps no running statistics and cannot be folded")
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
