"""Start the standalone program: application, session, window."""

import json
import sys
from pathlib import Path

from qtpy.QtWidgets import QApplication, QMessageBox

from featherseg.session.session import Session
from featherseg.session.workbench import Workbench
from featherseg.ui.dispatch import UiThread
from featherseg.ui.style import dress
from featherseg.viewer.opengl import opengl_problem
from featherseg.window.main_window import MainWindow
from featherseg_engines.models.catalogue import Catalogue
from featherseg_resources import samples_folder


def bundled_samples() -> list[tuple[str, Path]]:
    """Title and file of each sample image that ships."""
    listing = samples_folder() / "samples.json"
    if not listing.exists():
        return []
    entries = json.loads(listing.read_text("utf-8"))["samples"]
    return [(entry["title"], samples_folder() / entry["file"]) for entry in entries]


def make_window(catalogue: Catalogue | None = None) -> MainWindow:
    """The main window with its session, not yet shown; needs a QApplication."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    thread = UiThread(app)
    session = Session(thread.post, catalogue)
    window = MainWindow(session, bundled_samples(), Workbench(session, thread.post))
    dress(app, window)
    return window


def run_window(path: Path | None = None) -> int:
    """Open the window (on ``path`` where given) and stay until it is closed; the exit code."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Featherseg")
    app.setDesktopFileName("featherseg")
    problem = opengl_problem()
    if problem is not None:
        sys.stderr.write(problem + "\n")
        QMessageBox.critical(None, "Featherseg", problem)
        return 2
    window = make_window()
    window.show()
    if path is not None:
        window.files.open(path)
    return int(app.exec())
