"""The registry of networks: an instance, filled on request, never by an import's side effect."""

import difflib
from collections.abc import Iterable, Iterator

from torch import nn

from featherseg_engines.errors import ModelError
from featherseg_engines.networks.repsegnet import RepSegNet
from featherseg_engines.networks.spec import NetworkSpec, Recipe

REPSEGNET = NetworkSpec(
    name="repsegnet",
    title="RepSegNet",
    paper="Juraev et al., Scientific Reports 16, 4682",
    year=2026,
    identifier="Sci Rep 16:4682",
    dims=2,
    stride=16,
    build=RepSegNet,
    recipe=Recipe(5e-4, 0.01, 8, 0.05, 0.05, "paper: AdamW 5e-4, cosine to 1e-6, SoftCE 0.05 + Dice 0.05"),
    published_params="2.66 M in training, 0.518 M fused",
    published_gmacs="3.15 in training, 1.51 fused (at 224 x 224)",
    note="The printed 0.518 M counts only tensors outside the fused units; the fused network has 1.22 M.",
)


class NetworkRegistry:
    """Networks by name."""

    def __init__(self, specs: Iterable[NetworkSpec] = ()) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def __iter__(self) -> Iterator[NetworkSpec]:
        return iter(self._specs.values())

    def register(self, spec: NetworkSpec) -> None:
        """Add one network; a name that is taken is refused.

        Raises
        ------
        ValueError
            The name is taken.
        """
        if spec.name in self._specs:
            raise ValueError(f"a network named {spec.name!r} is registered already")
        self._specs[spec.name] = spec

    def get(self, name: str) -> NetworkSpec:
        """The network of that name.

        Raises
        ------
        ModelError
            No such network; the sentence names the nearest known one.
        """
        if name in self._specs:
            return self._specs[name]
        near = difflib.get_close_matches(name, self._specs, n=1, cutoff=0.3)
        hint = f"did you mean '{near[0]}'?" if near else "known are: " + ", ".join(self._specs) + "."
        raise ModelError(f"There is no network named '{name}'; {hint}")

    def build(self, name: str, *, in_channels: int, classes: int) -> nn.Module:
        """A fresh training form of the network ``name`` with PyTorch's default initialisation."""
        spec = self.get(name)
        return spec.build(in_channels=in_channels, classes=classes, **spec.options)


def default_registry() -> NetworkRegistry:
    """A registry with the networks that Featherseg ships."""
    return NetworkRegistry([REPSEGNET])
