"""Where the model is unsure of the proposal on screen: shown or not, and how much in all."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.inference.uncertainty import Tally, score_of, shades, tally

if TYPE_CHECKING:
    from featherseg.session.session import Session

SURE, FAIRLY = 90, 80
"""How sure, in per cent, from which a model is called sure, or fairly sure. Of 635 answers of nine shipped models to
dev images the mean Dice was 0.91 where sure, 0.82 where fairly sure, 0.58 else (benchmarks/uncertainty.py)."""
LEGEND = "Violet glows where the model hesitates between the label and the background: the stronger, the less sure."


class Unsure:
    """Follows the proposal on screen; lives on the UI thread. What nobody asks for is not computed."""

    changed = Signal(bool)  # whether the places are shown

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.shown = False
        self._counted: tuple[Proposal, Tally] | None = None
        self._shaded: tuple[Proposal, npt.NDArray[np.uint8]] | None = None
        session.proposed.connect(self._on_proposed)

    def show(self, shown: bool) -> None:
        """Show where the model is unsure from now on, or no longer."""
        if shown != self.shown:
            self.shown = shown
            self.changed.emit(shown)

    @property
    def tally(self) -> Tally | None:
        """The counted levels of the proposal on screen."""
        proposal = self._session.proposal
        if proposal is None:
            return None
        if self._counted is None or self._counted[0] is not proposal:
            self._counted = proposal, tally(proposal.levels)
        return self._counted[1]

    @property
    def score(self) -> float | None:
        """How unsure the model is of the proposal on screen, 0..1; None without one."""
        counts = self.tally
        return None if counts is None else score_of(counts)

    @property
    def shades(self) -> npt.NDArray[np.uint8] | None:
        """Of the proposal on screen (z, y, x), how unsure each voxel is in steps of 1/255; computed once."""
        proposal = self._session.proposal
        if proposal is None:
            return None
        if self._shaded is None or self._shaded[0] is not proposal:
            self._shaded = proposal, shades(proposal.levels)
        return self._shaded[1]

    def _on_proposed(self, proposal: Proposal | None) -> None:
        self._counted = self._shaded = None


def in_words(score: float) -> str:
    """A score as a person reads it: "Sure (94 %)", "Fairly sure (85 %)", "Unsure (61 %)"."""
    sure = per_cent(score)
    word = "Sure" if sure >= SURE else "Fairly sure" if sure >= FAIRLY else "Unsure"
    return f"{word} ({sure} %)"


def per_cent(score: float) -> int:
    """How sure, 0..100, as the opposite of a score."""
    return round(100 * (1 - score))
