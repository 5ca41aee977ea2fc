"""Networks by name, and networks of installed packages."""

from importlib.metadata import EntryPoint

import pytest

from featherseg_engines.errors import MissingPackageError, ModelError
from featherseg_engines.networks.monai_unet import MONAI_UNET
from featherseg_engines.networks.registry import ENTRY_POINTS, NetworkRegistry, default_registry
from featherseg_engines.networks.rows import REPSEGNET, ROWS
from featherseg_engines.networks.spec import LazyBuild, NetworkSpec, deployed_form


def offer(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, ENTRY_POINTS)


MONAI_OFFER = offer("monai_unet", "featherseg_engines.networks.monai_unet:MONAI_UNET")


def test_every_network_of_featherseg_is_known_by_name() -> None:
    names = [spec.name for spec in default_registry()]
    assert names[: len(ROWS)] == [row.name for row in ROWS]
    assert len(set(names)) == len(names)


def test_reconstructions_say_so_in_their_titles() -> None:
    for row in ROWS:
        assert row.reconstruction == ("reconstruction" in row.title), row.name


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'lgmsnet3d'"):
        default_registry().get("lgmsnet3")


def test_a_network_is_built_with_the_asked_channels_and_classes() -> None:
    network = default_registry().build("unext_s", in_channels=4, classes=5)
    weights = dict(network.named_parameters())
    assert weights["head.weight"].shape[0] == 5
    assert weights["encoder.0.0.weight"].shape[1] == 4


def test_an_installed_package_s_network_is_taken_in() -> None:
    registry = NetworkRegistry(ROWS)
    registry.register_installed([MONAI_OFFER])
    assert registry.get("monai_unet") is MONAI_UNET
    assert registry.problems == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("no_such_module:SPEC", "could not be imported"),
        ("featherseg_engines.networks.rows:NO_SUCH_ROW", "could not be imported"),
        ("featherseg_engines.networks.rows:ROWS", "a NetworkSpec is expected"),
        ("featherseg_engines.networks.rows:REPSEGNET", "registered already"),
    ],
)
def test_a_broken_network_is_left_out_and_reported_in_words(value: str, words: str) -> None:
    registry = NetworkRegistry(ROWS)
    registry.register_installed([offer("theirs", value), MONAI_OFFER])
    (problem,) = registry.problems
    assert "The network 'theirs'" in problem and words in problem
    assert registry.get("monai_unet") is MONAI_UNET


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="registered already"):
        NetworkRegistry(ROWS).register(REPSEGNET)


def test_a_missing_package_is_named_with_its_remedy() -> None:
    spec = NetworkSpec(
        name="theirs",
        title="Theirs",
        paper="",
        year=2026,
        identifier="",
        dims=2,
        stride=1,
        build=LazyBuild("torch.nn", "Identity"),
        recipe=REPSEGNET.recipe,
        published_params="",
        published_gmacs="",
        needs=("no_such_package",),
    )
    with pytest.raises(MissingPackageError, match="pip install no_such_package"):
        spec.make()


def test_a_network_without_a_deployed_form_of_its_own_is_folded() -> None:
    network = LazyBuild("torch.nn", "Identity")()
    assert not deployed_form(network.train()).training
