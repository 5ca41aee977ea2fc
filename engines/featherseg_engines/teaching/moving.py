"""AdamW by PyTorch's functional form; its optimizer class imports the compiler, two seconds before a first step."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.adamw import adamw

DECAY = 0.01
"""Share of its rate by which each weight shrinks at a step."""


class Mover:
    """Moves parameters along their gradients (Loshchilov and Hutter, arXiv 1711.05101); all moments begin at 0.

    Parameters
    ----------
    parameters
        Those without a gradient at a step stay where they are.
    rate
        The learning rate of the next step; may be set anew at any time.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self.rate = rate
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = [torch.zeros(()) for _ in self._parameters]

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move once."""
        moved = [i for i, parameter in enumerate(self._parameters) if parameter.grad is not None]
        if not moved:
            return
        adamw(
            [self._parameters[i] for i in moved],
            [grad for i in moved if (grad := self._parameters[i].grad) is not None],
            [self._means[i] for i in moved],
            [self._squares[i] for i in moved],
            [],
            [self._steps[i] for i in moved],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.rate,
            weight_decay=DECAY,
            eps=1e-8,
            maximize=False,
        )
