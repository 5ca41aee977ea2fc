"""A warning before pixels leave that may show a name: ultrasound, endoscopy, captured screens."""

from typing import TYPE_CHECKING

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MODALITIES = {
    "US": "an ultrasound image",
    "IVUS": "an ultrasound image",
    "ES": "an endoscopy image",
    "XC": "a photograph from a patient's record",
    "SC": "a captured screen",
    "OT": "an image of unknown origin",
}
CAPTURED_CLASS = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture Image Storage; its multi-frame kinds are numbered below it (PS3.4, B.5)."""
TAGS = (
    "SOPClassUID",
    "Modality",
    "BurnedInAnnotation",
    "ConversionType",
    "SequenceOfUltrasoundRegions",
)


def may_hold_text(volume: Volume) -> str | None:
    """One sentence of warning where names or dates may stand in the pixels of ``volume``, else None.

    Looks at the first file's header; without one at the modality. The pixels themselves are not searched.
    """
    from featherseg_engines.imaging.dicom.headers import damage_told, read_header

    if volume.source is None or not volume.source.paths:
        return _sentence(volume.name, MODALITIES.get(volume.modality, ""))
    try:
        with damage_told("unreadable"):
            return text_warning(read_header(volume.source.paths[0], TAGS), volume.name)
    except ReadError:
        return _sentence(volume.name, "an image whose file is gone")


def text_warning(header: "Dataset", name: str) -> str | None:
    """The same for a header; ``name`` goes into the sentence.

    Burned In Annotation decides where it is filled in (PS3.3, C.7.6.1.1.4), else the kind of image.
    """
    said = str(header.get("BurnedInAnnotation", "") or "").strip().upper()
    if said == "YES":
        return _sentence(name, "an image marked as having text burnt into its pixels")
    if said == "NO":
        return None
    kind = MODALITIES.get(str(header.get("Modality", "") or ""), "")
    sop_class = str(header.get("SOPClassUID", "") or "")
    if not kind and (sop_class == CAPTURED_CLASS or sop_class.startswith(CAPTURED_CLASS + ".")):
        kind = MODALITIES["SC"]
    if not kind and header.get("ConversionType"):
        kind = "a scanned or captured image"
    if not kind and header.get("SequenceOfUltrasoundRegions"):
        kind = MODALITIES["US"]
    return _sentence(name, kind)


def _sentence(name: str, kind: str) -> str | None:
    if not kind:
        return None
    return f"'{name}' is {kind}: its pixels may show a name or a date; look at every slice before it leaves."
