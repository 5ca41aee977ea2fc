"""Start the standalone program: application, session, window."""

import sys
from pathlib import Path

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QApplication, QMessageBox

from featherseg.session.samples import bundled_samples
from featherseg.session.session import Session
from featherseg.session.workbench import Workbench
from featherseg.ui.dispatch import UiThread
from featherseg.viewer.opengl import opengl_problem
from featherseg.window.main_window import MainWindow
from featherseg.window.open_events import OpenEvents
from featherseg.window.schooling import MakeTeaching, standard_teaching
from featherseg_engines.models.catalogue import Catalogue
from featherseg_resources import icon_file


def make_window(
    catalogue: Catalogue | None = None, make_teaching: MakeTeaching = standard_teaching
) -> MainWindow:
    """The main window with its session, not yet shown; needs a QApplication."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    thread = UiThread(app)
    session = Session(thread.post, catalogue)
    bench = Workbench(session, thread.post)
    window = MainWindow(session, bundled_samples(), bench=bench, teaching=make_teaching(session, bench))
    if (
        sys.platform == "darwin"
    ):  # only there files come as events; a filter of every event is not for nothing
        app.installEventFilter(OpenEvents(window.files.open, window))
    return window


def run_window(path: Path | None = None) -> int:
    """Open the window (on ``path`` where given) and stay until it is closed; the exit code."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Featherseg")
    app.setDesktopFileName("featherseg")
    app.setWindowIcon(QIcon(str(icon_file())))
    problem = opengl_problem()
    if problem is not None:
        sys.stderr.write(problem + "\n")
        QMessageBox.critical(None, "Featherseg", problem)
        return 2
    window = make_window()
    window.session.proposing.measures = True
    window.show()
    if path is not None:
        window.files.open(path)
    return int(app.exec())
