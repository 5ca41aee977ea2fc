"""Whose kind a picture is, from a few numbers of it alone: where no picture of the one kind may ship."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from featherseg_engines.imaging.measures import FAINT


@dataclass(frozen=True, slots=True, eq=False)
class Border:
    """Where one kind of picture ends, in the numbers (m,) that ``imaging.measures`` gives of each.

    Parameters
    ----------
    weights, bias
        A picture is of the other kind where ``weights @ numbers + bias`` is above 0 …
    centre, whitening, reach
        … or where ``whitening @ (numbers - centre)``, with ``whitening`` (m, m), is longer than the
        root of ``reach``.
    """

    weights: Tensor
    bias: float
    centre: Tensor
    whitening: Tensor
    reach: float


class MeasuredLook(nn.Module):
    """Normalised pictures (b, c, h, w) to (b, 1, 1, 1): above 0 where one lies beyond the border.

    Parameters
    ----------
    mean, std
        (c,) each: what pictures were normalised with.
    """

    mean: Tensor
    std: Tensor
    weights: Tensor
    centre: Tensor
    whitening: Tensor

    def __init__(self, border: Border, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.bias, self.reach = border.bias, border.reach
        self.register_buffer("mean", mean.float().view(1, -1, 1, 1))
        self.register_buffer("std", std.float().view(1, -1, 1, 1))
        self.register_buffer("weights", border.weights.float().view(-1, 1))
        self.register_buffer("centre", border.centre.float().view(1, -1))
        self.register_buffer("whitening", border.whitening.float())

    def forward(self, images: Tensor) -> Tensor:
        """Measure and compare."""
        numbers = self._measured(images * self.std + self.mean)
        beyond = numbers @ self.weights + self.bias
        away = (numbers - self.centre) @ self.whitening.T
        far = (away * away).sum(dim=1, keepdim=True) / self.reach - 1.0
        return torch.maximum(beyond, far)[:, :, None, None]

    @staticmethod
    def _measured(x: Tensor) -> Tensor:
        """As ``imaging.measures.measures`` of each picture."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        spread = ((x - mean) ** 2).mean(dim=(2, 3)).sqrt()
        down = (x[:, :, 1:] - x[:, :, :-1]).abs().mean(dim=(2, 3))
        across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean(dim=(2, 3))
        return torch.cat([mean[:, :, 0, 0], spread, torch.log((down + across) / 2 + FAINT)], dim=1)
