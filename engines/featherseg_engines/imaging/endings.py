"""Which file endings are read as what, and the names that are made of them."""

from pathlib import Path

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
NIFTI_SUFFIXES = (".nii", ".nii.gz")
GRID_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")
SUFFIXES = PHOTO_SUFFIXES + GRID_SUFFIXES
"""What ``read_image`` reads by its ending; DICOM files are told by their content as well."""

KINDS = {
    ".jpg": "JPEG image",
    ".jpeg": "JPEG image",
    ".tif": "TIFF image",
    ".nii": "NIfTI image",
    ".nii.gz": "NIfTI image",
    ".nhdr": "NRRD image",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
    ".dcm": "DICOM image",
}


def suffix_of(path: Path) -> str:
    """The file's ending in lower case, ``.nii.gz`` in one piece."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def stem_of(path: Path) -> str:
    """The file's name without its ending, ``.nii.gz`` in one piece."""
    return path.name[: len(path.name) - len(suffix_of(path))]


def kind_of(path: Path) -> str:
    """What the file should be by its ending, in words."""
    suffix = suffix_of(path)
    return KINDS.get(suffix, suffix.strip(".").upper() + " image" if suffix else "DICOM image")
