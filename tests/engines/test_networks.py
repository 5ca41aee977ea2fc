"""Every network keeps the contract, and has the counts of its specification."""

from dataclasses import replace

import pytest
import torch

from featherseg_engines.networks import rows
from featherseg_engines.networks.counting import count, parameters
from featherseg_engines.networks.monai_unet import MONAI_UNET
from featherseg_engines.networks.repsegnet import RepSegNet
from featherseg_engines.networks.spec import NetworkSpec
from featherseg_engines.testing import NetworkContract

torch.set_num_threads(1)


class TestRepSegNet(NetworkContract):
    spec = rows.REPSEGNET
    params = 2_664_912
    params_deployed = 1_218_138
    gmacs = 3.6767
    norms_left = 13  # after the concatenation of each block


class TestMed2DSegNet(NetworkContract):
    spec = rows.MED2DSEGNET
    params = 2_070_269
    gmacs = 3.8078


class TestREUnetSlim8(NetworkContract):
    spec = rows.REUNET[0]
    params = 5_179_808
    gmacs = 3.7770


class TestREUnetReleased(NetworkContract):
    spec = rows.REUNET[5]
    params = 663_012
    gmacs = 12.8813


class TestLGMSNet(NetworkContract):
    spec = rows.LGMSNET
    params = 2_321_393
    gmacs = 5.0056
    norms_left = 2  # the last of two fusions: a padded convolution follows


LGMS3D_IDLE = ("stem.0.bias", "narrow5.0.bias", "narrow4.0.bias", "narrow3.0.bias", "narrow2.0.bias")
"""Biases before an InstanceNorm, which takes any constant away."""


@pytest.mark.slow
class TestLGMSNet3D(NetworkContract):
    spec = rows.LGMSNET3D
    params = 9_860_814
    gmacs = 74.493
    idle = LGMS3D_IDLE


@pytest.mark.slow
class TestLGMSNet3DRepository(NetworkContract):
    spec = rows.LGMSNET3D_REPO
    params = 6_193_742
    gmacs = 68.635
    idle = LGMS3D_IDLE


class TestCMUNeXt(NetworkContract):
    spec = rows.CMUNEXT
    params = 3_149_185
    gmacs = 7.2306
    norms_left = 2 * 7 + 3  # two in each block, the last of three fusions


class TestCMUNeXtS(NetworkContract):
    spec = rows.CMUNEXT_S
    params = 417_505
    gmacs = 1.0124
    norms_left = 2 * 5 + 3


@pytest.mark.slow
class TestCMUNeXtL(NetworkContract):
    spec = rows.CMUNEXT_L
    params = 8_286_721
    gmacs = 16.8534
    norms_left = 2 * 12 + 3


class TestTinyUNet(NetworkContract):
    spec = rows.TINYUNET
    params = 481_170
    gmacs = 1.5651


class TestUNeXt(NetworkContract):
    spec = rows.UNEXT
    params = 1_471_921
    gmacs = 0.5620


class TestUNeXtS(NetworkContract):
    spec = rows.UNEXT_S
    params = 253_561
    gmacs = 0.0992


class TestMobileUNet(NetworkContract):
    spec = rows.MOBILEUNET
    params = 4_683_097
    gmacs = 0.9753


class TestMonaiUNet(NetworkContract):
    spec = replace(MONAI_UNET, options={"base": 8})
    params = 488_385  # as MONAI 1.6 builds it; no paper says
    idle = (".conv.bias",)


@pytest.mark.parametrize(
    ("name", "params", "gmacs"),
    [
        pytest.param("reunet_slim16", 19_692_216, 14.19, marks=pytest.mark.slow),
        pytest.param("reunet_w1", 76_714_856, 54.95, marks=pytest.mark.slow),
        pytest.param("reunet_paper_1x1", 141_833_960, 98.12, marks=pytest.mark.slow),
        ("reunet_paper", 145_848_040, 101.08),
    ],
)
def test_the_heavy_profiles_of_reunet_have_their_published_size(name: str, params: int, gmacs: float) -> None:
    spec = next(row for row in rows.REUNET if row.name == name)
    counts = count(spec)
    assert counts.params_train == params
    assert counts.gmacs_train == pytest.approx(gmacs, rel=0.005)


@pytest.mark.parametrize(("side", "train", "deployed"), [(256, 3.6767, 1.7682), (224, 2.8150, 1.3538)])
def test_repsegnet_costs_what_its_paper_says_fused_and_not(side: int, train: float, deployed: float) -> None:
    counts = count(rows.REPSEGNET, (side, side))
    assert counts.gmacs_train == pytest.approx(train, rel=0.005)
    assert counts.gmacs_deployed == pytest.approx(deployed, rel=0.005)


def test_fused_repsegnet_has_1_218_138_parameters() -> None:
    assert parameters(RepSegNet().fused()) == 1_218_138
    assert parameters(RepSegNet(block_bn=False).deployed()) == 1_210_186


@pytest.mark.parametrize("branches, params", [(1, 1_248_208), (2, 1_956_560), (4, 3_373_264)])
def test_repsegnet_grows_with_its_branches_as_published(branches: int, params: int) -> None:
    assert parameters(RepSegNet(branches=branches)) == params


@pytest.mark.parametrize(
    ("spec", "channels", "classes", "params"),
    [
        (rows.REPSEGNET, 3, 1, 2_664_903),
        (rows.MED2DSEGNET, 3, 4, 2_070_320),
        (rows.MED2DSEGNET, 1, 1, 2_069_981),
        (rows.TINYUNET, 3, 1, 481_105),
        (rows.LGMSNET3D, 1, 4, 9_860_644),
    ],
    ids=lambda value: value.name if isinstance(value, NetworkSpec) else str(value),
)
def test_other_channels_and_classes_change_only_the_ends(
    spec: NetworkSpec, channels: int, classes: int, params: int
) -> None:
    with torch.device("meta"):
        assert parameters(spec.make(in_channels=channels, classes=classes)) == params
