"""What is known of a network without building it: its paper, its inputs, how to make one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn


class SegmentationNetwork(Protocol):
    """What every network offers beyond ``nn.Module``: a stride and a form to deploy."""

    stride: int

    def __call__(self, x: Tensor) -> Tensor:
        """Image (b, c, h, w) or (b, c, d, h, w) to logits of the same size."""
        ...

    def deployed(self) -> nn.Module:
        """An equivalent module in eval mode, made for export."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """The training settings a paper gives (or that we chose where it is silent)."""

    learning_rate: float
    weight_decay: float
    batch: int
    label_smoothing: float
    dice_smoothing: float
    source: str


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A row of the registry.

    Parameters
    ----------
    build
        Called with ``in_channels`` and ``classes`` (background included), returns the training form.
    stride
        Input sides must be multiples of this.
    published_params, published_gmacs
        As printed in the paper, in words, since their conditions differ.
    note
        Corrections to what the paper prints.
    """

    name: str
    title: str
    paper: str
    year: int
    identifier: str
    dims: int
    stride: int
    build: Callable[..., nn.Module]
    recipe: Recipe
    published_params: str
    published_gmacs: str
    note: str = ""
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
