"""Images with changed headers for a minute: nothing crashes, hangs or eats the memory (10 minutes by hand)."""

import os
import subprocess
import sys

import pytest
from support.paths import ROOT


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are set the POSIX way")
def test_changed_headers_are_read_or_refused():
    command = [sys.executable, str(ROOT / "tests" / "fuzz_readers.py"), "60", "7"]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=280)
    assert run.returncode == 0, run.stdout[-1000:] + run.stderr[-3000:]
    assert int(run.stdout.split()[0]) > 200
