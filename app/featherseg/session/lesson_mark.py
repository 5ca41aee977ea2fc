"""A small file that is there while a lesson goes on: after a crash or a power cut it says that one was cut off.

It lies in the workspace, which one program at a time may change: a mark that is found there when it is opened was
left by a lesson that did not come to its end.
"""

import contextlib
import json
from pathlib import Path

NAME = ".lesson.json"


def put(mark: Path | None, cases: int) -> None:
    """Say that a lesson goes on; where the disk refuses, nothing is marked and teaching goes on."""
    if mark is not None:
        with contextlib.suppress(OSError):
            mark.write_text(json.dumps({"cases": cases}), "utf-8")


def clear(mark: Path | None) -> None:
    """The lesson came to an end, whichever."""
    if mark is not None:
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)


def cut_off(mark: Path) -> int:
    """How many cases the lesson was about that was cut off; 0 where none was."""
    try:
        return max(1, int(json.loads(mark.read_text("utf-8"))["cases"]))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError):  # the power went while it was written
        return 1
