"""A model as one file for a colleague, and back: card, network and weights, nothing that names a case."""

import json
import re
import shutil
import tempfile
import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from featherseg_engines.annotation.files import write_text
from featherseg_engines.errors import ModelError, WriteError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.bundle import (
    CARD,
    KNOWN,
    LOOK,
    ONNX,
    WEIGHTS,
    ModelBundle,
    file_sha256,
    open_bundle,
)
from featherseg_engines.models.taught import base_of, plain

ENDING = ".fsmodel"
LIMITS = {
    CARD: 4 * 2**20,
    ONNX: 512 * 2**20,
    WEIGHTS: 512 * 2**20,
    LOOK: 2**20,
    f"{KNOWN}/{CARD}": 4 * 2**20,
    f"{KNOWN}/{ONNX}": 512 * 2**20,
}
"""What may be in the file, and how many bytes each may take."""
OUTSIDE = b"\x0a\x08location"
"""How a tensor of an ONNX file names another file (onnx.proto3, TensorProto.external_data, key "location")."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip format's first day: the same model makes the same file."""


def export_model(bundle: ModelBundle, path: Path) -> None:
    """Write a model into one file (a zip archive) that a colleague can take in.

    Names of cases stay here: neither the lesson's record nor the list of images a model does worst on goes along.

    Raises
    ------
    ModelError
        A file of the model is missing or damaged.
    WriteError
        The file cannot be written; what stood there before still does.
    """
    names = list(bundle.files)
    for name in names:
        bundle.verify(name)
    hashes = {name: file_sha256(bundle.folder / name) for name in names}
    card = json.dumps(replace(bundle.card, worst=(), sha256=hashes).to_json(), indent=1)

    def write(beside: Path) -> None:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(CARD, EPOCH), card)
            for name in names:
                with (
                    archive.open(zipfile.ZipInfo(name, EPOCH), "w", force_zip64=True) as entry,
                    (bundle.folder / name).open("rb") as file,
                ):
                    shutil.copyfileobj(file, entry, 2**20)

    def whole(beside: Path) -> bool:
        with zipfile.ZipFile(beside) as archive:
            return archive.testzip() is None and archive.namelist() == [CARD, *names]

    write_verified(path, write, whole)


def import_model(path: Path, folder: Path) -> ModelBundle:
    """Take a colleague's file into the models folder, under a name that is free; it is not in use yet.

    Nothing is unpacked but the files a model consists of, each up to its limit, checked against the card,
    loaded once and only then put in place.

    Raises
    ------
    ModelError
        It is not such a file, is damaged, or does not hold what its card says; or the model is here already.
    WriteError
        The models folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unpacked = Path(tempfile.mkdtemp(prefix=".import-", dir=folder))
    except OSError as error:
        raise WriteError(
            f"'{path.name}' cannot be taken in: the models folder is read-only or the disk is full."
        ) from error
    try:
        _unpack(path, unpacked)
        bundle = _checked(path, unpacked)
        _refuse_known(bundle, folder)
        return _placed(bundle, folder)
    except OSError as error:
        raise WriteError(
            f"'{path.name}' cannot be taken in: the disk is full or the models folder read-only."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _unpack(path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_strange(path, entries)
            if any(entry.filename.startswith(f"{KNOWN}/") for entry in entries):
                (folder / KNOWN).mkdir()
            for entry in entries:
                with archive.open(entry) as source, (folder / entry.filename).open("wb") as target:
                    _copy(source, target, LIMITS[entry.filename], path)
    except FileNotFoundError as error:
        raise ModelError(f"There is no file '{path.name}'; choose another one.") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"'{path.name}' is damaged or is no model file; ask for it again.") from error


def _refuse_strange(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    for name in names:
        if name not in LIMITS:
            raise ModelError(
                f"'{path.name}' holds more than a model ('{Path(name).name[:40]}'); it is not taken in."
            )
    if len(set(names)) != len(names) or not {CARD, ONNX} <= set(names):
        raise ModelError(f"'{path.name}' lacks a part of a model; ask for it again.")
    for entry in entries:
        if entry.file_size > LIMITS[entry.filename]:
            raise ModelError(f"'{path.name}' is larger than a model may be; it is not taken in.")


def _copy(source: IO[bytes], target: IO[bytes], limit: int, path: Path) -> None:
    taken = 0  # counted: what the archive says of its sizes may be wrong
    while block := source.read(2**20):
        taken += len(block)
        if taken > limit:
            raise ModelError(f"'{path.name}' is larger than a model may be; it is not taken in.")
        target.write(block)


def _checked(path: Path, folder: Path) -> ModelBundle:
    try:
        bundle = open_bundle(folder)
    except ModelError as error:
        raise ModelError(
            f"The card of the model in '{path.name}' cannot be read; ask for it again."
        ) from error
    for name in LIMITS.keys() - {CARD}:
        if (folder / name).is_file() and bundle.card.sha256.get(name) != file_sha256(folder / name):
            raise ModelError(f"'{path.name}' is damaged: '{name}' is not the one its card describes.")
    if any(OUTSIDE in file.read_bytes() for file in folder.rglob("*.onnx")):
        raise ModelError(f"The model in '{path.name}' refers to files outside it; it is not taken in.")
    OnnxModel(bundle, threads=1)
    return bundle


def _refuse_known(bundle: ModelBundle, folder: Path) -> None:
    for other in sorted(folder.iterdir()):
        known = _opened(other)
        if known is None or other == bundle.folder or known.card.sha256.get(ONNX) != bundle.card.sha256[ONNX]:
            continue
        raise ModelError(f"This model is here already as '{known.card.title or known.card.name}'.")


def _opened(folder: Path) -> ModelBundle | None:
    with suppress(ModelError):
        return open_bundle(folder)
    return None


def _placed(bundle: ModelBundle, folder: Path) -> ModelBundle:
    """Under the first free name, its title saying that it was shared."""
    network, _, task = base_of(bundle.card.name).partition(".")
    number = 1
    while (target := folder / f"{plain(network)}-shared{number}.{plain(task or 'task')}").exists():
        number += 1
    title = re.sub(r"(, (yours|shared) [0-9]+)+$", "", bundle.card.title or base_of(bundle.card.name))
    card = replace(bundle.card, name=target.name, title=f"{title}, shared {number}")
    write_text(bundle.folder / CARD, json.dumps(card.to_json(), indent=1) + "\n")
    bundle.folder.rename(target)
    return open_bundle(target)
