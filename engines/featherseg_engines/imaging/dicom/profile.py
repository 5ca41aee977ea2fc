"""PS3.15's Basic Application Level Confidentiality Profile, applied to one DICOM header.

What is to be done with which attribute is Table E.1-1 of DICOM 2026c as packaged by ``dicom-anonymizer`` (BSD-3).
The package's own walk leaves sequences that the table does not list unvisited and keeps replaced UIDs in a
global; so the walk here is ours: every level of every sequence.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from featherseg_engines.imaging.dicom.disclosure import UidMap

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

Action = Literal["dummy", "empty", "spare", "remove", "uid"]
EDITION = "dicomfields_2026c"
METHOD = "DICOM PS3.15 Table E.1-1 (2026c), basic profile"
BASIC = ("113100", "Basic Application Confidentiality Profile")
RETAIN_UIDS = ("113110", "Retain UIDs Option")
"""Codes of PS3.16 CID 7050."""

_ACTIONS: tuple[tuple[str, Action], ...] = (
    ("D_TAGS", "dummy"),
    ("Z_TAGS", "empty"),
    ("X_TAGS", "remove"),
    ("U_TAGS", "uid"),
    ("Z_D_TAGS", "dummy"),
    ("X_Z_TAGS", "spare"),
    ("X_D_TAGS", "dummy"),
    ("X_Z_D_TAGS", "dummy"),
    ("X_Z_U_STAR_TAGS", "uid"),
)
"""Where the table leaves a choice by the object's type, the one that is valid for every type; "spare" empties a
value and removes a sequence, which may not be empty where it is optional."""

_DUMMIES: dict[str, object] = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "UR": "http://anonymous.invalid",
    "PN": "ANONYMOUS",
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"), "ANONYMOUS"),
    **dict.fromkeys(("FL", "FD", "SS", "US", "SL", "UL", "SV", "UV"), 0),
    **dict.fromkeys(("OB", "OW", "UN"), b"\x00\x00"),
}
"""A value without meaning for each value representation."""


def apply_profile(dataset: "Dataset", uids: UidMap | None) -> None:
    """De-identify a header in place, pixels untouched, and say so in it.

    Parameters
    ----------
    dataset
        A ``pydicom.Dataset``; private attributes, dates, names and free text go.
    uids
        Replaces the UIDs; None keeps them, which is the profile's "Retain UIDs" option.
    """
    patient = str(dataset.get("PatientID", "") or "")
    _clean(dataset, uids, everything=False)
    if uids is not None:
        dataset.PatientID = uids.pseudonym(patient)
    _clean_meta(dataset, uids)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = [
        _code(*term) for term in ((BASIC,) if uids is not None else (BASIC, RETAIN_UIDS))
    ]
    dataset.LongitudinalTemporalInformationModified = "REMOVED"


def _clean_meta(dataset: "Dataset", uids: UidMap | None) -> None:
    """Leave only what names the encoding and the instance; application titles name hospitals."""
    from pydicom.uid import UID

    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        return
    for tag in [element.tag for element in meta if int(element.tag) > 0x00020013]:
        del meta[tag]
    if uids is not None:
        meta.MediaStorageSOPInstanceUID = UID(str(dataset.get("SOPInstanceUID", "")))


def _code(value: str, meaning: str) -> "Dataset":
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _clean(dataset: "Dataset", uids: UidMap | None, everything: bool) -> None:
    """One level and all below; ``everything``: inside a sequence whose whole content is to become dummies."""
    plain, groups = _table()
    for tag in list(dataset.keys()):
        if tag.is_private or 0x6000 <= tag.group <= 0x60FF:  # an overlay without its data is none
            del dataset[tag]
            continue
        action = plain.get(int(tag)) or next((a for t, mask, a in groups if int(tag) & mask == t), None)
        element = dataset[tag]
        if action == "remove" or (action == "spare" and element.VR == "SQ"):
            del dataset[tag]
            continue
        if element.VR == "SQ":
            _clean_sequence(element, action, uids, everything)
        elif action == "uid" or (element.VR == "UI" and (everything or action)):
            _replace_uids(element, uids)
        elif action in ("empty", "spare") and not everything:
            element.value = None
        elif action or (everything and element.VR in _DUMMIES):
            element.value = _DUMMIES.get(element.VR)


def _clean_sequence(
    element: "DataElement", action: Action | None, uids: UidMap | None, everything: bool
) -> None:
    if action == "empty":
        element.value = []
        return
    for item in element.value or ():
        _clean(item, uids, everything or action == "dummy")


def _replace_uids(element: "DataElement", uids: UidMap | None) -> None:
    if uids is None or not element.value:
        return
    if element.VM > 1:
        element.value = [uids.new(str(uid)) for uid in element.value]
    else:
        element.value = uids.new(str(element.value))


@lru_cache(maxsize=1)
def _table() -> tuple[dict[int, Action], tuple[tuple[int, int, Action], ...]]:
    """Action by tag, and (tag, mask, action) for the repeating groups."""
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    lists = dicom_anonymization_database_selector(EDITION)
    plain: dict[int, Action] = {}
    groups: list[tuple[int, int, Action]] = []
    for name, action in _ACTIONS:
        for entry in lists[name]:
            tag = (entry[0] << 16) | entry[1]
            if len(entry) == 2:
                plain[tag] = action
            else:
                mask = (entry[2] << 16) | entry[3]
                groups.append((tag & mask, mask, action))
    return plain, tuple(groups)
