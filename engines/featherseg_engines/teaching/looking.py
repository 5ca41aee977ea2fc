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
from featherseg_engines.teaching.pictures import picture
from featherseg_engines.teaching.scoring import THRESHOLD, Numbers, agreement
from featherseg_engines.teaching.views import View, view_of

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
    """Shows held-out cases to a network between two steps.

    Of a volume it is the slice that shows most of the label, of what is answered by patches a few of them around it:
    a lesson is not to spend its time on looking.
    """

    def __init__(
        self, cases: Sequence[TaughtCase], order: TeachOrder, rival: Rival, control: Control
    ) -> None:
        self._order, self._rival, self._control = order, rival, control
        self._cases = tuple(cases[:GLANCES])
        self._views: tuple[View, ...] = ()
        self._before = 0.0
        self._turn = 0

    def __call__(self, network: "nn.Module", preprocessing: Preprocessing, asking: Asking) -> LookResult:
        """Mean Dice of both, and the next of the cases as an image; no mirror images: they take long."""
        if not self._views:
            self._begin(preprocessing)
        shown = self._turn % len(self._views)
        self._turn += 1
        dice: list[float] = []
        seen: Picture | None = None
        for index, view in enumerate(self._views):
            self._control.between()
            found = self._find(network, preprocessing, asking, view)
            dice.append(self._dice(found, view))
            if index == shown:
                seen = picture(view.part, view.z, found[view.z])
        return LookResult(float(np.mean(dice)), self._before, seen)

    def _begin(self, pre: Preprocessing) -> None:
        """What is looked at, and what the model in use finds there; the lesson has begun by then."""
        self._views = tuple(view_of(case, pre) for case in self._cases)
        found = [(self._rival.look_at(view, self._control.between), view) for view in self._views]
        self._before = float(np.mean([self._dice(*one) for one in found]))

    def _find(self, network: "nn.Module", pre: Preprocessing, asking: Asking, view: View) -> Numbers:
        """Class numbers (z, y, x) that a network in training finds in the part that is looked at."""
        answer, part, between = _through(network), view.part, self._control.between
        if pre.dims == 3:
            ranged = whole.with_range(pre, view.case.voxels)
            return self._numbers(whole.of_volume(ranged, part.voxels, answer, between))
        found = np.zeros(part.labels.shape, np.uint8)
        ranged = whole.with_range(pre, view.case.voxels[view.at[0]])
        tell = telling(asking)
        found[view.z] = self._numbers(whole.of_slice(ranged, part.voxels[view.z], answer, between, tell))
        return found

    def _numbers(self, probability: Floats) -> Numbers:
        return np.asarray(output_numbers(self._order)[labels_at(probability, THRESHOLD)], np.uint8)

    def _dice(self, found: Numbers, view: View) -> float:
        """Mean Dice over the classes that are on the slice; 1 where there is nothing at all."""
        only, part = slice(view.z, view.z + 1), view.part
        one = replace(part, labels=part.labels[only], voxels=part.voxels[only])
        agreed = agreement(found[only], one, len(self._order.classes), surfaces=False)
        there = [dice for dice in agreed.dice if dice is not None]
        return float(np.mean(there)) if there else 1.0


def output_numbers(order: TeachOrder) -> Numbers:
    """Class numbers of a learning network's outputs (0: nothing); what only the parent knows is nothing here."""
    outputs = outputs_of(order)
    table = np.zeros(len(outputs.labels) + 1, np.uint8)
    for number, output in enumerate(outputs.of_person, start=1):
        table[output] = number
    return table


def _through(network: "nn.Module") -> Callable[[Floats], Floats]:
    import torch

    def answer(batch: Floats) -> Floats:
        with torch.inference_mode():
            logits = network(torch.from_numpy(np.ascontiguousarray(batch)))[0].float().numpy()
        return probabilities(logits, "sigmoid" if len(logits) == 1 else "softmax")

    return answer
