"""The history of a person's models: every lesson's candidate, adopted or not, kept whole beside the others."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from featherseg_engines.annotation.files import write_text
from featherseg_engines.errors import FeathersegError, ModelError, WriteError
from featherseg_engines.models.bundle import CARD, ModelBundle, open_bundle
from featherseg_engines.models.card import ModelCard
from featherseg_engines.models.catalogue import Catalogue, user_models_folder
from featherseg_engines.models.taught import (
    SHIPPED,
    UNFINISHED,
    InUse,
    base_of,
    number_of,
    plain,
    read_in_use,
    version_name,
    write_in_use,
)
from featherseg_engines.teaching.order import Outcome, TeachOrder
from featherseg_engines.teaching.record import LessonRecord, read_record
from featherseg_engines.teaching.run_folder import sweep

CANNOT_KEEP = "What was learnt cannot be kept in '{}' (disk full, or read-only); make room and teach again."
_YOURS = re.compile(r", yours [0-9]+$")


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A model of the person's own folder.

    Parameters
    ----------
    record
        Parent, cases, settings, curve, numbers and date of its lesson; None for a model that was not taught here.
    in_use
        Whether it is the one that proposals of its line come from.
    size
        Bytes on the disk.
    """

    bundle: ModelBundle
    record: LessonRecord | None
    in_use: bool
    size: int

    @property
    def name(self) -> str:
        """As used on the command line; its folder's name."""
        return self.bundle.folder.name

    @property
    def title(self) -> str:
        """For the person."""
        return self.bundle.card.title or self.bundle.card.name

    @property
    def base(self) -> str:
        """The model its line begins with."""
        return base_of(self.name)


class Versions:
    """Models taught here, each in a folder of its own; nothing is known that is not on the disk.

    ``scratch`` and ``keep`` belong to the trainer's thread, all else to the session's.

    Parameters
    ----------
    folder
        The person's models folder where left out; made when something is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_models_folder()

    # -- what there is -------------------------------------------------------------------------------------

    def all(self) -> list[Version]:
        """Every model of the folder that can be read, line by line, the newest of a line first."""
        state = read_in_use(self.folder)
        found = []
        for folder in self._folders():
            with suppress(ModelError):
                bundle = open_bundle(folder)
                size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                found.append(Version(bundle, read_record(bundle), folder.name in state.names(), size))
        return sorted(found, key=lambda version: (version.base, -number_of(version.name), version.name))

    def in_use(self, base: str) -> ModelBundle | None:
        """The version in use of a line; None where that is the base model itself."""
        name = read_in_use(self.folder).of(base_of(base))
        if name == SHIPPED:
            return None
        with suppress(ModelError):  # deleted by hand: then the base model
            return open_bundle(self.folder / name)
        return None

    # -- a lesson's candidate ------------------------------------------------------------------------------

    def scratch(self) -> Path:
        """A place for a candidate, which nobody takes for a model; what killed lessons left is swept.

        *Raises* WriteError.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(CANNOT_KEEP.format(self.folder.name)) from error
        sweep(self.folder)
        return self.folder / f"lesson-{uuid.uuid4().hex[:12]}{UNFINISHED}"

    def keep(self, order: TeachOrder, outcome: Outcome) -> ModelBundle:
        """Keep a finished candidate for good under the next number of its line, not in use yet.

        Raises
        ------
        WriteError
            The disk refuses; the candidate is where it was.
        ModelError
            A file of it is not what its card says.
        """
        candidate = outcome.candidate
        for name in candidate.files:
            candidate.verify(name)
        base = line_of(order)
        number = self._next_number(base)
        try:
            _flush(candidate.folder)
            while True:
                target = self.folder / version_name(base, number)
                if not target.exists():
                    card = _named(candidate.card, order, target.name, number, read_record(candidate))
                    write_text(candidate.folder / CARD, json.dumps(card.to_json(), indent=1) + "\n")
                    candidate.folder.rename(target)
                    return open_bundle(target)
                number += 1
        except OSError as error:
            raise WriteError(CANNOT_KEEP.format(self.folder.name)) from error

    def note(self, bundle: ModelBundle, *, in_use: bool) -> None:
        """Take a version into use, or back: then what was in use before it is again. *Raises* WriteError.

        A model that is not of this folder, in use, stands for its line's base model.
        """
        base, state = base_of(bundle.card.name), read_in_use(self.folder)
        name = bundle.folder.name if self._own(bundle) else SHIPPED
        if name == SHIPPED and not state.adopted.get(base):
            return
        self._write(state.taking(base, name) if in_use else state.without(base, name))

    # -- orders of the person ------------------------------------------------------------------------------

    def roll_back(self, to: ModelBundle) -> ModelBundle:
        """Use this version, or this base model, from now on; whole and readable before it counts.

        *Raises* ModelError, WriteError.
        """
        found = open_bundle(to.folder)
        found.verify()
        self.note(found, in_use=True)
        return found

    def delete(self, bundle: ModelBundle, loaded: ModelBundle | None = None) -> None:
        """Delete a version for good.

        Parameters
        ----------
        loaded
            The model that the session proposes with.

        Raises
        ------
        ModelError
            It is in use, or comes with the program.
        WriteError
            The disk refuses.
        """
        title = bundle.card.title or bundle.card.name
        if not self._own(bundle):
            raise ModelError(f"'{title}' is not in your models folder, so it cannot be deleted from here.")
        state, base = read_in_use(self.folder), base_of(bundle.folder.name)
        if bundle.folder.name in state.names() or (loaded is not None and loaded.folder == bundle.folder):
            raise ModelError(f"'{title}' is in use; take another model into use before deleting it.")
        if number_of(bundle.folder.name):
            highest = {**state.highest, base: self._next_number(base) - 1}
            self._write(replace(state.without(base, bundle.folder.name), highest=highest))
        gone = self.folder / f".gone-{uuid.uuid4().hex[:12]}"
        try:
            bundle.folder.rename(gone)
        except OSError as error:
            raise WriteError(f"'{title}' cannot be deleted: it is open elsewhere or read-only.") from error
        shutil.rmtree(gone, ignore_errors=True)

    # -- the disk ------------------------------------------------------------------------------------------

    def _folders(self) -> Sequence[Path]:
        if not self.folder.is_dir():
            return ()
        found = sorted(path for path in self.folder.iterdir() if (path / CARD).is_file())
        return [p for p in found if not p.name.startswith(".") and not p.name.endswith(UNFINISHED)]

    def _next_number(self, base: str) -> int:
        line = [
            number_of(p.name) for p in self._folders() if base_of(p.name) == base_of(version_name(base, 1))
        ]
        return 1 + max([read_in_use(self.folder).highest.get(base_of(version_name(base, 1)), 0), *line])

    def _own(self, bundle: ModelBundle) -> bool:
        return bundle.folder.parent.absolute() == self.folder.absolute()

    def _write(self, state: InUse) -> None:
        write_in_use(self.folder, state)


