"""Proposals kept in a workspace: one compressed file for each case and model, without names of anybody."""

import contextlib
import json
import lzma
import shutil
import zipfile
import zlib
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from featherseg_engines.annotation.cases import Case
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.inference.postprocess import Levels
from featherseg_engines.inference.proposal import Options, Proposal, Request
from featherseg_engines.labels import EMPTY_BOX, Box
from featherseg_engines.models.bundle import ModelBundle

FOLDER = "proposals"
DAMAGE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What reading a zip file with flipped bits raises: its own errors, those of each way to unpack, absurd sizes."""
FORMAT = 1
ROOM = 4096
"""Bytes that a member of the file may be larger than its values, and the header at most."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredProposal:
    """What a file holds: the answer and what it depends on (``image`` is the hash of the image's content)."""

    image: str
    weights: str
    model: str
    options: Options
    shape: tuple[int, int, int]
    box: Box
    levels: Levels
    seconds: float

    def answer(self, volume: Volume, bundle: ModelBundle) -> Proposal | None:
        """The proposal for this image by this model; None where it is of another image or other weights."""
        if not volume.content or volume.content != self.image or bundle.identity != self.weights:
            return None
        several = volume.geometry.shape[0] > 1
        request = Request(0, volume, 0, bundle, self.options, volume.content, whole=several)
        return Proposal(request, self.box, self.levels, self.model, self.weights, self.seconds)


class ProposalFiles:
    """The folder ``proposals`` of a workspace; any thread, one at a time."""

    def __init__(self, workspace: Path) -> None:
        self.folder = workspace / FOLDER

    def path(self, case: Case, bundle: ModelBundle) -> Path:
        """Where the answer of a model for a case lies; named by numbers only."""
        return self.folder / f"{case.id}-{bundle.identity[:12]}.npz"

    def put(self, case: Case, proposal: Proposal) -> None:
        """Keep an answer in place of an older one.

        Raises
        ------
        WriteError
            The disk is full or read-only; an older file stands untouched.
        """
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise WriteError(
                f"Proposals cannot be kept in '{self.folder.parent.name}': it is read-only or full."
            ) from error
        request = proposal.request
        header = np.frombuffer(json.dumps(_header(proposal)).encode(), np.uint8)

        def write(path: Path) -> None:
            np.savez_compressed(path, header=header, levels=proposal.levels)

        def verify(path: Path) -> bool:
            found = _read(path, request.volume.geometry.shape, len(request.model.card.labels))
            return found is not None and np.array_equal(found.levels, proposal.levels)

        write_verified(self.path(case, request.model), write, verify)

    def get(self, case: Case, bundle: ModelBundle) -> StoredProposal | None:
        """What a model answered for a case; None where nothing is there that is whole and fits both."""
        found = _read(self.path(case, bundle), case.geometry.shape, len(bundle.card.labels))
        return found if found is not None and found.weights == bundle.identity else None

    def sweep(self) -> None:
        """Remove what a killed program was writing; for the one program that has the workspace open."""
        for left in self.folder.glob(".featherseg-*"):
            with contextlib.suppress(OSError):
                shutil.rmtree(left)


def _header(proposal: Proposal) -> dict[str, Any]:
    request, window = proposal.request, proposal.request.options.window
    return {
        "format": FORMAT,
        "image": request.image,
        "weights": proposal.weights,
        "model": proposal.model,
        "window": None if window is None else [window.centre, window.width],
        "flips": request.options.flips,
        "shape": request.volume.geometry.shape,
        "start": proposal.box.start,
        "stop": proposal.box.stop,
        "seconds": proposal.seconds,
    }


def _read(path: Path, shape: tuple[int, int, int], labels: int) -> StoredProposal | None:
    """A file whose header, sizes and checksums fit; a damaged or strange one is not there."""
    try:
        with zipfile.ZipFile(path) as file:
            header = json.loads(bytes(_member(file, "header.npy", ROOM)))
            found = _checked(header, shape)
            inside = (labels, *found.box.shape)
            levels = _member(file, "levels.npy", prod(inside) + ROOM)
    except DAMAGE:
        return None
    if levels.shape != inside or levels.dtype != np.uint8:
        return None
    return replace(found, levels=levels)


def _member(file: zipfile.ZipFile, name: str, most: int) -> Levels:
    """An array of the file, unless it is larger than it may be; its checksum is looked at while reading."""
    if file.getinfo(name).file_size > most:
        raise ValueError(f"{name} is too large")
    with file.open(name) as stream:
        values = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):
            raise ValueError(f"{name} goes on")
    return np.asarray(values)


def _checked(raw: dict[str, Any], shape: tuple[int, int, int]) -> StoredProposal:
    """What the header says, still without the levels."""
    if raw["format"] != FORMAT or tuple(raw["shape"]) != shape:
        raise ValueError("another format or grid")
    start, stop = (tuple(int(v) for v in raw[name]) for name in ("start", "stop"))
    if len(start) != 3 or len(stop) != 3:
        raise ValueError("a box has three axes")
    inside = all(0 <= a < b <= n for a, b, n in zip(start, stop, shape, strict=True))
    if not inside and (start, stop) != (EMPTY_BOX.start, EMPTY_BOX.stop):
        raise ValueError("the box is not in the volume")
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    window = None
    if raw["window"] is not None:
        centre, width = (float(v) for v in raw["window"])
        window = Window(centre, width)
    return StoredProposal(
        image=str(raw["image"]),
        weights=str(raw["weights"]),
        model=str(raw["model"]),
        options=Options(window, bool(raw["flips"])),
        shape=shape,
        box=box,
        levels=np.zeros((0, 0, 0, 0), np.uint8),
        seconds=float(raw["seconds"]),
    )
