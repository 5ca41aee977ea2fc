"""The dock with the open volume's facts and its DICOM header."""

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QDockWidget, QWidget

from featherseg.session.case import OpenCase
from featherseg.session.facts import Fact, volume_facts
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.tags_panel import TagsPanel
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.volume import Volume


class HeaderDock(QDockWidget):
    """Follows the session; reads a header only while it is on screen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Image and header", parent)
        self.setObjectName("header")
        self._session = session
        self.panel = TagsPanel()
        self.setWidget(self.panel)
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        self.hide()
        self.visibilityChanged.connect(self._on_visible)
        self.connections = Connections()
        self.connections.add(session.opened, self._on_opened)

    def sizeHint(self) -> QSize:
        """A third of the window at most: the image comes first."""
        em = self.fontMetrics().height()
        return QSize(em * 40, em * 14)

    def _on_opened(self, case: OpenCase | None) -> None:
        if self.isVisible():
            self.panel.show_rows(rows_of(case.volume) if case else [])

    def _on_visible(self, visible: bool) -> None:
        if visible:
            self._on_opened(self._session.case)


def rows_of(volume: Volume) -> list[Fact]:
    """The volume's own facts, then the DICOM header where there is one."""
    rows = volume_facts(volume)
    if volume.source is None:
        return rows
    from featherseg_engines.imaging.dicom.tags import header_rows

    try:
        found = header_rows(volume.source, len(volume.source.paths) // 2)
    except FeathersegError as error:
        return [*rows, Fact("", "Header", "", str(error))]
    return [*rows, *(Fact(row.tag, "    " * row.depth + row.name, row.vr, row.value) for row in found)]
