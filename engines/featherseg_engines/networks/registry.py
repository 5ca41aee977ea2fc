"""The registry of networks: an instance, filled on request, never by an import's side effect."""

import difflib
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points

from torch import nn

from featherseg_engines.errors import ModelError
from featherseg_engines.networks.rows import ROWS
from featherseg_engines.networks.spec import NetworkSpec

ENTRY_POINTS = "featherseg.networks"
"""Group under which an installed package offers a network: an object that is a :class:`NetworkSpec`."""


ALIASES = {"reunet": "reunet_slim8", "lgmsnet2d": "lgmsnet"}
"""Short names for the default profile of a network that has several."""


class NetworkRegistry:
    """Networks by name.

    Attributes
    ----------
    problems
        One sentence for each network of an installed package that could not be taken in.
    """

    def __init__(self, specs: Iterable[NetworkSpec] = ()) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self.problems: list[str] = []

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

    def register_installed(self, offers: Iterable[EntryPoint]) -> None:
        """Add the networks that installed packages offer; :attr:`problems` says what was left out and why."""
        for offer in offers:
            problem = self._take_in(offer)
            if problem:
                self.problems.append(
                    f"The network '{offer.name}' of {_package(offer)} was left out: {problem}."
                )

    def _take_in(self, offer: EntryPoint) -> str:
        try:
            spec = offer.load()
        except Exception as error:  # other people's code may fail in any way, and must not take us along
            return f"'{offer.value}' could not be imported ({type(error).__name__}: {error})"
        if not isinstance(spec, NetworkSpec):
            return f"'{offer.value}' is a {type(spec).__name__}, and a NetworkSpec is expected"
        if spec.name in self._specs:
            return f"a network named '{spec.name}' is registered already"
        self.register(spec)
        return ""

    def get(self, name: str) -> NetworkSpec:
        """The network of that name.

        Raises
        ------
        ModelError
            No such network; the sentence names the nearest known one.
        """
        name = ALIASES.get(name, name)
        if name in self._specs:
            return self._specs[name]
        near = difflib.get_close_matches(name, self._specs, n=1, cutoff=0.3)
        hint = f"did you mean '{near[0]}'?" if near else "known are: " + ", ".join(self._specs) + "."
        raise ModelError(f"There is no network named '{name}'; {hint}")

    def build(self, name: str, *, in_channels: int, classes: int) -> nn.Module:
        """A fresh training form of the network ``name`` with its own initialisation."""
        return self.get(name).make(in_channels=in_channels, classes=classes)


def default_registry() -> NetworkRegistry:
    """A registry with the networks that Featherseg ships and those that installed packages offer."""
    registry = NetworkRegistry(ROWS)
    registry.register_installed(entry_points(group=ENTRY_POINTS))
    return registry


def _package(offer: EntryPoint) -> str:
    return "an installed package" if offer.dist is None else f"the package '{offer.dist.name}'"
