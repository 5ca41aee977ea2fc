"""Label tables to begin with, one for each bundled task."""

from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.labels import ABNORMAL_STRUCTURE, ANATOMICAL_STRUCTURE, OKABE_ITO, TISSUE, Code, Label


def _row(value: int, name: str, code: str = "", meaning: str = "", abnormal: bool = False) -> LabelRow:
    term = Code(code, "SCT", meaning) if code else TISSUE
    category = ABNORMAL_STRUCTURE if abnormal else ANATOMICAL_STRUCTURE
    return LabelRow(Label(value, name, OKABE_ITO[value - 1], code=term, category=category), str(value))


PRESETS: dict[str, tuple[LabelRow, ...]] = {
    "lesion": (_row(1, "lesion", "52988006", "Lesion", abnormal=True),),
    "skin": (_row(1, "lesion", "95324001", "Skin lesion", abnormal=True),),
    "polyp": (_row(1, "polyp", "68496003", "Polyp of colon", abnormal=True),),
    "breast_us": (_row(1, "lesion", "52988006", "Lesion", abnormal=True),),
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
    "ms_lesions": (_row(1, "MS lesion", "301766008", "Lesion of Brain", abnormal=True),),
}
"""By the task's name in a model's name (``repsegnet.skin``). Codes: SNOMED CT as used by DICOM (PS3.16); labels
for which DICOM lists none carry the general one of :class:`Label`."""
