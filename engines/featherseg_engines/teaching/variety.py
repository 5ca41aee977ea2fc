"""Random changes of a whole batch in a few tensor operations, so that the trainer hardly holds Python's lock.

The same changes as :mod:`featherseg_engines.training.augment` (flips, turns, size, place, brightness, contrast,
gamma), and beside them a change of each colour channel and of sharpness: few cases have to stand for many.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from featherseg_engines.training.samples import IGNORE


def varied(
    images: Tensor, labels: Tensor, dice: torch.Generator, *, turn: bool = True
) -> tuple[Tensor, Tensor]:
    """Changed copies of images (b, c, h, w) in 0..1 and labels (b, h, w), repeatable by the generator's state."""
    grid = _grid(images, dice, turn)
    # what turns in from outside is mirrored, in the image and in its labels alike
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    planes = labels[:, None].float()
    moved = F.grid_sample(planes, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return _recoloured(images, dice), moved[:, 0].round().long().clamp(0, IGNORE)


def _grid(images: Tensor, dice: torch.Generator, turn: bool) -> Tensor:
    count, _, height, width = images.shape
    reach = math.pi if turn else 0.2
    angle = _between(count, -reach, reach, dice)
    size = torch.exp(_between(count, -0.3, 0.3, dice))
    mirror = torch.where(_between(count, 0, 1, dice) < 0.5, -1.0, 1.0)
    shift = [_between(count, -0.15, 0.15, dice) for _ in range(2)]
    cos, sin, ratio = torch.cos(angle) * size, torch.sin(angle) * size, height / width
    top = torch.stack([cos * mirror, -sin * ratio, shift[0]], dim=1)
    bottom = torch.stack([sin / ratio * mirror, cos, shift[1]], dim=1)
    return F.affine_grid(torch.stack([top, bottom], dim=1), list(images.shape), align_corners=False)


def _recoloured(images: Tensor, dice: torch.Generator) -> Tensor:
    count, channels = images.shape[:2]

    def some(low: float, high: float, width: int = 1) -> Tensor:
        return _between(count * width, low, high, dice).view(count, width, 1, 1)

    images = images.clamp(1e-4, 1.0) ** torch.exp(some(-0.35, 0.35))
    centre = images.mean(dim=(2, 3), keepdim=True)
    images = (images - centre) * torch.exp(some(-0.25, 0.25)) + centre * some(0.8, 1.2)
    images = images * (1 + some(-0.1, 0.1, channels)) + some(-0.08, 0.08)
    soft = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return torch.lerp(images, soft, some(-0.5, 1.0).clamp(-0.5, 1.0)).clamp(0.0, 1.0)


def _between(count: int, low: float, high: float, dice: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=dice)
