"""NIfTI-1 and -2 volumes, slice by slice, with their place in LPS; RAS ends here.

The geometry is the sform where it is set and usable, else the qform (the standard's methods 3 and 2). Where both
are set and disagree, that is told.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.endings import stem_of, suffix_of
from featherseg_engines.imaging.limits import check_claim
from featherseg_engines.imaging.progress import UNHEARD, Reading
from featherseg_engines.imaging.quiet import damage, quiet_python
from featherseg_engines.imaging.volume import Volume

Floats = npt.NDArray[np.float64]
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNITS_MM = {"meter": 1000.0, "micron": 0.001}


def read_nifti(path: Path, moment: int = 0, reading: Reading = UNHEARD) -> Volume:
    """A volume of a NIfTI file; of several (time, b-value), number ``moment`` from 0.

    Raises
    ------
    ReadError
        The file is damaged, cut off or holds what is no image.
    Cancelled
        The person asked to stop.
    """
    try:
        with quiet_python():
            return _read(path, moment, reading)
    except damage() as error:
        raise ReadError(f"'{path.name}' is damaged or is not a NIfTI image; choose another file.") from error


def _read(path: Path, moment: int, reading: Reading) -> Volume:
    import nibabel

    image: Any = nibabel.load(path, mmap=False)
    header = image.header
    shape, warnings = _shape(path, header.get_data_shape(), moment)
    dtype, offset = header.get_data_dtype(), int(image.dataobj.offset)
    packed = suffix_of(path) == ".nii.gz"
    size = path.stat().st_size
    claimed = int(np.prod(header.get_data_shape(), dtype=object)) * dtype.itemsize
    check_claim(path, claimed, size if packed else size - offset, packed)
    voxels = _voxels(image, shape, moment, reading)
    geometry, more = _geometry(path, header, voxels.shape[:3])
    return Volume(voxels, geometry, "", stem_of(path), path, warnings=(*warnings, *more))


def _shape(
    path: Path, found: tuple[int, ...], moment: int
) -> tuple[tuple[int, int, int, int, int], list[str]]:
    """(x, y, z, volumes, channels) and what is told of it."""
    if not 1 <= len(found) <= 7 or min(found) < 1:
        raise ReadError(f"'{path.name}' says its size is {found}, which is no image.")
    full = (*found, 1, 1, 1, 1, 1, 1)[:7]
    if max(full[5:]) > 1 or full[4] not in (1, 3):
        raise ReadError(
            f"'{path.name}' has {len(found)} dimensions ({found}); volumes, series and RGB are read."
        )
    x, y, z, volumes, channels = (int(n) for n in full[:5])
    if not 0 <= moment < volumes:
        raise ReadError(f"'{path.name}' holds {volumes} volumes; number {moment + 1} is not one.")
    told = [f"'{path.name}' holds {volumes} volumes; number {moment + 1} is shown."] if volumes > 1 else []
    return (x, y, z, volumes, channels), told


def _voxels(
    image: Any, shape: tuple[int, int, int, int, int], moment: int, reading: Reading
) -> npt.NDArray[np.generic]:
    from nibabel.fileslice import fileslice

    x, y, z, _, channels = shape
    stored = image.dataobj  # once loaded, offset and scale are here, no longer in the header
    dtype, scale = image.header.get_data_dtype(), (float(stored.slope), float(stored.inter))
    target: npt.NDArray[np.generic] | None = None
    with image.file_map["image"].get_prepare_fileobj("rb") as file:
        for channel in range(channels):
            for k in range(z):
                reading.step(channel * z + k, channels * z)
                at = (slice(None), slice(None), k, moment, channel)
                plane = fileslice(file, at, shape, dtype, stored.offset, order="F")
                values = _values(np.asarray(plane), scale)
                if target is None:
                    colours = values.shape[2:] if channels == 1 else (channels,)
                    target = np.zeros((z, y, x, *colours), values.dtype)
                if channels > 1:
                    target[k, ..., channel] = values.T
                else:
                    target[k] = np.swapaxes(values, 0, 1)
    assert target is not None
    target.setflags(write=False)
    return target


def _values(plane: npt.NDArray[np.generic], scale: tuple[float, float]) -> npt.NDArray[np.generic]:
    """Values (x, y[, 3]) of a stored plane in the machine's own byte order."""
    if plane.dtype.names:
        fields: Any = plane
        return np.stack([fields[name] for name in plane.dtype.names[:3]], axis=-1)
    if plane.dtype.kind not in "iuf":
        raise ValueError(f"values of the type {plane.dtype} are no intensities")
    if scale != (1.0, 0.0):
        return np.asarray(plane.astype(np.float32) * np.float32(scale[0]) + np.float32(scale[1]))
    if plane.dtype.itemsize > 8:
        return plane.astype(np.float32)
    return plane.astype(plane.dtype.newbyteorder("="), copy=False)


def _geometry(path: Path, header: Any, shape: tuple[int, ...]) -> tuple[Geometry, list[str]]:
    affine, warnings = _affine(path, header)
    factor = UNITS_MM.get(str(header.get_xyzt_units()[0]), 1.0)
    lps = TO_LPS @ affine
    lps[:3] *= factor
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    x, y, z = (float(v) for v in lengths)
    origin = tuple(float(v) for v in lps[:3, 3])
    flat = tuple(float(v) for v in (lps[:3, :3] / lengths).ravel())
    grid = (int(shape[0]), int(shape[1]), int(shape[2]))
    return Geometry(grid, (z, y, x), (origin[0], origin[1], origin[2]), flat), warnings


def _affine(path: Path, header: Any) -> tuple[Floats, list[str]]:
    """From voxel (i, j, k) to RAS in the file's unit, and what is told of it."""
    sform = _usable(header.get_sform(coded=True))
    qform = _usable(_qform(header))
    if sform is not None and qform is not None and not _agree(sform, qform, header):
        return sform, [
            f"In '{path.name}' sform and qform disagree on where the image lies; the sform is used."
        ]
    if sform is not None:
        return sform, []
    named = int(header["sform_code"]) > 0
    if qform is not None:
        told = [f"The sform of '{path.name}' is not usable; its qform is used."] if named else []
        return qform, told
    sizes = [float(v) for v in header["pixdim"][1:4]]
    mended = [abs(v) if np.isfinite(v) and v != 0 else 1.0 for v in sizes]
    told = [f"'{path.name}' does not say how the image is oriented; first axis right to left is assumed."]
    if mended != sizes:
        told.append(f"'{path.name}' gives voxel sizes {sizes}; 1 mm is used where they are not positive.")
    return TO_LPS @ np.diag([*mended, 1.0]), told  # as ITK does: the file's axes are L, P, S


def _qform(header: Any) -> tuple[Floats | None, int]:
    try:
        found = header.get_qform(coded=True)
    except damage():
        return None, 0
    return found[0], int(found[1])


def _usable(coded: tuple[Floats | None, int]) -> Floats | None:
    affine, code = coded
    if affine is None or not code or not np.isfinite(affine).all():
        return None
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        return None
    return np.asarray(affine, np.float64)


def _agree(one: Floats, other: Floats, header: Any) -> bool:
    """Whether the corners lie within a tenth of a voxel of each other."""
    corners = np.array(
        [[0, 0, 0, 1], [*(n - 1 for n in (*header.get_data_shape(), 1, 1)[:3]), 1]], np.float64
    )
    apart = np.abs((one - other) @ corners.T).max()
    return bool(apart < 0.1 * np.linalg.norm(one[:3, :3], axis=0).min())
