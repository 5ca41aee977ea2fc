"""Images and existing masks into a workspace: files, folders and series, linked or copied."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.annotation.cases import Case, geometry_to_json
from featherseg_engines.annotation.files import copy_file
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.thumbnails import thumbnail
from featherseg_engines.annotation.workspace import Workspace, hint_for, series_key
from featherseg_engines.errors import FeathersegError, ReadError, WriteError
from featherseg_engines.imaging.readers import SUFFIXES, list_series, read_mask, stem_of, suffix_of
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box

if TYPE_CHECKING:
    from featherseg_engines.imaging.dicom.scan import Series

DICOM = ".dcm"
Tell = Callable[[int, int], None]
"""Called with how many are done and how many there are; it may raise Cancelled."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What came in, and one sentence for each thing that did not."""

    cases: tuple[Case, ...]
    refused: tuple[str, ...]


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""


def add_images(
    workspace: Workspace, paths: Sequence[Path], copy: bool = False, tell: Tell = _quiet
) -> Intake:
    """Add a case for each image file; one that cannot be read is left out and named.

    An image that is in the workspace already is not added twice.
    """
    return _add(workspace, [(path, "", stem_of(path)) for path in paths], copy, tell)


def add_folder(workspace: Workspace, folder: Path, copy: bool = False, tell: Tell = _quiet) -> Intake:
    """Add every image file in a folder and below, by name, and every DICOM series in it as one case.

    The workspace's own masks are no images.
    """
    files = sorted(p for p in folder.rglob("*") if suffix_of(p) in SUFFIXES and not _hidden(p, folder))
    own = (workspace.folder / "masks").resolve()
    images = [p for p in files if suffix_of(p) != DICOM and own not in p.resolve().parents]
    first = add_images(workspace, images, copy, tell)
    try:
        found = list_series(folder)
    except ReadError:
        return first
    second = _add(workspace, [_source(series) for series in found], copy, tell)
    return Intake(first.cases + second.cases, first.refused + second.refused)


def _source(series: "Series") -> tuple[Path, str, str]:
    """The narrowest place a series can be read from (its file, or the folder around its files), key and name."""
    files = series.files
    place = files[0] if len(set(files)) == 1 else Path(os.path.commonpath([file.parent for file in files]))
    return place, series_key(series), series.description or place.stem


def add_series(
    workspace: Workspace,
    folder: Path,
    uids: Iterable[tuple[str, str]],
    copy: bool = False,
    tell: Tell = _quiet,
) -> Intake:
    """Add DICOM series of a folder, given as (key, name); see ``series_key``. Without a name: the folder's."""
    return _add(workspace, [(folder, uid, name or folder.name) for uid, name in uids], copy, tell)


def import_masks(workspace: Workspace, masks: Sequence[Path], tell: Tell = _quiet) -> Intake:
    """Put existing masks onto the cases they belong to, each as one step that can be undone.

    A DICOM-SEG belongs to the series that it refers to, and its labels join the table; any other mask to the case
    of its name (an ending ``_mask``, ``_seg`` or ``_label`` is ignored).
    """
    done: list[Case] = []
    refused: list[str] = []
    for i, path in enumerate(masks):
        tell(i, len(masks))
        try:
            done.append(_import(workspace, path))
        except FeathersegError as error:
            refused.append(str(error))
    return Intake(tuple(done), tuple(refused))


def _import(workspace: Workspace, path: Path) -> Case:
    from featherseg_engines.imaging.dicom.segmentation import is_segmentation, read_segmentation

    if suffix_of(path) in ("", DICOM) and is_segmentation(path):
        case = _referred(workspace, path)
        found = read_segmentation(path, workspace.read_volume(case))
        known = workspace.labels.table().rows
        workspace.labels.put(LabelRow(label) for label in found.table if label.value not in known)
        labels: npt.NDArray[np.integer] = found.labels
    else:
        case = _named(workspace, path)
        labels = read_mask(path, case.geometry.shape)
    put_mask(workspace, case, labels, path.name)
    return workspace.case(case.id)


def _named(workspace: Workspace, path: Path) -> Case:
    for case in workspace.cases():
        if _key(case.name) == _key(stem_of(path)):
            return case
    raise ReadError(f"No case is named like '{path.name}'; rename it to the image's name.")


def _referred(workspace: Workspace, path: Path) -> Case:
    from featherseg_engines.imaging.dicom.headers import read_header

    header = read_header(path, ("ReferencedSeriesSequence",))
    uids = {str(item.get("SeriesInstanceUID", "")) for item in header.get("ReferencedSeriesSequence", ())}
    for case in workspace.cases():
        if case.series_uid and case.series_uid in uids:
            return case
    raise ReadError(
        f"'{path.name}' refers to a DICOM series that is not in the workspace; add its images first."
    )


