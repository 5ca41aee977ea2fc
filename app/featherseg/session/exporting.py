"""What leaves the program: labels for other programs, images without what names the patient."""

from pathlib import Path

from featherseg.session.background import Ear
from featherseg.session.labelling import names_in
from featherseg.session.notice import Notice, Offer
from featherseg.session.session import Session
from featherseg_engines.errors import Cancelled, WriteError
from featherseg_engines.imaging.exchange import Kind, Mask, export_mask


def export_labels(session: Session, path: Path, kind: Kind) -> None:
    """Write the labels of the open case as ``kind`` in the background; patients stay unnamed.

    What is written is what stands there now; painting goes on meanwhile. A notice says when it is done, or why not.
    """
    case = session.case
    if case is None:
        return
    labels, rows = case.labels.array.copy(), dict(session.table.rows)

    def write(_: Ear) -> list[Path]:
        return export_mask(path, kind, Mask(labels, names_in(labels, rows), case.volume))

    def tell(written: list[Path]) -> None:
        names = ", ".join(f"'{p.name}'" for p in written)
        session.tell(Notice(f"Exported as {names}."))

    session.opening.compute(f"Writing '{path.name}'", write, tell)


def copy_without_names(session: Session, folder: Path, *, pixels_checked: bool = False) -> None:
    """Copy the DICOM files behind the open case into an empty folder, de-identified (PS3.15, basic profile).

    Where the pixels may show a name, a person has to say that they do not.
    """
    case = session.case
    if case is None or case.volume.source is None:
        session.tell(Notice("Only images that were read from DICOM can be copied without names."))
        return
    from featherseg_engines.imaging.burnt_in import may_hold_text
    from featherseg_engines.imaging.dicom.deidentify import write_deidentified
    from featherseg_engines.imaging.dicom.disclosure import UidMap

    doubt = may_hold_text(case.volume)
    if doubt and not pixels_checked:
        again = Offer(
            "I have looked: no names", lambda: copy_without_names(session, folder, pixels_checked=True)
        )
        session.tell(Notice(doubt, offers=(again,)))
        return
    files = list(dict.fromkeys(case.volume.source.paths))

    def copy(ear: Ear) -> int:
        if not folder.is_dir() or any(folder.iterdir()):
            raise WriteError(f"The folder '{folder.name}' is not empty; choose a new one.")
        uids = UidMap()
        for number, file in enumerate(files, 1):
            if ear.cancelled():
                raise Cancelled
            write_deidentified(file, folder / f"IM{number:05d}.dcm", uids, pixels_checked)
            ear.listen(number, len(files))
        return len(files)

    def tell(count: int) -> None:
        session.tell(Notice(f"{count} files copied to '{folder.name}' without what names the patient."))

    session.opening.compute(f"Copying to '{folder.name}'", copy, tell)
