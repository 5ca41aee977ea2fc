"""The list of cases itself: open by click or Enter, a menu for the chosen ones."""

from collections.abc import Callable, Sequence
from typing import Protocol

from qtpy.QtCore import QEvent, QModelIndex, QPoint, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QApplication, QFrame, QListView, QMenu, QWidget

from featherseg.session.workbench import Workbench
from featherseg.ui.cases_delegate import CasesDelegate
from featherseg.ui.cases_model import CASE, CasesModel
from featherseg_engines.annotation.cases import Case, CaseState

OPEN_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
MOVE_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)


class Orders(Protocol):
    """What the list cannot do by itself."""

    @property
    def leave(self) -> Callable[[], None]:
        """Hand the keyboard back to the image."""

    @property
    def relink(self) -> Callable[[Case], None]:
        """Ask where a case's image lies now."""

    @property
    def remove(self) -> Callable[[Sequence[Case]], None]:
        """Ask, then take cases out of the list."""


class CasesList(QListView):
    """Thousands of cases at no cost: rows of one height, drawn when seen."""

    def __init__(self, bench: Workbench, orders: Orders, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench, self._orders = bench, orders
        self.cases = CasesModel(bench, self)
        self.setModel(self.cases)
        self.setItemDelegate(CasesDelegate(bench, self.cases, self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Cases")
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the keys from the image
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self.clicked.connect(self._on_clicked)

    def follow(self) -> None:
        """Show the workbench's list as it is now."""
        self.cases.follow()

    def reveal(self, case: Case) -> None:
        """Scroll to a case and put the cursor there."""
        row = self.cases.row_of(case.id)
        if row is not None:
            self.setCurrentIndex(self.cases.index(row))
            self.scrollTo(self.cases.index(row))

    def chosen(self) -> list[Case]:
        """The selected cases."""
        return self.cases.cases_at(self.selectedIndexes())

    def _on_clicked(self, index: QModelIndex) -> None:
        held = QApplication.keyboardModifiers()
        if not held & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            self._bench.open_case(index.data(CASE))

    def event(self, event: QEvent | None) -> bool:
        """Qt's hook: with the keyboard here, Enter and the arrows mean the list, not the image."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            and event.key() in (*OPEN_KEYS, *MOVE_KEYS, Qt.Key.Key_Escape)
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter opens, Esc goes back to the image."""
        if event is not None and event.key() in OPEN_KEYS:
            case = self.currentIndex().data(CASE)
            if isinstance(case, Case):
                self._bench.open_case(case)
            self._orders.leave()
        elif event is not None and event.key() == Qt.Key.Key_Escape:
            self._orders.leave()
        else:
            super().keyPressEvent(event)

    def _on_menu(self, place: QPoint) -> None:
        if self.chosen():
            self.menu_for(self.chosen()).popup(self.viewport().mapToGlobal(place))

    def menu_for(self, cases: Sequence[Case]) -> QMenu:
        """What can be done with these cases; it goes when it is closed."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, True)
        bench, orders = self._bench, self._orders
        many = f" {len(cases)} cases" if len(cases) > 1 else ""
        for title, state in (
            ("✓ Accept", CaseState.ACCEPTED),
            ("! Flag", CaseState.FLAGGED),
            ("● Back to in work", CaseState.IN_WORK),
        ):
            action = menu.addAction(title + many)
            action.triggered.connect(lambda _=False, s=state: bench.set_state(cases, s))
            action.setEnabled(any(case.state is not state for case in cases))
        menu.addSeparator()
        if len(cases) == 1:
            linked = menu.addAction("Link image anew …")
            linked.triggered.connect(lambda: orders.relink(cases[0]))
        gone = menu.addAction(f"Remove{many} from the list …")
        gone.triggered.connect(lambda: orders.remove(cases))
        return menu
