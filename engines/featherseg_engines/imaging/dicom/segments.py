"""A row of the label table as a segment of DICOM-SEG, and back: name, number, coded terms, colour."""

import re
from typing import TYPE_CHECKING

from featherseg_engines.imaging.dicom.maker import MAKER, software_version
from featherseg_engines.labels import ANATOMICAL_STRUCTURE, OKABE_ITO, TISSUE, Code, Label

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset

NUMBERED = "Label number {}"
"""How a segment says which number its label had, where the standard numbers segments from 1 without gaps."""


def segment_descriptions(rows: list[Label], consecutive: bool) -> "list[SegmentDescription]":
    """What each row says of itself; ``consecutive`` numbers them 1, 2, 3… as binary segmentations must be."""
    import highdicom
    from pydicom.sr.codedict import codes

    algorithm = highdicom.AlgorithmIdentificationSequence(
        MAKER, codes.DCM.ArtificialIntelligence, software_version()
    )
    described = []
    for place, row in enumerate(rows, start=1):
        number = place if consecutive else row.value
        item = highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=_short(row.name) or f"Label {row.value}",
            segmented_property_category=_concept(row.category),
            segmented_property_type=_concept(row.code),
            algorithm_type="SEMIAUTOMATIC",
            algorithm_identification=algorithm,
            display_color=highdicom.color.CIELabColor.from_rgb(*rgb(row.colour)),
        )
        if number != row.value:
            item.SegmentDescription = NUMBERED.format(row.value)
        described.append(item)
    return described


def label_of(item: "Dataset") -> Label:
    """The label that an item of the Segment Sequence describes."""
    import highdicom

    number = int(item.SegmentNumber)
    found = re.fullmatch(NUMBERED.format(r"(\d{1,5})"), str(item.get("SegmentDescription", "") or ""))
    value = int(found[1]) if found and 0 < int(found[1]) < 65536 else number
    colour = OKABE_ITO[(value - 1) % len(OKABE_ITO)]
    lab = item.get("RecommendedDisplayCIELabValue")
    if lab and len(lab) == 3:
        red, green, blue = highdicom.color.CIELabColor.from_dicom_value(list(lab)).to_rgb(clip=True)
        colour = f"#{red:02x}{green:02x}{blue:02x}"
    return Label(
        value,
        str(item.get("SegmentLabel", "") or f"Label {value}"),
        colour,
        code=_code(item, "SegmentedPropertyTypeCodeSequence", TISSUE),
        category=_code(item, "SegmentedPropertyCategoryCodeSequence", ANATOMICAL_STRUCTURE),
    )


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green, blue (0..255) of #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _concept(code: Code) -> "CodedConcept":
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def _code(item: "Dataset", keyword: str, default: Code) -> Code:
    for term in item.get(keyword) or ():
        value = term.get("CodeValue") or term.get("LongCodeValue") or term.get("URNCodeValue")
        if value:
            return Code(
                str(value), str(term.get("CodingSchemeDesignator", "")), str(term.get("CodeMeaning", ""))
            )
    return default


def _short(name: str) -> str:
    """At most 64 characters and no backslash, as the value representation LO demands (PS3.5, 6.2)."""
    return name.replace("\\", "/").strip()[:64]
