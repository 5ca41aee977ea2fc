#!/usr/bin/env python3
"""Set Featherseg up and run it from a fresh clone; standard library only.

python3 dev.py run      set up, open the window (on a virtual display where there is none)
python3 dev.py test     set up, run the tests (--all: the slow ones too; anything else goes to pytest)
python3 dev.py lint     ruff, mypy, import-linter
python3 dev.py bench    timings, side by side in one run
python3 dev.py setup    set up only
"""

import contextlib
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "featherseg-setup.stamp"
OUT = ROOT / "out"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
DEBIAN = (
    "xvfb xdotool fonts-dejavu-core libegl1 libgl1 libgl1-mesa-dri libopengl0 "
    "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-randr0 libxcb-xinerama0 libxcb-xkb1 libdbus-1-3 "
    "libfontconfig1 libglib2.0-0 "
).split()
"""What Qt, OpenGL and the virtual display need on Debian and Ubuntu (system packages, by name)."""

JUDGES = ["dicom3tools"]
"""Programs that tests ask for a second opinion; without them these tests skip and say so."""

SCREEN = "1600x1000x24"


def say(text: str) -> None:
    print(f"[featherseg] {text}", flush=True)


def stop(text: str) -> None:
    say(text)
    raise SystemExit(1)


def call(*command: object, **options: object) -> None:
    """Run a command; where it fails, stop with its name."""
    words = [str(word) for word in command]
    if subprocess.run(words, cwd=ROOT, **options).returncode:  # type: ignore[call-overload]
        stop("this failed: " + " ".join(words))


def call_with_count(*command: object) -> None:
    """Run pip and say how far it is: packages found, then installing; its whole output where it fails."""
    words = [str(word) for word in command]
    heard: list[str] = []
    pip = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert pip.stdout is not None
    found = 0
    for line in pip.stdout:
        heard.append(line)
        if line.startswith("Collecting "):
            found += 1
            if found % 20 == 0:
                say(f"  {found} packages fetched …")
        elif line.startswith("Installing collected"):
            say("  all fetched; unpacking them …")
    if pip.wait():
        print("".join(heard[-40:]))
        stop("this failed: " + " ".join(words))


# -- setting up ------------------------------------------------------------------------------------------


def setup() -> None:
    """Make .venv from the lock file and see that the system libraries are there; quick when they are."""
    if sys.version_info < (3, 11):
        stop(f"Python 3.11 or newer is needed; this is {platform.python_version()}.")
    system_libraries()
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists():
        return
    started = time.monotonic()
    if not PYTHON.exists():
        say("making a virtual environment in .venv …")
        call(sys.executable, "-m", "venv", VENV)
    say("installing the locked packages (about 1 GB the first time, some minutes) …")
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--prefer-binary")
    call_with_count(*pip, "--progress-bar", "off", "-c", LOCK, "-e", ".[app,train,dev]")
    # by itself and without what it asks for: openvino-telemetry must not come in
    fast = next((line for line in LOCK.read_text().split() if line.startswith("openvino==")), "")
    if not fast or subprocess.run([*pip, "-q", "--no-deps", fast], check=False).returncode:  # type: ignore[call-overload]
        say("OpenVINO does not fit this system: proposals are computed without it, just slower")
    STAMP.write_text(wanted)
    say(f"set up in {time.monotonic() - started:.0f} s")


def system_libraries() -> None:
    """On Debian and Ubuntu install what is missing when we may, else print the command that does."""
    if not sys.platform.startswith("linux"):
        return
    if not shutil.which("dpkg-query"):
        if not shutil.which("Xvfb"):
            say(
                "install Xvfb, xdotool and Qt's X11 libraries with your system's package manager if the window fails"
            )
        return
    wanted = DEBIAN if importlib.util.find_spec("ensurepip") else [*DEBIAN, "python3-venv"]
    missing = [name for name in wanted if not installed(name)]
    if not missing and (all(map(installed, JUDGES)) or os.geteuid() != 0):
        return
    if os.geteuid() != 0:
        say("some system libraries are missing; if the window does not open, run this first:")
        say("    sudo apt-get install " + " ".join(missing))
        return
    say("installing system libraries: " + " ".join([*missing, *JUDGES]))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    apt = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    wanted = [*missing, *JUDGES]
    if subprocess.run([*apt, *wanted], **quiet, stderr=subprocess.DEVNULL).returncode:  # type: ignore[call-overload]
        call("apt-get", "update", "-q", **quiet)
        if missing:
            call(*apt, *missing, **quiet)
        subprocess.run([*apt, *JUDGES], **quiet, stderr=subprocess.DEVNULL, check=False)  # type: ignore[call-overload]


