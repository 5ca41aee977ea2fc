"""An engine that does at once what a stroke says, for tests that are not about how a real one learns from it."""

import threading

import numpy as np

from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Head

SQUARE = np.s_[4:12, 4:12]
"""Where the ghost is before anybody says otherwise."""


class StrokedEngine:
    """Proposes a square; strokes, region and islands are followed to the letter, and a carried head by rows.

    A head that knows n positive pixels adds n rows of label at the top of a slice without strokes.
    """

    def __init__(self, gated: bool = False) -> None:
        self.asked = []
        self.gate = threading.Semaphore(0) if gated else None

    def propose(self, request, cancel):
        self.asked.append(request)
        if self.gate is not None:
            self.gate.acquire(timeout=10)
        cancel.check()
        _, height, width = request.volume.geometry.shape
        prompts = request.prompts
        levels = np.zeros((1, 1, height, width), np.uint8)
        levels[0, 0][SQUARE] = 200
        known = 0 if prompts.head is None else int(prompts.head.weights[0])
        levels[0, 0, : min(known, 3)] = 220
        if prompts.region is not None:
            inside = np.zeros((1, height, width), bool)
            inside[0][prompts.region.box.slices[1:]] = prompts.region.mask[0]
            levels[0][~inside] = 0
        for stroke in prompts.strokes:
            known += int(stroke.mask.sum()) if stroke.positive else 0
            levels[0, 0][stroke.box.slices[1:]][stroke.mask[0]] = 255 if stroke.positive else 0
        head = None
        if prompts.strokes:
            head = Head(np.array([known, 1.0]), request.model.identity, len(prompts.strokes))
        box = Box((request.z, 0, 0), (request.z + 1, height, width))
        return Proposal(request, box, levels, "stroked", request.model.identity, 0.0, head)
