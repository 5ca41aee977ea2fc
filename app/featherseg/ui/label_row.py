"""One label of the table: hot key, colour, name, eye, lock."""

from dataclasses import replace

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import (
    QApplication,
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from featherseg.session.session import Session
from featherseg.ui.signs import EyeButton, LockButton
from featherseg.ui.style import swatch
from featherseg_engines.labels import OKABE_ITO, Label

END_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)


class NameLine(QLineEdit):
    """Text until it is double-clicked; then a line to type in, which Enter ends and Esc leaves as it was."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrame(False)
        self.setAcceptDrops(False)
        self._before = ""
        self._from: QWidget | None = None
        self._rest()

    def begin(self) -> None:
        """Let the name be typed."""
        self._before, self._from = self.text(), QApplication.focusWidget()
        self.setReadOnly(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.setFocus()
        self.selectAll()

    def _hand_back(self) -> None:
        """The keyboard goes where it was before, mostly to the image."""
        self.clearFocus()
        if self._from is not None and self._from in self.window().findChildren(QWidget):
            self._from.setFocus()
        self._from = None

    def _rest(self) -> None:
        self.setReadOnly(True)
        self.deselect()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # the row takes clicks and double clicks while nothing is typed
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)

    def event(self, event: QEvent | None) -> bool:
        """Qt's hook: Enter and Esc end the typing and mean nothing else then."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in END_KEYS
        ):
            event.accept()
            return True
        done = bool(super().event(event))
        if event is not None and event.type() == QEvent.Type.FocusOut and not self.isReadOnly():
            self._rest()
        return done

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """While it only shows, a name that is too long ends in dots."""
        if not self.isReadOnly():
            super().paintEvent(event)
            return
        painter, edge = QPainter(self), self.fontMetrics().averageCharWidth() // 2
        painter.setFont(self.font())
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        area = self.rect().adjusted(edge, 0, -edge, 0)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Esc takes the old name back."""
        if event is not None and event.key() in END_KEYS:
            if event.key() == Qt.Key.Key_Escape:
                self.setText(self._before)
            self._hand_back()
            return
        super().keyPressEvent(event)


class LabelRowWidget(QFrame):
    """Mirrors one row of the session's label table."""

    def __init__(self, session: Session, value: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "label-row")
        self._session, self.value = session, value
        self.key, self.colour, self.name = QLabel(), QToolButton(), NameLine()
        self.eye = EyeButton(("Hidden; show this label", "Shown; hide this label"))
        self.lock = LockButton(
            ("May be changed; lock this label", "Locked: nothing changes this label; unlock")
        )
        self.key.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.key.setFixedWidth(self.fontMetrics().horizontalAdvance("000"))
        self.colour.setAutoRaise(True)
        self.colour.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(2)
        for widget, stretch in (
            (self.key, 0),
            (self.colour, 0),
            (self.name, 1),
            (self.eye, 0),
            (self.lock, 0),
        ):
            layout.addWidget(widget, stretch)
        self.colour.clicked.connect(self.ask_colour)
        self.name.editingFinished.connect(self._on_named)
        self.eye.clicked.connect(lambda on: session.labelling.show(value, on))
        self.lock.clicked.connect(lambda on: session.labelling.lock(value, on))
        self.show_row()

    @property
    def label(self) -> Label:
        """The row as it is in the table."""
        return self._session.table.rows[self.value]

    def show_row(self) -> None:
        """Look like the row of the table."""
        label, key = self.label, self._session.labelling.key_of(self.value)
        active = self.value == self._session.active_label
        self.key.setText(key or "·")
        self.key.setToolTip(f"Key {key}" if key else f"Label number {self.value}; no key")
        side = self.fontMetrics().height()
        self.colour.setIcon(swatch(label.colour, side))
        self.colour.setToolTip(f"Colour of '{label.name}'")
        self.colour.setAccessibleName(f"Colour of {label.name}")
        if self.name.isReadOnly() and self.name.text() != label.name:
            self.name.setText(label.name)
            self.name.setCursorPosition(0)
        self.name.setAccessibleName(f"Name of label {self.value}")
        self.setToolTip(f"{label.name}: number {self.value}, {label.code.meaning}. Double click to rename.")
        self.eye.setChecked(label.visible)
        self.lock.setChecked(label.locked)
        if self.property("active") != active:
            self.setProperty("active", active)
            for widget in (self, self.name, self.key):
                widget.style().unpolish(widget)
                widget.style().polish(widget)

    def ask_colour(self) -> None:
        """Choose another colour; those that the colour-blind can tell apart are offered first."""
        for place, colour in enumerate(OKABE_ITO):
            QColorDialog.setCustomColor(place, QColor(colour))
        chosen = QColorDialog.getColor(QColor(self.label.colour), self, f"Colour of '{self.label.name}'")
        if chosen.isValid():
            self.set_colour(chosen.name())

    def set_colour(self, colour: str) -> None:
        """Draw this label in another colour (#rrggbb) from now on."""
        self._session.labelling.put(replace(self.label, colour=colour))

    def _on_named(self) -> None:
        name = self.name.text().strip()
        if name and name != self.label.name:
            self._session.labelling.put(replace(self.label, name=name))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """A click chooses the label."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._session.choose_label(self.value)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """A double click renames it."""
        self.name.begin()
