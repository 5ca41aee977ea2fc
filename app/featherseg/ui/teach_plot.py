"""Small live plots of a lesson: Dice on the held-out cases, and in the Advanced fold the loss."""

from collections.abc import Sequence

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from featherseg_engines.teaching.order import CurvePoint

OLD, NEW, LEARNING = "#e69f00", "#56b4e9", "#009e73"
"""Okabe and Ito's orange, sky blue and bluish green; the lines differ in their dashes too."""


class TeachPlot(QWidget):
    """Axes that fit themselves; drawn with pyqtgraph, which is imported when the first plot is made.

    Parameters
    ----------
    what
        "dice": the model in use as a flat dashed line, the new one over it. "loss": what the lesson makes small.
    """

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._what, self._pen = what, pyqtgraph.mkPen
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(self.fontMetrics().height() * 6)
        self.plot = pyqtgraph.PlotWidget(background=None)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.hideAxis("bottom")
        self.plot.setFocusPolicy(self.focusPolicy())
        left = self.plot.getAxis("left")
        left.setStyle(tickFont=self.font(), tickLength=-4)
        left.enableAutoSIPrefix(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.lines = {name: self.plot.plot() for name in ("old", "new")}
        self._wear()
        self.setAccessibleName("Dice on your test cases" if what == "dice" else "Loss")

    def _wear(self) -> None:
        import pyqtgraph

        dash = pyqtgraph.QtCore.Qt.PenStyle.DashLine
        self.lines["old"].setPen(self._pen(OLD, width=2, style=dash))
        colour = NEW if self._what == "dice" else LEARNING
        self.lines["new"].setPen(self._pen(colour, width=2))
        self.lines["new"].setSymbol("o" if self._what == "dice" else None)
        self.lines["new"].setSymbolSize(5)
        self.lines["new"].setSymbolBrush(colour)
        self.lines["new"].setSymbolPen(None)
        text = self.palette().color(self.palette().ColorRole.PlaceholderText)
        axis = self.plot.getAxis("left")
        axis.setPen(text)
        axis.setTextPen(text)

    def show_curve(self, curve: Sequence[CurvePoint]) -> None:
        """Draw all points so far."""
        self._wear()
        seconds = [point.seconds for point in curve]
        if self._what == "dice":
            self.lines["new"].setData(seconds, [point.dice for point in curve])
            self.lines["old"].setData(seconds, [point.parent_dice for point in curve])
        else:
            self.lines["new"].setData(seconds, [point.loss for point in curve])
