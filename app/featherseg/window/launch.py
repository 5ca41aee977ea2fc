"""Start the standalone program: application, session, window."""

import gc
import sys
from pathlib import Path

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QApplication, QMessageBox

from featherseg.session.notice import Notice
from featherseg.session.samples import Sample, bundled_samples
from featherseg.session.session import Session
from featherseg.session.workbench import Workbench
from featherseg.ui.dispatch import UiThread
from featherseg.viewer.opengl import opengl_problem
from featherseg.window.main_window import MainWindow
from featherseg.window.open_events import OpenEvents
from featherseg.window.schooling import MakeTeaching, standard_teaching
from featherseg_engines.errors import ReadError
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
    samples, problem = _samples()
    window = MainWindow(session, samples, bench=bench, teaching=make_teaching(session, bench))
    if problem:
        session.tell(Notice(problem, "problem"))
    if (
        sys.platform == "darwin"
    ):  # only there files come as events; a filter of every event is not for nothing
        app.installEventFilter(OpenEvents(window.files.open, window))
    return window


def _samples() -> tuple[tuple[Sample, ...], str]:
    """What ships for a first look; where its list is damaged none, and what is wrong: the program starts without."""
    try:
        return bundled_samples(), ""
    except ReadError as error:
        return (), str(error)


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
    gc.freeze()  # napari collects garbage whenever a case is opened; what is loaded by now never is any
    window = make_window()
    window.session.proposing.measures = True
    window.show()
    if path is not None:
        window.files.open(path)
    return int(app.exec())
