"""MONAI's BasicUNet at the widths of the first U-Net: a heavier reference beside the lightweight networks.

It reaches the registry as anyone's network can: through the entry point ``featherseg.networks`` in
``pyproject.toml``.
"""

from torch import Tensor, nn

from featherseg_engines.networks.blocks import folded
from featherseg_engines.networks.spec import LazyBuild, NetworkSpec, Recipe
from featherseg_engines.networks.staged_norm import stage_norms


class MonaiUNet(nn.Module):
    """U-Net as MONAI builds it (InstanceNorm, LeakyReLU, transposed convolutions); logits for ``classes``.

    MONAI is imported when the network is built, not before.

    Parameters
    ----------
    in_channels, classes
        Any number.
    base
        Width of the first stage; each of the four reductions doubles it.
    """

    stride = 16

    def __init__(self, in_channels: int = 3, classes: int = 1, *, base: int = 64) -> None:
        super().__init__()
        from monai.networks.nets import BasicUNet

        widths = (base, 2 * base, 4 * base, 8 * base, 16 * base, base)
        self.network: nn.Module = BasicUNet(2, in_channels, classes, features=widths)

    def forward(self, x: Tensor) -> Tensor:
        """Image (b, in_channels, h, w) to logits (b, classes, h, w); h and w multiples of 16."""
        result: Tensor = self.network(x)
        return result

    def deployed(self) -> nn.Module:
        """A copy in eval mode. Its InstanceNorms depend on their input and stay, as ``StagedNorm``."""
        result = folded(self)
        stage_norms(result)
        return result


MONAI_UNET = NetworkSpec(
    name="monai_unet",
    title="U-Net (MONAI, a heavier reference)",
    paper="Ronneberger et al., MICCAI 2015, arXiv 1505.04597; as MONAI's BasicUNet (Falk et al. 2019)",
    year=2015,
    identifier="arXiv:1505.04597",
    dims=2,
    stride=16,
    build=LazyBuild("featherseg_engines.networks.monai_unet", "MonaiUNet"),
    recipe=Recipe(1e-3, 1e-4, 8, 0.0, 1e-5, "ours: AdamW 1e-3, cosine, CE + Dice"),
    published_params="about 31 M for the first U-Net",
    published_gmacs="none",
    note="Not lightweight: the well-known network to measure the light ones against.",
    needs=("monai",),
)
"""What the entry point ``monai_unet`` yields."""
