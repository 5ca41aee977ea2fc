"""How a row of the case list looks: thumbnail, sign of the state, name, and a quiet line under it."""

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter, QPalette
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from featherseg.session.case_words import SIGNS, line_under
from featherseg.session.workbench import Workbench
from featherseg.ui.cases_model import CASE, CURRENT, CasesModel
from featherseg_engines.annotation.cases import Case

SMALL = 0.9
"""Size of the second line against the first."""


class CasesDelegate(QStyledItemDelegate):
    """Draws cases in the palette's colours, at the font's size."""

    def __init__(self, bench: Workbench, model: CasesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench, self._model = bench, model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines and some air; the width is the list's."""
        line = option.fontMetrics.height()
        return QSize(line * 6, round(line * 2.6))

    def paint(
        self,
        painter: QPainter | None,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Qt's hook."""
        case = index.data(CASE)
        if painter is None or not isinstance(case, Case):
            return
        painter.save()
        self._paint_ground(painter, option, bool(index.data(CURRENT)))
        gap = max(3, option.fontMetrics.height() // 4)
        inner = option.rect.adjusted(gap * 2, gap, -gap, -gap)
        picture = QRect(inner.left(), inner.top(), inner.height(), inner.height())
        self._paint_picture(painter, picture, case)
        text = inner.adjusted(inner.height() + gap * 2, 0, 0, 0)
        self._paint_text(painter, option, text, case, current=bool(index.data(CURRENT)))
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, current: bool) -> None:
        palette, rect = option.palette, option.rect
        if option.state & QStyle.StateFlag.State_Selected and not current:
            painter.fillRect(rect, palette.color(QPalette.ColorRole.AlternateBase).lighter(115))
        if current:
            painter.fillRect(rect, palette.color(QPalette.ColorRole.Button))
            bar = QRect(rect.left(), rect.top(), max(3, option.fontMetrics.height() // 4), rect.height())
            painter.fillRect(bar, palette.color(QPalette.ColorRole.Highlight))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(palette.color(QPalette.ColorRole.Highlight))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))

    def _paint_picture(self, painter: QPainter, rect: QRect, case: Case) -> None:
        picture = self._model.picture(case)
        if picture.isNull():
            return
        side = min(picture.width(), picture.height())
        middle = QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(rect, picture, middle)

    def _paint_text(
        self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, case: Case, *, current: bool
    ) -> None:
        name_font = QFont(option.font)
        name_font.setBold(current)
        metrics = QFontMetrics(name_font)
        painter.setFont(name_font)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        top = QRect(rect.left(), rect.top(), rect.width(), metrics.height())
        sign = SIGNS[case.state]
        room = metrics.horizontalAdvance("◐") + metrics.averageCharWidth() if sign else 0
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, sign)
        name = metrics.elidedText(case.name, Qt.TextElideMode.ElideLeft, top.width() - room)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        small = QFont(option.font)
        small.setPointSizeF(max(6.0, small.pointSizeF() * SMALL))
        under = QRect(rect.left(), rect.bottom() - metrics.height() + 1, rect.width(), metrics.height())
        painter.setFont(small)
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        names, unsure = self._bench.session.table.rows, self._bench.outlooks.score(case)
        words = line_under(case, names, unsure=unsure)
        if QFontMetrics(small).horizontalAdvance(words) > under.width():
            words = line_under(case, names, unsure=unsure, brief=True)
        shown = QFontMetrics(small).elidedText(words, Qt.TextElideMode.ElideRight, under.width())
        painter.drawText(under, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
