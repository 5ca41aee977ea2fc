"""Fixtures for every floor: a queue to pump instead of a screen, a private home for user data."""

import queue
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

settings.register_profile("calm", deadline=None)  # two halves of the tests share two cores
settings.load_profile("calm")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no models and settings of the person whose machine this is."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home / name))
    monkeypatch.setenv("FEATHERSEG_SETTINGS", str(home / "settings"))


class Pump:
    """A hand-pumped queue that stands for the UI thread."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Callable[[], None]] = queue.Queue()

    def post(self, run: Callable[[], None]) -> None:
        """What a session is given."""
        self.waiting.put(run)

    def run(self) -> None:
        """Run what was posted so far."""
        while not self.waiting.empty():
            self.waiting.get_nowait()()

    def until(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Run what was posted until ``condition`` holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            try:
                self.waiting.get(timeout=0.05)()
            except queue.Empty:
                assert time.monotonic() < end, "waited in vain"


@pytest.fixture
def pump() -> Iterator[Pump]:
    return Pump()
