"""The ablations of the papers as networks of their own: trained by one command, never offered in the window."""

from dataclasses import replace

from featherseg_engines.networks.rows import LGMSNET, REPSEGNET, REUNET
from featherseg_engines.networks.spec import LazyBuild, NetworkSpec

Options = dict[str, bool | int | float | str]

_REUNET = REUNET[0]
_SLIM = LazyBuild("featherseg_engines.networks.reunet", "reunet_ablated")
_LGMS = LazyBuild("featherseg_engines.networks.lgmsnet", "lgmsnet_ablated")


def _variant(
    spec: NetworkSpec, name: str, words: str, options: Options, build: LazyBuild | None = None
) -> NetworkSpec:
    return replace(
        spec,
        name=f"{spec.name}_{name}",
        title=f"{spec.title}, {words}",
        published_params="-",
        published_gmacs="-",
        note="An ablation of the paper.",
        options={**({} if build else spec.options), **options},
        build=build or spec.build,
    )


ABLATIONS = (
    _variant(REPSEGNET, "k1", "one branch", {"branches": 1}),
    _variant(REPSEGNET, "k2", "two branches", {"branches": 2}),
    _variant(REPSEGNET, "k4", "four branches", {"branches": 4}),
    _variant(REPSEGNET, "plain", "nothing to reparameterize", {"branches": 0}),
    _variant(REPSEGNET, "2paths", "blocks of two paths", {"paths": 2}),
    _variant(REPSEGNET, "no_block_bn", "no BatchNorm at the blocks' ends", {"block_bn": False}),
    _variant(_REUNET, "no_signal", "no gating signal", {"gating_signal": False}, _SLIM),
    _variant(_REUNET, "no_gates", "no attention gates", {"attention": False}, _SLIM),
    *(_variant(_REUNET, f"i{n}", f"{n} Intermediator units", {"intermediator": n}, _SLIM) for n in (0, 5, 9)),
    *(_variant(LGMSNET, f"kernel{k}", f"kernels of {k} only", {"kernel": k}, _LGMS) for k in (3, 5, 7, 9)),
    *(
        _variant(
            LGMSNET, f"share{round(100 * s)}", f"transformer share {s:g}", {"transformer_share": s}, _LGMS
        )
        for s in (0.0, 0.5, 1.0)
    ),
)
"""The whole networks (K = 3, 13 units, share 0.75) are the rows that ship."""
