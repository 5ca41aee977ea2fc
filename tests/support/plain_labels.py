"""The yardstick for journal and undo: the same steps on plain arrays, a copy kept after each."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from featherseg_engines.annotation.history import History
from featherseg_engines.annotation.intake import add_images
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box

SHAPE = (6, 40, 48)


class Step(NamedTuple):
    """One order; ``case`` is for a switch, ``box`` and ``seed`` for an edit."""

    kind: Literal["edit", "undo", "redo", "switch", "save"]
    case: int = 0
    seed: int = 0


class Plain:
    """Labels of some cases as lists of copies."""

    def __init__(self, cases: list[int]) -> None:
        self.copies = {case: [np.zeros(SHAPE, np.uint8)] for case in cases}
        self.at = dict.fromkeys(cases, 0)
        self.active = cases[0]

    def now(self, case: int) -> np.ndarray:
        return self.copies[case][self.at[case]]

    def take(self, step: Step) -> None:
        case = self.active
        if step.kind == "switch":
            self.active = step.case
        elif step.kind == "edit":
            box, after = painted(self.now(case), step.seed)
            changed = self.now(case).copy()
            changed[box.slices] = after
            del self.copies[case][self.at[case] + 1 :]
            self.copies[case].append(changed)
            self.at[case] += 1
        elif step.kind == "undo":
            self.at[case] = max(0, self.at[case] - 1)
        elif step.kind == "redo":
            self.at[case] = min(len(self.copies[case]) - 1, self.at[case] + 1)


def painted(labels: np.ndarray, seed: int) -> tuple[Box, np.ndarray]:
    """A stroke, a block, noise or a filled plane, depending on what is there already."""
    rng = np.random.default_rng(seed)
    start = [int(rng.integers(0, n)) for n in labels.shape]
    stop = [int(rng.integers(a + 1, n + 1)) for a, n in zip(start, labels.shape, strict=True)]
    if rng.random() < 0.5:
        stop[0] = start[0] + 1
    box = Box(tuple(start), tuple(stop))
    after = labels[box.slices].copy()
    if rng.random() < 0.3:
        after[after == 0] = rng.integers(1, 5)
    elif rng.random() < 0.5:
        after[rng.random(after.shape) < 0.3] = rng.integers(0, 200)
    else:
        after[...] = rng.integers(0, 6)
    return box, after


def perform(history: History, step: Step) -> None:
    """An edit, undo or redo on the real thing."""
    if step.kind == "edit":
        box, after = painted(history.labels.array, step.seed)
        source = ("hand", "proposal", "tool", "file")[step.seed % 4]
        history.do(history.labels.propose_edit(f"Step {step.seed}", source, box, after))
    elif step.kind == "undo":
        history.undo()
    elif step.kind == "redo":
        history.redo()


def step_at(seed: int, k: int, cases: list[int]) -> Step:
    """The k-th order of the endless sequence that ``seed`` names."""
    rng = np.random.default_rng((seed, k))
    kind = rng.choice(["edit", "undo", "redo", "switch", "save"], p=[0.55, 0.16, 0.12, 0.1, 0.07])
    return Step(str(kind), int(rng.choice(cases)), int(rng.integers(1 << 30)))


def make_workspace(folder: Path, cases: int = 3) -> list[int]:
    """A workspace of small volumes, closed; their case numbers."""
    images = folder.parent / f"{folder.name}-images"
    images.mkdir(parents=True, exist_ok=True)
    geometry = Geometry(SHAPE, (3.0, 0.8, 0.9), (5.0, -7.0, 11.0))
    rng = np.random.default_rng(3)
    paths = [images / f"volume{i}.nii.gz" for i in range(cases)]
    for path in paths:
        write_mask(path, rng.integers(0, 200, SHAPE).astype(np.uint8), geometry)
    with Workspace(folder, "AB") as workspace:
        return [case.id for case in add_images(workspace, paths).cases]
