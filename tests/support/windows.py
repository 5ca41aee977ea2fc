"""Orders to the window that need patience: opening is done off the UI thread."""

from pathlib import Path

from support.hand import settle, wait


def open_in(window, path: Path) -> None:
    """Open a file in the window and wait until it is there, or until a sentence says why not."""
    window.files.open(path)
    wait(lambda: not window.session.reading)
    settle(0.1)
