"""A program that labels without end and says after each step that it is finished, until it is killed.

``python killed_worker.py FOLDER SEED FIRST_STEP ACTIVE_CASE [share]``: steps come from ``step_at``; a thread writes
the masks through all the while, as the app does. ``share``: believe that the folder is on another computer.
"""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import WriteError
from support.plain_labels import perform, step_at


def main(folder: Path, seed: int, first: int, active: int) -> None:
    """Work until killed."""
    workspace = Workspace(folder, "CD")
    assert workspace.store.journal_mode == ("delete" if sys.argv[5:] == ["share"] else "wal")
    cases = [case.id for case in workspace.cases()]
    opened = workspace.open_case(active)

    def write_masks() -> None:
        while True:
            for case in cases:
                try:
                    workspace.write_through(case)
                except WriteError as error:
                    sys.stdout.write(f"failed {error}\n")

    threading.Thread(target=write_masks, daemon=True).start()
    k = first
    while True:
        step = step_at(seed, k, cases)
        if step.kind == "switch":
            opened = workspace.open_case(step.case)
        elif step.kind == "save":
            workspace.write_through(opened.case.id)
        else:
            perform(opened.history, step)
        sys.stdout.write(f"{k}\n")
        sys.stdout.flush()
        k += 1


def believe_in_a_share() -> None:
    """Answer as the system does for a folder on another computer."""
    parts = [SimpleNamespace(mountpoint="/", fstype="nfs4", opts="rw")]
    psutil.disk_partitions = lambda all: parts


if __name__ == "__main__":
    if sys.argv[5:] == ["share"]:
        believe_in_a_share()
    main(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:5]))
