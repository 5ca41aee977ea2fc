"""Damaged files of all kinds: read or refused with one sentence, within 5 seconds of work and 2 GB, no crash."""

import json
import os
import subprocess
import sys

import pytest
from support.paths import SHARED

FOLDER = SHARED / "malformed"
ENTRIES = json.loads((FOLDER / "index.json").read_text())["files"] if FOLDER.exists() else []
WORKER = """
import json, resource, signal, sys
from pathlib import Path
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.readers import read_image
class TooLong(BaseException): pass
def own_peak_mb():
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process that started this one held before
        return int(status.read_text().split("VmHWM:")[1].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def late(*_): raise TooLong
signal.signal(signal.SIGVTALRM, late)
for name in sys.stdin.read().splitlines():
    print(json.dumps({"start": name}), flush=True)
    signal.setitimer(signal.ITIMER_VIRTUAL, 5)
    try:
        said = str(read_image(Path(name)).voxels.shape)
        kind = "read"
    except FeathersegError as error:
        said, kind = str(error), "refused"
    except BaseException as error:
        said, kind = repr(error), "failed"
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    peak = own_peak_mb()
    print(json.dumps({"name": name, "kind": kind, "said": said, "peak_mb": peak}), flush=True)
"""


@pytest.mark.shared
@pytest.mark.skipif(not FOLDER.exists(), reason="the shared data folder is not beside this checkout")
@pytest.mark.skipif(sys.platform == "win32", reason="limits are set the POSIX way")
def test_every_damaged_file_is_read_or_refused_within_its_limits():
    names = [str(FOLDER / entry["file"]) for entry in ENTRIES]
    run = subprocess.run(
        [sys.executable, "-c", WORKER], input="\n".join(names), capture_output=True, text=True,
        env=os.environ, timeout=280,
    )  # fmt: skip
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, f"ended at {lines[-1]}: {run.stderr[-2000:]}"
    answers = [line for line in lines if "kind" in line]
    assert len(answers) == len(names) == 86
    assert [a for a in answers if a["kind"] == "failed"] == []
    for answer in answers:
        if answer["kind"] == "refused":
            sentence = answer["said"]
            assert "\n" not in sentence and sentence.endswith(".") and "/" not in sentence, sentence
    assert max(a["peak_mb"] for a in answers) < 2048
    assert run.stderr == ""
