"""What is open: a volume, its labels, the undo of both, and where the labels were saved."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from featherseg.session.history import UndoHistory
from featherseg_engines.imaging.readers import stem_of
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Edit, LabelMap


@dataclass(slots=True, eq=False)
class OpenCase:
    """One image being labelled; owned by the UI thread. It is ``growing`` while its slices are still being read."""

    volume: Volume
    history: UndoHistory
    saved_to: Path | None = None
    growing: bool = False
    _saved_at: Edit | None = field(default=None)

    @property
    def labels(self) -> LabelMap:
        """The labels on the volume's grid."""
        return self.history.labels

    @property
    def unsaved(self) -> bool:
        """Whether something was changed since the last save."""
        newest = self.history.done[-1] if self.history.done else None
        return newest is not self._saved_at

    def mark_saved(self, path: Path) -> None:
        """Remember that the labels as they are now stand in ``path``."""
        self.saved_to = path
        self._saved_at = self.history.done[-1] if self.history.done else None

    def touched(self) -> set[int]:
        """Slices that a person edited or accepted."""
        return {z for edit in self.history.done for z in range(edit.box.start[0], edit.box.stop[0])}


def new_case(volume: Volume, labels: LabelMap | None = None, *, growing: bool = False) -> OpenCase:
    """A case without labels, or over a label map that somebody else (a napari layer) holds."""
    if labels is None:
        labels = LabelMap(np.zeros(volume.geometry.shape, np.uint8))
    return OpenCase(volume, UndoHistory(labels), growing=growing)


def suggested_mask(path: Path, volume: Volume) -> Path:
    """Where a mask of the image at ``path`` goes unless the person says otherwise."""
    ending = ".png" if volume.is_photograph else ".nii.gz"
    return path.with_name(stem_of(path) + "_mask" + ending)
