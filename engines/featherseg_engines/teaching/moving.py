"""AdamW by PyTorch's functional form; its optimizer class imports the compiler, two seconds before a first step."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
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
        parameters: list[Tensor] = []
        gradients: list[Tensor] = []
        state: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        every = zip(self._parameters, self._means, self._squares, self._steps, strict=True)
        for parameter, *kept in every:
            if parameter.grad is not None:
                parameters.append(parameter)
                gradients.append(parameter.grad)
                for values, value in zip(state, kept, strict=True):
                    values.append(value)
        if not parameters:
            return
        means, squares, steps = state
        adamw(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.rate,
            weight_decay=DECAY,
            eps=1e-8,
            maximize=False,
        )
