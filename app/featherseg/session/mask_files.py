"""Mask files of a loose image, in and out; large ones off the UI thread."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from featherseg.session.background import Ear
from featherseg.session.case import OpenCase
from featherseg.session.editing import whole
from featherseg.session.labelling import names_in
from featherseg.session.notice import Notice
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.exchange import Mask, load_mask
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Labels

if TYPE_CHECKING:
    from featherseg.session.session import Session

SMALL = 4_000_000
"""Voxels up to which a mask is read or written in less time than a person notices."""


def open_mask(session: "Session", path: Path) -> None:
    """Load label numbers onto the open image as one undoable step; where that cannot be, a notice says why."""
    case = session.case
    if case is None:
        return
    if case.labels.array.size > SMALL:
        volume = case.volume
        session.opening.compute(
            f"Reading '{path.name}'",
            lambda ear: load_mask(path, volume),
            lambda found: _put(session, case, path, found),
        )
        return
    try:
        _put(session, case, path, load_mask(path, case.volume))
    except FeathersegError as error:
        session.tell(Notice(str(error), "problem"))


def _put(session: "Session", case: OpenCase, path: Path, found: Mask) -> None:
    if session.case is not case:
        return  # another image was opened meanwhile
    labels = found.labels
    if labels.max(initial=0) > np.iinfo(case.labels.array.dtype).max:
        text = f"'{path.name}' holds label numbers that are too large for this case."
        session.tell(Notice(text, "problem"))
        return
    session.tell(Notice(" ".join(found.warnings)) if found.warnings else None)
    for row in found.table or ():
        session.labelling.put(row)
    session.labelling.ensure(values_in(labels))
    session.do(case.labels.propose_edit("Load mask", "file", whole(case), labels, path.name))
    if np.array_equal(case.labels.array, labels):  # a locked label stays as it was, and is not in the file
        case.mark_saved(path)
    session.saved.emit(path)


def save_mask(session: "Session", path: Path) -> bool:
    """Write the labels now; where that fails they stay as they are, unsaved, and a notice says why."""
    case = session.case
    if case is None:
        return False
    array = case.labels.array
    try:
        write_mask(path, array, case.volume.geometry, names_in(array, session.table.rows))
    except FeathersegError as error:
        session.tell(Notice(str(error), "problem"))
        return False
    case.mark_saved(path)
    session.tell(None)
    session.saved.emit(path)
    return True


def save_beside(session: "Session", path: Path) -> bool:
    """Write the labels as they are now, a large case in the background while painting goes on.

    False where it could not be written; True also says that it is on its way.
    """
    case = session.case
    if case is None or case.labels.array.size <= SMALL:
        return save_mask(session, path)
    labels, rows = case.labels.array.copy(), dict(session.table.rows)
    newest, geometry = case.newest, case.volume.geometry

    def write(_: Ear) -> None:
        write_mask(path, labels, geometry, names_in(labels, rows))

    def done(_: None) -> None:
        case.mark_saved(path, newest)
        session.saved.emit(path)

    session.opening.compute(f"Saving '{path.name}'", write, done)
    return True


def values_in(labels: Labels) -> list[int]:
    """Label numbers above 0, looked for slice by slice to save memory."""
    found: set[int] = set()
    for plane in labels:
        found.update(np.unique(plane).tolist())
    return sorted(found - {0})
