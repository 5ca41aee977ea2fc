"""A second mask for unions, cuts and differences: a label as it was when it was copied, or the ghost.

A voxel holds one label, so two labels of a case never overlap; what a label can be cut with is a mask beside
the labels. It stays as it is, whatever is done with it.
"""

from dataclasses import dataclass

import numpy as np

from featherseg_engines.annotation.tools.scene import Mask
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box, LabelMap, Labels, changed_box

THE_PROPOSAL = "the proposal"


@dataclass(frozen=True, slots=True, eq=False)
class Copied:
    """A mask kept as the crop that holds it.

    ``shape`` is that of the grid (z, y, x) it belongs to; ``name`` what to call it on a button.
    """

    name: str
    shape: tuple[int, int, int]
    box: Box
    crop: Mask

    def whole(self) -> Mask:
        """The mask on its grid."""
        mask = np.zeros(self.shape, np.bool_)
        mask[self.box.slices] = self.crop
        return mask


def copied_label(labels: LabelMap, value: int, name: str) -> Copied | None:
    """A label's mask as it is now; None where there is none of it."""
    mask = labels.array == value
    box = changed_box(mask)
    return None if box.empty else Copied(name, _shape(labels.array), box, mask[box.slices].copy())


def ghost_mask(proposal: Proposal, threshold: float, values: Labels, value: int) -> Copied:
    """What a proposal says is label ``value``; ``values`` are its classes' label numbers."""
    shape, box = proposal.request.volume.geometry.shape, proposal.box
    crop = np.zeros(box.shape, np.bool_) if box.empty else values[proposal.mask(threshold)] == value
    return Copied(THE_PROPOSAL, shape, box, np.asarray(crop))


def _shape(array: Labels) -> tuple[int, int, int]:
    z, y, x = array.shape
    return z, y, x
