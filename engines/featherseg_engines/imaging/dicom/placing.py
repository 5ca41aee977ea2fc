"""Where a frame of a segmentation lies on a volume's grid: by its position, or by the image it names."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.imaging.dicom.headers import frame_plane, frame_spacing, frame_uids
from featherseg_engines.imaging.volume import Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TOLERANCE = 0.1
"""How far, in voxels, a frame's corners may lie from voxel centres."""

Where = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]
_Steps = npt.NDArray[np.intp]


class FramePlacer:
    """Puts frames of one segmentation (or another derived multi-frame image) onto the grid of ``volume``.

    Parameters
    ----------
    name
        Of the file, for refusals.
    header
        Of the segmentation.
    volume
        Where the frames go.

    Raises
    ------
    ReadError
        The two name different frames of reference, and nothing says that identifiers were replaced.
    """

    def __init__(self, name: str, header: "Dataset", volume: Volume) -> None:
        self._name, self._header, self._volume = name, header, volume
        source = volume.source
        self._slices: dict[tuple[str, int], int] = {}
        if source is not None:
            self._slices = {uid: z for z, uid in enumerate(frame_uids(source))}
        theirs = str(header.get("FrameOfReferenceUID", ""))
        ours = source.frame_of_reference_uid if source is not None else ""
        anonymous = str(header.get("PatientIdentityRemoved", "")) == "YES"
        if theirs and ours and theirs != ours and not anonymous and not self._refers_to_volume():
            raise ReadError(
                f"'{name}' belongs to another examination than '{volume.name}' (another frame of reference); open "
                "the images it was made from."
            )

    def place(self, frame: int, numbers: npt.NDArray[np.uint16]) -> tuple[Where, npt.NDArray[np.uint16]]:
        """Voxels (z, y, x indices) that a frame's label numbers (rows, columns) cover, and their numbers.

        Raises
        ------
        ReadError
            The frame does not lie on the grid, or covers voxels outside of it.
        """
        start, steps = self._voxels(frame, numbers.shape)
        row_column = np.nonzero(numbers)
        index = start + np.stack(row_column, axis=1) @ steps
        if index.size and (index.min() < 0 or np.any(index >= self._volume.geometry.shape)):
            raise ReadError(
                f"'{self._name}' covers voxels outside of '{self._volume.name}' (frame {frame}); open the images it "
                "was made from."
            )
        z, y, x = index.T
        return (z, y, x), numbers[row_column]

    def _voxels(self, frame: int, shape: tuple[int, ...]) -> tuple[_Steps, _Steps]:
        """Index (3,) of the frame's first pixel, and index steps (2, 3) for one row down and one column along."""
        named = self._named_slice(frame)
        plane = frame_plane(self._header, frame)
        spacing = frame_spacing(self._header, frame)
        if plane is None or spacing is None:
            if named is None or shape != self._volume.geometry.shape[1:]:
                raise ReadError(
                    f"'{self._name}' neither says where frame {frame} lies nor names an image of "
                    f"'{self._volume.name}'; open the images it was made from."
                )
            return np.array([named, 0, 0]), np.array([[0, 1, 0], [0, 0, 1]])
        position, along, down = plane
        corners = np.array([position, position + down * spacing[0], position + along * spacing[1]])
        index = self._volume.geometry.to_index(corners)
        steps = index[1:] - index[0]
        if named is not None and np.all(np.abs(steps[:, 0]) < TOLERANCE / max(shape)):
            index[:, 0] = named  # slices at irregular distances lie where their image is
        whole_start, whole_steps = np.rint(index[0]), np.rint(steps)
        last = np.array(shape[:2]) - 1
        drift = np.abs(index[0] - whole_start) + last @ np.abs(steps - whole_steps)
        if (
            drift.max() > TOLERANCE
            or np.abs(whole_steps).sum() != 2
            or not np.any(whole_steps[0] != whole_steps[1])
        ):
            raise ReadError(
                f"Frame {frame} of '{self._name}' does not lie on the voxels of '{self._volume.name}' (another "
                "position, direction or spacing); open the images it was made from."
            )
        return whole_start.astype(np.intp), whole_steps.astype(np.intp)

    def _named_slice(self, frame: int) -> int | None:
        """The slice of the volume that a frame names as the only image it was made from."""
        groups = [
            *(self._header.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame],
            *(self._header.get("SharedFunctionalGroupsSequence") or [])[:1],
        ]
        named = [
            (str(image.get("ReferencedSOPInstanceUID", "")), int(image.get("ReferencedFrameNumber", 1) or 1))
            for group in groups
            for derivation in group.get("DerivationImageSequence", ())
            for image in derivation.get("SourceImageSequence", ())
        ]
        return self._slices.get(named[0]) if len(named) == 1 else None

    def _refers_to_volume(self) -> bool:
        source = self._volume.source
        return source is not None and any(
            str(item.get("SeriesInstanceUID", "")) == source.series_uid
            for item in self._header.get("ReferencedSeriesSequence") or ()
        )
