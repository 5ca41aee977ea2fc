"""Layers that a lesson computes in another way than PyTorch's own: the same answers, the same gradients."""

import pytest
import torch
from torch import Tensor, nn

from featherseg_engines.networks.blocks import NARROW, NarrowNorm, block_norm, joined
from featherseg_engines.training.averages import pairs_of


def some(*shape: int, last: bool = False, dtype: torch.dtype = torch.float64) -> Tensor:
    values = torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))
    return values.contiguous(memory_format=torch.channels_last) if last else values


@pytest.mark.parametrize("last", [True, False])
def test_joined_maps_and_their_gradients_are_those_of_cat(last: bool) -> None:
    one, two = (some(2, c, 4, 6, last=last).requires_grad_() for c in (3, 5))
    weight = some(2, 8, 4, 6, last=last)
    seen: list[Tensor] = []
    middle = one * 2
    middle.register_hook(seen.append)
    whole = joined([middle, two])
    (whole * weight).sum().backward()
    assert torch.equal(whole, torch.cat([one * 2, two], dim=1))
    assert one.grad is not None and torch.equal(one.grad, 2 * weight[:, :3])
    assert two.grad is not None and torch.equal(two.grad, weight[:, 3:])
    layout = torch.channels_last if last else torch.contiguous_format
    assert seen[0].is_contiguous(memory_format=layout), "a view with gaps, over which kernels are slow"


def test_joined_volumes_and_maps_without_gradients_are_cat() -> None:
    parts = [some(1, c, 2, 3, 4).requires_grad_() for c in (1, 2)]
    assert torch.equal(joined(parts), torch.cat(parts, dim=1))
    with torch.no_grad():
        assert torch.equal(joined(parts), torch.cat(parts, dim=1))
    assert not joined([part.detach() for part in parts]).requires_grad


@pytest.mark.parametrize("training", [False, True])
def test_a_narrow_norm_answers_and_learns_as_another(training: bool) -> None:
    mine, theirs = NarrowNorm(8).double(), nn.BatchNorm2d(8).double()
    for norm in (mine, theirs):
        norm.train(training)
        for i, name in enumerate(("weight", "bias", "running_mean", "running_var"), start=2):
            norm.state_dict()[name].copy_(torch.rand(8, generator=torch.Generator().manual_seed(i)) + 0.5)
    x = some(2, 8, 5, 5, last=True)
    gradients = []
    for norm in (mine, theirs):
        seen = x.clone().requires_grad_()
        (norm(seen) * x).sum().backward()
        gradients.append([seen.grad, norm.weight.grad, norm.bias.grad, norm(x), norm.running_mean])
    for own, other in zip(*gradients, strict=True):
        assert own is not None and other is not None
        torch.testing.assert_close(own, other)


def test_only_narrow_norms_are_computed_in_another_way() -> None:
    assert type(block_norm(NARROW)) is nn.BatchNorm2d
    assert isinstance(block_norm(NARROW - 1), NarrowNorm)
    assert NarrowNorm(4).state_dict().keys() == nn.BatchNorm2d(4).state_dict().keys()


def test_an_average_follows_and_takes_counters_over() -> None:
    old, new = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    with torch.no_grad():
        new.weight.fill_(3.0)
        new.running_mean.fill_(1.0)  # type: ignore[union-attr]
        new.num_batches_tracked.fill_(7)  # type: ignore[union-attr]
    pairs = pairs_of(old, new)
    pairs.follow(0.5)
    pairs.follow(0.5)
    assert old.weight.tolist() == [2.5, 2.5]
    assert old.running_mean is not None and old.running_mean.tolist() == [0.75, 0.75]
    assert int(old.num_batches_tracked or 0) == 7
    assert new.weight.tolist() == [3.0, 3.0]
