"""Cases of a workspace or a data set as what a lesson takes: copies, one case at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.cases import Case
from featherseg_engines.annotation.journal import CaseJournal
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.datasets import Dataset
from featherseg_engines.errors import ReadError, TrainingError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Labels
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.order import UNSEEN, Control, Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.touched import Touched, touched

MOST_CLASSES = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be learnt from the cases.

    Parameters
    ----------
    parent
        What learning starts from (:func:`~featherseg_engines.teaching.lineage.base_of` the model in use); None
        from scratch.
    labels
        Numbers of the labels to learn, all that the cases hold where empty; others are nothing then.
    corrected_only
        Leave out cases whose proposals were accepted as they came.
    """

    parent: ModelBundle | None
    in_use: ModelBundle | None
    settings: Settings = field(default_factory=Settings)
    labels: tuple[int, ...] = ()
    corrected_only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    case: Case
    volume: Volume
    labels: Labels
    touched: Touched


def gather(workspace: Workspace, cases: Sequence[Case], ask: Ask, control: Control) -> TeachOrder:
    """Read cases as they are recorded now, whichever of them is open; for the trainer's thread.

    Of a volume, slices that nobody touched or accepted are UNSEEN, or left out where slices are learnt. A case that
    cannot be read is left out with its sentence.

    Raises
    ------
    TrainingError
        No case is left, or no label is on any of them.
    Cancelled
        The control said so, between two cases.
    """
    read: list[_Read] = []
    left_out: list[str] = []
    for case in sorted(cases, key=lambda c: c.id):
        control.between()
        try:
            found = _read(workspace, case)
        except ReadError as error:
            left_out.append(str(error))
            continue
        if found.touched.slices.any() and (found.touched.corrected or not ask.corrected_only):
            read.append(found)
    if not read:
        reason = left_out[0] if left_out else "no accepted case holds a slice that somebody looked at."
        raise TrainingError(f"There is nothing to learn from: {reason}")
    values = _values((one.labels for one in read), ask.labels)
    rows = workspace.labels.table().covering(values).rows
    return TeachOrder(
        tuple(_taught(one, values, planes=_planes(ask)) for one in read),
        tuple(rows[value].name for value in values),
        values,
        ask.parent,
        ask.in_use,
        ask.settings,
        tuple(rows[value].colour for value in values),
        tuple(left_out),
    )


def _planes(ask: Ask) -> bool:
    """Whether a network that takes slices learns: then slices that nobody looked at need not be carried along."""
    return not ask.settings.network.endswith("3d") if ask.parent is None else ask.parent.card.dims == 2


def gather_dataset(dataset: Dataset, ask: Ask, control: Control, limit: int = 0) -> TeachOrder:
    """The first ``limit`` cases of a data set (all where 0), as a person would have corrected them.

    Raises
    ------
    TrainingError
        None of them can be read.
    Cancelled
        The control said so, between two cases.
    """
    taught: list[TaughtCase] = []
    left_out: list[str] = []
    values = tuple(range(1, len(dataset.classes) + 1))
    for case in dataset.cases[: limit or None]:
        control.between()
        try:
            volume, labels = dataset.read(case)
        except ReadError as error:
            left_out.append(str(error))
            continue
        numbers = _class_numbers(labels, values)
        taught.append(TaughtCase(case.name, case.group, volume.voxels, numbers, _spacing(volume)))
    if not taught:
        raise TrainingError(f"There is nothing to learn from: {left_out[0] if left_out else 'no cases.'}")
    return TeachOrder(
        tuple(taught), dataset.classes, values, ask.parent, ask.in_use, ask.settings, (), tuple(left_out)
    )


def since(cases: Iterable[Case], learnt: Mapping[str, str]) -> int:
    """How many of the cases are new, or were changed since a model learnt from them.

    ``learnt`` says when, by the case's name (:func:`~featherseg_engines.teaching.record.learnt_cases`).
    """
    return sum(case.name not in learnt or case.changed > learnt[case.name] for case in cases)


def _read(workspace: Workspace, case: Case) -> _Read:
    volume = workspace.read_volume(case)
    labels = workspace.masks.recover(case.id).labels.array
    return _Read(case, volume, labels, touched(CaseJournal(workspace.store, case.id), case.geometry.shape))


def _taught(read: _Read, values: tuple[int, ...], *, planes: bool) -> TaughtCase:
    seen, focus = read.touched.slices, read.touched.focus
    numbers = _class_numbers(read.labels, values)
    numbers[~seen] = UNSEEN
    kept = seen if planes else np.ones_like(seen)
    return TaughtCase(
        read.case.name,
        _group(read),
        read.volume.voxels if kept.all() else read.volume.voxels[kept],
        numbers[kept],
        _spacing(read.volume),
        read.touched.corrected,
        focus if focus is None else focus[kept],
    )


def _group(read: _Read) -> str:
    """Whose case it is: the patient's number in DICOM, else the case by itself."""
    source = read.volume.source
    if source is None or not source.paths:
        return read.case.name
    from featherseg_engines.imaging.dicom.headers import read_header

    try:
        patient = str(read_header(source.paths[0], ("PatientID",)).get("PatientID", "")).strip()
    except ReadError:
        patient = ""
    return f"patient {patient}" if patient else f"study {source.study_uid or read.case.name}"


def _values(masks: Iterator[Labels], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Label numbers that are on the masks, in order. *Raises* TrainingError where there are none, or too many."""
    found: set[int] = set()
    for labels in masks:
        found |= {int(value) for value in np.unique(labels)}
    values = tuple(sorted(value for value in found if value > 0 and (not wanted or value in wanted)))
    if not values:
        raise TrainingError("There is nothing to learn from: no label is on any of the cases.")
    if len(values) > MOST_CLASSES:
        raise TrainingError(
            f"{len(values)} labels are too many to learn at once; choose some under Advanced."
        )
    return values


def _class_numbers(labels: npt.NDArray[np.integer], values: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Label numbers as class numbers 1, 2, … in the order of ``values``; all others are nothing."""
    table = np.zeros(max(int(labels.max(initial=0)), *values) + 1, np.uint8)
    table[list(values)] = np.arange(1, len(values) + 1)
    return np.asarray(table[labels])


def _spacing(volume: Volume) -> tuple[float, float, float] | None:
    return volume.geometry.spacing_mm if volume.geometry.calibrated else None
