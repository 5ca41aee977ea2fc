"""All slices of a volume, one step at a time: whoever takes the steps may pause or do other work between two."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference import crops, whole
from featherseg_engines.inference.along_z import agree_along_z, reached
from featherseg_engines.inference.asking import on_request, telling
from featherseg_engines.inference.patches import reader_of, steps, streamed
from featherseg_engines.inference.postprocess import Levels
from featherseg_engines.inference.proposal import CancelToken, Engine, Proposal, Request
from featherseg_engines.labels import EMPTY_BOX, Box
from featherseg_engines.models.bundle import ModelBundle

Floats = npt.NDArray[np.float32]
BATCH, BATCH_PIXELS = 4, 4 * 256 * 256
"""Slices that are put before a network together, and their pixels, at most: a slice in a batch of four costs 0.9 of
one alone at 256 x 256 on two threads and more gain nothing; larger ones would keep a request waiting for longer."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step did: ``done`` of ``total`` are finished, and the answers of these slices are there.

    ``slices`` is how many slices are finished so far, ``seconds`` what the step took. The last step of a run brings
    the answer for the volume as ``whole``.
    """

    done: int
    total: int
    pieces: tuple[Proposal, ...] = ()
    seconds: float = 0.0
    slices: int = 0
    whole: Proposal | None = None


@runtime_checkable
class Sweeper(Protocol):
    """An engine that answers for all slices better than by one request after the other."""

    def sweep(self, request: Request, known: Collection[int] = ()) -> Iterator[Step]:
        """Steps for the slices of ``request.volume``, from ``request.z`` outwards where the order is free.

        ``known`` slices are left out where slices are answered one by one.

        Raises
        ------
        ModelError
            In any step, also the first.
        """
        ...


class Model(Protocol):
    """What a sweep needs of a loaded model."""

    bundle: ModelBundle

    def answers(self, batch: Floats) -> Floats:
        """Probabilities (n, labels, *sides) for inputs (n, channels, *sides)."""
        ...


def sweep(model: Model, request: Request, known: Collection[int] = ()) -> Iterator[Step]:
    """Steps of a loaded model: batches of slices, patches of slices, or blocks of the volume."""
    card = model.bundle.card
    pre = card.preprocessing.seen_in(request.options.window)
    network = on_request(model.answers, request.options.flips, card.asking, card.dims)
    tell = telling(card.asking)
    if card.dims == 3:
        return _by_blocks(pre, network, request)
    if pre.patch:
        return _by_patches(pre, network, request, known, tell)
    return _by_batches(pre, network, request, known, tell)


def outwards(request: Request, known: Collection[int] = ()) -> list[int]:
    """All slices but the known ones, those nearest to the one on screen first."""
    slices = (z for z in range(request.volume.geometry.shape[0]) if z not in known)
    return sorted(slices, key=lambda z: (abs(z - request.z), z < request.z))


def batches(order: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The first slice alone, so that it is there at once, then so many at a time."""
    if order:
        yield order[:1]
    for start in range(1, len(order), size):
        yield order[start : start + size]


