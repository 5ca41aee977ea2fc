"""What is known of a network without building it: its paper, its inputs, how to make one."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor, nn

from featherseg_engines.errors import MissingPackageError
from featherseg_engines.networks.blocks import folded


class SegmentationNetwork(Protocol):
    """What every network offers beyond ``nn.Module``: a stride and a form to deploy."""

    stride: int

    def __call__(self, x: Tensor) -> Tensor:
        """Image (b, c, h, w) or (b, c, d, h, w) to logits of the same size."""
        ...

    def deployed(self) -> nn.Module:
        """An equivalent module in eval mode, made for export."""
        ...


def deployed_form(network: nn.Module) -> nn.Module:
    """The form of ``network`` that is exported: its own ``deployed()``, or where it has none, folded."""
    deploy: Callable[[], nn.Module] | None = getattr(network, "deployed", None)
    return folded(network) if deploy is None else deploy()


@dataclass(frozen=True, slots=True)
class LazyBuild:
    """A class or function named by ``module`` and ``name``, imported when it is first called."""

    module: str
    name: str

    def __call__(self, **options: object) -> nn.Module:
        """Import and call it."""
        made = getattr(importlib.import_module(self.module), self.name)(**options)
        assert isinstance(made, nn.Module)
        return made


@dataclass(frozen=True, slots=True)
class Recipe:
    """The training settings a paper gives (or that we chose where it is silent; ``source`` says which).

    Parameters
    ----------
    label_smoothing
        Of the cross-entropy.
    dice_smoothing
        Added to both sides of the Dice fraction.
    optimizer, schedule
        ``poly`` is ``(1 - step / steps) ** 0.9``.
    epochs
        The paper's, on its data; Featherseg trains for minutes instead.
    cross_entropy_weight, dice_weight
        Of the (binary) cross-entropy and the Dice loss in their sum.
    """

    learning_rate: float
    weight_decay: float
    batch: int
    label_smoothing: float
    dice_smoothing: float
    source: str
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    schedule: Literal["cosine", "poly", "constant"] = "cosine"
    epochs: int = 100
    cross_entropy_weight: float = 1.0
    dice_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A row of the registry.

    Parameters
    ----------
    build
        Called with ``in_channels``, ``classes`` and ``options``; returns the training form.
    stride
        Input sides must be multiples of this.
    published_params, published_gmacs
        As printed in the paper, in words, since their conditions differ.
    note
        Corrections to what the paper prints.
    options
        What makes this row a profile of its class.
    in_channels, classes, sides
        The published configuration; parameters and multiply-adds are counted with it. One class is answered
        by one logit (sigmoid), more by a softmax.
    needs
        Packages beyond PyTorch, by the name that is imported.
    reconstruction
        The paper does not fix the network; this is our reading of it.
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
    in_channels: int = 3
    classes: int = 1
    sides: tuple[int, ...] = (256, 256)
    needs: tuple[str, ...] = ()
    reconstruction: bool = False

    def make(self, *, in_channels: int | None = None, classes: int | None = None) -> nn.Module:
        """A fresh training form; channels and classes are the published ones where left out.

        Raises
        ------
        MissingPackageError
            A package of ``needs`` is not installed.
        """
        for package in self.needs:
            if importlib.util.find_spec(package) is None:
                raise MissingPackageError(
                    f"{self.title} needs the package '{package}'; install it with: pip install {package}"
                )
        channels = self.in_channels if in_channels is None else in_channels
        outputs = self.classes if classes is None else classes
        return self.build(in_channels=channels, classes=outputs, **self.options)
