"""The blocks of REUnet: mobile blocks with a gate, stages of them, attention gates."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import batchnorm_scale_shift


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with the defaults of Keras, in which the network was published."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def upsample_nearest(x: Tensor) -> Tensor:
    """Twice the height and width of ``x`` (b, c, h, w), nearest neighbour."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def rounded_to_8(channels: float) -> int:
    """The nearest multiple of eight, at least eight, and never below nine tenths of ``channels``."""
    result = max(8, int(channels + 4) // 8 * 8)
    return result + 8 if result < 0.9 * channels else result


@dataclass(frozen=True, slots=True)
class StageShape:
    """How the blocks of a stage are made; ``width`` and ``shortcut_kernel`` are the network's."""

    width: int
    shortcut_kernel: int
    shortcut: bool = True
    kernel: int = 3
    expansion: int = 6
    relu6: bool = True

    def with_block(self, *, kernel: int, expansion: int, relu6: bool = True) -> "StageShape":
        """The shape of one stage."""
        return replace(self, kernel=kernel, expansion=expansion, relu6=relu6)


class MobileBlock(nn.Module):
    """DMBC: 1 x 1 expansion, depthwise convolution, 1 x 1 reduction, squeeze-and-excitation, BatchNorm.

    The input is added, through a convolution where the width changes (the paper's gating signal; left out where the
    shape has no ``shortcut``, an ablation). No activation after the sum.
    """

    def __init__(self, channels_in: int, channels_out: int, shape: StageShape) -> None:
        super().__init__()
        hidden = rounded_to_8(channels_in * shape.expansion * shape.width)
        k = shape.kernel
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, hidden, 1, bias=False),
            batch_norm(hidden),
            nn.ReLU6() if shape.relu6 else nn.ReLU(),
            nn.Conv2d(hidden, hidden, k, padding=k // 2, groups=hidden, bias=False),
            batch_norm(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, channels_out, 1, bias=False),
        )
        self.excitation = nn.Sequential(
            nn.Linear(channels_out, channels_out // 2, bias=False),
            nn.ReLU(),
            nn.Linear(channels_out // 2, channels_out, bias=False),
            nn.Sigmoid(),
        )
        self.norm: nn.BatchNorm2d | None = batch_norm(channels_out)
        self.gate_scale: Tensor | None
        self.register_buffer("gate_scale", None)
        k = shape.shortcut_kernel
        same = channels_in == channels_out
        self.shortcut: nn.Module | None = None
        if shape.shortcut:
            self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, k, padding=k // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w)."""
        y = self.body(x)
        gate = self.excitation(y.mean(dim=(2, 3)))
        if self.gate_scale is not None:
            gate = gate * self.gate_scale
        y = y * gate[:, :, None, None]
        y = y if self.norm is None else self.norm(y)
        return y if self.shortcut is None else y + self.shortcut(x)

    @torch.no_grad()
    def fold(self, carried: Tensor) -> Tensor:
        """Remove the last BatchNorm, in place, when its neighbours are folded already.

        Parameters
        ----------
        carried
            Shift (channels_in,) by which this block's input has become too small; zero for a block that
            changes the width.

        Returns
        -------
        Tensor
            Shift (channels_out,) by which this block's output is now too small.

        Notes
        -----
        ``scale * (gate * y) + shift + shortcut(x)``: the scale goes to the gate, one number per channel
        instead of one per pixel. The shift goes into the shortcut's bias where there is a convolution;
        otherwise on to the next block, whose 1 x 1 expansion takes it in exactly, since it pads nothing.
        """
        assert self.norm is not None
        scale, shift = batchnorm_scale_shift(self.norm)
        self.norm, self.gate_scale = None, scale
        expand = self.body[0]
        assert isinstance(expand, nn.Conv2d) and expand.bias is not None
        expand.bias += expand.weight[:, :, 0, 0] @ carried
        if isinstance(self.shortcut, nn.Conv2d):
            assert self.shortcut.bias is not None
            self.shortcut.bias += shift
            return torch.zeros_like(shift)
        return shift if self.shortcut is None else carried + shift


class MobileStage(nn.Module):
    """Mobile blocks in a row, the first of which changes the width."""

    def __init__(self, channels_in: int, channels_out: int, blocks: int, shape: StageShape) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            MobileBlock(channels_in if i == 0 else channels_out, channels_out, shape) for i in range(blocks)
        )
        self.channels_in = channels_in
        self.shift: Tensor | None
        self.register_buffer("shift", None)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w)."""
        for block in self.blocks:
            x = block(x)
        return x if self.shift is None else x + self.shift

    def fold(self) -> None:
        """Remove the blocks' last BatchNorms, in place; one addition at the end of the stage stays."""
        carried = next(self.parameters()).new_zeros(self.channels_in)
        for block in self.blocks:
            assert isinstance(block, MobileBlock)
            carried = block.fold(carried)
        self.shift = carried[:, None, None]


class AttentionGate(nn.Module):
    """Weighs a skip pixel by pixel, from the skip itself and from a signal at half its sides.

    As in the published graph: a 2 x 2 convolution of stride 2 on the skip; a 1 x 1 and a 3 x 3 transposed
    convolution of stride 1 on the signal. (The text has a 3 x 3 convolution and upsamples the signal.)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, 2, stride=2)
        self.listen = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.ConvTranspose2d(channels, channels, 3, padding=1)
        )
        self.weigh = nn.Conv2d(channels, 1, 1)
        self.out = nn.Sequential(nn.Conv2d(channels, channels, 1), batch_norm(channels))

    def forward(self, skip: Tensor, signal: Tensor) -> Tensor:
        """``skip`` (b, c, 2h, 2w) and ``signal`` (b, c, h, w) to the skip's shape."""
        weights = torch.sigmoid(self.weigh(F.relu(self.look(skip) + self.listen(signal))))
        return self.out(skip * upsample_nearest(weights))


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions with BatchNorm and ReLU, then dropout."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            batch_norm(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            batch_norm(channels_out),
            nn.ReLU(),
            nn.Dropout(dropout),
        )


def gating_signal(channels_in: int, channels_out: int) -> nn.Sequential:
    """1 x 1 convolution, BatchNorm, ReLU: what an attention gate listens to."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1), batch_norm(channels_out), nn.ReLU())


def initialise(network: nn.Module) -> None:
    """Keras' defaults: Glorot uniform and zero biases; the excitation's linear layers He normal."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
