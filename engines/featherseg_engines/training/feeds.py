"""What the trainer is fed: batches of slices, or of blocks cut from volumes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from featherseg_engines.errors import TrainingError
from featherseg_engines.training.augment import Transform, augmentation, augmented, volume_augmentation
from featherseg_engines.training.plan import Plan
from featherseg_engines.training.samples import IGNORE, Sample, batches, canvas, padded

Batch = tuple[Tensor, Tensor]
Shaped = tuple[int, ...]


class Feed(Protocol):
    """Batches of one lesson; repeatable by seed and epoch."""

    def begin(self, long_side: int, epoch: int) -> int:
        """Get ready for an epoch at this size; the number of batches in it."""
        ...

    def batch(self, index: int) -> Batch:
        """Images (b, c, ...) in 0..1 and labels (b, ...) of one batch."""
        ...


class SliceFeed:
    """Whole slices, scaled to the stage's size and padded to one canvas.

    ``samples_at`` gives all samples scaled to a longer side in pixels; called once per size.
    """

    def __init__(self, samples_at: Callable[[int], list[Sample]], stride: int, batch: int, seed: int) -> None:
        self._samples_at, self._stride, self._batch, self._seed = samples_at, stride, batch, seed
        self._long_side = -1
        self._samples: list[Sample] = []
        self._size: Shaped = ()
        self._order: list[npt.NDArray[np.intp]] = []
        self._transform: Transform

    def begin(self, long_side: int, epoch: int) -> int:
        """See :class:`Feed`."""
        if self._long_side != long_side:
            self._samples, self._long_side = self._samples_at(long_side), long_side
        if not self._samples:
            raise TrainingError("There are no cases to learn from.")
        self._size = canvas(self._samples, self._stride)
        self._transform = augmentation(self._seed + epoch, self._size)
        rng = np.random.default_rng(self._seed + epoch)
        self._order = list(batches(len(self._samples), self._batch, rng))
        return len(self._order)

    def batch(self, index: int) -> Batch:
        """See :class:`Feed`."""
        pairs = [augmented(self._transform, padded(self._samples[i], self._size)) for i in self._order[index]]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])


class BlockFeed:
    """Blocks cut at random from volumes, or patches from slices, every other one around a labelled voxel.

    Parameters
    ----------
    block
        (d, h, w), or (h, w); patches of slices take their side from the stage instead.
    crops
        Blocks cut from each sample in an epoch.

    Source: the BTCV protocol of LGMSNet's trainer (crops with positive and negative centres 1 : 1).
    """

    def __init__(self, samples: Sequence[Sample], block: Shaped, plan: Plan) -> None:
        self._samples, self._block, self._plan = samples, block, plan
        self._order: list[npt.NDArray[np.intp]] = []
        self._rng = np.random.default_rng(plan.seed)
        self._transform: Transform

    def begin(self, long_side: int, epoch: int) -> int:
        """See :class:`Feed`; blocks of volumes have one size, so ``long_side`` is not used for them."""
        if not self._samples:
            raise TrainingError("There are no cases to learn from.")
        seed = self._plan.seed + epoch
        self._rng = np.random.default_rng(seed)
        if len(self._block) == 2:
            self._block = (long_side, long_side)
            self._transform = augmentation(seed, self._block)
        else:
            self._transform = volume_augmentation(seed)
        count = len(self._samples)
        self._order = [o % count for o in batches(count * self._plan.crops, self._plan.batch, self._rng)]
        return len(self._order)

    def batch(self, index: int) -> Batch:
        """See :class:`Feed`."""
        pairs = [
            augmented(self._transform, cut_block(self._samples[i], self._block, self._rng))
            for i in self._order[index]
        ]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])


def cut_block(sample: Sample, block: Shaped, rng: np.random.Generator) -> Sample:
    """A block of a volume, around a labelled voxel every other time; what sticks out is edge and IGNORE."""
    size = tuple(max(n, b) for n, b in zip(sample.labels.shape, block, strict=True))
    whole = padded(sample, size)
    inside = (whole.labels > 0) & (whole.labels != IGNORE)
    start = [int(rng.integers(0, n - b + 1)) for n, b in zip(size, block, strict=True)]
    if rng.random() < 0.5 and inside.any():
        where = np.argwhere(inside)
        centre = where[rng.integers(len(where))]
        start = [int(np.clip(c - b // 2, 0, n - b)) for c, b, n in zip(centre, block, size, strict=True)]
    cut = tuple(slice(s, s + b) for s, b in zip(start, block, strict=True))
    return Sample(whole.image[(slice(None), *cut)], whole.labels[cut])
