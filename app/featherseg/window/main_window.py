"""The standalone window: menus, notice bar, canvas, panel and status line around one session."""

from collections.abc import Sequence
from pathlib import Path

from napari.qt import QtViewer
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QIcon
from qtpy.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from featherseg.session.case import OpenCase
from featherseg.session.command_table import CommandTable
from featherseg.session.commands import Command, session_commands
from featherseg.session.samples import Sample
from featherseg.session.session import Session
from featherseg.session.settings import Settings, SettingsFile
from featherseg.session.stroke_commands import stroke_commands
from featherseg.session.teaching import Teaching
from featherseg.session.tool_commands import tool_commands
from featherseg.session.toolbox import Toolbox
from featherseg.session.unsure_commands import unsure_commands
from featherseg.session.workbench import Workbench
from featherseg.ui.buttons import rename_buttons
from featherseg.ui.columns import Columns
from featherseg.ui.connections import Connections
from featherseg.ui.notices import NoticeBar
from featherseg.ui.overlay_box import OverlayBox
from featherseg.ui.panel import SessionPanel
from featherseg.ui.ruler_box import RulerBox
from featherseg.ui.save_box import SaveBox
from featherseg.ui.style import dress
from featherseg.ui.window_box import WindowBox
from featherseg.viewer.planes import Planes
from featherseg.window.commands import file_commands, help_commands, quit_commands, view_commands
from featherseg.window.files import Files
from featherseg.window.header_dock import HeaderDock
from featherseg.window.helps import Helps
from featherseg.window.keys import KeyShadow
from featherseg.window.menus import Menus
from featherseg.window.sample_part import SamplePart
from featherseg.window.statistics_dock import StatisticsDock
from featherseg.window.status import StatusLine
from featherseg.window.teach_part import TeachPart
from featherseg.window.workspace_part import WorkspacePart
from featherseg_engines.imaging.windowing import in_words
from featherseg_resources import icon_file


