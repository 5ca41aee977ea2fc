"""The real window killed without warning gives back every edit that it had reported finished."""

import contextlib
import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.hand import has_hand
from support.paths import TINY

from featherseg_engines.annotation.intake import add_folder
from featherseg_engines.annotation.workspace import OpenedCase, Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_mask
from featherseg_engines.imaging.writers import write_mask

WORKER = Path(__file__).resolve().parents[1] / "support" / "killed_window.py"


def make_workspace(folder: Path) -> None:
    """Two photographs and a small volume."""
    folder.mkdir()
    for i, image in enumerate(sorted((TINY / "dev" / "images").glob("*"))[:2]):
        shutil.copy(image, folder / f"photo {i}{image.suffix}")
    ball = np.linalg.norm(np.indices((9, 60, 70)) - np.array([4, 30, 35])[:, None, None, None], axis=0) < 4
    geometry = Geometry((9, 60, 70), (3.0, 0.8, 0.8))
    write_mask(folder / "volume.nii.gz", ball.astype(np.uint8) * 100, geometry)
    with Workspace(folder, "AB") as workspace:
        assert len(add_folder(workspace, folder).cases) == 3


def work_until_killed(folder: Path, seed: int, steps: int, delay_s: float) -> list[dict[str, object]]:
    """Let the window report at least ``steps`` and work a moment more, kill it; what it had reported."""
    child = subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stderr is not None
    heard = "".join(child.stdout.readline() for _ in range(steps))
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=delay_s)
    ended_itself = child.poll() is not None
    child.kill()
    heard += child.stdout.read()
    said = child.stderr.read()
    child.wait()
    assert not ended_itself, said
    return [json.loads(line) for line in heard.split("\n")[:-1] if line.startswith("{")]


def state_of(opened: OpenedCase) -> tuple[object, ...]:
    digest = hashlib.sha256(opened.history.labels.array.tobytes()).hexdigest()
    return digest, len(opened.history.done), len(opened.history.undone)


def one_step_on(opened: OpenedCase, expected: tuple[object, ...]) -> bool:
    """Whether the case is as expected but for one more step, recorded and not reported yet."""
    if opened.history.undo() is not None:
        if state_of(opened)[:2] == expected[:2]:
            return True
        opened.history.redo()
    return opened.history.redo() is not None and state_of(opened)[:2] == expected[:2]


def kill_and_compare(folder: Path, kills: int, seed: int) -> int:
    """Kill as often; how many steps were compared."""
    make_workspace(folder)
    known: dict[int, tuple[object, ...]] = {}
    dice, compared = random.Random(seed), 0
    for kill in range(kills):
        said = work_until_killed(folder, seed * 100 + kill, dice.randint(1, 25), dice.uniform(0, 0.4))
        for line in said:
            known[int(str(line["case"]))] = (line["labels"], line["done"], line["undone"])
        compared += len(said)
        extra = 0
        with Workspace(folder, "EF") as workspace:
            assert workspace.crashed is not None
            for case, expected in known.items():
                opened = workspace.open_case(case)
                now = state_of(opened)
                if now != expected:
                    extra += 1
                    assert one_step_on(opened, expected), (
                        f"case {case} lost something after {said[-1]}: {expected} became {now}"
                    )
                    known[case] = state_of(opened)
            assert extra <= 1, "only the case in hand can be a step ahead of what was reported"
            for file in (folder / "masks").glob("*.*"):
                read_mask(file)
    return compared


@pytest.fixture(autouse=True)
def _needs_a_display(qapp):
    if not has_hand():
        pytest.skip("needs an X display")


def test_every_edit_reported_finished_is_there_after_the_window_was_killed_twice(tmp_path):
    assert kill_and_compare(tmp_path / "Fälle 1", 2, seed=3) > 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_edit_reported_finished_is_there_after_the_window_was_killed_twelve_times(tmp_path):
    assert kill_and_compare(tmp_path / "w", 12, seed=5) > 24
