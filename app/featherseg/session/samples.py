"""The images that ship for a first look: their credits, the model that suits each, a copy to work on."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_documents_path

from featherseg_engines.errors import ReadError, WriteError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_resources import samples_folder


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, or a folder of several to make a workspace of.

    Parameters
    ----------
    picture
        A small image file of it, for a tile.
    model
        Name of the shipped model that suits it, or that is to be taught.
    label
        What the masks of some of a folder's images show; "" where there are none.
    """

    title: str
    path: Path
    picture: Path
    modality: str
    model: str
    credit: str
    licence: str
    label: str = ""

    @property
    def several(self) -> bool:
        """Whether it is a folder of images to make a workspace of."""
        return self.path.is_dir()

    @property
    def images(self) -> tuple[Path, ...]:
        """The image files."""
        return tuple(sorted(self.path.glob("*.jpg"))) if self.several else (self.path,)

    @property
    def masks(self) -> tuple[Path, ...]:
        """Masks of some of the images, called like them."""
        return tuple(sorted((self.path / "masks").glob("*.png")))

    @property
    def origin(self) -> str:
        """Credit and licence in one line."""
        return f"{self.credit}. Licence: {self.licence}."


def bundled_samples() -> tuple[Sample, ...]:
    """The samples that ship, in the order they are offered; none where they were left out.

    Raises
    ------
    ReadError
        Their list is damaged.
    """
    folder = samples_folder()
    listing = folder / "samples.json"
    if not listing.exists():
        return ()
    try:
        return tuple(_sample(folder, entry) for entry in json.loads(listing.read_text("utf-8"))["samples"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError("The list of sample images is damaged; install Featherseg again.") from error


def _sample(folder: Path, entry: dict[str, str]) -> Sample:
    path = folder / entry["file"]
    picture = folder / entry.get("picture", entry["file"])
    said = {key: entry[key] for key in ("title", "modality", "model", "credit", "licence")}
    return Sample(path=path, picture=picture, label=entry.get("label", ""), **said)


def where_to_save(beside: Path) -> Path:
    """``beside``, or its name among this person's documents where that folder is the program's own or read-only."""
    own = samples_folder() in beside.absolute().parents
    return (
        user_documents_path() / beside.name
        if own or not os.access(beside.absolute().parent, os.W_OK)
        else beside
    )


def own_copy(sample: Sample, home: Path | None = None) -> Path:
    """A copy of a folder of images where this person may write; the one of last time, if it is still there.

    Parameters
    ----------
    home
        Default: "Featherseg" among this person's documents.

    Raises
    ------
    WriteError
        It cannot be written.
    """
    place = (home or user_documents_path() / "Featherseg") / sample.title.capitalize()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for image in sample.images:
            if not (place / image.name).exists():
                _copy(image, place / image.name)
    except (OSError, WriteError) as error:
        raise WriteError(
            "The sample pictures cannot be copied to your documents: read-only or full."
        ) from error
    return place


def _copy(image: Path, target: Path) -> None:
    content = image.read_bytes()
    write_verified(target, lambda p: _put(p, content), lambda p: p.read_bytes() == content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