def line_of(order: TeachOrder) -> str:
    """The base model that a candidate's line begins with; for a new task, network and first class."""
    if order.parent is not None:
        return base_of(order.parent.card.name)
    record = read_record(order.in_use)
    if order.in_use is not None and record is not None and not record.parent:
        return base_of(order.in_use.card.name)  # taught from nothing again, with more cases
    return f"{plain(order.settings.network)}.{plain(order.classes[0])}"


def starts_from(in_use: ModelBundle | None, catalogue: Catalogue) -> ModelBundle | None:
    """What the next lesson starts from: the base model of the line, never a taught model of a taught model.

    None where it starts from nothing: there is no model, or the one in use was taught from nothing here. A base
    model that was updated since stands for the old one; where it is gone, the lesson starts from the one in use.
    """
    record = read_record(in_use)
    if in_use is None or record is None:
        return in_use
    if not record.parent:
        return None
    name, _, identity = record.parent.rpartition(" ")
    known = [bundle for bundle in catalogue.bundles() if read_record(bundle) is None]
    same = [bundle for bundle in known if bundle.identity == identity]
    same += [bundle for bundle in known if bundle.card.name == name]
    if same:
        return same[0]
    with suppress(FeathersegError):
        return catalogue.resolve(name)
    return in_use


def _named(
    card: ModelCard, order: TeachOrder, name: str, number: int, record: LessonRecord | None
) -> ModelCard:
    start = order.parent or order.in_use
    if order.parent is None and (start is None or base_of(start.card.name) != base_of(name)):
        title = f"{order.settings.network} · {order.classes[0]}"
    else:
        assert start is not None
        title = start.card.title or start.card.name
    training = card.training
    if record is not None:
        held = len(record.held_out)
        training = replace(
            training,
            train_cases=len(record.learnt),
            dev_split=f"{held} held out" if held else "none held out",
        )
    return replace(card, name=name, title=f"{_YOURS.sub('', title)}, yours {number}", training=training)


def _flush(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
