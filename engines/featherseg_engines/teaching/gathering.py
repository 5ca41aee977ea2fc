"""From the cases of a workspace to an order: copies of images and masks, what a person touched, who is held out."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.journal import CaseJournal
from featherseg_engines.annotation.lesson_groups import LessonGroups
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import JournalError, ReadError, TrainingError
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Label, LabelTable
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.teaching.appearance import appearances
from featherseg_engines.teaching.holdout import ENOUGH, held_out
from featherseg_engines.teaching.order import UNSEEN, Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.touched import touched

NO_CASES = "No case is accepted yet; a model learns from accepted cases."
NOTHING_LABELLED = "The cases hold none of the labels that are to be learnt; label one and teach again."
TOO_MANY = "The cases hold {} labels; at most {} can be taught at once, so choose some of them."
NAMELESS = frozenset({"", "0", "1", "ANON", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "UNKNOWN", "NONE"})
"""What is written for a patient's number where it was taken out: that says nothing about who it is."""

Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Who learns what: the models as in :class:`~featherseg_engines.teaching.order.TeachOrder`.

    Parameters
    ----------
    labels
        Numbers of the labels to learn; all that the cases hold where empty.
    corrected_only
        Leave out cases whose mask was accepted as it was proposed.
    """

    parent: ModelBundle | None = None
    in_use: ModelBundle | None = None
    settings: Settings = field(default_factory=Settings)
    labels: tuple[int, ...] = ()
    corrected_only: bool = False

    @property
    def slices(self) -> bool:
        """Whether a network learns that takes slices, not volumes."""
        return not self.settings.network.endswith("3d") if self.parent is None else self.parent.card.dims == 2


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A case as read, the slices that are carried along: its label numbers, not classes yet; (z,) what was seen."""

    name: str
    group: str
    voxels: npt.NDArray[np.generic]
    labels: Numbers
    seen: npt.NDArray[np.bool_]
    spacing_mm: tuple[float, float, float] | None
    corrected: bool
    focus: npt.NDArray[np.bool_] | None


def teachable(workspace: Workspace) -> list[Case]:
    """Cases that can be learnt from: accepted ones, and volumes in work, of which the touched slices count."""
    cases = workspace.cases({CaseState.ACCEPTED, CaseState.IN_WORK})
    return [case for case in cases if case.state is CaseState.ACCEPTED or case.geometry.shape[0] > 1]


def order_from_workspace(
    workspace: Workspace,
    cases: Sequence[Case] | None = None,
    wanted: Wanted | None = None,
    between: Callable[[], None] = lambda: None,
) -> TeachOrder:
    """Read cases (all that are teachable where None) one after the other; any thread.

    Masks of accepted cases count as a whole; of other cases the slices that a person or an accepted proposal has
    touched, the rest is UNSEEN, and left out where slices are learnt. A case that cannot be read is left out and
    named in ``left_out``. From eight patients on, who is held out is kept in the workspace (where it may be
    written) and never changes.

    Parameters
    ----------
    between
        Called before each case; may raise to stop.

    Raises
    ------
    TrainingError
        There is no case, none holds a label to learn, or there are too many labels.
    ReadError
        No case can be read; the sentence is about the first.
    """
    wish = wanted or Wanted()
    read: list[_Read] = []
    left_out: list[str] = []
    for case in teachable(workspace) if cases is None else cases:
        between()
        try:
            read += _read(workspace, case, wish)
        except ReadError as error:
            left_out.append(str(error))
    if not read:
        raise ReadError(left_out[0]) if left_out else TrainingError(NO_CASES)
    chosen = _chosen(workspace.labels.table(), read, wish)
    table = _numbers(chosen, read, wish.parent)
    out = _held_out(workspace, read)
    return TeachOrder(
        tuple(_taught(one, table) for one in read),
        _names(chosen),
        tuple(label.value for label in chosen),
        wish.parent,
        wish.in_use,
        wish.settings,
        tuple(label.colour for label in chosen),
        out,
        tuple(left_out),
    )


def group_of(volume: Volume) -> str:
    """Whose image this is: the patient where DICOM names one, else the study, else the image itself; a hash."""
    told = f"image {volume.content}"
    if volume.source is not None and volume.source.paths:
        told = _patient(volume) or told
    return hashlib.sha256(f"featherseg group {told}".encode()).hexdigest()[:24]


