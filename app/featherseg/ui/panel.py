"""The right column: model, labels, tools. The same in the window and in napari's dock."""

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from featherseg.session.session import Session
from featherseg.session.settings import Theme
from featherseg.session.toolbox import Toolbox
from featherseg.ui.labels_box import LabelsBox
from featherseg.ui.model_box import ModelBox
from featherseg.ui.run_box import RunBox
from featherseg.ui.style import sheet
from featherseg.ui.tools_box import ToolsBox


class SessionPanel(QScrollArea):
    """Mirrors a session and its toolbox; ``keys`` maps command ids to the shortcuts that the buttons name."""

    def __init__(
        self, session: Session, keys: dict[str, str], toolbox: Toolbox, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("featherseg-scroll")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a click beside a button must not take the keys away
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setObjectName("featherseg-panel")
        body.setStyleSheet(sheet("dark"))
        self.model = ModelBox(session, keys)
        self.whole = RunBox(session.whole)
        self.labels = LabelsBox(session)
        self.tools = ToolsBox(session, keys, toolbox)
        self._layout = QVBoxLayout(body)
        for box in (self.model, self.labels, self.tools):
            self._layout.addWidget(box)
            line = QFrame()
            line.setProperty("role", "line")
            line.setFixedHeight(1)
            self._layout.addWidget(line)
        self.foot = QWidget(self)
        self.foot.setObjectName("featherseg-panel")
        self.foot.setStyleSheet(sheet("dark"))
        QVBoxLayout(self.foot)
        self.foot.installEventFilter(self)
        self.foot.hide()
        self._beside_foot = QWidget()  # keeps the bar of what scrolls above the foot
        self.addScrollBarWidget(self._beside_foot, Qt.AlignmentFlag.AlignBottom)
        self._beside_foot.hide()
        self.put_below_model(self.whole)
        self._layout.addStretch(1)
        self.setWidget(body)
        self.tools.more.hide()
        self.tools.fold.toggled.connect(self._on_unfolded)
        self._widen()

    def wear(self, theme: Theme) -> None:
        """Change to the colours of a theme."""
        for part in (self.widget(), self.foot):
            if part is not None:
                part.setStyleSheet(sheet(theme))

    def put_on_top(self, widget: QWidget) -> None:
        """Add a widget above the model (napari's choice of layers)."""
        self._layout.insertWidget(0, widget)

    def put_below_model(self, widget: QWidget) -> None:
        """Add a widget between the model and what follows (a run that goes on)."""
        self._layout.insertWidget(self._layout.indexOf(self.model) + 1, widget)

    def put_below(self, widget: QWidget) -> None:
        """Add a widget at the end (save and open in napari's dock)."""
        self._layout.insertWidget(self._layout.count() - 1, widget)

    def put_at_foot(self, widget: QWidget) -> None:
        """Add a widget under what scrolls: it is always in sight (what is taught)."""
        line = QFrame()
        line.setProperty("role", "line")
        line.setFixedHeight(1)
        column = self.foot.layout()
        column.addWidget(line)
        column.addWidget(widget)
        self.foot.show()
        self._make_room()

    def _make_room(self) -> None:
        """Keep the foot at the bottom, as high as it needs, over no more than two thirds of the column."""
        if self.foot.isHidden():
            return
        width = self.width()
        layout = self.foot.layout()
        wanted = (
            layout.totalHeightForWidth(width)
            if layout.hasHeightForWidth()
            else layout.totalSizeHint().height()
        )
        height = min(wanted, self.height() * 2 // 3)
        self.setViewportMargins(0, 0, 0, height)
        self._beside_foot.setFixedHeight(height)
        self._beside_foot.show()
        self.foot.setGeometry(0, self.height() - height, width, height)
        self.foot.raise_()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The foot stays at the bottom."""
        super().resizeEvent(event)
        self._make_room()

    def reveal(self, widget: QWidget) -> None:
        """Scroll to a widget that has just appeared, once it has its place."""
        QTimer.singleShot(0, lambda: self.ensureWidgetVisible(widget, 0, 0))

    def _on_unfolded(self, opened: bool) -> None:
        if opened:
            QTimer.singleShot(0, self._show_unfolded)

    def _show_unfolded(self) -> None:
        across = self.horizontalScrollBar()
        self.ensureWidgetVisible(self.tools.more, 0, 0)
        if across is not None:
            across.setValue(0)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Qt's scroll area watches what is inside already; a new size inside is a new width here."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._widen()
            self._make_room()
        return bool(super().eventFilter(watched, event))

    def _widen(self) -> None:
        """Room for what is inside and for the bar that appears where the window is low; never less than before."""
        body, bar = self.widget(), self.verticalScrollBar()
        inside = body.minimumSizeHint().width() if body is not None else 0
        margins = self._layout.contentsMargins()  # the folded tools are measured too: unfolding moves nothing
        folded = self.tools.more.minimumSizeHint().width() + margins.left() + margins.right()
        beside = bar.sizeHint().width() if bar is not None else 0
        self.setMinimumWidth(
            max(self.minimumWidth(), max(inside, folded) + beside, self.fontMetrics().averageCharWidth() * 40)
        )

    def release(self) -> None:
        """Let go of the session."""
        for box in (self.model, self.model.unsure, self.whole, self.labels):
            box.connections.clear()
        self.tools.release()
