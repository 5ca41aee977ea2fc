"""One plane on the screen: canvas, letters and cross over it, its caption and slider below."""

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from featherseg.session.annotated import Annotated
from featherseg.session.case import OpenCase
from featherseg.session.rulers import Rulers
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.ui.slice_slider import SliceSlider, marks_of
from featherseg.viewer.canvas import Canvas
from featherseg.viewer.contour_sheet import ContourSheet
from featherseg.viewer.marks import Marks
from featherseg.viewer.mouse import PlaneMouse
from featherseg.viewer.ruler_sheet import RulerSheet
from featherseg.viewer.stroke_sheet import StrokeSheet


class PlanePane(QWidget):
    """Shows the plane of ``rank`` (0: as stored, 1 and 2: the others) of whatever case it is given."""

    def __init__(
        self,
        session: Session,
        annotated: Annotated,
        rulers: Rulers,
        rank: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._annotated = session, annotated
        self.viewer = ViewerModel()
        self.canvas = Canvas(session, self.viewer, rank)
        self.qt_viewer = QtViewer(self.viewer)
        self.qt_viewer.dims.hide()  # our slider counts from 1 and says which plane it is
        self.native: QWidget = self.qt_viewer.canvas.native
        self.contours = ContourSheet(self.canvas, self.qt_viewer)
        self.mouse = PlaneMouse(self.canvas, self.native)
        self.marks = Marks(self.canvas, self.native)
        self.rulers = RulerSheet(self.canvas, self.native, rulers)
        self.strokes = StrokeSheet(self.canvas, self.native)
        self.caption, self.slider = QLabel(), SliceSlider()
        self.below = QWidget()
        row = QHBoxLayout(self.below)
        row.setContentsMargins(6, 0, 6, 2)
        row.addWidget(self.caption)
        row.addWidget(self.slider, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.qt_viewer, 1)
        column.addWidget(self.below)
        self._fitted = 0.0
        self.native.installEventFilter(self)
        self.slider.valueChanged.connect(self._on_slid)
        self.connections = Connections()
        self.connections.add(session.viewing.moved, self._on_moved)
        self.connections.add(session.labels_changed, self._on_annotated)
        self.connections.add(annotated.changed, self._on_annotated)

    def show_case(self, case: OpenCase | None) -> None:
        """Show this case, or nothing."""
        self.canvas.show(case)
        self.below.setVisible(case is not None and not self.canvas.flat)
        self._on_moved()
        self._on_annotated()
        self.marks.renew()
        self.rulers.update()
        self.strokes.renew()
        self.fit()
        self.contours.renew()

    def fit(self) -> None:
        """Show the whole plane as large as there is room."""
        self.canvas.fit()
        self._fitted = self.viewer.scene.camera.zoom

    def release(self) -> None:
        """Let go of the session."""
        for part in (
            self.connections,
            self.contours.connections,
            self.marks.connections,
            self.rulers.connections,
            self.strokes.connections,
        ):
            part.clear()
        self.canvas.release()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep a whole image whole when the room changes; one that somebody zoomed into stays as it is."""
        resized = event is not None and event.type() == QEvent.Type.Resize
        if resized and self.canvas.case is not None and self.viewer.scene.camera.zoom == self._fitted:
            QTimer.singleShot(0, self.fit)
        return False

    def _on_slid(self, index: int) -> None:
        view = self.canvas.view
        if view is not None:
            self.canvas.scroll(index - self._session.viewing.position[view.depth])

    def _on_moved(self, _: object = None) -> None:
        case, view = self.canvas.case, self.canvas.view
        if case is None or view is None or case is not self._session.case:
            return
        index, count = self._session.viewing.position[view.depth], case.volume.geometry.shape[view.depth]
        self.caption.setText(view.caption(index, count))
        self.slider.setRange(0, count - 1)
        self.slider.setValue(index)

    def _on_annotated(self, _: object = None) -> None:
        view = self.canvas.view
        if view is not None and self.canvas.case is self._session.case:
            colours = {row.value: row.colour for row in self._session.table}
            self.slider.show_marks(marks_of(self._annotated.slices(view.depth), colours))
