"""A data set on a device: batches for learning, and a quick look at how well a network does."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from featherseg_engines.errors import TrainingError
from featherseg_engines.training.accelerator.changes import Changes, changed
from featherseg_engines.training.samples import IGNORE, Sample, canvas, padded

Size = tuple[int, int]
ROOM = 1.4
"""Side of what is cut around a patch, against the patch's: room to turn it in."""
CENTRES = 4096
"""Labelled pixels kept of each image, to cut patches around."""
KINDS = 6
"""Into so many kinds a data set's pictures are parted by their colours, at most."""


class Pool:
    """Samples of any size, padded to one, on ``device``; whole ones or patches of them.

    Parameters
    ----------
    size
        (h, w) of what the network sees.
    patches
        Cut patches of ``size`` at random, every other one around a labelled pixel.
    """

    def __init__(self, samples: Sequence[Sample], size: Size, patches: bool, device: torch.device) -> None:
        if not samples:
            raise TrainingError("There are no cases to learn from.")
        self.count, self._size, self._patches, self._device = len(samples), size, patches, device
        sides = np.array([s.labels.shape for s in samples])
        largest = (int(max(sides[:, 0].max(), size[0])), int(max(sides[:, 1].max(), size[1])))
        grown = [padded(s, largest) for s in samples]
        self._images = torch.from_numpy(np.stack([s.image for s in grown])).to(device)
        self._labels = torch.from_numpy(np.stack([s.labels for s in grown])).to(device)
        self._sides = torch.from_numpy(sides).to(device)
        self._samples = samples
        if patches:
            self._centres = torch.from_numpy(np.stack([_centres(s) for s in samples])).to(device)

    @cached_property
    def _kinds(self) -> npt.NDArray[np.intp]:
        """Found when a course first asks to balance them."""
        return kinds_of(self._samples)

    def order(self, count: int, balance: float = 0.0) -> Tensor:
        """Indices (count,) of samples at random: each as often as the others, or rare kinds more often.

        ``balance`` 0..1: a kind of n pictures is shown n ** (1 - balance) times as often as one of a single picture.
        """
        if not balance:
            return torch.randperm(count, device=self._device) % self.count
        sizes = np.bincount(self._kinds)[self._kinds].astype(np.float32)
        return torch.multinomial(torch.from_numpy(sizes**-balance).to(self._device), count, replacement=True)

    def batch(self, indices: Tensor, by: Changes) -> tuple[Tensor, Tensor]:
        """Images (b, c, h, w) in 0..1 and labels (b, h, w) int64, changed at random."""
        images, labels = (
            self._windows(indices) if self._patches else (self._images[indices], self._labels[indices])
        )
        return changed(images.float() / 255.0, labels, self._size, by)

    def _windows(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        count, device = len(indices), self._device
        sides = self._sides[indices]
        centre = torch.rand(count, 2, device=device) * sides
        labelled = self._centres[indices, torch.randint(CENTRES, (count,), device=device)].float()
        centre = torch.where(torch.rand(count, 1, device=device) < 0.5, labelled, centre)
        axes = []
        for axis, side in enumerate(self._size):
            wide = int(side * ROOM)
            steps = torch.arange(wide, device=device) - wide // 2
            axes.append(_mirrored(centre[:, axis].long()[:, None] + steps, sides[:, axis][:, None]))
        which = indices[:, None, None]
        rows, columns = axes[0][:, :, None], axes[1][:, None, :]
        images = self._images.permute(0, 2, 3, 1)[which, rows, columns]
        return images.permute(0, 3, 1, 2), self._labels[which, rows, columns]


def kinds_of(samples: Sequence[Sample]) -> npt.NDArray[np.intp]:
    """The kind (n,) of each sample: alike in mean and spread of colours, and in how what is labelled stands out."""
    from scipy.cluster.vq import kmeans2

    found = np.array([_measures(sample) for sample in samples])
    spread = found.std(axis=0)
    found = (found - found.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    if len(np.unique(found, axis=0)) < 2 * KINDS:
        return np.zeros(len(samples), np.intp)
    return np.asarray(kmeans2(found, KINDS, minit="++", seed=0)[1], np.intp)


def _measures(sample: Sample) -> npt.NDArray[np.float64]:
    x = sample.image.reshape(len(sample.image), -1).astype(np.float64) / 255
    inside = ((sample.labels > 0) & (sample.labels != IGNORE)).reshape(-1)
    apart = x[:, inside].mean() - x[:, ~inside].mean() if inside.any() and not inside.all() else 0.0
    return np.concatenate([x.mean(axis=1), x.std(axis=1), [apart]])


def _mirrored(at: Tensor, side: Tensor) -> Tensor:
    """Indices outside 0..side - 1 folded back at the edges."""
    at = at.abs()
    at = torch.where(at >= side, 2 * side - 2 - at, at)
    return torch.minimum(at.clamp(min=0), side - 1)


def _centres(sample: Sample) -> npt.NDArray[np.intp]:
    """(CENTRES, 2) labelled pixels at random; where there are none, any."""
    marked = (sample.labels > 0) & (sample.labels != IGNORE)
    where = np.argwhere(marked if marked.any() else np.ones_like(marked))
    return where[np.random.default_rng(0).integers(len(where), size=CENTRES)]


class Judged:
    """The validation images on the device, in pieces of one size.

    The Dice found here chooses the best epoch; what a card says is measured on the exported file.
    """

    def __init__(
        self, samples: Sequence[Sample], size: Size, patches: bool, classes: int, device: torch.device
    ) -> None:
        pieces = [
            (i, p) for i, s in enumerate(samples) for p in (_tiles(s, size) if patches else [padded(s, size)])
        ]
        self._images = torch.from_numpy(np.stack([p.image for _, p in pieces])).to(device)
        self._labels = torch.from_numpy(np.stack([p.labels for _, p in pieces])).to(device)
        self._of = torch.tensor([i for i, _ in pieces], device=device)
        self._count, self._classes = len(samples), classes

    @torch.no_grad()
    def dice(self, network: nn.Module, mean: Tensor, std: Tensor, half: bool, chunk: int = 16) -> float:
        """Mean over the images of the mean Dice of the classes in truth or answer; rightly empty is 1."""
        both, sizes = (torch.zeros(self._count, self._classes, device=mean.device) for _ in range(2))
        for start in range(0, len(self._images), chunk):
            part = slice(start, start + chunk)
            inputs = (self._images[part].float() / 255.0 - mean) / std
            with torch.autocast(mean.device.type, torch.bfloat16, enabled=half):
                logits = network(inputs)
            answer, truth, of = logits.argmax(dim=1), self._labels[part], self._of[part]
            known = truth != IGNORE
            for c in range(self._classes):
                said, true = (answer == c + 1) & known, truth == c + 1
                both[:, c].index_add_(0, of, (said & true).sum(dim=(1, 2)).float())
                sizes[:, c].index_add_(0, of, (said.sum(dim=(1, 2)) + true.sum(dim=(1, 2))).float())
        there = sizes > 0
        dice = torch.where(there, 2 * both / sizes.clamp(min=1), 0.0).sum(1) / there.sum(1).clamp(min=1)
        return float(torch.where(there.any(1), dice, 1.0).mean())


def _tiles(sample: Sample, size: Size) -> list[Sample]:
    """Pieces of ``size`` that cover the sample; the last of a row lies against the edge."""
    whole = padded(sample, tuple(max(n, s) for n, s in zip(sample.labels.shape, size, strict=True)))
    starts = [sorted({*range(0, n - s + 1, s), n - s}) for n, s in zip(whole.labels.shape, size, strict=True)]
    cuts = [(slice(y, y + size[0]), slice(x, x + size[1])) for y in starts[0] for x in starts[1]]
    return [Sample(whole.image[(slice(None), *cut)], whole.labels[cut]) for cut in cuts]


def size_for(train: Sequence[Sample], dev: Sequence[Sample], stride: int) -> Size:
    """The canvas that holds every whole sample of both."""
    height, width = canvas([*train, *dev], stride)
    return height, width


@dataclass(frozen=True, slots=True)
class Room:
    """A data set on the device, for all courses that see it at one size; ``mean`` and ``std`` are (1, c, 1, 1)."""

    pool: Pool
    judged: Judged
    mean: Tensor
    std: Tensor
