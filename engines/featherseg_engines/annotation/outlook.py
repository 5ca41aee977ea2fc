"""How unsure a model is of each case and what the case looks like, and in which order cases teach most."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.journal import utc_now
from featherseg_engines.annotation.store import Store
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal

Vector = npt.NDArray[np.float32]
SIDE = 8
"""Squares that a slice is divided into, down and across."""
LENGTH = SIDE * SIDE * 4
"""Numbers of a descriptor: red, green, blue and the model's probability of each square."""
CHOSEN_APART = 64
"""How many cases are chosen one by one; those after them wait until some of these are done."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What one model's answer says of a case.

    Parameters
    ----------
    weights
        Hash of the weights that answered.
    score
        How unsure the model is, 0..1 (:func:`~featherseg_engines.inference.uncertainty.case_score`).
    descriptor
        (LENGTH,) of :func:`describe`.
    """

    case_id: int
    weights: str
    score: float
    descriptor: Vector


class Outlooks:
    """The outlooks in a workspace's database; any thread. An older workspace opened to be read has none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        there = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'outlooks'"
        self._there = bool(store.rows(there)[0][0])

    def put(self, outlook: Outlook) -> None:
        """Keep an outlook in place of an earlier one; that of a case which is gone is forgotten.

        *Raises* JournalError.
        """
        vector = np.ascontiguousarray(outlook.descriptor, np.dtype("<f4"))
        if vector.shape != (LENGTH,):
            raise ValueError(f"a descriptor has {LENGTH} numbers, got {vector.shape}")
        sql = (
            "INSERT OR REPLACE INTO outlooks (case_id, weights, score, descriptor, at) "
            "SELECT id, ?, ?, ?, ? FROM cases WHERE id = ?"
        )
        values = (outlook.weights, float(outlook.score), vector.tobytes(), utc_now(), outlook.case_id)
        with self._store.writing() as db:
            db.execute(sql, values)

    def of(self, weights: str) -> list[Outlook]:
        """What the model with these weights said of the cases, by their number. *Raises* ReadError."""
        return self._read("WHERE weights = ? ORDER BY case_id", (weights,))

    def newest(self) -> list[Outlook]:
        """What any model said last of each case: what the cases look like. *Raises* ReadError."""
        found = self._read("ORDER BY at")
        return list({outlook.case_id: outlook for outlook in found}.values())

    def _read(self, which: str, values: Sequence[object] = ()) -> list[Outlook]:
        if not self._there:
            return []
        sql = f"SELECT case_id, weights, score, descriptor FROM outlooks {which}"
        rows = cast(list[tuple[Any, ...]], self._store.rows(sql, values))
        return [
            Outlook(int(number), str(weights), float(score), np.frombuffer(data, "<f4"))
            for number, weights, score, data in rows
            if len(data) == 4 * LENGTH
        ]


def describe(volume: Volume, proposal: Proposal) -> Vector:
    """A case as a few numbers (LENGTH,) whose distance says how alike two cases are.

    Slice and proposal as means over 8 x 8 squares: the slice on which most was found, or the one that was asked
    for; its colours 0..1 between the slice's 1st and 99th percentile where the image is not of bytes.
    """
    z, probability = _fullest(proposal)
    z = min(max(z, 0), volume.geometry.shape[0] - 1)
    pixels = volume.slice(z)
    colours = _squares(pixels if pixels.ndim == 3 else pixels[..., None])
    if volume.voxels.dtype == np.uint8:
        colours = colours / 255
    else:
        low, high = np.nanpercentile(np.asarray(pixels[::4, ::4], np.float64), (1, 99))
        colours = np.nan_to_num(np.clip((colours - low) / max(float(high - low), 1e-6), 0, 1))
    found = np.zeros(pixels.shape[:2], np.float32)
    if not proposal.box.empty:
        found[proposal.box.slices[1:]] = probability
    parts = np.concatenate([np.broadcast_to(colours, (SIDE, SIDE, 3)), _squares(found[..., None])], axis=-1)
    return np.asarray(parts.ravel(), np.float32)


def _fullest(proposal: Proposal) -> tuple[int, Vector]:
    """The slice on which most was found, and its probability (y, x) over all labels."""
    levels, box = proposal.levels, proposal.box
    if box.empty:
        return max(proposal.request.z, 0), np.zeros((0, 0), np.float32)
    at = int(levels.sum(axis=(0, 2, 3), dtype=np.int64).argmax())
    summed = levels[:, at].sum(axis=0, dtype=np.int32)
    return box.start[0] + at, np.asarray(np.minimum(summed, 255) / 255, np.float32)


def _squares(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """Means (8, 8, channels) of a plane (y, x, channels) over squares that share it as evenly as can be."""
    height, width, _ = plane.shape
    rows, columns = (np.linspace(0, n, SIDE + 1).astype(int) for n in (height, width))
    down = np.add.reduceat(plane, np.minimum(rows[:-1], height - 1), axis=0, dtype=np.float64)
    both = np.add.reduceat(down, np.minimum(columns[:-1], width - 1), axis=1)
    area = np.maximum(np.diff(rows), 1)[:, None, None] * np.maximum(np.diff(columns), 1)[None, :, None]
    return np.asarray(both / area, np.float64)


def order_by_use(outlooks: Sequence[Outlook], done: Collection[int], candidates: Sequence[int]) -> list[int]:
    """Case numbers in the order in which correcting them teaches most: unsure ones, unlike what is done.

    The next case is the one with the largest product of its score and its distance to the nearest case that is
    done or was chosen before it; after :data:`CHOSEN_APART` cases the rest stand by that product. Equal ones, and
    after all others the candidates without an outlook, keep the order they were given in.

    Notes
    -----
    Greedy farthest-first choice (Gonzalez, Clustering to minimize the maximum intercluster distance, 1985; for
    annotation: Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, 2018),
    weighted by uncertainty.
    """
    known = {outlook.case_id: outlook for outlook in outlooks}
    finished = set(done)
    open_ids = [number for number in dict.fromkeys(candidates) if number not in finished]
    rated = [number for number in open_ids if number in known]
    unrated = [number for number in open_ids if number not in known]
    if not rated:
        return unrated
    points = np.stack([known[number].descriptor for number in rated])
    scores = np.array([known[number].score for number in rated])
    lengths = (points**2).sum(axis=1)
    behind = [known[number].descriptor for number in sorted(finished) if number in known]
    nearest = _nearest(points, lengths, np.stack(behind)) if behind else None
    order: list[int] = []
    use = scores if nearest is None else scores * nearest
    for _ in range(min(CHOSEN_APART, len(rated))):
        chosen = int(use.argmax())
        order.append(chosen)
        apart = _nearest(points, lengths, points[chosen : chosen + 1])
        nearest = apart if nearest is None else np.minimum(nearest, apart)
        use = scores * nearest
        use[order] = -1.0
    rest = [int(i) for i in np.argsort(-use, kind="stable") if use[i] >= 0]
    return [rated[i] for i in (*order, *rest)] + unrated


def _nearest(points: Vector, lengths: Vector, others: Vector) -> npt.NDArray[np.float64]:
    """Euclidean distance of each point, whose squared length is known, to the nearest of the others."""
    squares = (others**2).sum(axis=1) - 2 * (points @ others.T)
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1) + lengths, 0)), np.float64)
