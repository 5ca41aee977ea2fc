"""In somebody's napari: the slices of the image in hand that a person has labelled are what can be taught."""

from collections.abc import Callable

import numpy as np
from psygnal import Signal

from featherseg.session.case import OpenCase
from featherseg.session.lesson_plan import Plan, Stock, Wishes
from featherseg.session.session import Session
from featherseg_engines.errors import TrainingError
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.order import UNSEEN, Control, TaughtCase, TeachOrder

NO_IMAGE = "Choose an image layer; its labelled slices are what a model learns from."
TOO_FEW = (
    "Label or accept at least {} slices of this image to teach from it. Many images are taught from a workspace: "
    "in the Featherseg window, File, Open workspace."
)
ENOUGH = 3
"""Slices of a volume from which on it is worth it; an image of one slice teaches by itself nothing that lasts."""
Start = Callable[[ModelBundle | None], ModelBundle | None]
"""What learning starts from, given the model in use."""


class LayerSource:
    """Follows the case of a session; nothing is kept of it.

    All slices are of one patient, so none is held out: the person looks at both models side by side.
    """

    changed = Signal()

    def __init__(self, session: Session, start: Start) -> None:
        self._session, self._start = session, start
        for signal in (session.opened, session.edited, session.model_changed):
            signal.connect(self._on_changed)

    def stock(self, wishes: Wishes) -> Stock:
        """Slices that were labelled or accepted here."""
        case = self._session.case
        if case is None:
            return Stock(objection=NO_IMAGE)
        count = len(case.touched())
        return Stock(count, count, "" if count >= ENOUGH else TOO_FEW.format(ENOUGH))

    def plan(self, wishes: Wishes) -> Plan:
        """A lesson over copies of the slices as they are now."""
        session = self._session
        case, in_use = session.case, session.model
        assert case is not None
        parent = None if wishes.new_task else self._start(in_use)
        slices = not wishes.settings.network.endswith("3d") if parent is None else parent.card.dims == 2
        taught, values = _copied(case, slices, wishes.labels)
        rows = session.table.covering(values).rows
        order = TeachOrder(
            (taught,),
            tuple(rows[value].name for value in values),
            tuple(values),
            parent,
            None if wishes.new_task else in_use,
            wishes.settings,
            tuple(rows[value].colour for value in values),
        )

        def gather(control: Control) -> TeachOrder:
            control.between()
            if not order.classes:
                raise TrainingError(
                    "These slices hold no label that is to be learnt; label one and teach again."
                )
            return order

        return Plan(len(case.touched()), gather)

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()


def _copied(case: OpenCase, slices: bool, wanted: tuple[int, ...]) -> tuple[TaughtCase, list[int]]:
    """The labelled slices, for a network of volumes among the others; and the label numbers in their order."""
    seen = sorted(case.touched())
    kept = np.asarray(seen) if slices else np.arange(len(case.labels.array))
    numbers = np.asarray(case.labels.array[kept])
    values = [int(v) for v in np.unique(case.labels.array[seen]) if v and (not wanted or int(v) in wanted)]
    labels = np.zeros(numbers.shape, np.uint8)
    for number, value in enumerate(values, 1):
        labels[numbers == value] = number
    if not slices:
        labels[np.setdiff1d(kept, seen)] = UNSEEN
    volume = case.volume
    spacing = volume.geometry.spacing_mm if volume.geometry.calibrated else None
    return TaughtCase(case.title, case.image, volume.voxels[kept].copy(), labels, spacing), values
