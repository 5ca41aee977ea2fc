"""The left column: how far the work is, the cases, and which of them to show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel
from superqt.utils import qthrottled

from featherseg.session.case_words import SIGNS
from featherseg.session.workbench import Workbench
from featherseg.ui.buttons import name_button
from featherseg.ui.cases_list import CasesList
from featherseg.ui.connections import Connections
from featherseg.ui.lines import Line
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.workspace import Sort

SORTS: tuple[tuple[str, Sort], ...] = (
    ("Added", "added"),
    ("Name", "name"),
    ("State", "state"),
    ("Changed", "changed"),
    ("Who", "who"),
    ("Useful", "useful"),
)
NO_WORKSPACE = "No workspace is open. File → Open workspace, or drop a folder of images here."
NO_CASES = "Drop images or a folder here, or File → Add images."
NONE_FIT = "No case fits the filter."
MOST_USEFUL = "Most useful first: those the model is unsure of and that are unlike what is done"
ACCEPT_NEXT = "Accept this case and open the next that is not accepted (Enter)"
ACCEPT_USEFUL = (
    "Accept this case and open the most useful one (Enter): the model is unsure of it, and it is unlike those "
    "you have done. The order of the list where less than two open cases were proposed for."
)
TICK_MS = 30_000
ORDER_MS = 2_000
"""How soon the list shows an order that changed while cases are proposed for in the background."""


@dataclass(frozen=True, slots=True)
class CaseOrders:
    """What the column asks of the window: hand back the keyboard, take files in, a case's own menu."""

    leave: Callable[[], None]
    take: Callable[[Sequence[Path]], None]
    relink: Callable[[Case], None]
    remove: Callable[[Sequence[Case]], None]


