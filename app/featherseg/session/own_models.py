"""The person's own models: which there are, use another one, compare, as one file for a colleague, delete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from featherseg.session.background import Ear
from featherseg.session.notice import Notice, Offer
from featherseg.session.workbench import Workbench
from featherseg_engines.errors import Cancelled, FeathersegError
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.taught import base_of
from featherseg_engines.teaching.record import LessonRecord
from featherseg_engines.teaching.versions import Version, Versions

if TYPE_CHECKING:
    from featherseg_engines.teaching.comparing import Comparison

NO_WORKSPACE = "Open a workspace with accepted cases: models are compared on those."


@dataclass(frozen=True, slots=True, eq=False)
class OwnModel:
    """A row of the history.

    Parameters
    ----------
    record
        Of the lesson; None for a model that was not taught here.
    shipped
        Whether it comes with the program: the base of the line above it.
    loaded
        Whether the session proposes with it.
    """

    bundle: ModelBundle
    record: LessonRecord | None
    shipped: bool
    loaded: bool

    @property
    def title(self) -> str:
        """For the person."""
        return self.bundle.card.title or self.bundle.card.name


class _Stopping:
    """Asks between two cases whether the person has cancelled."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear

    def between(self) -> None:
        """*Raises* Cancelled."""
        if self._ear.cancelled():
            raise Cancelled


class OwnModels:
    """Orders on a :class:`Versions`; lives on the session's thread, what takes long goes on in the bench's."""

    changed = Signal()

    def __init__(self, versions: Versions, bench: Workbench) -> None:
        self.versions, self.bench = versions, bench
        self.session = bench.session

    def rows(self) -> list[OwnModel]:
        """Line by line the newest first, the model that each line began with behind it."""
        rows: list[OwnModel] = []
        line = ""
        for version in self.versions.all():
            if line and version.base != line:
                rows += self._base(line)
            line = version.base if version.record is not None else ""
            rows.append(self._row(version))
        return rows + (self._base(line) if line else [])

    def use(self, bundle: ModelBundle) -> None:
        """Propose with this one from now on, also after a restart."""

        def take() -> None:
            found = self.versions.roll_back(bundle)
            self.session.swap_model(found)
            self._say(Notice(f"'{_title(found)}' is in use now."))

        self._try(take)

    def delete(self, bundle: ModelBundle) -> None:
        """Delete it for good; the one in use is refused."""

        def remove() -> None:
            self.versions.delete(bundle, self.session.model)
            self._say(Notice(f"'{_title(bundle)}' was deleted."))

        self._try(remove)

    def export(self, bundle: ModelBundle, path: Path) -> None:
        """Write it into one file for a colleague, in the background."""
        from featherseg_engines.teaching.exchange import export_model

        def work(_: Ear) -> None:
            export_model(bundle, path)

        def done(_: None) -> None:
            self._say(Notice(f"'{path.name}' is written. No case is named in it."))

        self.bench.errands.compute(f"Writing '{path.name}'", work, done)

    def take_in(self, path: Path) -> None:
        """Take a colleague's file in, in the background; it is not in use yet."""
        from featherseg_engines.teaching.exchange import import_model

        folder = self.versions.folder

        def done(bundle: ModelBundle) -> None:
            use = Offer("Use it", lambda: self.use(bundle))
            self._say(Notice(f"'{_title(bundle)}' was taken in.", offers=(use,)))
            self.changed.emit()

        self.bench.errands.compute(f"Checking '{path.name}'", lambda _: import_model(path, folder), done)

    def compare(self, first: ModelBundle, second: ModelBundle) -> None:
        """Measure two models on the accepted cases of the workspace, in the background; a sentence tells."""
        from featherseg_engines.teaching.comparing import compare
        from featherseg_engines.teaching.gathering import Wanted, order_from_workspace

        workspace = self.bench.workspace
        if workspace is None:
            self._say(Notice(NO_WORKSPACE))
            return

        def work(ear: Ear) -> "Comparison":
            control = _Stopping(ear)
            wanted = Wanted(first, first)
            order = order_from_workspace(workspace, wanted=wanted, between=control.between)
            return compare(first, second, order, control)

        def done(found: "Comparison") -> None:
            self._say(Notice(found.sentence))

        self.bench.errands.compute("Comparing two models", work, done)

    def _row(self, version: Version) -> OwnModel:
        return OwnModel(version.bundle, version.record, False, self._is_loaded(version.bundle))

    def _base(self, line: str) -> list[OwnModel]:
        for bundle in self.session.catalogue.bundles():
            if bundle.card.name == line:
                return [OwnModel(bundle, None, True, self._is_loaded(bundle))]
        return []

    def _is_loaded(self, bundle: ModelBundle) -> bool:
        model = self.session.model
        return model is not None and model.folder == bundle.folder

    def _try(self, order: Callable[[], None]) -> None:
        try:
            order()
        except FeathersegError as error:
            self._say(Notice(str(error), "problem"))
        self.changed.emit()

    def _say(self, notice: Notice) -> None:
        self.session.tell(notice)


def date_in_words(row: OwnModel) -> str:
    """When it was made, by the clock on the wall."""
    if row.record is None:
        return row.bundle.card.created
    try:
        return datetime.fromisoformat(row.record.at).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return row.record.at[:16]


def numbers_in_words(row: OwnModel) -> str:
    """What the gate measured: Dice of the model it had to beat, and its own."""
    if row.record is None:
        measured = row.bundle.card.measured
        return f"{measured[0].dice:.2f} on its test images" if measured else ""
    verdict = row.record.verdict
    if verdict.how == "nothing":
        return "not measured"
    return f"{verdict.parent_dice:.2f} → {verdict.candidate_dice:.2f}"


def state_in_words(row: OwnModel) -> str:
    """In use or not, and what was decided."""
    if row.loaded:
        return "● in use"
    if row.shipped:
        return "as shipped"
    if row.record is None:
        return "not taught here"
    return {"adopt": "was better", "keep": "not better", "ask": "too few cases"}[row.record.verdict.decision]


def details_in_words(row: OwnModel) -> str:
    """Everything else that is known of it, a few lines."""
    card, record = row.bundle.card, row.record
    lines = [f"{card.name} · {card.network} · weights {row.bundle.identity}"]
    if card.parent:
        lines.append(f"Started from {card.parent}")
    if card.known:
        lines.append(f"Holds {card.known.split(' ')[0]}, which answers for its own kind of image as before")
    if card.asking.mirrored:
        lines.append("Asked over the image and its mirror images: four times as long, and steadier")
    if card.asking.always:
        lines.append(
            "Each image it learnt from held a label: it shows the likeliest place in each, if unsure too"
        )
    if record is None:
        return "\n".join([*lines, card.note])
    settings = record.settings
    held = len(record.held_out)
    time = f"{record.seconds / 60:.1f} min" if record.seconds >= 60 else f"{record.seconds:.0f} s"
    lines += [
        f"Learnt from {len(record.learnt)} cases" + (f", {held} held out" if held else ""),
        f"{time}, seed {settings.seed}, {settings.threads} threads, frozen: {settings.frozen}",
        *(f"{name}: {before:.3f} → {after:.3f}" for name, before, after in record.verdict.per_class),
        record.verdict.sentence,
    ]
    if record.beaten and base_of(record.beaten.split(" ")[0]) != record.beaten.split(" ")[0]:
        lines.insert(2, f"Compared with {record.beaten}")
    return "\n".join(lines)


def _title(bundle: ModelBundle) -> str:
    return bundle.card.title or bundle.card.name