def _by_batches(
    pre: Preprocessing, network: whole.Network, request: Request, known: Collection[int], tell: whole.Tell
) -> Iterator[Step]:
    volume = request.volume
    order = outwards(request, known)
    area = int(np.prod(pre.place(*volume.geometry.shape[1:]).scaled))
    done = 0
    for chosen in batches(order, min(BATCH, max(1, BATCH_PIXELS // area))):
        started = time.perf_counter()
        inputs, placements = zip(*(pre.apply(volume.slice(z)) for z in chosen), strict=True)
        answers = network(np.concatenate(inputs))
        found = [crops.of_answer(*each, tell) for each in zip(answers, placements, chosen, strict=True)]
        done += len(chosen)
        seconds = time.perf_counter() - started
        pieces = tuple(
            piece(request, z, *answer, seconds / len(chosen)) for z, answer in zip(chosen, found, strict=True)
        )
        yield Step(done, len(order), pieces, seconds)


def _by_patches(
    pre: Preprocessing, network: whole.Network, request: Request, known: Collection[int], tell: whole.Tell
) -> Iterator[Step]:
    """One patch a step: a slice of many patches takes longer than a person waits."""
    volume = request.volume
    placement = pre.place(*volume.geometry.shape[1:])
    order = outwards(request, known)
    each = steps(_at_least(placement.scaled, pre.patch), pre.patch, whole.SLICE_OVERLAP)
    done, spent = 0, 0.0
    for z in order:
        started = time.perf_counter()
        image = pre.normalise(pre.scale(volume.slice(z)))
        rows = []
        for row in streamed(
            reader_of(image, pre.patch), image.shape[1:], pre.patch, _single(network), whole.SLICE_OVERLAP
        ):
            if row is not None:
                rows.append(row)
                continue
            seconds, done = time.perf_counter() - started, done + 1
            spent += seconds
            if done % each:
                yield Step(done, len(order) * each, seconds=seconds)
            started = time.perf_counter()
        answer = crops.of_answer(np.stack(rows, axis=1), placement, z, tell)
        seconds = time.perf_counter() - started
        yield Step(done, len(order) * each, (piece(request, z, *answer, spent + seconds),), seconds)
        spent = 0.0


def _by_blocks(pre: Preprocessing, network: whole.Network, request: Request) -> Iterator[Step]:
    """One block a step, row by row from the first slice; a slice comes when no later block reaches it."""
    voxels = request.volume.voxels
    total = steps(_at_least(voxels.shape[:3], pre.patch), pre.patch)
    done, z = 0, 0
    spent, started = 0.0, time.perf_counter()
    for found in whole.blocks_of_volume(pre, voxels, _single(network)):
        pieces: tuple[Proposal, ...] = ()
        if found is None:
            done += 1
        else:
            pieces, z = (piece(request, z, *crops.crop(found[:, None], z), spent / total),), z + 1
        seconds = time.perf_counter() - started
        spent += seconds
        yield Step(done, total, pieces, seconds)
        started = time.perf_counter()


def _single(network: whole.Network) -> whole.Network:
    return lambda batch: network(batch)[0]


def _at_least(sides: tuple[int, ...], least: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(a, b) for a, b in zip(sides, least, strict=True))


def piece(request: Request, z: int, box: Box, levels: Levels, seconds: float) -> Proposal:
    """The answer for one slice of what was asked for all."""
    return Proposal(request.at(z), box, levels, request.model.card.name, request.model.identity, seconds)


def one_by_one(engine: Engine, request: Request, known: Collection[int]) -> Iterator[Step]:
    """Steps of an engine that knows single requests only."""
    if request.model.card.dims == 3:
        answer = engine.propose(replace(request, whole=False), CancelToken())
        yield Step(1, 1, tuple(_cut(request, answer)), answer.seconds)
        return
    order = outwards(request, known)
    for done, z in enumerate(order, 1):
        found = engine.propose(request.at(z), CancelToken())
        yield Step(done, len(order), (found,), found.seconds)


def _cut(request: Request, answer: Proposal) -> Iterator[Proposal]:
    (first, y0, x0), (last, y1, x1) = answer.box.start, answer.box.stop
    for z in range(request.volume.geometry.shape[0]):
        inside = first <= z < last
        box = Box((z, y0, x0), (z + 1, y1, x1)) if inside else EMPTY_BOX
        levels = answer.levels[:, z - first : z - first + 1] if inside else answer.levels[:, :0, :0, :0]
        yield piece(request, z, box, levels, answer.seconds)


class Sheaf:
    """The slices of a volume's answer laid together.

    Levels of all labels in one array of the volume's size, one byte a label and voxel at most: pages of it that
    nothing was found on are never touched, so they cost nothing on systems that give memory when it is used.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        labels = len(request.model.card.labels)
        self.levels: Levels = np.zeros((labels, *request.volume.geometry.shape), np.uint8)
        self.box = EMPTY_BOX

    def put(self, proposal: Proposal) -> None:
        """Lay in one slice."""
        if proposal.box.empty:
            return
        self.levels[(slice(None), *proposal.box.slices)] = proposal.levels
        self.box = proposal.box if self.box.empty else _around(self.box, proposal.box)

    def agree(self, sigma: float) -> Iterator[None]:
        """Smooth along z, a part at each step."""
        if sigma > 0 and not self.box.empty:
            self.box = reached(self.box, sigma, self.levels.shape[1])
            yield from agree_along_z(self.levels[(slice(None), *self.box.slices)], sigma)

    def bound(self, seconds: float) -> Proposal:
        """The answer for the volume; shares the array."""
        request = self._request
        levels = self.levels[(slice(None), *self.box.slices)]
        return Proposal(request, self.box, levels, request.model.card.name, request.model.identity, seconds)


def _around(a: Box, b: Box) -> Box:
    low = [min(x, y) for x, y in zip(a.start, b.start, strict=True)]
    high = [max(x, y) for x, y in zip(a.stop, b.stop, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def whole_volume(
    engine: Engine,
    request: Request,
    known: Mapping[int, Proposal] | None = None,
    sigma: Callable[[], float] = lambda: 0.0,
) -> Iterator[Step]:
    """Steps for the answer to a request for all slices; the last one brings it as one proposal.

    Parameters
    ----------
    known
        Slices that were answered before.
    sigma
        Asked when all slices are there: over how many slices (a Gaussian's standard deviation) the answer is
        to agree along z; 0 leaves it as it is.
    """
    sheaf, known = Sheaf(request), known if known and request.model.card.dims == 2 else {}
    for each in known.values():
        sheaf.put(each)
    slices, spent, done, total = len(known), 0.0, 1, 1
    for step in _steps(engine, request, known):
        for each in step.pieces:
            sheaf.put(each)
        slices, spent = slices + len(step.pieces), spent + step.seconds
        done, total = step.done, step.total
        yield replace(step, slices=slices)
    for _ in sheaf.agree(sigma()):
        yield Step(done, total, slices=slices)
    yield Step(done, total, slices=slices, whole=sheaf.bound(spent))


def _steps(engine: Engine, request: Request, known: Collection[int]) -> Iterator[Step]:
    if isinstance(engine, Sweeper):
        return engine.sweep(request, known)
    return one_by_one(engine, request, known)