def put_mask(workspace: Workspace, case: Case, labels: npt.NDArray[np.integer], name: str) -> None:
    """Put label numbers on the case's grid as one step, ``name`` saying where they are from.

    Raises
    ------
    WriteError
        They hold numbers above 255 and the case was edited with 8 bits before.
    """
    highest = int(labels.max(initial=0))
    if highest > 255 and case.dtype == "|u1":
        if workspace.open_case(case.id).history.done:
            raise WriteError(f"'{name}' holds label {highest}; cases that were edited hold labels up to 255.")
        with workspace.store.writing() as db:
            db.execute("UPDATE cases SET dtype = '<u2' WHERE id = ?", (case.id,))
    history = workspace.open_case(case.id).history
    whole = Box((0, 0, 0), case.geometry.shape)
    history.do(history.labels.propose_edit("Load mask", "file", whole, labels, name))


def _add(workspace: Workspace, sources: Sequence[tuple[Path, str, str]], copy: bool, tell: Tell) -> Intake:
    added: list[Case] = []
    refused: list[str] = []
    for i, (path, uid, name) in enumerate(sources):
        tell(i, len(sources))
        try:
            known = _known(workspace, path, uid)
            if known:
                refused.append(f"'{path.name}' is in the workspace already as '{known}'.")
                continue
            added.append(_add_one(workspace, path, uid, name, copy))
        except FeathersegError as error:
            refused.append(str(error))
    return Intake(tuple(added), tuple(refused))


def _add_one(workspace: Workspace, path: Path, uid: str, name: str, copy: bool) -> Case:
    volume = workspace.reader(path, uid)
    unique = _unique(workspace, name or path.stem)
    file = _file_name(workspace, unique)
    inside = path.resolve().is_relative_to(workspace.folder.resolve())
    if copy and not inside:
        image, linked, hint = _copied(workspace, path, file), False, ""
    elif inside:
        image, linked, hint = path.resolve().relative_to(workspace.folder.resolve()).as_posix(), False, ""
    else:
        image, linked, hint = str(path.resolve()), True, hint_for(workspace.folder, path)
    row = (
        unique,
        image,
        linked,
        hint,
        uid,
        *_facts(volume),
        f"masks/{file}{_ending(volume)}",
        thumbnail(volume),
    )
    with workspace.store.writing() as db:
        cursor = db.execute(
            "INSERT INTO cases (name, image, linked, hint, series_uid, geometry, channels, mask, thumbnail) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    return workspace.case(int(cursor.lastrowid or 0))


def _facts(volume: Volume) -> tuple[str, int]:
    return geometry_to_json(volume.geometry), volume.channels


def _ending(volume: Volume) -> str:
    return ".png" if volume.is_photograph else ".nii.gz"


def _known(workspace: Workspace, path: Path, uid: str) -> str:
    for case in workspace.cases():
        place = Path(case.image) if case.linked else workspace.folder / case.image
        if uid in ("", case.series_uid) and place.resolve() == path.resolve():
            return case.name
    return ""


def _unique(workspace: Workspace, name: str) -> str:
    taken = {case.name for case in workspace.cases()}
    tries = [name, *(f"{name} ({n})" for n in range(2, len(taken) + 3))]
    return next(text for text in tries if text not in taken)


def _file_name(workspace: Workspace, name: str) -> str:
    """A file name for a case, free on systems that know no capitals and fine on Windows."""
    plain = re.sub(r"[^\w\-. ()]", "_", name).strip(" .")[:80] or "case"
    if re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", plain.split(".")[0]):
        plain = "_" + plain
    files = [Path(case.mask).name for case in workspace.cases()]
    files += [path.name for place in ("masks", "images") for path in (workspace.folder / place).glob("*")]
    taken = {stem_of(Path(name)).lower() for name in files}
    tries = [plain, *(f"{plain} ({n})" for n in range(2, len(taken) + 3))]
    return next(text for text in tries if text.lower() not in taken)


def _copied(workspace: Workspace, path: Path, name: str) -> str:
    target = workspace.folder / "images" / (name + ("" if path.is_dir() else suffix_of(path)))
    try:
        target.parent.mkdir(exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target)
    except OSError as error:
        raise WriteError(
            f"'{path.name}' cannot be copied into the workspace; make room or link it."
        ) from error
    if not path.is_dir():
        copy_file(path, target)
    return target.relative_to(workspace.folder).as_posix()


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def _key(name: str) -> str:
    return re.sub(r"[_\- .](mask|seg|segmentation|label|labels)$", "", name, flags=re.IGNORECASE).lower()
