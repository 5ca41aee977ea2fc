"""Why a new model came into use or did not: both models case by case and label by label."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from featherseg.session.teach_words import mean_dice, reasons
from featherseg_engines.teaching.order import CaseScore, Verdict

HEADINGS = ("", "In use", "New", "Change", "HD95 in use", "HD95 new")


class ScoresDialog(QDialog):
    """A table to look at; the cases a person corrected stand first, apart from those accepted as they came."""

    def __init__(self, verdict: Verdict, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Old and new model compared")
        self.why = QLabel(reasons(verdict))
        self.why.setWordWrap(True)
        self.table = QTreeWidget()
        self.table.setHeaderLabels(list(HEADINGS))
        self.table.setRootIsDecorated(False)
        self.table.setAlternatingRowColors(True)
        self._fill(verdict)
        header = self.table.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.why)
        column.addWidget(self.table, 1)
        column.addWidget(buttons)
        em = self.fontMetrics().height()
        self.resize(em * 38, em * 24)

    def _fill(self, verdict: Verdict) -> None:
        self._heading("Mean Dice of each label")
        for name, before, after in verdict.per_class:
            self._row(name, before, after)
        corrected = [score for score in verdict.scores if score.corrected]
        rest = [score for score in verdict.scores if not score.corrected]
        for title, scores in (("Cases you corrected", corrected), ("Accepted as proposed", rest)):
            if scores:
                self._heading(title)
            for score in scores:
                self._case(score)

    def _case(self, score: CaseScore) -> None:
        before, after = mean_dice(score.parent), mean_dice(score.candidate)
        item = self._row(score.name, before, after)
        for column, value in ((4, score.parent_hd95), (5, score.candidate_hd95)):
            item.setText(column, "" if value is None else f"{value:.1f}")

    def _row(self, name: str, before: float | None, after: float | None) -> QTreeWidgetItem:
        item = QTreeWidgetItem([name, _figure(before), _figure(after)])
        if before is not None and after is not None:
            item.setText(3, f"{after - before:+.3f}")
        for column in range(1, len(HEADINGS)):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.addTopLevelItem(item)
        return item

    def _heading(self, title: str) -> None:
        item = QTreeWidgetItem([title])
        item.setFlags(Qt.ItemFlag.NoItemFlags | Qt.ItemFlag.ItemIsEnabled)
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)
        self.table.addTopLevelItem(item)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
