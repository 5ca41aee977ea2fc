"""Axial, sagittal, coronal and surfaces side by side, or one plane alone; linked through the session's cross."""

from collections.abc import Callable

from napari.qt import QtViewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QGridLayout, QWidget

from featherseg.session.annotated import Annotated, annotated_commands
from featherseg.session.case import OpenCase
from featherseg.session.commands import Command
from featherseg.session.rulers import Rulers, ruler_commands
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.viewer.pane import PlanePane
from featherseg.viewer.solid_pane import SolidPane
from featherseg.viewer.ticker import Ticker

CELLS = {"axial": (0, 0), "sagittal": (0, 1), "coronal": (1, 0)}
SOLID_CELL = (1, 1)


class Planes(QWidget):
    """The place of the image. The second and third pane are made when all planes are first asked for.

    Parameters
    ----------
    made
        Called with the Qt viewer of each pane once it is made (the window shadows napari's keys there).
    """

    def __init__(
        self, session: Session, made: Callable[[QtViewer], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._made = session, made
        self.annotated, self.rulers = Annotated(session), Rulers(session)
        self._ticker = Ticker(self.annotated, self)
        self.main = PlanePane(session, self.annotated, self.rulers, 0)
        self.others: list[PlanePane] = []
        self.solid = SolidPane(session)
        self.solid.hide()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)
        self._grid.addWidget(self.main, 0, 0)
        made(self.main.qt_viewer)
        self.connections = Connections()
        self.connections.add(session.opened, self._on_opened)
        self.connections.add(session.viewing.layout_changed, self._on_layout)

    @property
    def panes(self) -> list[PlanePane]:
        """The panes that there are, the stored plane first."""
        return [self.main, *self.others]

    def commands(self) -> list[Command]:
        """What the views can be told beside what a session can."""
        return [
            *annotated_commands(self._session, self.annotated),
            *ruler_commands(self._session, self.rulers),
        ]

    def fit(self) -> None:
        """Show every plane whole."""
        for pane in self.panes:
            if pane.canvas.case is not None:
                pane.fit()
        self.solid.fit()

    def release(self) -> None:
        """Let go of the session."""
        for connections in (self.connections, self._ticker.connections):
            connections.clear()
        self.annotated.release()
        self.solid.release()
        self.rulers.release()
        for pane in self.panes:
            pane.release()

    def _on_opened(self, case: OpenCase | None) -> None:
        if case is not None:
            self._session.go_to_slice(case.volume.geometry.shape[0] // 2)
        self.main.show_case(case)
        self._on_layout(self._session.viewing.planes)

    def _on_layout(self, planes: bool) -> None:
        case = self._session.case
        if self.main.canvas.case is not case:
            return  # the new case is not on screen yet; this is called again when it is
        while planes and len(self.others) < 2:
            pane = PlanePane(self._session, self.annotated, self.rulers, len(self.others) + 1)
            self.others.append(pane)
            self._made(pane.qt_viewer)
        for pane in self.others:
            if pane.canvas.case is not case:
                pane.show_case(case if planes else None)
            pane.canvas.wake(planes)
        self._arrange(planes)
        if planes and case is not None:
            self.solid.facts.setText(_facts(case))
            self.solid.refresh()
        QTimer.singleShot(0, self.fit)  # a canvas learns its size when it is laid out

    def _arrange(self, planes: bool) -> None:
        for pane in self.panes:
            view = pane.canvas.view
            row, column = CELLS[view.plane] if planes and view is not None else (0, 0)
            if planes or pane is self.main:
                self._grid.addWidget(pane, row, column)
            pane.setVisible(planes or pane is self.main)
        self._grid.addWidget(self.solid, *SOLID_CELL)
        self.solid.setVisible(planes)
        for i in (0, 1):
            self._grid.setRowStretch(i, 1 if planes or i == 0 else 0)
            self._grid.setColumnStretch(i, 1 if planes or i == 0 else 0)


def _facts(case: OpenCase) -> str:
    volume = case.volume
    z, y, x = volume.geometry.shape
    sz, sy, sx = volume.geometry.spacing_mm
    facts = [
        f"<b>{volume.name}</b>",
        f"{volume.modality or 'modality not stated'}, {x} × {y} × {z} voxels",
        f"{sx:.3g} × {sy:.3g} × {sz:.3g} mm" if volume.geometry.calibrated else "no physical size",
        *volume.warnings,
    ]
    return " · ".join(facts)
