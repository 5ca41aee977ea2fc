"""What is done with the label table now and then: presets, codes, hot keys, files."""

from dataclasses import replace
from pathlib import Path

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QFormLayout, QLineEdit, QMenu, QWidget

from featherseg.session.label_files import (
    export_table,
    import_table,
    presets_in_words,
    remove_label,
    take_preset,
)
from featherseg.session.session import Session
from featherseg_engines.labels import Code

JSON = "Label table (*.json)"


class CodeDialog(QDialog):
    """What a label is in a coded term, as it goes into DICOM."""

    def __init__(self, code: Code, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.scheme, self.value, self.meaning = (
            QLineEdit(code.scheme),
            QLineEdit(code.value),
            QLineEdit(code.meaning),
        )
        self.scheme.setToolTip("SCT is SNOMED CT")
        self.meaning.setMinimumWidth(self.fontMetrics().averageCharWidth() * 36)
        form = QFormLayout(self)
        form.addRow("Scheme", self.scheme)
        form.addRow("Code", self.value)
        form.addRow("Meaning", self.meaning)
        buttons = QDialogButtonBox.StandardButton
        self.box = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        form.addRow(self.box)
        for line in (self.scheme, self.value, self.meaning):
            line.textChanged.connect(self._on_typed)

    def code(self) -> Code:
        """The term as typed."""
        value, scheme, meaning = (line.text().strip() for line in (self.value, self.scheme, self.meaning))
        return Code(value, scheme, meaning)

    def _on_typed(self, _: str) -> None:
        code = self.code()
        complete = bool(code.value and code.scheme and code.meaning)
        self.box.button(QDialogButtonBox.StandardButton.Ok).setEnabled(complete)


class LabelsMenu(QMenu):
    """Filled anew whenever it is opened; works on the active label."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.presets, self.keys = QMenu(self), QMenu(self)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Make the entries for the table as it is."""
        session = self._session
        self.clear()
        for old in (self.presets, self.keys):
            old.deleteLater()
        row = session.table.rows.get(session.active_label)
        name = row.name if row else ""
        self.presets = presets = self.addMenu("Labels of a preset")
        for title, preset in presets_in_words():
            presets.addAction(title).triggered.connect(lambda _=False, p=preset: take_preset(session, p))
        self.addSeparator()
        self.keys = keys = self.addMenu(f"Key of '{name}'")
        mine = session.labelling.key_of(session.active_label)
        for digit in ("", *"123456789"):
            action = keys.addAction(digit or "None")
            action.setCheckable(True)
            action.setChecked(digit == mine)
            action.triggered.connect(lambda _=False, d=digit: self._set_key(d))
        self.addAction(f"Code of '{name}' …").triggered.connect(self.ask_code)
        gone = self.addAction(f"Remove '{name}'")
        gone.triggered.connect(lambda: remove_label(session, session.active_label))
        gone.setEnabled(len(session.table.rows) > 1)
        self.addSeparator()
        self.addAction("Import table …").triggered.connect(self.ask_import)
        self.addAction("Export table …").triggered.connect(self.ask_export)

    def _set_key(self, digit: str) -> None:
        session = self._session
        session.labelling.put(session.table.rows[session.active_label], digit)

    def ask_code(self) -> None:
        """Type the active label's code."""
        session = self._session
        row = session.table.rows[session.active_label]
        dialog = CodeDialog(row.code, f"Code of '{row.name}'", self.parentWidget())
        if dialog.exec():
            session.labelling.put(replace(row, code=dialog.code()))
        dialog.deleteLater()

    def ask_import(self) -> None:
        """Choose a file and take its table."""
        name, _ = QFileDialog.getOpenFileName(self.parentWidget(), "Import label table", "", JSON)
        if name:
            import_table(self._session, Path(name))

    def ask_export(self) -> None:
        """Choose a file and write the table there."""
        name, _ = QFileDialog.getSaveFileName(self.parentWidget(), "Export label table", "labels.json", JSON)
        if name:
            path = Path(name)
            export_table(self._session, path if path.suffix else path.with_suffix(".json"))
