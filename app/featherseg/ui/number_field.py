"""A small field for a number with its unit, which gives the keyboard back to the image."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

DIGITS = 9


class NumberField(QDoubleSpinBox):
    """Leaves the wheel to the panel it scrolls in, until somebody clicks into it."""

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Step with the focus only."""
        if event is not None and not self.hasFocus():
            event.ignore()
        elif event is not None:
            super().wheelEvent(event)


def number_field(name: str, lowest: float, highest: float, parent: QWidget | None = None) -> QDoubleSpinBox:
    """A spin box as narrow as its numbers; it takes the focus at a click only, and lets it go at Enter."""
    field = NumberField(parent)
    field.setButtonSymbols(
        QDoubleSpinBox.ButtonSymbols.NoButtons
    )  # they take the number's room; wheel and keys step
    field.setRange(lowest, highest)
    field.setDecimals(1)
    field.setKeyboardTracking(False)
    field.setAccessibleName(name)
    field.setToolTip(name)
    field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    field.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    field.setMinimumWidth(field.fontMetrics().averageCharWidth() * DIGITS)
    field.setSizePolicy(field.sizePolicy().Policy.Ignored, field.sizePolicy().Policy.Fixed)
    field.editingFinished.connect(field.clearFocus)
    return field


def show_number(field: QDoubleSpinBox, value: float, suffix: str) -> None:
    """Mirror a number; nothing is emitted."""
    field.blockSignals(True)
    field.setSuffix(f" {suffix}" if suffix else "")
    field.setValue(value)
    field.blockSignals(False)
