"""NIfTI out: any grid, sheared ones too, which SimpleITK would straighten; LPS becomes RAS here."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.quiet import quiet_python

SCANNER = 1
"""NIFTI_XFORM_SCANNER_ANAT."""
VECTOR = 1007
"""NIFTI_INTENT_VECTOR."""
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_nifti(path: Path, voxels: npt.NDArray[np.generic], geometry: Geometry) -> None:
    """Write (z, y, x[, 3]) so that it lies where ``geometry`` says; ``.gz`` packs it.

    The sform holds the exact grid; the qform too, where the axes are at right angles.
    """
    import nibabel

    affine = ras_affine(geometry)
    with quiet_python():
        image: Any = nibabel.Nifti1Image(_stored(voxels), affine, dtype=_stored(voxels[:1]).dtype)
        header = image.header
        header.set_xyzt_units("mm")
        header.set_sform(affine, SCANNER)
        matrix = np.asarray(geometry.direction).reshape(3, 3)
        if np.allclose(matrix.T @ matrix, np.eye(3), atol=1e-4):
            header.set_qform(affine, SCANNER)
        else:
            header.set_qform(affine, 0, strip_shears=True)
        if voxels.ndim == 4 and voxels.dtype != np.uint8:
            header.set_intent(VECTOR)
        image.to_filename(path)


def ras_affine(geometry: Geometry) -> npt.NDArray[np.float64]:
    """From voxel (i, j, k) = (x, y, z) to RAS mm."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(geometry.direction).reshape(3, 3) * np.asarray(geometry.spacing_mm[::-1])
    affine[:3, 3] = geometry.origin_mm
    return np.asarray(TO_RAS @ affine)


def _stored(voxels: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    """In NIfTI's order of axes; a view where no channels are in the way."""
    kind = voxels.dtype
    if kind == np.float16 or kind == np.bool_:
        voxels = voxels.astype(np.float32 if kind == np.float16 else np.uint8)
    if voxels.ndim == 3:
        return voxels.T
    if kind == np.uint8:
        colours = np.ascontiguousarray(voxels).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
        return colours.T
    return np.transpose(voxels, (2, 1, 0, 3))[:, :, :, None, :]
