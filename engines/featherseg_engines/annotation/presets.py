"""Label tables to begin with, one for each bundled task."""

from featherseg_engines.annotation.label_rows import LabelRow, Term
from featherseg_engines.labels import OKABE_ITO, Label


def _row(value: int, name: str, code: str = "", meaning: str = "") -> LabelRow:
    term = Term(code, "SCT", meaning) if code else None
    return LabelRow(Label(value, name, OKABE_ITO[value - 1]), str(value), term)


PRESETS: dict[str, tuple[LabelRow, ...]] = {
    "lesion": (_row(1, "lesion", "52988006", "Lesion"),),
    "skin": (_row(1, "lesion", "95324001", "Skin lesion"),),
    "polyp": (_row(1, "polyp", "68496003", "Polyp of colon"),),
    "breast_us": (_row(1, "lesion", "52988006", "Lesion"),),
    "nuclei": (_row(1, "nucleus", "84640000", "Nucleus"),),
    "glands": (_row(1, "gland"),),
    "blood_cells": (_row(1, "cytoplasm"), _row(2, "nucleus", "84640000", "Nucleus")),
    "vessels": (_row(1, "vessel", "59820001", "Blood vessel"),),
    "membranes": (_row(1, "membrane"),),
    "hippocampus": (
        _row(1, "anterior hippocampus", "5366008", "Hippocampus"),
        _row(2, "posterior hippocampus", "5366008", "Hippocampus"),
    ),
    "liver": (_row(1, "liver", "10200004", "Liver"),),
    "ms_lesions": (_row(1, "MS lesion", "301766008", "Lesion of Brain"),),
}
"""By the task's name in a model's name (``repsegnet.skin``). Codes: SNOMED CT as used by DICOM (PS3.16); labels
for which DICOM lists none carry none."""