def installed(package: str) -> bool:
    """Whether a Debian package is installed."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.startswith("ii")


# -- displays --------------------------------------------------------------------------------------------


def has_display() -> bool:
    """Whether a window can be shown to a person."""
    linux = sys.platform.startswith("linux")
    return not linux or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def virtual_display():  # type: ignore[no-untyped-def]
    """Environment with a virtual X display of our own (Linux); elsewhere the environment as it is."""
    environment = dict(os.environ)
    if not sys.platform.startswith("linux"):
        yield environment
        return
    if not shutil.which("Xvfb"):
        stop("Xvfb is needed for a virtual display; install the package xvfb.")
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            stop("Xvfb did not start.")
        environment.update(DISPLAY=f":{number}", QT_QPA_PLATFORM="xcb", LIBGL_ALWAYS_SOFTWARE="1")
        environment.pop("WAYLAND_DISPLAY", None)
        yield environment
    finally:
        server.terminate()
        server.wait()


# -- commands --------------------------------------------------------------------------------------------


def run(arguments: list[str]) -> None:
    """Open the window, or show the whole job on a virtual display and keep pictures of it."""
    setup()
    if has_display():
        sample = ROOT / "resources" / "featherseg_resources" / "samples" / "skin_lesion.jpg"
        call(PYTHON, "-m", "featherseg.cli", "open", *(arguments or [sample]))
        return
    say("there is no display here; the window opens on a virtual one (Xvfb) and does the whole job there")
    OUT.mkdir(exist_ok=True)
    with virtual_display() as environment:
        call(PYTHON, ROOT / "tests" / "tour.py", OUT, env=environment)
    say("screenshots are in out/: " + ", ".join(sorted(p.name for p in OUT.glob("*.png"))))


def test(arguments: list[str]) -> None:
    """Run the tests on a real X display."""
    setup()
    chosen = [a for a in arguments if a != "--all"]
    marks = [] if "--all" in arguments else ["-m", "not slow"]
    with virtual_display() as environment:
        environment.setdefault("PYTHONUNBUFFERED", "1")
        words = [str(PYTHON), "-m", "pytest", *marks]
        if chosen:
            raise SystemExit(
                subprocess.run([*words, *chosen], cwd=ROOT, env=environment, check=False).returncode
            )
        with virtual_display() as other:  # a window of the one half must not take the keys of the other
            raise SystemExit(test_both(words, environment, other))


BESIDE = [
    "tests/engines",
    "tests/annotation",
    "tests/session",
    *(f"tests/window/test_{name}.py" for name in ("cli", "cli_doctor", "cli_export", "cli_images")),
    *(f"tests/window/test_{name}.py" for name in ("style", "whole_job")),
]
"""About half of the tests by the time they take: what needs no screen, and some of what does."""


def test_both(words: list[str], environment: dict[str, str], other: dict[str, str]) -> int:
    """All tests in two halves side by side, a core and a display each; the exit code of the worse."""
    calm = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as heard:
        say("two halves run side by side; what the second says follows at the end")
        beside = subprocess.Popen(
            [*words, "-p", "no:cacheprovider", *BESIDE],
            cwd=ROOT,
            env={**other, **calm},
            stdout=heard,
            stderr=subprocess.STDOUT,
        )
        try:
            seen = [*words, *(f"--ignore={place}" for place in BESIDE)]
            code = subprocess.run(seen, cwd=ROOT, env={**environment, **calm}, check=False).returncode
            code = beside.wait() or code
        finally:
            beside.kill()
        heard.seek(0)
        sys.stdout.write(heard.read())
        sys.stdout.flush()
    return code


def lint(_: list[str]) -> None:
    """ruff, mypy, import-linter."""
    setup()
    scripts = PYTHON.parent
    for words in (
        [PYTHON, "-m", "ruff", "check", "."],
        [PYTHON, "-m", "ruff", "format", "--check", "."],
        [PYTHON, "-m", "mypy"],
        [scripts / ("lint-imports.exe" if WINDOWS else "lint-imports")],
    ):
        say(" ".join(str(getattr(w, "name", w)) for w in words))
        call(*words)


def bench(arguments: list[str]) -> None:
    """Timings, side by side in one run."""
    setup()
    with virtual_display() as environment:
        call(PYTHON, ROOT / "tests" / "benchmarks" / "bench.py", *arguments, env=environment)


COMMANDS = {"run": run, "test": test, "lint": lint, "bench": bench, "setup": lambda _: setup()}


def main() -> None:
    """Dispatch the first word."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(__doc__)
        raise SystemExit(0 if len(sys.argv) < 2 else 2)
    try:
        COMMANDS[sys.argv[1]](sys.argv[2:])
    except KeyboardInterrupt:
        stop("stopped")


if __name__ == "__main__":
    main()
