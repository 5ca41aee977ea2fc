"""A glance at a few held-out cases while a network learns: its Dice, that of the model in use, and one image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference import whole
from featherseg_engines.inference.asking import telling
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.models.card import Asking
from featherseg_engines.teaching.classes import outputs_of
from featherseg_engines.teaching.examining import Rival
from featherseg_engines.teaching.order import Control, Picture, TaughtCase, TeachOrder
from featherseg_engines.teaching.pictures import picture, shown_slice
from featherseg_engines.teaching.scoring import THRESHOLD, Found, Numbers, agreement

if TYPE_CHECKING:
    from torch import nn

GLANCES = 6
"""Cases that are looked at while learning; the gate looks at all of them."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LookResult:
    """Mean Dice of the network and of the model in use on the held-out cases that are looked at; one as an image."""

    dice: float
    parent_dice: float
    picture: Picture | None = None


class Glance:
    """Shows held-out cases to a network between two steps; of a volume the one slice that shows most of the label."""

    def __init__(
        self, cases: Sequence[TaughtCase], order: TeachOrder, rival: Rival, control: Control
    ) -> None:
        self._order, self._control = order, control
        self._cases = tuple((case, shown_slice(case)) for case in cases[:GLANCES])
        self._before = [
            _mean(_on_slice(rival.look(case, control.between)[0], case, z, order)) for case, z in self._cases
        ]
        self._turn = 0

    def __call__(self, network: "nn.Module", preprocessing: Preprocessing, asking: Asking) -> LookResult:
        """Mean Dice of both, and the next of the cases as an image; no mirror images: they take long."""
        shown = self._turn % len(self._cases)
        self._turn += 1
        dice: list[float] = []
        seen: Picture | None = None
        for index, (case, z) in enumerate(self._cases):
            self._control.between()
            found = self._find(network, preprocessing, asking, case, z)
            dice.append(_mean(_on_slice(found, case, z, self._order)))
            if index == shown:
                seen = picture(case, z, found[z])
        return LookResult(float(np.mean(dice)), float(np.mean(self._before)), seen)

    def _find(
        self, network: "nn.Module", pre: Preprocessing, asking: Asking, case: TaughtCase, z: int
    ) -> Numbers:
        """Class numbers (z, y, x) that a network in training finds."""
        answer, tell = _through(network), telling(asking)
        if pre.dims == 3:
            return self._numbers(whole.of_volume(pre, case.voxels, answer, self._control.between))
        found = np.zeros(case.labels.shape, np.uint8)
        found[z] = self._numbers(whole.of_slice(pre, case.voxels[z], answer, self._control.between, tell))
        return found

    def _numbers(self, probability: Floats) -> Numbers:
        return np.asarray(output_numbers(self._order)[labels_at(probability, THRESHOLD)], np.uint8)


def output_numbers(order: TeachOrder) -> Numbers:
    """Class numbers of a learning network's outputs (0: nothing); what only the parent knows is nothing here."""
    outputs = outputs_of(order)
    table = np.zeros(len(outputs.labels) + 1, np.uint8)
    for number, output in enumerate(outputs.of_person, start=1):
        table[output] = number
    return table


def _on_slice(found: Numbers, case: TaughtCase, z: int, order: TeachOrder) -> Found:
    only = slice(z, z + 1)
    part = replace(case, labels=case.labels[only], voxels=case.voxels[only], focus=None)
    return agreement(found[only], part, len(order.classes), surfaces=False)


def _mean(found: Found) -> float:
    """Mean Dice over the classes that are there; 1 where there is nothing at all."""
    there = [dice for dice in found.dice if dice is not None]
    return float(np.mean(there)) if there else 1.0


def _through(network: "nn.Module") -> Callable[[Floats], Floats]:
    import torch

    def answer(batch: Floats) -> Floats:
        with torch.inference_mode():
            logits = network(torch.from_numpy(np.ascontiguousarray(batch)))[0].float().numpy()
        return probabilities(logits, "sigmoid" if len(logits) == 1 else "softmax")

    return answer
