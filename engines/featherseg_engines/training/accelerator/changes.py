"""Random changes of a whole batch at once, on the device it lies on.

The same kinds as :mod:`~featherseg_engines.training.augment` makes of one sample on the CPU (after the paper of
RepSegNet), wider because a GPU has time for many epochs, and with smooth elastic displacement.

Source of the last: Ronneberger et al. 2015, U-Net, section 3.1.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Changes:
    """How far a batch is changed.

    Parameters
    ----------
    zoom, stretch
        Natural logarithm of the largest factor, of both sides and of one against the other.
    shift, elastic
        As a share of half a side.
    colour
        Largest relative change of brightness, contrast and of each channel.
    dropout
        Probability of a grey rectangle.
    """

    zoom: float = 0.3
    stretch: float = 0.1
    shift: float = 0.12
    elastic: float = 0.03
    colour: float = 0.2
    dropout: float = 0.2


def _spread(count: int, device: torch.device) -> Tensor:
    """(count,) uniform in -1..1."""
    return torch.rand(count, device=device) * 2 - 1


def _sometimes(count: int, share: float, device: torch.device) -> Tensor:
    """(count,) ones and zeros."""
    return (torch.rand(count, device=device) < share).float()


def places(
    count: int, size: tuple[int, int], seen: tuple[int, int], by: Changes, device: torch.device
) -> Tensor:
    """Where each pixel of ``size`` comes from in images of ``seen``: (count, h, w, 2), -1..1 along each side."""
    angle = _spread(count, device) * math.pi * _sometimes(count, 0.7, device)
    zoom = torch.exp(_spread(count, device) * by.zoom)
    stretch = torch.exp(_spread(count, device) * by.stretch)
    across = zoom * stretch * (1 - 2 * _sometimes(count, 0.5, device))
    down = zoom / stretch
    half_out = torch.tensor([size[1] / 2, size[0] / 2], device=device)
    half_in = torch.tensor([seen[1] / 2, seen[0] / 2], device=device)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack(
        [torch.stack([cos * across, -sin * down], -1), torch.stack([sin * across, cos * down], -1)], 1
    )
    matrix = turn * half_out / half_in[:, None]
    moved = torch.stack([_spread(count, device), _spread(count, device)], -1) * by.shift * half_out / half_in
    grid = F.affine_grid(torch.cat([matrix, moved[..., None]], -1), [count, 1, *size], align_corners=False)
    if by.elastic:
        knots = torch.randn(count, 2, 6, 6, device=device) * by.elastic
        knots = knots * _sometimes(count, 0.4, device).view(-1, 1, 1, 1)
        bent = F.interpolate(knots, size, mode="bicubic", align_corners=False)
        grid = grid + bent.permute(0, 2, 3, 1) * half_out / half_in
    return grid


def coloured(images: Tensor, by: Changes) -> Tensor:
    """Images (b, c, h, w) in 0..1 in other light, contrast and colour, some with noise or a grey rectangle."""
    count, channels, height, width = images.shape
    device = images.device

    def factor(shape: tuple[int, ...], share: float) -> Tensor:
        wide = (torch.rand(shape, device=device) * 2 - 1) * by.colour
        return wide * (torch.rand((count, 1, 1, 1), device=device) < share)

    mean = images.mean(dim=(2, 3), keepdim=True)
    one, each = (count, 1, 1, 1), (count, channels, 1, 1)
    x = (images - mean) * (1 + factor(one, 0.5)) + mean * (1 + factor(one, 0.5))
    x = x * (1 + factor(each, 0.4)) + factor(each, 0.4) / 2
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * (1 + 2 * factor(one, 0.4))
    x = x.clamp(1e-4, 1.0) ** torch.exp(2 * factor(one, 0.4))
    x = x + torch.randn_like(x) * factor(one, 0.25).abs() / 4
    middle = torch.rand(count, 2, 1, 1, device=device)
    reach = torch.rand(count, 2, 1, 1, device=device) * 0.12
    rows = torch.linspace(0, 1, height, device=device).view(1, -1, 1)
    columns = torch.linspace(0, 1, width, device=device).view(1, 1, -1)
    hole = ((rows - middle[:, 0]).abs() < reach[:, 0]) & ((columns - middle[:, 1]).abs() < reach[:, 1])
    hole = hole & (torch.rand(count, 1, 1, device=device) < by.dropout)
    return torch.where(hole[:, None], 0.5, x).clamp(0.0, 1.0)


def changed(images: Tensor, labels: Tensor, size: tuple[int, int], by: Changes) -> tuple[Tensor, Tensor]:
    """Images (b, c, h, w) in 0..1 and labels (b, h, w) changed alike, cut to ``size``; labels become int64."""
    grid = places(len(images), size, (images.shape[2], images.shape[3]), by, images.device)
    found = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    named = F.grid_sample(
        labels[:, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return coloured(found, by), named[:, 0].long()
