"""The standalone window: menus, notice bar, canvas, panel and status line around one session."""

from collections.abc import Sequence
from pathlib import Path

from napari.qt import QtViewer
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from qtpy.QtWidgets import QMainWindow, QMessageBox, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from featherseg import __version__
from featherseg.session.case import OpenCase
from featherseg.session.commands import Command, session_commands
from featherseg.session.session import Session
from featherseg.session.tool_commands import tool_commands
from featherseg.session.toolbox import Toolbox
from featherseg.ui.connections import Connections
from featherseg.ui.notices import NoticeBar
from featherseg.ui.overlay_box import OverlayBox
from featherseg.ui.panel import SessionPanel
from featherseg.ui.save_box import SaveBox
from featherseg.ui.welcome import Welcome
from featherseg.ui.window_box import WindowBox
from featherseg.viewer.planes import Planes
from featherseg.window.files import Files
from featherseg.window.header_dock import HeaderDock
from featherseg.window.keys import KeyShadow
from featherseg.window.status import StatusLine
from featherseg_engines.imaging.windowing import in_words

ABOUT = (
    f"<b>Featherseg {__version__}</b><p>Segment medical images on the computer you already have. "
    "Nothing leaves this machine.</p><p><b>Research use; not a medical device.</b></p>"
    "<p>BSD 3-Clause licence. Built on napari, ONNX Runtime, SimpleITK and Qt.</p>"
)


