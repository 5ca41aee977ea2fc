"""The dock with what was measured of each label."""

from pathlib import Path

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QWidget

from featherseg.session.commands import Command
from featherseg.session.notice import Notice
from featherseg.session.samples import where_to_save
from featherseg.session.session import Session
from featherseg.session.statistics import Statistics
from featherseg.ui.dispatch import UiThread
from featherseg.ui.statistics_panel import StatisticsPanel
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.endings import stem_of
from featherseg_engines.statistics_table import write_csv


class StatisticsDock(QDockWidget):
    """Measures only while it is on screen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Statistics", parent)
        self.setObjectName("statistics")
        self._session = session
        self.statistics = Statistics(session, UiThread(self).post)
        self.panel = StatisticsPanel(session, self.statistics, self.ask_export)
        self.setWidget(self.panel)
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        self.hide()
        self.visibilityChanged.connect(self._on_visible)

    def commands(self) -> list[Command]:
        """Show and hide it, write the table."""
        return [
            Command("view.statistics", "Statistics", "Ctrl+T", "View", self.toggle),
            Command("file.statistics", "Export statistics …", "", "File", self.export_or_show),
        ]

    def sizeHint(self) -> QSize:
        """A quarter of the window at most: the image comes first."""
        em = self.fontMetrics().height()
        return QSize(em * 40, em * 10)

    def toggle(self) -> None:
        """Show it, in front of other docks, or hide it."""
        if self.isVisible() and not self.visibleRegion().isEmpty():
            self.hide()
        else:
            self.show()
            self.raise_()

    def export_or_show(self) -> None:
        """Write the table; where there is none yet, show the place where it is made."""
        if self.statistics.measured.state == "current" and self.statistics.rows:
            self.ask_export()
        else:
            self.show()
            self.raise_()

    def ask_export(self) -> None:
        """Ask for a file and write the table there."""
        case = self._session.case
        if case is None or self.statistics.table() is None:
            return
        image = case.volume.path or Path(case.volume.name or "labels")
        start = where_to_save(image.with_name(stem_of(image) + "_statistics.csv"))
        name, _ = QFileDialog.getSaveFileName(self, "Export statistics", str(start), "CSV (*.csv)")
        if name:
            self.write(Path(name) if Path(name).suffix else Path(name + ".csv"))

    def write(self, path: Path) -> None:
        """Write the table as CSV; a notice says that it is there, or why not."""
        table = self.statistics.table()
        if table is None:
            return
        try:
            write_csv(path, table)
        except FeathersegError as error:
            self._session.tell(Notice(str(error), "problem"))
        else:
            self._session.tell(Notice(f"Statistics written as '{path.name}'."))

    def release(self) -> None:
        """Let go of the session and stop the thread."""
        self.panel.connections.clear()
        self.statistics.measured.close()

    def _on_visible(self, visible: bool) -> None:
        if visible:
            self.panel.refresh()
