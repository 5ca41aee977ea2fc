"""A teacher that learns nothing, as fast or as slowly as a test says, and a place for what it "learnt"."""

import dataclasses
import hashlib
import json
import shutil
import threading
from pathlib import Path

import numpy as np
from psygnal import Signal

from featherseg.session.lesson_plan import Plan, Stock
from featherseg_engines.models.bundle import CARD, ONNX, open_bundle
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.order import (
    CaseScore,
    CurvePoint,
    Outcome,
    Picture,
    TaughtCase,
    TeachOrder,
    TeachProgress,
    Verdict,
)

SENTENCES = {
    "adopt": "Better: 0.84 → 0.91 on your 4 test cases.",
    "keep": "Not better (0.84 → 0.83). Kept the old model.",
    "ask": "There are too few cases to measure by. Look at both, and choose.",
}


UNKNOWN_FIELD = bytes([0xA2, 0x06])
"""A field of the graph's file (number 100, bytes) that every reader skips: the same network, another hash."""


def verdict_of(decision) -> Verdict:
    """A verdict over four cases."""
    after = 0.83 if decision == "keep" else 0.91
    scores = tuple(CaseScore(f"case {i}", i % 2 == 0, (0.84,), (after,)) for i in range(4))
    how = "nothing" if decision == "ask" else "held out"
    found = (("lesion", 0.84, after),)
    return Verdict(
        decision, SENTENCES[decision], how, 0.84, after, after - 0.84, (-0.1, 0.1), 0.1, found, scores
    )


def other_bundle(folder: Path, marker: str = "taught") -> Path:
    """A shipped model under another name and with another hash: what a lesson might have made of it."""
    first = Catalogue().first()
    assert first is not None
    shutil.copytree(first.folder, folder, dirs_exist_ok=True)
    graph = (folder / ONNX).read_bytes() + UNKNOWN_FIELD + bytes([len(marker)]) + marker.encode()
    (folder / ONNX).write_bytes(graph)
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["name"], card["title"] = f"{card['name']}-{marker}", f"{marker} by you"
    card["sha256"] = {ONNX: hashlib.sha256(graph).hexdigest()}
    (folder / CARD).write_text(json.dumps(card), "utf-8")
    return folder


class FakeTeacher:
    """Takes a step whenever the gate lets it; asks its control between two of them."""

    def __init__(self, decision="adopt", steps: int = 3):
        self.decision, self.steps = decision, steps
        self.gate, self.free = threading.Semaphore(0), True
        self.error: Exception | None = None
        self.orders: list[TeachOrder] = []
        self.taken = 0
        self.threads: set[str] = set()

    def estimate(self, order):
        return 100.0

    def teach(self, order, folder, control, listen):
        self.orders.append(order)
        self.threads.add(threading.current_thread().name)
        for step in range(self.steps):
            control.between()
            while not self.free and not self.gate.acquire(timeout=0.01):
                control.between()
            if self.error is not None and step == 1:
                raise self.error
            self.taken += 1
            part = (step + 1) / self.steps
            point = CurvePoint(step, step * 1.0, 1.0 - part, 0.8, 0.84 + 0.07 * part, 0.84)
            listen(TeachProgress("learning", part, 100.0 * (1 - part), point, picture(part)))
        control.between()
        listen(TeachProgress("measuring", 1.0, 1.0))
        bundle = open_bundle(other_bundle(folder, f"taught {len(self.orders)}"))
        sides = ((picture(0.2), picture(0.9)), (picture(0.3), picture(0.8)))
        return Outcome(bundle, verdict_of(self.decision), 9.0, (), sides if self.decision == "ask" else ())


def picture(part: float) -> Picture:
    """A grey square whose mask grows."""
    pixels = np.full((64, 80, 3), 120, np.uint8)
    truth, answer = np.zeros((2, 64, 80), np.uint8)
    truth[16:48, 20:60] = 1
    answer[16 : 16 + round(32 * part), 20:60] = 1
    return Picture("case 3", pixels, truth, answer)


class FakeSource:
    """So many grey cases."""

    changed = Signal()

    def __init__(self, cases: int = 9, mark: Path | None = None):
        self.cases, self.mark, self.objection = cases, mark, ""
        self.parent = Catalogue().first()

    def stock(self, wishes) -> Stock:
        return Stock(self.cases, self.cases, self.objection)

    def plan(self, wishes) -> Plan:
        return Plan(self.cases, lambda control: self.gather(wishes.settings), self.mark)

    def gather(self, settings) -> TeachOrder:
        case = TaughtCase("a", "a", np.zeros((1, 8, 8), np.uint8), np.zeros((1, 8, 8), np.uint8))
        many = tuple(dataclasses.replace(case, name=f"case {i}") for i in range(self.cases))
        return TeachOrder(many, ("lesion",), (1,), self.parent, self.parent, settings)


class FakeArchive:
    """Folders in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.kept, self.notes, self._made = [], [], 0

    def scratch(self) -> Path:
        self._made += 1
        made = self.folder / f"candidate {self._made}"
        made.mkdir(parents=True)
        return made

    def keep(self, order, outcome):
        self.kept.append(outcome.candidate)
        return outcome.candidate

    def note(self, bundle, *, in_use):
        self.notes.append((bundle.card.name, in_use))