def _patient(volume: Volume) -> str:
    from featherseg_engines.imaging.dicom.headers import read_header

    assert volume.source is not None
    with contextlib.suppress(ReadError):
        header = read_header(volume.source.paths[0], ("PatientID",))
        number = str(header.get("PatientID", "") or "").strip()
        if number.upper() not in NAMELESS:
            return f"patient {number}"
    return f"study {volume.source.study_uid}" if volume.source.study_uid else ""


def _read(workspace: Workspace, case: Case, wish: Wanted) -> Iterator[_Read]:
    """The case, or nothing where it has nothing to teach."""
    found = workspace.masks.recover(case.id)
    labels = found.labels.array if found.foreign is None else found.foreign
    marks = touched(CaseJournal(workspace.store, case.id), labels.shape)
    if found.foreign is not None:
        marks = replace(marks, corrected=True)
    if wish.corrected_only and not marks.corrected:
        return
    if case.state is not CaseState.ACCEPTED and not marks.slices.any():
        return
    volume = workspace.read_volume(case)
    seen = np.ones_like(marks.slices) if case.state is CaseState.ACCEPTED else marks.slices
    kept = (
        seen if wish.slices and not seen.all() else slice(None)
    )  # what nobody saw need not be carried along
    spacing = volume.geometry.spacing_mm if volume.geometry.calibrated else None
    focus = None if marks.focus is None else marks.focus[kept]
    group = group_of(volume)
    yield _Read(
        case.name, group, volume.voxels[kept], labels[kept], seen[kept], spacing, marks.corrected, focus
    )


def _chosen(table: LabelTable, read: Sequence[_Read], wish: Wanted) -> list[Label]:
    """Rows of the labels to learn, by number: those in use, of those that are wanted.

    One that has no row is called as the model does that proposes it.
    """
    values = sorted({int(v) for one in read for v in np.unique(one.labels)} - {0})
    chosen = [value for value in values if not wish.labels or value in wish.labels]
    if not chosen:
        raise TrainingError(NOTHING_LABELLED)
    if len(chosen) >= UNSEEN:
        raise TrainingError(TOO_MANY.format(len(chosen), UNSEEN - 1))
    known = LabelTable(dict(table.rows))
    model = wish.parent or wish.in_use
    for entry in model.card.labels if model is not None else ():
        if entry.value not in known.rows:
            known.put(Label(entry.value, entry.name, entry.colour))
    rows = known.covering(chosen).rows
    return [rows[value] for value in chosen]


def _names(chosen: Sequence[Label]) -> tuple[str, ...]:
    """Names of the classes; a name that two labels have gets the number behind it."""
    names = [label.name.casefold() for label in chosen]
    return tuple(
        label.name if names.count(name) == 1 else f"{label.name} {label.value}"
        for label, name in zip(chosen, names, strict=True)
    )


def _numbers(
    chosen: Sequence[Label], read: Sequence[_Read], parent: ModelBundle | None
) -> npt.NDArray[np.uint8]:
    """Class number of each label number; one that is not wanted is nothing, or UNSEEN if the parent knows it."""
    highest = max(int(one.labels.max(initial=0)) for one in read)
    table = np.zeros(highest + 1, np.uint8)
    for entry in parent.card.labels if parent is not None else ():
        if entry.value <= highest:
            table[entry.value] = UNSEEN
    for number, label in enumerate(chosen, start=1):
        table[label.value] = number
    return table


def _taught(one: _Read, table: npt.NDArray[np.uint8]) -> TaughtCase:
    labels = np.asarray(table[one.labels], np.uint8)
    labels[~one.seen] = UNSEEN
    return TaughtCase(one.name, one.group, one.voxels, labels, one.spacing_mm, one.corrected, one.focus)


def _held_out(workspace: Workspace, read: Sequence[_Read]) -> frozenset[str]:
    store = LessonGroups(workspace.store)
    kept = store.kept()
    everyone = list(dict.fromkeys([*kept, *(one.group for one in read)]))
    fresh = [group for group in everyone if group not in kept]
    looks = appearances(read) if fresh and len(everyone) >= ENOUGH else {}
    out = held_out(everyone, kept, looks)
    if fresh and len(everyone) >= ENOUGH and not workspace.read_only:
        with contextlib.suppress(JournalError):  # a full disk: decided again the same way next time
            store.keep({group: group in out for group in fresh})
    return out