class CasesPanel(QWidget):
    """Mirrors a workbench."""

    def __init__(self, bench: Workbench, orders: CaseOrders, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("featherseg-panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setAcceptDrops(True)
        self._bench, self._orders = bench, orders
        self.heading, self.progress, self.bar = QElidingLabel(), QLabel(), QProgressBar()
        self.filter = Line(orders.leave)
        self.states, self.sorts, self.direction = QComboBox(), QComboBox(), QToolButton()
        self.list = CasesList(bench, orders)
        self.empty = QLabel()
        self.accept, self.who = QPushButton(), Line(orders.leave)
        self._dress()
        self._lay_out()
        self._connect()
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 19)
        self._on_workspace()

    def _dress(self) -> None:
        self.heading.setProperty("role", "heading")
        self.heading.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(max(4, self.fontMetrics().height() // 3))
        self.bar.setAccessibleName("Accepted cases")
        self.filter.setPlaceholderText("Filter by name")
        self.filter.setAccessibleName("Filter by name")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for state in (None, *CaseState):
            sign = f"{SIGNS[state]} " if state and SIGNS[state] else ""
            self.states.addItem(f"{sign}{state.value.capitalize()}" if state else "All", state)
        for title, sort in SORTS:
            self.sorts.addItem(title, sort)
        self.sorts.setItemData(self.sorts.count() - 1, MOST_USEFUL, Qt.ItemDataRole.ToolTipRole)
        for combo, title in ((self.states, "Show which cases"), (self.sorts, "Sort by")):
            combo.setAccessibleName(title)
            combo.setToolTip(title)
            combo.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            combo.setMinimumContentsLength(5)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.direction.setCheckable(True)
        self.direction.setStyleSheet("padding: 0.1em 0.3em;")
        self.direction.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "quiet")
        name_button(self.accept, "Accept", "Enter")
        self.accept.setToolTip(ACCEPT_NEXT)
        self.who.setMaxLength(8)
        self.who.setPlaceholderText("initials")
        self.who.setAccessibleName("Your initials")
        self.who.setToolTip("Stand beside every change that you make")
        self.who.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        orders, foot = QHBoxLayout(), QHBoxLayout()
        orders.setSpacing(self.fontMetrics().height() // 4)
        orders.addWidget(self.sorts, 1)
        orders.addWidget(self.direction)
        self.working_as = QLabel("You:")
        self.working_as.setBuddy(self.who)
        foot.addWidget(self.working_as)
        foot.addWidget(self.who, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 0, 4)
        for part in (self.heading, self.progress, self.bar, self.filter, self.states):
            column.addWidget(part)
        column.addLayout(orders)
        column.addWidget(self.stack, 1)
        column.addWidget(self.accept)
        column.addLayout(foot)

    def _connect(self) -> None:
        bench, self.connections = self._bench, Connections()
        self.filter.textChanged.connect(self._on_asked)
        self.states.activated.connect(self._on_asked)
        self.sorts.activated.connect(self._on_asked)
        self.direction.toggled.connect(self._on_asked)
        self.accept.clicked.connect(lambda: bench.accept())
        self.who.editingFinished.connect(self._on_signed)
        self.connections.add(bench.changed, self._on_workspace)
        self.connections.add(bench.listed, self._on_listed)
        self.connections.add(bench.opened, self._on_opened)
        self.connections.add(bench.signed, self._on_initials)
        self.connections.add(bench.session.labels_changed, self._on_labels)
        self._reorder = qthrottled(self._on_order, timeout=ORDER_MS)
        self.connections.add(bench.outlooks.noted, self._on_noted)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._on_labels)
        self._tick.start()

    def release(self) -> None:
        """Let go of the workbench."""
        self._tick.stop()
        self._reorder.cancel()
        self.connections.clear()

    def _on_asked(self, *_: object) -> None:
        state = self.states.currentData()
        self._bench.show(
            replace(
                self._bench.shown,
                states=frozenset() if state is None else frozenset({CaseState(state)}),
                text=self.filter.text().strip(),
                sort=self.sorts.currentData(),
                descending=self.direction.isChecked(),
            )
        )
        useful = self._bench.shown.sort == "useful"
        self.accept.setToolTip(ACCEPT_USEFUL if useful else ACCEPT_NEXT)
        self.sorts.setToolTip(MOST_USEFUL if useful else "Sort by")
        self._show_direction()

    def _on_noted(self, number: int) -> None:
        current = self._bench.current
        self._on_labels()
        if self._bench.shown.sort == "useful" and (current is None or current.id != number):
            self._reorder()  # the case in hand keeps its place until it is left

    def _on_order(self) -> None:
        if self._bench.workspace is not None:
            self._bench.refresh()

    def _show_direction(self) -> None:
        down = self.direction.isChecked()
        self.direction.setText("↓" if down else "↑")
        title = "Last first" if down else "First first"
        self.direction.setToolTip(f"{title}; click to turn round")
        self.direction.setAccessibleName(title)

    def _on_signed(self) -> None:
        self._bench.sign(self.who.text().strip())

    def _on_initials(self, who: str) -> None:
        if self.who.text() != who:
            self.who.setText(who)

    def _on_workspace(self, _: object = None) -> None:
        workspace = self._bench.workspace
        self.list.cases.forget()
        for part in (self.filter, self.states, self.sorts, self.direction):
            part.blockSignals(True)
        self.filter.clear()
        self.states.setCurrentIndex(0)
        self.sorts.setCurrentIndex(0)
        self.direction.setChecked(False)
        for part in (self.filter, self.states, self.sorts, self.direction):
            part.blockSignals(False)
        self._show_direction()
        self.heading.setText(workspace.folder.name if workspace else "Cases")
        self.heading.setToolTip(workspace.folder.name if workspace else "")
        self.who.setText(self._bench.who)
        for widget in (
            *(self.progress, self.bar, self.filter, self.states, self.sorts, self.direction),
            *(self.accept, self.working_as, self.who),
        ):
            widget.setVisible(workspace is not None)
        self._on_listed()

    def _on_listed(self) -> None:
        self.list.follow()
        progress = self._bench.progress
        total = progress.total if progress else 0
        self.progress.setText(str(progress) if progress else "")
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(progress.counts[CaseState.ACCEPTED] if progress else 0)
        self.stack.setCurrentIndex(0 if self._bench.cases else 1)
        self.empty.setText(NO_WORKSPACE if progress is None else NONE_FIT if total else NO_CASES)
        self.accept.setEnabled(self._bench.current is not None)

    def _on_opened(self, case: Case | None) -> None:
        self.list.follow()
        self.accept.setEnabled(case is not None)
        if case is not None:
            self.list.reveal(case)

    def _on_labels(self) -> None:
        self.list.viewport().update()  # names of labels, and how long ago

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files dropped here become cases."""
        if event is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Take in what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()] if event is not None else []
        if event is not None and paths:
            event.acceptProposedAction()
            self._orders.take(paths)
