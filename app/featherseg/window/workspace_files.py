"""Workspaces by file dialogs, by drop and from the command line; what asks before something is lost."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from featherseg.session.gathering import cases_named, gather, gather_half_done, send_out, take_masks
from featherseg.session.notice import Notice, Offer
from featherseg.session.samples import Sample
from featherseg.session.workbench import Workbench, is_workspace
from featherseg.window.files import IMAGES, Files
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.annotation.export.registry import Exporters, standard_exporters
from featherseg_engines.annotation.intake import DICOM
from featherseg_engines.imaging.readers import SUFFIXES, suffix_of
from featherseg_engines.labels import OKABE_ITO, Label

LOOKED_AT = 500
"""Files of a folder that are looked at to tell what it holds."""


class WorkspaceFiles:
    """File commands for workspaces."""

    def __init__(self, bench: Workbench, files: Files, parent: QWidget) -> None:
        self._bench, self._files, self._parent = bench, files, parent
        files.elsewhere = self.takes_over

    # -- workspaces -----------------------------------------------------------------------------------------

    def ask_workspace(self) -> None:
        """Choose a folder and open it as a workspace."""
        name = QFileDialog.getExistingDirectory(self._parent, "Open workspace", self._folder())
        if name:
            self.open(Path(name))

    def takes_over(self, path: Path) -> bool:
        """Open a workspace, offer to make one of a folder of images; whether ``path`` is one of the two."""
        if not is_workspace(path) and not holds_images(path):
            return False
        self.open(path)
        return True

    def open(self, folder: Path) -> None:
        """Open a workspace; offer to make one where the folder is none yet."""
        if is_workspace(folder):
            self._make(folder)
            return

        def make() -> None:
            if self._make(folder):
                gather(self._bench, [folder])

        text = f"'{folder.name}' is not a workspace yet."
        self._tell(text, Offer("Make it one and add its images", make))

    def begin(self, folder: Path, sample: Sample) -> None:
        """Open the copy of a sample as a workspace without asking: it was made for that."""
        if not self.may_leave():
            return
        there, label = is_workspace(folder), Label(1, sample.label, OKABE_ITO[0])
        self._bench.session.choose_model(sample.model)
        if self._bench.open(folder) and not there:
            gather_half_done(self._bench, folder, sample.masks, label)

    def _make(self, folder: Path) -> bool:
        return self.may_leave() and self._bench.open(folder)

    def may_leave(self) -> bool:
        """Whether the open case may go; asks where something would be lost."""
        return self._files.may_leave()

    def close(self) -> None:
        """Close the workspace, after asking where edits would be lost."""
        if self.may_leave():
            self._bench.close(lose=True)

    # -- into it ----------------------------------------------------------------------------------------------

    def take(self, paths: Sequence[Path]) -> None:
        """Files and folders that were dropped on the case list."""
        first = paths[0]
        if len(paths) == 1 and is_workspace(first):
            self.open(first)
        elif self._bench.workspace is not None:
            gather(self._bench, paths)
        elif first.is_dir():
            self.open(first)
        else:
            self._tell("Open a workspace first; then images dropped here become its cases.")

    def ask_images(self, *, copy: bool = False) -> None:
        """Choose images and add them as cases, linked to where they lie or copied."""
        title = "Copy images into the workspace" if copy else "Add images"
        names = self._ask_files(title)
        if names:
            gather(self._bench, names, copy=copy)

    def ask_folder(self) -> None:
        """Choose a folder and add every image and series below it."""
        if not self._has_workspace():
            return
        name = QFileDialog.getExistingDirectory(self._parent, "Add folder", self._folder())
        if name:
            gather(self._bench, [Path(name)])

    def ask_masks(self) -> None:
        """Choose mask files and put them onto the cases they belong to."""
        names = self._ask_files("Take in masks")
        if names:
            take_masks(self._bench, names)

    def _ask_files(self, title: str) -> list[Path]:
        if not self._has_workspace():
            return []
        names, _ = QFileDialog.getOpenFileNames(self._parent, title, self._folder(), IMAGES)
        return [Path(name) for name in names]

    # -- out of it ----------------------------------------------------------------------------------------------

    def ask_export(self, exporters: Exporters | None = None) -> None:
        """Choose a layout and an empty folder, and write all accepted cases there."""
        progress = self._bench.progress
        if progress is None or not self._has_workspace():
            self._has_workspace()
            return
        count = progress.counts[CaseState.ACCEPTED]
        if not count:
            self._tell("No case is accepted yet; Enter accepts the case on screen.")
            return
        ways = (exporters or standard_exporters()).all()
        cases = "case" if count == 1 else "cases"
        title, chosen = QInputDialog.getItem(
            self._parent,
            "Export accepted cases",
            f"Write {count} accepted {cases} as",
            [way.title for way in ways],
            0,
            False,
        )
        if not chosen:
            return
        name = QFileDialog.getExistingDirectory(self._parent, "An empty folder for the export")
        if name:
            send_out(self._bench, next(way for way in ways if way.title == title), Path(name))

    # -- single cases -------------------------------------------------------------------------------------------

    def relink(self, case: Case) -> None:
        """Ask where the image of a case lies now."""
        if case.series_uid:
            name = QFileDialog.getExistingDirectory(self._parent, f"Where are the images of '{case.name}'?")
        else:
            name, _ = QFileDialog.getOpenFileName(
                self._parent, f"Where is the image of '{case.name}'?", self._folder(), IMAGES
            )
        if name:
            self._bench.relink(case, Path(name))

    def remove(self, cases: Sequence[Case]) -> None:
        """Ask, then take cases out of the list; their files stay."""
        box = QMessageBox(self._parent)
        box.setWindowTitle("Featherseg")
        box.setText(f"Remove {cases_named(cases)} from the list?")
        box.setInformativeText("The undo history goes. Image and mask files stay where they are.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Yes | buttons.Cancel)
        box.button(buttons.Yes).setText("Remove")
        box.setDefaultButton(buttons.Cancel)
        if box.exec() == buttons.Yes:
            self._bench.remove(cases)

    def save(self) -> bool:
        """Ctrl+S: a workspace case saves itself, so only its mask file is brought up to date."""
        if self._bench.current is None:
            return self._files.save()
        self._bench.save()
        return True

    def _has_workspace(self) -> bool:
        if self._bench.workspace is None:
            self._tell("Open a workspace first: File, Open workspace.", Offer("Open …", self.ask_workspace))
            return False
        return True

    def _tell(self, text: str, *offers: Offer) -> None:
        self._bench.session.tell(Notice(text, offers=offers))

    def _folder(self) -> str:
        workspace = self._bench.workspace
        return str(workspace.folder) if workspace else ""


def holds_images(folder: Path) -> bool:
    """Whether a folder holds image files and, as far as names tell, no DICOM files."""
    try:
        endings = [suffix_of(path) for path in islice(folder.iterdir(), LOOKED_AT) if path.is_file()]
    except OSError:  # no folder, or none of ours: who opens it says so in words
        return False
    return any(ending in SUFFIXES for ending in endings) and not {DICOM, ""} & set(endings)
