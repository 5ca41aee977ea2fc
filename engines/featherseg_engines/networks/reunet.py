"""REUnet (Biomedical Signal Processing and Control 110, 108251, 2025): seven stages of gated mobile blocks.

Built from a description of the paper and of the published graph, not from its code. Where they disagree:

* The published graph is disconnected: the decoder stage at 1/2 takes the encoder's map at 1/2 instead of what
  comes from below, so nothing below 1/2 is ever used. ``topology="released"`` gives what is left (663,012
  parameters); the paper's speed fits only that. ``topology="paper"`` is the network as drawn.
* Channels: the width coefficient of 2 makes an expansion of 6 act as 12; as drawn the network has 145.8 M
  parameters. Slim forms (``base`` 8 or 16, ``width`` 1) are ours, and ``base=8`` is the default.
* The shortcut of a block that changes its width is a 3 x 3 convolution in the published graph and 1 x 1 in
  the text (``shortcut_kernel``). The depthwise activation is ReLU6 in the graph throughout; the text has ReLU
  in places. The attention gate follows the graph (see :class:`AttentionGate`).
* The text's formula for rounding channels divides by the divisor twice: a misprint.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import folded
from featherseg_engines.networks.reunet_blocks import (
    AttentionGate,
    ConvBlock,
    MobileStage,
    StageShape,
    batch_norm,
    gating_signal,
    initialise,
    upsample_nearest,
)

STRIDE = 16
"""Height and width must be multiples of this."""

Topology = Literal["paper", "released"]
DROPOUT = 0.2


@dataclass(frozen=True, slots=True)
class Ablation:
    """What the paper's ablations leave out.

    Parameters
    ----------
    gating_signal
        The shortcut around each block.
    attention
        The attention gates on the skips.
    intermediator
        Blocks in encoder stage 6; at 0 a 1 x 1 convolution takes its place.
    """

    gating_signal: bool = True
    attention: bool = True
    intermediator: int = 13


class REUnet(nn.Module):
    """The network as the paper draws it, or what its published graph computes; logits for ``classes``.

    Parameters
    ----------
    in_channels, classes
        Three and one in the paper.
    base
        Width of the first stage (32 in the paper); all others scale with it.
    width
        Coefficient on every block's expansion (2 in the paper).
    shortcut_kernel
        3 as in the published graph, 1 as in the text.
    topology
        ``"paper"`` (connected), ``"released"`` (see the module's text), or the paper's with something left out.

    Notes
    -----
    Inputs may be of any side that is a multiple of 16. Logits leave through a BatchNorm over the classes, as
    in the paper.
    """

    stride = STRIDE

    def __init__(
        self,
        in_channels: int = 3,
        classes: int = 1,
        *,
        base: int = 8,
        width: int = 1,
        shortcut_kernel: int = 1,
        topology: Topology | Ablation = "paper",
    ) -> None:
        super().__init__()
        parts = topology if isinstance(topology, Ablation) else Ablation()
        shape = StageShape(width=width, shortcut_kernel=shortcut_kernel, shortcut=parts.gating_signal)
        b = base
        self.connected = topology != "released"
        self.stem = nn.Conv2d(in_channels, b, 3, padding=1)
        self.drop = nn.Dropout(DROPOUT)
        self.encoder1 = MobileStage(b, b, 4, shape.with_block(kernel=3, expansion=1, relu6=False))
        self.encoder2 = MobileStage(b, 2 * b, 7, shape.with_block(kernel=3, expansion=4))
        if self.connected:
            self.body: nn.Module = REUnetBody(b, shape, parts)
        else:
            self.body = ConvBlock(2 * b, 2 * b, DROPOUT)
        self.decoder1 = Joint(2 * b, b, b, attention=parts.attention)
        self.head = nn.Sequential(nn.Conv2d(b, classes, 1), batch_norm(classes))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        full = self.encoder1(self.stem(x))
        half = self.encoder2(F.max_pool2d(self.drop(full), 2))
        return self.head(self.decoder1(self.body(half), full))

    def deployed(self) -> nn.Module:
        """A copy in eval mode without any BatchNorm; the form that is exported.

        The BatchNorm after squeeze-and-excitation cannot go into the convolution before it, because the
        excitation looks at that convolution's output. Its scale goes into the excitation and its shift into
        the shortcut or the following blocks (:meth:`MobileStage.fold`).
        """
        result = folded(self)
        for module in result.modules():
            if isinstance(module, MobileStage):
                module.fold()
        return result


def reunet_ablated(
    in_channels: int = 3,
    classes: int = 1,
    *,
    gating_signal: bool = True,
    attention: bool = True,
    intermediator: int = 13,
) -> REUnet:
    """The slim REUnet with something left out (:class:`Ablation`)."""
    return REUnet(in_channels, classes, topology=Ablation(gating_signal, attention, intermediator))


class REUnetBody(nn.Module):
    """All below 1/2: encoder stages 3 to 7 with the intermediator, decoder stages at 1/8, 1/4 and 1/2."""

    def __init__(self, base: int, shape: StageShape, parts: Ablation) -> None:
        super().__init__()
        b, attention = base, parts.attention
        self.drop = nn.Dropout(DROPOUT)
        self.encoder3 = MobileStage(2 * b, 4 * b, 7, shape.with_block(kernel=5, expansion=6))
        self.encoder4 = MobileStage(4 * b, 8 * b, 10, shape.with_block(kernel=3, expansion=6))
        self.encoder5 = MobileStage(8 * b, 16 * b, 10, shape.with_block(kernel=5, expansion=6))
        self.intermediate = Joint(16 * b, 8 * b, None, attention=attention)
        sixth = shape.with_block(kernel=5, expansion=6)
        self.encoder6: nn.Module = (
            MobileStage(24 * b, 8 * b, parts.intermediator, sixth)
            if parts.intermediator
            else nn.Conv2d(24 * b, 8 * b, 1)
        )
        self.encoder7 = MobileStage(8 * b, 16 * b, 4, shape.with_block(kernel=3, expansion=6))
        self.decoder8 = Joint(16 * b, 8 * b, 8 * b, attention=attention)
        self.decoder4 = Joint(8 * b, 4 * b, 4 * b, attention=attention)
        self.decoder2 = Joint(4 * b, 2 * b, 2 * b, attention=attention)

    def forward(self, half: Tensor) -> Tensor:
        """The encoder's map at 1/2 to the decoder's map at 1/2, same shape."""
        quarter = self.encoder3(self._reduced(half))
        eighth = self.encoder4(self._reduced(quarter))
        lowest = self.encoder5(self._reduced(eighth))
        middle = self.encoder6(self.intermediate(lowest, eighth, self.drop(lowest)))
        y = self.encoder7(self._reduced(middle))
        y = self.decoder8(y, middle, self.drop(y))
        y = self.decoder4(y, quarter)
        return self.decoder2(y, half)

    def _reduced(self, x: Tensor) -> Tensor:
        return F.max_pool2d(self.drop(x), 2)


class Joint(nn.Module):
    """What comes from below, upsampled, beside a skip that an attention gate has weighed (or not: ``attention``).

    With ``channels_out`` a :class:`ConvBlock` follows; without, the concatenation is the answer (the
    intermediator's link).
    """

    def __init__(
        self, channels_in: int, channels_skip: int, channels_out: int | None, *, attention: bool = True
    ) -> None:
        super().__init__()
        self.signal = gating_signal(channels_in, channels_skip) if attention else None
        self.gate = AttentionGate(channels_skip) if attention else None
        joined = channels_in + channels_skip
        self.mix: nn.Module = (
            nn.Identity() if channels_out is None else ConvBlock(joined, channels_out, DROPOUT)
        )

    def forward(self, below: Tensor, skip: Tensor, signal_source: Tensor | None = None) -> Tensor:
        """``below`` (b, c, h, w) and ``skip`` (b, c', 2h, 2w) to a map of the skip's sides.

        ``signal_source`` is what the gate looks at where it is not ``below`` (after dropout).
        """
        if self.gate is not None and self.signal is not None:
            skip = self.gate(skip, self.signal(below if signal_source is None else signal_source))
        return self.mix(torch.cat([upsample_nearest(below), skip], dim=1))
