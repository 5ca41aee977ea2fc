"""Label tables from presets and files into the session, and out of it."""

from collections.abc import Iterable
from pathlib import Path

from featherseg.session.notice import Notice, Offer
from featherseg.session.session import Session
from featherseg_engines.annotation.files import write_text
from featherseg_engines.annotation.label_rows import LabelRow, from_json, to_json
from featherseg_engines.annotation.presets import PRESETS
from featherseg_engines.errors import FeathersegError

PRESET_TITLES = {
    "lesion": "Lesion, anywhere",
    "skin": "Skin lesion",
    "polyp": "Polyp of the colon",
    "breast_us": "Breast lesion, ultrasound",
    "nuclei": "Cell nuclei",
    "glands": "Glands, histology",
    "blood_cells": "Blood cells: cytoplasm, nucleus",
    "vessels": "Blood vessels",
    "membranes": "Cell membranes",
    "hippocampus": "Hippocampus: anterior, posterior",
    "liver": "Liver",
    "ms_lesions": "MS lesions",
}


def presets_in_words() -> list[tuple[str, str]]:
    """Title and name of each preset."""
    return [(PRESET_TITLES.get(name, name.replace("_", " ").capitalize()), name) for name in PRESETS]


def take_preset(session: Session, name: str) -> None:
    """Replace the label table by a preset."""
    _load(session, PRESETS[name])


def import_table(session: Session, path: Path) -> None:
    """Replace the label table by a file's; a notice says why where that cannot be."""
    try:
        rows = from_json(path)
    except FeathersegError as error:
        session.tell(Notice(str(error), "problem"))
        return
    _load(session, rows)
    count = len(rows)
    session.tell(Notice(f"{count} {'label' if count == 1 else 'labels'} read from '{path.name}'."))


def export_table(session: Session, path: Path) -> None:
    """Write the label table as JSON."""
    try:
        write_text(path, to_json(session.labelling.rows()))
    except FeathersegError as error:
        session.tell(Notice(str(error), "problem"))
        return
    session.tell(Notice(f"The label table is in '{path.name}'."))


def remove_label(session: Session, value: int) -> None:
    """Take a label out of the table; asks where it is drawn."""
    row = session.table.rows.get(value)
    if row is None:
        return

    def remove() -> None:
        others = [v for v in sorted(session.table.rows) if v != value]
        if session.active_label == value and others:
            session.choose_label(others[0])
        session.labelling.remove(value)
        session.tell(None)

    if not is_drawn(session, value):
        remove()
        return
    text = f"'{row.name}' is drawn in this case; its voxels stay, without a name and a colour."
    session.tell(Notice(text, offers=(Offer("Remove it all the same", remove),)))


def is_drawn(session: Session, value: int) -> bool:
    """Whether the open case has voxels of this number."""
    return session.case is not None and bool((session.case.labels.array == value).any())


def _load(session: Session, rows: Iterable[LabelRow]) -> None:
    before = set(session.table.rows)
    session.labelling.load(rows)
    lost = before - set(session.table.rows)
    session.labelling.ensure(value for value in sorted(lost) if is_drawn(session, value))
