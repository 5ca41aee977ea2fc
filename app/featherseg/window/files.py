"""Opening and saving with dialogs: the only dialogs there are, besides the one before losing something."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from featherseg.session.case import OpenCase, suggested_mask
from featherseg.session.exporting import copy_without_names, export_labels
from featherseg.session.mask_files import save_beside
from featherseg.session.opening import SeriesRow
from featherseg.session.samples import where_to_save
from featherseg.session.session import Session
from featherseg.ui.series_chooser import SeriesChooser
from featherseg_engines.imaging.endings import stem_of
from featherseg_engines.imaging.exchange import Kind

IMAGES = (
    "Images (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.nii *.nii.gz *.nrrd *.mha *.mhd *.dcm);;All files (*)"
)
SLICE_MASKS = "PNG (*.png);;TIFF (*.tif);;NIfTI (*.nii.gz)"
VOLUME_MASKS = "NIfTI (*.nii.gz);;NRRD (*.nrrd);;MetaImage (*.mha)"
DICOM_EXPORTS = ["DICOM segmentation (*.dcm)", "DICOM label map (*.dcm)", "DICOM structure set (*.dcm)"]
SURFACES = ["Surface PLY (*.ply)", "Surface STL (*.stl)"]
EXPORTS: dict[str, tuple[Kind, str]] = {
    "DICOM segmentation": ("dicom-seg", ".dcm"),
    "DICOM label map": ("dicom-labelmap", ".dcm"),
    "DICOM structure set": ("rtstruct", ".dcm"),
    "Surface PLY": ("ply", ".ply"),
    "Surface STL": ("stl", ".stl"),
    "COCO": ("coco", ".json"),
}
ENDINGS = {"PNG": ".png", "TIFF": ".tif", "NIfTI": ".nii.gz", "NRRD": ".nrrd", "MetaImage": ".mha"}


class Files:
    """File commands of the window."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        self._session, self._parent = session, parent
        self.elsewhere: Callable[[Path], bool] = lambda path: False  # asked first; True: it was opened there
        session.opening.series_found.connect(self._ask_series)

    def ask_image(self) -> None:
        """Choose and open an image."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open image", self._folder(), IMAGES)
        if name:
            self.open(Path(name))

    def ask_folder(self) -> None:
        """Choose a folder of DICOM files and open a series of it."""
        name = QFileDialog.getExistingDirectory(self._parent, "Open DICOM folder", self._folder())
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        """Start opening an image or a folder, after asking what to do with unsaved labels."""
        if not self.elsewhere(path) and self.may_leave():
            self._session.open_image(path)

    def ask_overlay(self) -> None:
        """Choose a volume and lay it over the open one."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Lay over", self._folder(), IMAGES)
        if name:
            self._session.lay_over(Path(name))

    def ask_overlay_folder(self) -> None:
        """Choose a DICOM folder and lay a series of it over the open one."""
        name = QFileDialog.getExistingDirectory(self._parent, "Lay a series over", self._folder())
        if name:
            self._session.lay_over(Path(name))

    def _ask_series(self, folder: Path, rows: list[SeriesRow], open_row: Callable[[SeriesRow], None]) -> None:
        chooser = SeriesChooser(folder.name, rows, self._parent)
        chosen = chooser.chosen() if chooser.exec() else None
        chooser.deleteLater()
        if chosen is not None:
            open_row(chosen)

    def ask_mask(self) -> None:
        """Choose a mask and load it onto the open image."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open mask", self._folder(), IMAGES)
        if name:
            self._session.open_mask(Path(name))

    def ask_model(self) -> None:
        """Choose the folder of a model bundle and propose with it."""
        name = QFileDialog.getExistingDirectory(self._parent, "Open model folder")
        if name:
            self._session.add_model(Path(name))

    def save(self) -> bool:
        """Save where it was saved before, or ask."""
        case = self._session.case
        if case is None:
            return False
        return save_beside(self._session, case.saved_to) if case.saved_to else self.ask_save()

    def ask_save(self, *, at_once: bool = False) -> bool:
        """Ask where to save the mask, suggest a name beside the image, save (``at_once``: and wait for it)."""
        case = self._session.case
        if case is None:
            return False
        start = case.saved_to or where_to_save(suggested_mask(case.volume.path or Path("image"), case.volume))
        kinds = SLICE_MASKS if case.volume.geometry.shape[0] == 1 else VOLUME_MASKS
        name, kind = QFileDialog.getSaveFileName(self._parent, "Save mask", str(start), kinds)
        if not name:
            return False
        path = Path(name)
        if not path.suffix:
            path = path.with_name(path.name + ENDINGS[kind.split(" ")[0]])
        return self._session.save_mask(path) if at_once else save_beside(self._session, path)

    def ask_export(self) -> None:
        """Ask for a kind of file and a name, and write the labels for other programs."""
        case = self._session.case
        if case is None:
            return
        kinds = ";;".join(DICOM_EXPORTS + SURFACES if case.volume.source else SURFACES)
        if case.volume.is_photograph:
            kinds = "COCO (*.json)"
        start = (case.volume.path or Path("mask")).with_name(stem_of(Path(case.volume.name or "mask")))
        name, chosen = QFileDialog.getSaveFileName(
            self._parent, "Export the labels", str(where_to_save(start)), kinds
        )
        if not name:
            return
        kind, ending = EXPORTS[chosen.split(" (")[0]]
        path = Path(name)
        export_labels(self._session, path if path.suffix else path.with_name(path.name + ending), kind)

    def ask_copy(self) -> None:
        """Choose an empty folder and copy the open DICOM images there without what names the patient."""
        name = QFileDialog.getExistingDirectory(self._parent, "Folder for the de-identified copy")
        if name:
            copy_without_names(self._session, Path(name))

    def may_leave(self) -> bool:
        """Whether the open case may go: nothing unsaved, saved now, or the person said to discard it."""
        case = self._session.case
        if case is None or not case.unsaved:
            return True
        if case.number is not None:
            return self._may_lose(case)
        box = QMessageBox(self._parent)
        box.setWindowTitle("Featherseg")
        box.setText(f"The labels of '{case.volume.name}' are not saved.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        choice = box.exec()
        if choice == buttons.Save:
            return self._session.save_mask(case.saved_to) if case.saved_to else self.ask_save(at_once=True)
        return bool(choice == buttons.Discard)

    def _may_lose(self, case: OpenCase) -> bool:
        """Try again to record what the disk refused; where it still does, ask."""
        buttons = QMessageBox.StandardButton
        while not self._session.editing.retry():
            box = QMessageBox(self._parent)
            box.setWindowTitle("Featherseg")
            box.setText(f"The disk refuses the newest edits of '{case.title}'.")
            box.setInformativeText("Make room on the disk and try again, or lose these edits.")
            box.setStandardButtons(buttons.Retry | buttons.Discard | buttons.Cancel)
            box.setDefaultButton(buttons.Retry)
            choice = box.exec()
            if choice != buttons.Retry:
                return bool(choice == buttons.Discard)
        return True

    def _folder(self) -> str:
        case = self._session.case
        return str(case.volume.path.parent) if case and case.volume.path else ""
