"""Killed without warning at any moment, the workspace gives back every edit that was reported finished."""

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.plain_labels import Plain, make_workspace, step_at

from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.imaging.readers import read_mask

WORKER = Path(__file__).resolve().parents[1] / "support" / "killed_worker.py"


def work_until_killed(
    folder: Path, seed: int, first: int, active: int, steps: int, delay_s: float, *words: str
) -> int:
    """Let a program work for at least ``steps`` and a moment more, kill it; how many it had reported finished."""
    child = subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), str(seed), str(first), str(active), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    heard = ""
    for _ in range(steps):
        heard += child.stdout.readline()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=delay_s)
    child.kill()
    heard += child.stdout.read()  # not communicate(), which forgets what readline has read ahead
    child.wait()
    finished = heard.split("\n")[:-1]
    assert finished and all(line.isdigit() for line in finished), heard
    return int(finished[-1])


def same_as(workspace: Workspace, plain: Plain) -> bool:
    """Whether every case has the labels, the undo and the redo of the plain copies."""
    for case in plain.copies:
        history = workspace.open_case(case).history
        steps = len(history.done), len(history.undone)
        expected = plain.at[case], len(plain.copies[case]) - 1 - plain.at[case]
        if steps != expected or not np.array_equal(history.labels.array, plain.now(case)):
            return False
    return True


def kill_and_compare(folder: Path, kills: int, seed: int, *words: str) -> None:
    cases = make_workspace(folder)
    plain, done, dice = Plain(cases), -1, random.Random(seed)
    for _ in range(kills):
        first, active = done + 1, plain.active
        last = work_until_killed(
            folder, seed, first, active, dice.randint(1, 12), dice.uniform(0, 0.25), *words
        )
        for k in range(first, last + 1):
            plain.take(step_at(seed, k, cases))
        done = last
        with Workspace(folder, "EF") as workspace:
            assert workspace.crashed is not None and workspace.crashed.who == "CD"
            if not same_as(workspace, plain):  # one more may have been recorded and not reported yet
                done += 1
                plain.take(step_at(seed, done, cases))
                assert same_as(workspace, plain), f"lost something after step {last}"
            assert not list((folder / "masks").glob(".featherseg-*"))
            for file in (folder / "masks").iterdir():
                read_mask(file)
    with Workspace(folder) as workspace:
        for case in cases:
            workspace.write_through(case)
            written = folder / workspace.case(case).mask
            expected = plain.now(case)
            assert not written.exists() or np.array_equal(read_mask(written), expected)
            undo_everything(workspace, case, plain)


def undo_everything(workspace: Workspace, case: int, plain: Plain) -> None:
    history = workspace.open_case(case).history
    for at in range(plain.at[case] - 1, -1, -1):
        assert history.undo() is not None
        assert np.array_equal(history.labels.array, plain.copies[case][at])
    assert history.undo() is None


def test_every_edit_reported_finished_is_there_after_eight_kills(tmp_path):
    kill_and_compare(tmp_path / "w", 8, seed=11)


def test_the_same_holds_on_a_network_share(tmp_path):
    kill_and_compare(tmp_path / "w", 3, 13, "share")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_edit_reported_finished_is_there_after_fifty_kills(tmp_path):
    kill_and_compare(tmp_path / "w", 50, seed=12)
