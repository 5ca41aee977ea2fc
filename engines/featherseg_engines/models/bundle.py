"""A model bundle: a folder with ``model.onnx``, ``weights.safetensors`` and ``card.json``.

A model that was taught a second kind of picture holds the one that shipped as well, unchanged, in a folder ``known``,
and ``look.onnx``, which says whose kind a picture is (:mod:`~featherseg_engines.inference.kind`).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from featherseg_engines.errors import ModelError
from featherseg_engines.models.card import ModelCard, read_card

ONNX = "model.onnx"
WEIGHTS = "weights.safetensors"
CARD = "card.json"
LOOK = "look.onnx"
KNOWN = "known"
WITHIN = (LOOK, f"{KNOWN}/{CARD}", f"{KNOWN}/{ONNX}")
"""What a bundle that holds another has beside its own files."""


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """One model on disk; what it is stands in ``card``."""

    folder: Path
    card: ModelCard

    @property
    def onnx(self) -> Path:
        """The deployed form."""
        return self.folder / ONNX

    @property
    def weights(self) -> Path:
        """The form it was taught in (``form`` in the card's settings), so that it can be taught on."""
        return self.folder / WEIGHTS

    @property
    def look(self) -> Path:
        """What says whose kind a picture is; only where another model is held."""
        return self.folder / LOOK

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files beside the card, as they stand in ``sha256``; the weights where they are there."""
        own = (ONNX, WEIGHTS) if self.weights.is_file() else (ONNX,)
        return (*own, *WITHIN) if self.card.known else own

    def known(self) -> "ModelBundle | None":
        """The model it holds, which answers for pictures of its own kind; None for most.

        Raises
        ------
        ModelError
            It should be there and is not.
        """
        if not self.card.known:
            return None
        for name in WITHIN:
            self.verify(name)
        found = open_bundle(self.folder / KNOWN)
        return replace(found, card=replace(found.card, known=""))

    @property
    def task(self) -> str:
        """What it segments: what stands after the dot of its name."""
        return self.card.name.split(".", 1)[-1]

    @property
    def identity(self) -> str:
        """The first twelve digits of the ONNX file's hash: which weights answered."""
        return self.card.sha256.get(ONNX, "")[:12]

    def verify(self, name: str = ONNX) -> None:
        """Check a file of the bundle against the hash in its card.

        Raises
        ------
        ModelError
            The file is missing or is not the one the card describes.
        """
        path = self.folder / name
        if not path.is_file():
            raise ModelError(f"The model '{self.card.name}' lacks its file '{name}'; install it again.")
        if name in self.card.sha256 and file_sha256(path) != self.card.sha256[name]:
            raise ModelError(
                f"The file '{name}' of the model '{self.card.name}' is damaged; install it again."
            )


def open_bundle(folder: Path) -> ModelBundle:
    """Read a bundle's card; its files are verified when they are loaded.

    Raises
    ------
    ModelError
        The folder or its card is missing or wrong.
    """
    if not folder.is_dir():
        raise ModelError(f"There is no model folder '{folder.name}'; check the name or the path.")
    card = read_card(folder / CARD)
    if (
        ONNX not in card.sha256 and (folder / ONNX).is_file()
    ):  # a model from elsewhere: its file is its identity
        card = replace(card, sha256={**card.sha256, ONNX: file_sha256(folder / ONNX)})
    return ModelBundle(folder, card)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
