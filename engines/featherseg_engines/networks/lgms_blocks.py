"""The blocks of LGMSNet, for images and volumes: local multi-scale (LMS) and global multi-scale (GMS)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.networks.blocks import BATCH_NORM, CONVOLUTION, stage_norm

HEADS = 4
HEAD_WIDTH = 8
PATCH = 2
"""Side of the patches whose positions the transformer keeps apart."""


def conv_norm_silu(channels_in: int, channels_out: int, kernel: int, dims: int) -> nn.Sequential:
    """Convolution without bias, norm, SiLU."""
    return nn.Sequential(
        CONVOLUTION[dims](channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        stage_norm(channels_out, dims),
        nn.SiLU(),
    )


KERNELS = (3, 5, 7, 9)
"""Sizes of the local multi-scale block's depthwise kernels."""


class LMSBlock(nn.Module):
    """Local multi-scale block: depthwise kernels 3, 5, 7, 9 on a quarter of the channels each.

    ``kernels`` may be others, also four equal ones (the paper's ablation of a single size).

    Then GroupNorm, GELU (the published graph; the paper's text says SiLU), a squeeze to a quarter of the
    width and a 3 x 3 convolution back; residual sums around both halves.
    """

    def __init__(self, channels: int, dims: int, kernels: tuple[int, int, int, int] = KERNELS) -> None:
        super().__init__()
        quarter = channels // 4
        conv = CONVOLUTION[dims]
        self.spatial = nn.ModuleList(
            conv(quarter, quarter, kernel, padding=kernel // 2, groups=quarter) for kernel in kernels
        )
        self.norm = nn.GroupNorm(4, channels)
        self.mixing = nn.Sequential(
            conv_norm_silu(channels, quarter, 1, dims), conv_norm_silu(quarter, channels, 3, dims)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, ...) to the same shape."""
        parts = [conv(part) for conv, part in zip(self.spatial, x.chunk(4, dim=1), strict=True)]
        y = F.gelu(self.norm(torch.cat(parts, dim=1) + x))
        return x + self.mixing(y)


def unfold_patches(x: Tensor) -> Tensor:
    """A map (b, c, ...) as tokens (b * P, N, c), P the positions inside a patch, N the patches.

    Patches have a side of two; positions and patches are both in row-major order. Attention over N then
    joins pixels of equal position in all patches. Source: MobileViT's unfolding.
    """
    dims = x.dim() - 2
    batch, channels, *sides = x.shape
    cut: list[int] = []
    for side in sides:
        cut += [side // PATCH, PATCH]
    grid, inside = [2 + 2 * i for i in range(dims)], [3 + 2 * i for i in range(dims)]
    x = x.reshape(batch, channels, *cut).permute(0, *inside, *grid, 1)
    return x.reshape(batch * PATCH**dims, -1, channels)


def fold_patches(tokens: Tensor, sides: torch.Size) -> Tensor:
    """The inverse of :func:`unfold_patches`: tokens (b * P, N, c) as a map (b, c, *sides)."""
    dims = len(sides)
    channels = tokens.shape[-1]
    grid = [side // PATCH for side in sides]
    x = tokens.reshape(-1, *[PATCH] * dims, *grid, channels)
    order = [0, 2 * dims + 1]
    for i in range(dims):
        order += [1 + dims + i, 1 + i]
    return x.permute(*order).reshape(-1, channels, *sides)


class FusedAttention(torch.autograd.Function):
    """Attention that ONNX export writes as one ``com.microsoft.MultiHeadAttention`` node.

    Written out as products and a softmax, the attention matrix of LGMSNet at 512 x 512 alone takes 1 GB; ONNX
    Runtime's own operator never holds it. Forward only: this is for the deployed form.
    """

    @staticmethod
    def forward(ctx: object, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Queries, keys, values (b, n, heads * width) to the same shape."""
        return attention(query, key, value)

    @staticmethod
    def symbolic(g: torch.Graph, query: torch.Value, key: torch.Value, value: torch.Value) -> torch.Value:
        """What the exporter writes. Its type has unknown sizes, so none is fixed in what follows."""
        result = g.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=HEADS)  # type: ignore[attr-defined]
        return result.setType(query.type().with_sizes([None, None, HEADS * HEAD_WIDTH]))


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention with :data:`HEADS` heads; all (b, n, heads * width), scale width ** -0.5."""
    heads = [t.unflatten(2, (HEADS, HEAD_WIDTH)).transpose(1, 2) for t in (query, key, value)]
    return F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Multi-head attention of tokens over themselves; four heads of eight, whatever the tokens' width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * HEADS * HEAD_WIDTH, bias=False)
        self.out = nn.Linear(HEADS * HEAD_WIDTH, width)
        self.for_export = False

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, n, width) to the same shape."""
        query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        attend = FusedAttention.apply if self.for_export else attention
        return self.out(attend(query, key, value))


class PatchTransformer(nn.Module):
    """One pre-norm transformer layer on unfolded patches; no position code, no final norm.

    ``hidden`` is twice the *block's* output width in the published graph, not twice the tokens' width.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """(b, width, ...) to the same shape; sides must be even."""
        tokens = unfold_patches(x)
        tokens = tokens + self.attention(self.norm1(tokens))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return fold_patches(tokens, x.shape[2:])


class GMSBlock(nn.Module):
    """Global multi-scale block: two convolutions, then a transformer and a convolution side by side.

    ``split`` says how many channels go to each; one of them may be none. The convolution branch keeps BatchNorm in 3D
    too, where all other norms become InstanceNorm.
    """

    def __init__(self, channels_in: int, channels_out: int, split: tuple[int, int], dims: int) -> None:
        super().__init__()
        conv, norm = CONVOLUTION[dims], BATCH_NORM[dims]
        self.split = split
        tokens, local = split
        self.local = nn.Sequential(
            conv_norm_silu(channels_in, channels_out, 3, dims),
            conv_norm_silu(channels_out, channels_out, 1, dims),
        )
        self.transformer = PatchTransformer(tokens, 2 * channels_out) if tokens else None
        self.convolution = (
            nn.Sequential(
                conv(local, local, 3, padding=1, groups=local, bias=False),
                norm(local),
                nn.ReLU(),
                conv(local, local, 1, groups=local, bias=False),
                norm(local),
            )
            if local
            else None
        )
        self.merge = conv_norm_silu(channels_out, channels_out, 1, dims)
        self.fuse = conv_norm_silu(channels_out + channels_in, channels_out, 3, dims)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels_in, ...) to (b, channels_out, ...); sides must be even."""
        far, near = torch.split(self.local(x), list(self.split), dim=1)
        parts = []
        if self.transformer is not None:
            parts.append(self.transformer(far))
        if self.convolution is not None:
            parts.append(self.convolution(near) + near)
        both = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return self.fuse(torch.cat([self.merge(both), x], dim=1))
