"""A lesson that gives way also within a step, layer by layer; waiting is no learning time."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from featherseg_engines.teaching.order import Control

if TYPE_CHECKING:
    from torch import Tensor, nn


class Patient:
    """A control that knows how long it has waited, so that a person at work does not use up the lesson's time."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._waited = 0.0

    def between(self) -> None:
        """See :class:`~featherseg_engines.teaching.order.Control`."""
        began = time.monotonic()
        self._control.between()
        self._waited += time.monotonic() - began

    def clock(self, clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:
        """The same clock, which stands still while this waits."""
        return lambda: clock() - self._waited


def breathe(network: "nn.Module", between: Callable[[], None]) -> None:
    """Call ``between`` before each layer on the way forth and after each parameter's gradient on the way back.

    What it raises ends the step there. The steps of a network of volumes take seconds, and nobody waits so long for
    Cancel or for a stroke. The hooks stay with this network; a copy made before has none.

    Source: PyTorch's module hooks and ``register_post_accumulate_grad_hook``; on the CPU the way back runs in the
    thread that asked for it.
    """

    def forth(module: "nn.Module", inputs: object) -> None:
        between()

    def back(parameter: "Tensor") -> None:
        between()

    for module in network.modules():
        if not list(module.children()):
            module.register_forward_pre_hook(forth)
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(back)  # type: ignore[no-untyped-call]
