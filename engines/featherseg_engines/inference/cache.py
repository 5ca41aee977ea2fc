"""Answers kept for the next time they are asked for, as many as a bound in bytes allows."""

from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from featherseg_engines.inference.proposal import Key, Proposal, Request
from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Head

BOUND = 256 * 2**20
"""Bytes; about a thousand slices of 512 x 512 of which the proposals fill all."""
OVERHEAD = 512
"""Bytes an entry costs besides its levels."""


class _Answer(NamedTuple):
    """What is kept of a proposal: nothing that would keep the image in memory."""

    box: Box
    levels: npt.NDArray[np.uint8]
    model: str
    seconds: float
    head: Head | None = None

    @property
    def cost(self) -> int:
        return int(self.levels.nbytes) + OVERHEAD


class ProposalCache:
    """The answers used last, by what they depend on; lives on one thread.

    An answer that is larger than the bound is not kept.
    """

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._kept: OrderedDict[Key, _Answer] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    def __contains__(self, key: Key) -> bool:
        """Whether an answer is there; does not count as use."""
        return key in self._kept

    def get(self, request: Request) -> Proposal | None:
        """The answer to a request, or None."""
        key = request.key
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return Proposal(request, found.box, found.levels, found.model, key.weights, found.seconds, found.head)

    def put(self, proposal: Proposal) -> None:
        """Keep an answer in place of an older one; the longest unused go where the bound is passed."""
        key = proposal.request.key
        self.discard(key)
        answer = _Answer(proposal.box, proposal.levels, proposal.model, proposal.seconds, proposal.head)
        if answer.cost > self._bound:
            return
        self._kept[key] = answer
        self.size += answer.cost
        while self.size > self._bound:
            _, gone = self._kept.popitem(last=False)
            self.size -= gone.cost

    def discard(self, key: Key) -> None:
        """Let one answer go."""
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.size -= gone.cost

    def forget(self, image: str) -> None:
        """Let all answers for an image go."""
        for key in [key for key in self._kept if key.image == image]:
            self.discard(key)
