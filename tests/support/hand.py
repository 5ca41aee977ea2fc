"""A hand on the mouse and the keyboard: real X events through xdotool, nothing synthetic."""

import shutil
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise

from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QWidget


def has_hand() -> bool:
    """Whether real events can be made here."""
    return shutil.which("xdotool") is not None and QApplication.platformName() in ("", "xcb")


def wait(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let Qt work until ``condition`` holds; a sentence where it never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        QApplication.processEvents()
        time.sleep(0.005)


def settle(seconds: float = 0.15) -> None:
    """Let Qt work for a while (events of the X server have no other end to wait for)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


class Hand:
    """Moves, presses and types on the display that ``window`` is on."""

    def __init__(self, window: QWidget) -> None:
        self.window = window
        window.activateWindow()
        window.raise_()
        wait(lambda: window.isVisible())
        self._do("windowfocus", str(int(window.winId())))
        wait(lambda: window.isActiveWindow())

    def click(self, widget: QWidget, button: int = 1) -> None:
        """Click in the middle of a widget."""
        middle = widget.mapToGlobal(widget.rect().center())
        self._do("mousemove", str(middle.x()), str(middle.y()), "click", str(button))
        settle()

    def drag(self, widget: QWidget, *points: QPoint, button: int = 1) -> None:
        """Press at the first point (widget coordinates), move through the others, release."""
        there = [widget.mapToGlobal(point) for point in points]
        self._do("mousemove", str(there[0].x()), str(there[0].y()))
        settle()
        self._do("mousedown", str(button))
        settle(0.05)
        for start, end in pairwise(there):
            for step in range(1, 9):
                x = start.x() + (end.x() - start.x()) * step // 8
                y = start.y() + (end.y() - start.y()) * step // 8
                self._do("mousemove", str(x), str(y))
                settle(0.02)
        self._do("mouseup", str(button))
        settle()

    def away(self) -> None:
        """Take the mouse off the image: to the line at the bottom of the window."""
        corner = self.window.mapToGlobal(self.window.rect().bottomLeft())
        self._do("mousemove", str(corner.x() + 3), str(corner.y() - 3))
        settle()

    def key(self, *names: str) -> None:
        """Press and release keys by X's names: ``space``, ``ctrl+z``, ``b``."""
        for name in names:
            self._do("key", name)
            settle()

    def press(self, name: str) -> None:
        """Hold a key down."""
        self._do("keydown", name)
        settle()

    def release(self, name: str) -> None:
        """Let a held key go."""
        self._do("keyup", name)
        settle()

    def type(self, text: str) -> None:
        """Type text into whatever has the focus."""
        self._do("type", "--delay", "5", text)
        settle()

    def _do(self, *words: str) -> None:
        # the question at the end waits for the X server, so that its events are on their way when we return
        asked = () if words[0] == "type" else ("getmouselocation",)
        job = subprocess.Popen(["xdotool", *words, *asked], stdout=subprocess.DEVNULL)
        while job.poll() is None:
            QApplication.processEvents()
            time.sleep(0.002)
        if job.returncode:
            raise AssertionError("xdotool failed: " + " ".join(words))
