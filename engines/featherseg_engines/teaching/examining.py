"""Two models before the same cases, through their exported files: the scores the gate decides by."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.patches import steps as block_steps
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.inference.whole import SLICE_OVERLAP
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.gate import Judged
from featherseg_engines.teaching.order import CaseScore, Control, Picture, TaughtCase, TeachOrder
from featherseg_engines.teaching.pictures import picture, shown_slice
from featherseg_engines.teaching.record import case_key, read_record
from featherseg_engines.teaching.scoring import (
    THRESHOLD,
    Found,
    Numbers,
    agreement,
    answer,
    class_numbers,
    seen_slices,
)
from featherseg_engines.teaching.views import View

Pair = tuple[Picture, Picture]
"""The answers of the model in use and of the candidate on one slice."""
SHOWN = 4
"""Cases that are put side by side."""


class Rival:
    """The model in use, or nobody (who finds nothing), asked once for each case however often it is compared."""

    def __init__(self, order: TeachOrder) -> None:
        self._order = order
        self._model: OnnxModel | None = None
        self._known: dict[str, tuple[Numbers, Found]] = {}
        record = read_record(order.in_use)
        self._learnt = frozenset(record.learnt) if record is not None else frozenset()

    @property
    def there(self) -> bool:
        """Whether there is a model in use."""
        return self._order.in_use is not None

    def familiar(self, case: TaughtCase) -> bool:
        """Whether it has learnt from this case."""
        return case_key(case.name) in self._learnt

    def look(self, case: TaughtCase, between: Callable[[], None]) -> tuple[Numbers, Found]:
        """What it finds (z, y, x), and how well that agrees."""
        if case.name not in self._known:
            self._known[case.name] = _looked(self._opened(), case, self._order, between)
        return self._known[case.name]

    def look_at(self, view: View, between: Callable[[], None]) -> Numbers:
        """What it finds (z, y, x) in a part of a case; of a model that takes slices, on the slice that shows most."""
        model, part, z = self._opened(), view.part, view.z
        if model is None:
            return np.zeros(part.labels.shape, np.uint8)
        table = class_numbers(model.bundle.card.labels, self._order)
        seen = model.seeing(view.case.voxels)
        pre = seen.bundle.card.preprocessing
        if pre.dims == 3:
            return answer(seen, part, table, between)
        found = np.zeros(part.labels.shape, np.uint8)
        if pre.patch:
            found[z] = table[labels_at(seen.probability(part.voxels[z], between), THRESHOLD)]
        else:
            whole = view.case.voxels[view.at[0]][z]
            found[z] = table[labels_at(seen.probability(whole, between), THRESHOLD)][view.at[1:]]
        return found

    def _opened(self) -> OnnxModel | None:
        if self._model is None and self._order.in_use is not None:
            self._model = OnnxModel(self._order.in_use, self._order.settings.threads)
        return self._model


def examine(
    candidate: ModelBundle, rival: Rival, cases: Sequence[TaughtCase], order: TeachOrder, control: Control
) -> Iterator[tuple[Judged, Pair]]:
    """Both models on one case after the other: the scores, and both answers on the slice that shows most."""
    model = OnnxModel(candidate, order.settings.threads)
    for case in cases:
        control.between()
        old, before = rival.look(case, control.between)
        new, after = _looked(model, case, order, control.between)
        score = CaseScore(case.name, case.corrected, before.dice, after.dice, before.hd95, after.hd95)
        z = shown_slice(case)
        yield (
            Judged(score, case.group, rival.familiar(case)),
            (picture(case, z, old[z]), picture(case, z, new[z])),
        )


def seconds_to_examine(order: TeachOrder, cases: Sequence[TaughtCase]) -> float:
    """Seconds that both models will take over these cases, from one timed answer of the one there is."""
    bundle = order.in_use or order.parent
    if bundle is None or not cases:
        return 2.0 * len(cases)
    model = OnnxModel(bundle, order.settings.threads)
    pre, first = bundle.card.preprocessing, cases[0]
    if pre.patch:
        block = np.random.default_rng(0).random((1, pre.channels, *pre.patch), np.float32)
        once = _timed(lambda: model.answers(block))
        steps = sum(_blocks(case, pre) for case in cases)
    else:
        once = _timed(lambda: model.probability(first.voxels[shown_slice(first)]))
        steps = sum(len(seen_slices(case)) for case in cases)
    return 2.0 * once * steps


def _blocks(case: TaughtCase, pre: Preprocessing) -> int:
    """How many blocks, or patches, a case is answered in."""
    if pre.dims == 3:
        return block_steps(case.labels.shape, pre.patch)
    size = pre.place(*case.labels.shape[1:]).scaled
    return len(seen_slices(case)) * block_steps(size, pre.patch, SLICE_OVERLAP)


def _timed(work: Callable[[], object]) -> float:
    """Seconds of the second of two times."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _looked(
    model: OnnxModel | None, case: TaughtCase, order: TeachOrder, between: Callable[[], None]
) -> tuple[Numbers, Found]:
    found = np.zeros(case.labels.shape, np.uint8)
    if model is not None:
        found = answer(model, case, class_numbers(model.bundle.card.labels, order), between)
    return found, agreement(found, case, len(order.classes))