class MainWindow(QMainWindow):
    """Composes everything; holds no state of its own."""

    def __init__(self, session: Session, samples: Sequence[tuple[str, Path]] = ()) -> None:
        super().__init__()
        self.session = session
        self._shadow = KeyShadow(session, self)
        self.planes = Planes(session, self._shadow_napari)
        self.viewer, self.qt_viewer = self.planes.main.viewer, self.planes.main.qt_viewer
        self.files = Files(session, self)
        self.setWindowTitle("Featherseg")
        self.setAcceptDrops(True)
        self.actions_by_id: dict[str, QAction] = {}
        self.toolbox = Toolbox(session)
        commands = [*self._file_commands(), *session_commands(session), *self._view_commands()]
        commands += tool_commands(session, self.toolbox)
        self.panel = SessionPanel(session, {c.id: c.shortcut for c in commands}, self.toolbox)
        self.window_box, self.overlay_box = WindowBox(session), OverlayBox(session)
        self.panel.put_below(self.window_box)
        self.panel.put_below(self.overlay_box)
        self.panel.put_below(SaveBox(session, self.files.save, "Ctrl+S"))
        self.notices = NoticeBar(session)
        self.stack = QStackedWidget()
        self.stack.addWidget(Welcome(samples, self.files.open))
        self.stack.addWidget(self.planes)
        self._lay_out()
        self.status = StatusLine(session)
        self.setStatusBar(self.status)
        self._add_menus(commands)
        self.header = HeaderDock(session, self)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.header)
        self.connections = Connections()
        self.connections.add(session.opened, self._on_opened)

    def _lay_out(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(4, 4, 4, 0)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(middle)
        split.addWidget(self.panel)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 0)
        self.setCentralWidget(split)
        em = self.fontMetrics().height()
        self.resize(em * 76, em * 46)

    def _file_commands(self) -> list[Command]:
        files = self.files
        return [
            Command("file.open", "Open image …", "Ctrl+O", "File", files.ask_image),
            Command("file.open_folder", "Open DICOM folder …", "", "File", files.ask_folder),
            Command("file.overlay", "Lay a second image over …", "", "File", files.ask_overlay),
            Command("file.overlay_folder", "Lay a DICOM series over …", "", "File", files.ask_overlay_folder),
            Command("file.open_mask", "Open mask …", "Ctrl+Shift+O", "File", files.ask_mask),
            Command("file.save", "Save mask", "Ctrl+S", "File", lambda: _drop_answer(files.save())),
            Command(
                "file.save_as",
                "Save mask as …",
                "Ctrl+Shift+S",
                "File",
                lambda: _drop_answer(files.ask_save()),
            ),
            Command("file.export", "Export labels …", "Ctrl+E", "File", files.ask_export),
            Command("file.deidentify", "De-identified copy of the images …", "", "File", files.ask_copy),
            Command("file.quit", "Quit", "Ctrl+Q", "File", lambda: _drop_answer(self.close())),
        ]

    def _view_commands(self) -> list[Command]:
        return [
            Command("view.panel", "Show or hide the panel", "F3", "View", self._toggle_panel),
            Command("view.fit", "Fit the image", "Home", "View", self.planes.fit),
            Command("view.planes", "One plane, or all three", "O", "View", self._toggle_planes),
            Command("view.header", "Image and header", "Ctrl+I", "View", self._toggle_header),
            Command("view.next", "Next slice", "Up", "View", lambda: self._scroll(1), repeats=True),
            Command(
                "view.previous", "Previous slice", "Down", "View", lambda: self._scroll(-1), repeats=True
            ),
            Command("model.open", "Open model folder …", "", "Model", self.files.ask_model),
            Command("help.about", "About Featherseg", "", "Help", self.show_about),
        ]

    def _add_menus(self, commands: list[Command]) -> None:
        for title in ("File", "Edit", "View", "Label", "Tools", "Model", "Help"):
            menu = self.menuBar().addMenu(title)
            for command in (c for c in commands if c.menu == title):
                action = QAction(command.title, self)
                if command.shortcut:
                    action.setShortcut(QKeySequence(command.shortcut))
                action.setAutoRepeat(command.repeats)
                action.triggered.connect(lambda _=False, run=command.run: run())
                menu.addAction(action)
                self.actions_by_id[command.id] = action
            if title == "View":
                self._window_menu = menu.addMenu("Window")
                self._window_menu.aboutToShow.connect(self._fill_window_menu)

    def _fill_window_menu(self) -> None:
        viewing = self.session.viewing
        self._window_menu.clear()
        for preset in viewing.presets:
            action = self._window_menu.addAction(f"{preset.name}   {in_words(preset)}")
            action.setCheckable(True)
            action.setChecked(preset == viewing.window)
            action.triggered.connect(lambda _=False, w=preset: viewing.choose_window(w))
        if not viewing.presets:
            self._window_menu.addAction("For grey images only").setEnabled(False)

    def _shadow_napari(self, qt_viewer: QtViewer) -> None:
        for widget in (qt_viewer, *qt_viewer.findChildren(QWidget)):
            widget.installEventFilter(self._shadow)
            widget.setAcceptDrops(False)  # napari would open a dropped file past us; the window takes it

    def _toggle_planes(self) -> None:
        self.session.viewing.show_planes(not self.session.viewing.planes)

    def _scroll(self, steps: int) -> None:
        self.session.go_to_slice(self.session.z + steps)

    def _toggle_header(self) -> None:
        self.header.setVisible(not self.header.isVisible())

    def _toggle_panel(self) -> None:
        self.panel.setVisible(not self.panel.isVisible())

    def show_about(self) -> None:
        """The About box, with the sentence that must stand there."""
        QMessageBox.about(self, "About Featherseg", ABOUT)

    def _on_opened(self, case: OpenCase | None) -> None:
        self.stack.setCurrentIndex(0 if case is None else 1)
        self.setWindowTitle(f"{case.volume.name} - Featherseg" if case else "Featherseg")
        if case is not None:
            self.qt_viewer.canvas.native.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files may be dropped anywhere on the window."""
        if event is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open the first dropped file."""
        urls = event.mimeData().urls() if event is not None else []
        if urls:
            self.files.open(Path(urls[0].toLocalFile()))

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Ask before unsaved labels are lost, then stop the threads."""
        if event is None:
            return
        if not self.files.may_leave():
            event.ignore()
            return
        self.connections.clear()
        for part in (self.header, self.window_box, self.overlay_box):
            part.connections.clear()
        self.planes.release()
        self.panel.release()
        self.session.close()
        event.accept()


def _drop_answer(_: object) -> None:
    """Commands give no answer; what they call may."""