class MainWindow(QMainWindow):
    """Composes everything; holds no state of its own."""

    def __init__(
        self,
        session: Session,
        samples: Sequence[Sample] = (),
        settings: SettingsFile | None = None,
        bench: Workbench | None = None,
        teaching: Teaching | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self.settings = settings or SettingsFile()
        self._shadow = KeyShadow(session, self)
        self.planes = Planes(session, self._shadow_napari)
        self.viewer, self.qt_viewer = self.planes.main.viewer, self.planes.main.qt_viewer
        self.files = Files(session, self)
        self.setWindowTitle("Featherseg")
        self.setAcceptDrops(True)
        self.setWindowIcon(QIcon(str(icon_file())))
        self.helps = Helps(self)
        self.statistics = StatisticsDock(session, self)
        self.work = WorkspacePart(bench, self.files, self) if bench is not None else None
        self.teach = TeachPart(teaching, bench, self) if teaching is not None and bench is not None else None
        self.samples = SamplePart(samples, self)
        self.toolbox = Toolbox(session)
        self.table = CommandTable(self._commands(), self.settings.value.shortcuts)
        self.panel = SessionPanel(session, self.table.hints, self.toolbox)
        self.window_box, self.overlay_box = WindowBox(session), OverlayBox(session)
        self.ruler_box = RulerBox(session, self.planes.rulers, self.panel.tools, self.table.hints)
        self.panel.put_below(self.ruler_box)
        self.panel.put_below(self.window_box)
        self.panel.put_below(self.overlay_box)
        self.overlay_box.appeared.connect(self.panel.reveal)
        self.panel.put_below(SaveBox(session, self.save, self.table.hints["file.save"]))
        self.notices = NoticeBar(session)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.samples.welcome)
        self.stack.addWidget(self.planes)
        self._lay_out()
        self.status = StatusLine(session)
        self.setStatusBar(self.status)
        self.menus = Menus(self, self.table)
        self.actions_by_id = self.menus.actions
        self.middle.insertWidget(1, self.samples.join(self.table.hints, self.menus.menus["File"]))
        self._window_menu = self.menus.menus["View"].addMenu("Window")
        self._window_menu.aboutToShow.connect(self._fill_window_menu)
        if self.work is not None:
            self.work.join(self.columns, self.panel.model, self.table.hints)
            self.panel.put_below_model(self.work.strip)
        if self.teach is not None:
            self.teach.join(self.panel, self.table.hints["model.teach"])
        self.header = HeaderDock(session, self)
        for dock in (self.header, self.statistics):
            self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        self.tabifyDockWidget(self.header, self.statistics)
        self.connections = Connections()
        self._follow(session, bench)

    def _follow(self, session: Session, bench: Workbench | None) -> None:
        """Take up the settings, and hear what changes from now on."""
        self.connections.add(session.opened, self._on_opened)
        self.connections.add(self.table.changed, self._on_keys)
        self.connections.add(self.settings.changed, self._on_settings)
        self.connections.add(session.proposing.live_changed, self._on_live)
        session.proposing.go_live(self.settings.value.live)
        self._on_settings(self.settings.value)
        if bench is not None:
            bench.sign(self.settings.value.initials)
            self.connections.add(bench.signed, self._on_signed)

    def _lay_out(self) -> None:
        middle = QWidget()
        column = self.middle = QVBoxLayout(middle)
        column.setContentsMargins(4, 4, 4, 0)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        left = self.work.cases if self.work else QWidget()
        left.hide()
        self.columns = Columns(left, middle, self.panel)
        self.setCentralWidget(self.columns)
        em = self.fontMetrics().height()
        self.resize(QSize(em * 100, em * 56).boundedTo(self.screen().availableSize() * 0.95))

    def _commands(self) -> list[Command]:
        """Every command there is; a further list is one more line here."""
        return [
            *(self.work.commands() if self.work else ()),
            *file_commands(self),
            *session_commands(self.session),
            *unsure_commands(self.session),
            *(self.teach.commands() if self.teach else ()),
            *tool_commands(self.session, self.toolbox),
            *stroke_commands(self.session),
            *view_commands(self),
            *self.planes.commands(),
            *self.statistics.commands(),
            *help_commands(self),
            *self.samples.commands(),
            *quit_commands(self),
        ]

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

    def switch_theme(self) -> None:
        """From dark to light, or back; it is kept."""
        self._keep(theme="dark" if self.settings.value.theme == "light" else "light")

    def _keep(self, **parts: object) -> None:
        notice = self.settings.change(**parts)
        if notice is not None:
            self.session.tell(notice)

    def keep_hinted(self) -> None:
        """The first steps are over; they must not come back."""
        self._keep(hinted=True)

    def _on_settings(self, settings: Settings) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            dress(app, self, settings.theme)
        self.panel.wear(settings.theme)

    def _on_signed(self, initials: str) -> None:
        self._keep(initials=initials)

    def _on_live(self, live: bool) -> None:
        self._keep(live=live)

    def _on_keys(self) -> None:
        rename_buttons(self, self.table.hints)
        self._keep(shortcuts=dict(self.table.overrides))

    def fold_panel(self) -> None:
        """Take the right column off the screen or bring it back."""
        self.columns.fold(self.panel, away=self.panel.isVisible())

    def save(self) -> bool:
        """Save the labels: the workspace's journal has them already, a loose image's go to a file."""
        return self.work.files.save() if self.work else self.files.save()

    def to_image(self) -> None:
        """Hand the keyboard to the image."""
        self.qt_viewer.canvas.native.setFocus()

    def _on_opened(self, case: OpenCase | None) -> None:
        self.stack.setCurrentIndex(0 if case is None else 1)
        self.setWindowTitle(f"{case.title} - Featherseg" if case else "Featherseg")
        if case is not None:
            self.to_image()

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
        if not self.files.may_leave() or (self.teach is not None and not self.teach.may_leave()):
            event.ignore()
            return
        self.connections.clear()
        self.menus.release()
        if self.teach is not None:
            self.teach.release()
        if self.work is not None:
            self.work.release()
        self.samples.release()
        for part in (self.header, self.window_box, self.overlay_box, self.ruler_box):
            part.connections.clear()
        self.planes.release()
        self.statistics.release()
        self.panel.release()
        self.session.close()
        event.accept()
