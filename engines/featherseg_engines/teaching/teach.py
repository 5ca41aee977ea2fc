"""The teacher of this machine: an order in, a judged candidate out; whole, or one sentence and nothing changed."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from featherseg_engines.errors import TrainingError
from featherseg_engines.models.bundle import open_bundle
from featherseg_engines.teaching.failing import told_in_a_sentence
from featherseg_engines.teaching.holdout import split
from featherseg_engines.teaching.lesson import Lesson, after_s, budget_s
from featherseg_engines.teaching.order import UNSEEN, Control, Listen, Outcome, TaughtCase, TeachOrder
from featherseg_engines.teaching.run_folder import ENDING, run_folder
from featherseg_engines.teaching.school import School, standard_school

NOTHING_LEFT = "None of the cases can be learnt from; accept a case that was looked at and teach again."


class LocalTeacher:
    """Teaches on this machine's CPU; a :class:`~featherseg_engines.teaching.order.Teacher`. Used by one thread.

    Parameters
    ----------
    school
        How it is learnt; left out, the product's way, which imports torch when the first lesson begins.
    """

    def __init__(self, school: School | None = None) -> None:
        self._school = school

    def estimate(self, order: TeachOrder) -> float:
        """Seconds a lesson will take: learning, writing, and measuring as timed on one image.

        Raises
        ------
        TrainingError
            None of the cases can be learnt from.
        """
        return budget_s(order) + after_s(order, split(_usable(order), order.held_out))

    def teach(self, order: TeachOrder, folder: Path, control: Control, listen: Listen) -> Outcome:
        """See :class:`~featherseg_engines.teaching.order.Teacher`.

        Cases of which nothing was seen, or whose image and mask do not fit, are left out, and the verdict's sentence
        says so. All work is done in a folder ``*.training`` (``folder`` itself where that is its name), which is
        gone where the lesson fails.

        Raises
        ------
        TrainingError
            No case is left, the numbers ran away, memory or disk are full, or another lesson works there.
        WriteError
            The folder cannot be made, or something stands there.
        """
        with told_in_a_sentence():
            cases = _usable(order)
            with run_folder(folder) as run:
                self._school = self._school or standard_school()
                outcome = Lesson(order, cases, run, self._school, control, listen).give(_name(order, folder))
            return replace(outcome, candidate=open_bundle(folder))


def usable_cases(cases: Iterable[TaughtCase]) -> tuple[TaughtCase, ...]:
    """Those of which something was seen, and whose image and mask have one grid."""
    return tuple(
        case
        for case in cases
        if case.labels.ndim == 3
        and case.voxels.shape[:3] == case.labels.shape
        and bool((case.labels != UNSEEN).any())
    )


def _usable(order: TeachOrder) -> tuple[TaughtCase, ...]:
    cases = usable_cases(order.cases)
    if not cases:
        raise TrainingError(NOTHING_LEFT)
    return cases


def _name(order: TeachOrder, folder: Path) -> str:
    """The candidate's name for now: its folder's, else its parent's, else that of the network and the first class."""
    if not folder.name.endswith(ENDING):
        return folder.name
    if order.parent is not None:
        return order.parent.card.name
    return f"{order.settings.network}.{order.classes[0].casefold().replace(' ', '_')}"
