"""How well a mask agrees with the truth: Dice, IoU, precision and recall from pixel counts.

Conventions: both masks empty is a perfect answer (1), one empty is 0; precision of an empty answer and recall
of an empty truth are undefined (None).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixel counts of one class: in both, only in the answer, only in the truth."""

    both: int
    answer_only: int
    truth_only: int

    def __add__(self, other: "Overlap") -> "Overlap":
        """Pooled counts."""
        return Overlap(
            self.both + other.both,
            self.answer_only + other.answer_only,
            self.truth_only + other.truth_only,
        )

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|); 1 where both are empty."""
        total = 2 * self.both + self.answer_only + self.truth_only
        return 1.0 if total == 0 else 2 * self.both / total

    @property
    def iou(self) -> float:
        """|A and B| / |A or B|; 1 where both are empty."""
        total = self.both + self.answer_only + self.truth_only
        return 1.0 if total == 0 else self.both / total

    @property
    def precision(self) -> float | None:
        """Share of the answer that is true; None where the answer is empty."""
        total = self.both + self.answer_only
        return self.both / total if total else None

    @property
    def recall(self) -> float | None:
        """Share of the truth that was found; None where there is nothing to find."""
        total = self.both + self.truth_only
        return self.both / total if total else None


def overlap(answer: npt.NDArray[np.generic], truth: npt.NDArray[np.generic], value: int) -> Overlap:
    """Counts for the class ``value`` in two label arrays of one shape."""
    if answer.shape != truth.shape:
        raise ValueError(f"answer {answer.shape} and truth {truth.shape} must have one shape")
    a, b = answer == value, truth == value
    both = int(np.count_nonzero(a & b))
    return Overlap(both, int(np.count_nonzero(a)) - both, int(np.count_nonzero(b)) - both)
