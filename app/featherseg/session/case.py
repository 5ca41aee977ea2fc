"""What is open: a volume, its labels, the undo of both, and where the labels are kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np

from featherseg_engines.annotation.history import History, Step
from featherseg_engines.imaging.readers import stem_of
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import LabelMap


@dataclass(slots=True, eq=False)
class OpenCase:
    """One image being labelled; owned by the UI thread.

    Parameters
    ----------
    growing
        True while its slices are still being read.
    number
        The case's number in the workspace, whose journal keeps every edit; None for a loose image, whose labels
        are kept only when somebody saves them.
    name
        What the case list calls it; "" means the volume's name.
    token
        Stands for the image while it is open, where its content was not hashed.
    """

    volume: Volume
    history: History
    saved_to: Path | None = None
    growing: bool = False
    number: int | None = None
    name: str = ""
    token: str = field(default_factory=lambda: uuid4().hex)
    _saved_at: Step | None = field(default=None)

    @property
    def labels(self) -> LabelMap:
        """The labels on the volume's grid."""
        return self.history.labels

    @property
    def image(self) -> str:
        """What answers about this image are kept under."""
        return self.volume.content or self.token

    @property
    def title(self) -> str:
        """For the window's title and the notices."""
        return self.name or self.volume.name

    @property
    def unsaved(self) -> bool:
        """Whether something would be lost now: not saved, or in a workspace refused by the disk."""
        if self.number is not None:
            return self.history.unsaved > 0
        return self.newest is not self._saved_at

    @property
    def newest(self) -> Step | None:
        """The newest step that is about the labels, not about a ghost; None before the first."""
        return next((step for step in reversed(self.history.done) if step.source != "stroke"), None)

    def mark_saved(self, path: Path, at: Step | Literal["now"] | None = "now") -> None:
        """Remember that ``path`` holds the labels as they are now, or as they were after the step ``at``."""
        self.saved_to = path
        self._saved_at = self.newest if at == "now" else at

    def touched(self) -> set[int]:
        """Slices that a person edited or accepted."""
        return {z for step in self.history.done for z in range(step.box.start[0], step.box.stop[0])}


def new_case(volume: Volume, labels: LabelMap | None = None, *, growing: bool = False) -> OpenCase:
    """A case without labels, or over a label map that somebody else (a napari layer) holds."""
    if labels is None:
        labels = LabelMap(np.zeros(volume.geometry.shape, np.uint8))
    return OpenCase(volume, History(labels), growing=growing)


def suggested_mask(path: Path, volume: Volume) -> Path:
    """Where a mask of the image at ``path`` goes unless the person says otherwise."""
    ending = ".png" if volume.is_photograph else ".nii.gz"
    return path.parent / f"{stem_of(path)}_mask{ending}"


def kept_in_words(case: OpenCase) -> str:
    """Whether the disk holds every edit of a workspace case."""
    count = case.history.unsaved
    if not count:
        return "✓ every edit saved"
    return f"● {count} {'edit' if count == 1 else 'edits'} not saved"
