"""The network that is taught: its parent's weights in the form that is deployed, the head grown for new classes.

A candidate's card says its form: "folded", or, where classes were added to pictures of one kind, "gated": one network
and a look that says which classes are meant (:mod:`~featherseg_engines.networks.class_gate`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.networks.class_gate import ClassGated
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.order import Settings
from featherseg_engines.training.folded_form import folded_form, settle

ENCODERS = ("stem", "encoder", "bridge", "body", "tokens", "local_stages", "widen", "down", "drop")
"""How the children of our networks that read the image are called; what follows them draws the answer."""
HEADS = ("head",)
ASLEEP = 1e-6
"""A channel of less variance says nothing in its parent's pictures; its norm would make of what it says in others up
to three hundred times as much, and a lesson in those came apart at its first steps."""


def pupil(
    parent: ModelBundle,
    outputs: Outputs,
    registry: NetworkRegistry,
    *,
    channels: int = 0,
    apart: bool = False,
    first: Callable[[], Iterable[Tensor]] | None = None,
) -> nn.Module:
    """A network with the parent's weights, folded, with one output more for each class it does not know.

    A new class begins as the mean of the parent's classes: what stands out in one kind of image often does in
    another.

    Parameters
    ----------
    channels
        Of the pictures; where the parent takes fewer, its first layer grows, and answers grey as before. 0: as many.
    apart
        The pictures are of another kind than the parent's: no class has to be told from those it knows.
    first
        Gives inputs (b, c, h, w) that the norms are settled on before anything is learnt; None keeps the parent's.

    Raises
    ------
    TrainingError
        The model has no weights that can be taught (a bare ONNX file), or they do not fit its network.
    """
    card = parent.card
    if not parent.weights.is_file() or card.network == "not stated":
        raise TrainingError(
            f"The model '{card.name}' has no weights that can be taught; choose one that Featherseg trained."
        )
    classes, channels = len(outputs.labels) + 1, channels or card.preprocessing.channels
    form = card.training.settings.get("form", "full")

    def made(count: int, form: str = form) -> nn.Module:
        network = registry.build(card.network, in_channels=channels, classes=count)
        if form == "full":
            load_grown(network, parent.weights)
            if first:
                settle(network, first())
        network = folded_form(network)
        if form == "folded":
            load_grown(network, parent.weights)
            if first:
                settle(network, first())
        return network

    if form == "gated":
        network: nn.Module = ClassGated(made(classes, ""), channels, classes)
        load_grown(network, parent.weights)
        wake(network)
        return network
    network = made(classes)
    wake(network)
    gated = bool(outputs.added) and card.dims == 2 and not apart
    return ClassGated(network, channels, classes) if gated else network


def form_of(network: nn.Module) -> str:
    """What a candidate's card calls the form it was taught in."""
    return "gated" if isinstance(network, ClassGated) else "folded"


def blank(
    name: str,
    pre: Preprocessing,
    outputs: Outputs,
    registry: NetworkRegistry,
    first: Callable[[], list[Tensor]],
) -> nn.Module:
    """A network to teach from scratch, folded after its norms were settled on the ``first`` batches."""
    network = registry.build(name, in_channels=pre.channels, classes=len(outputs.labels) + 1)
    return folded_form(network, first() if pre.dims == 2 else ())


def load_grown(network: nn.Module, path: Path) -> None:
    """Load weights into a network that may have more outputs, or take colour where they take grey.

    The outputs there keep their meaning; grey in three equal channels is answered as before.

    Raises
    ------
    TrainingError
        The file is damaged, or belongs to another network.
    """
    try:
        stored = {k: v.float() if v.is_floating_point() else v for k, v in load_file(str(path)).items()}
        own = network.state_dict()
        for name, value in stored.items():
            if name in own and own[name].shape != value.shape:
                stored[name] = _grown(value, own[name])
        network.load_state_dict(stored)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise TrainingError(f"'{path.name}' does not hold the weights of this network.") from error
    except Exception as error:  # safetensors raises its own class, which derives from Exception alone
        raise TrainingError(f"'{path.name}' is damaged.") from error


def _grown(stored: Tensor, wanted: Tensor) -> Tensor:
    if stored.ndim > 2 and stored.shape[1] == 1 < wanted.shape[1] and len(stored) == len(wanted):
        return stored.expand_as(wanted) / wanted.shape[1]
    if stored.shape[1:] != wanted.shape[1:] or len(stored) < 2 or len(wanted) < len(stored):
        raise ValueError("neither a head with more classes nor a first layer with more channels")
    fresh = stored[1:].mean(dim=0, keepdim=True)
    return torch.cat([stored, fresh.expand(len(wanted) - len(stored), *stored.shape[1:])])


def hold_still(network: nn.Module, frozen: Settings) -> list[nn.Module]:
    """Keep part of the network as it is; the modules whose norms must keep their statistics while learning."""
    how = frozen.frozen
    inner = network.network if isinstance(network, ClassGated) else network
    still = [module for name, module in inner.named_children() if _is_still(name, how)]
    for module in still:
        module.requires_grad_(False)
    return still


def norms(network: nn.Module) -> list[nn.Module]:
    """The BatchNorms, whose statistics stay as they are; their scales and shifts learn on."""
    return [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


@torch.no_grad()
def wake(network: nn.Module) -> None:
    """Give channels that sleep a variance of 1: as quiet as ever where they sleep, no louder than others else."""
    for norm in norms(network):
        variance = norm.running_var
        if isinstance(variance, Tensor):
            variance[variance < ASLEEP] = 1.0


@torch.no_grad()
def begin_from(network: nn.Module, others: Sequence[nn.Module]) -> None:
    """Give a network the mean of the weights of others that began where it does; nothing where one does not fit.

    Source: the mean of networks fine-tuned from one answers as well as they do together (Wortsman et al., arXiv
    2203.05482).
    """
    own, states = network.state_dict(), [other.state_dict() for other in others]
    shapes = {name: value.shape for name, value in own.items()}
    if not states or any({k: v.shape for k, v in state.items()} != shapes for state in states):
        return
    for name, value in own.items():
        if value.is_floating_point():
            value.copy_(torch.stack([state[name] for state in states]).mean(dim=0))


def _is_still(name: str, how: str) -> bool:
    if how == "encoder":
        return name.startswith(ENCODERS)
    return how == "all but head" and not name.startswith(HEADS)


def learners(network: nn.Module) -> Iterator[nn.Parameter]:
    """What the optimizer may change."""
    return (parameter for parameter in network.parameters() if parameter.requires_grad)
