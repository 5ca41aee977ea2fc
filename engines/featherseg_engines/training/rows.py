"""The shipped models' recipes: one row a model, each made again from scratch by one command."""

import shutil
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from featherseg_engines.datasets import Dataset, joined, read_dataset
from featherseg_engines.errors import DatasetError, ModelError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import ModelBundle, open_bundle
from featherseg_engines.models.card import ModelCard
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.training.lesson import Lesson, teach
from featherseg_engines.training.plan import Plan, Progress, Stage
from featherseg_engines.training.publish import About
from featherseg_engines.training.recipes import plan_for, preprocessing_for
from featherseg_engines.training.thumbnails import save_worst

PLAN = (
    "form",
    "crops",
    "learning_rate",
    "weight_decay",
    "batch",
    "ema_decay",
    "patience",
    "optimizer",
    "schedule",
    "cross_entropy_weight",
    "dice_weight",
    "seed",
)
"""Keys of a row that change the network's published recipe."""
KEYS = {
    "name",
    "data",
    "label",
    "stages",
    "patch",
    "parent",
    "permits",
    "not_for",
    "images_may_ship",
    "target",
    "history",
    "attempts",
    *PLAN,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One shipped model.

    Parameters
    ----------
    data
        Folders of the data sets below the data root; several are joined under ``label``.
    patch
        Learn from, and answer by, patches (h, w) at native size.
    parent
        The row whose weights it starts from, or "".
    images_may_ship
        Whether pictures of the dev split may stand in the bundle.
    target
        The dev Dice that is aimed at; a model below it says so in its card.
    history
        What the card says of how the weights came about, where one run did not make them.
    attempts
        What was tried and did not ship, with the dev Dice it reached.
    """

    name: str
    data: tuple[str, ...]
    stages: tuple[Stage, ...]
    label: str = ""
    patch: tuple[int, ...] = ()
    parent: str = ""
    permits: str = "see the data's licence"
    not_for: str = ""
    images_may_ship: bool = False
    target: float = 0.0
    history: str = ""
    attempts: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> About:
        """What the card says of it."""
        said = About()
        note = f"{said.note} {self.history}" if self.history else said.note
        return About(self.permits, self.not_for, note, self.target)

    @property
    def network(self) -> str:
        """The network's name: what stands before the dot."""
        return self.name.split(".", 1)[0]


def read_rows(path: Path) -> dict[str, Row]:
    """All rows of a recipes file, by name.

    Raises
    ------
    DatasetError
        The file cannot be read, or a row has an unknown or missing entry.
    """
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["row"]
        return {row.name: row for row in map(_row, entries)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"'{path.name}' cannot be read as recipes ({error}).") from error


def _row(entry: dict[str, Any]) -> Row:
    if unknown := set(entry) - KEYS:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    stages = tuple(Stage(int(side), int(epochs)) for side, epochs in entry["stages"])
    plain = {k: v for k, v in entry.items() if k not in (*PLAN, "stages", "data", "patch", "attempts")}
    changes = {k: v for k, v in entry.items() if k in PLAN}
    data, patch = tuple(entry["data"]), tuple(entry.get("patch", ()))
    tried = tuple(entry.get("attempts", ()))
    return Row(**plain, stages=stages, data=data, patch=patch, attempts=tried, changes=changes)


def lesson_of(row: Row, data_root: Path, registry: NetworkRegistry, parents: Path, threads: int) -> Lesson:
    """The lesson a row describes.

    Raises
    ------
    FeathersegError
        A data set or the parent is missing.
    """
    spec = registry.get(row.network)
    train, dev = (data_of(row, data_root, split) for split in ("train", "dev"))
    plan: Plan = replace(plan_for(spec), stages=row.stages, threads=threads, **row.changes)
    pre: Preprocessing = preprocessing_for(spec, train)
    if row.patch:
        pre = replace(pre, patch=row.patch, long_side=0)
    parent = Catalogue([parents]).resolve(row.parent) if row.parent else None
    about = row.about
    return Lesson(train, dev, spec.name, row.name, plan, pre, about, parent)


def data_of(row: Row, data_root: Path, split: str) -> Dataset:
    """The images a row learns from ("train") or is judged on ("dev")."""
    sets = [read_dataset(data_root / name, split) for name in row.data]
    return joined(sets, row.label) if len(sets) > 1 else sets[0]


def train_row(
    row: Row,
    lesson: Lesson,
    registry: NetworkRegistry,
    work: Path,
    listen: Callable[[Progress], None] = lambda _: None,
) -> ModelBundle:
    """Teach a row in ``work / row.name`` (a stopped run resumes), with pictures of its worst where they may ship."""
    bundle = teach(lesson, registry, work / row.name, listen)
    if row.images_may_ship:
        save_worst(bundle, lesson.dev)
    return bundle


def adopt(bundle: ModelBundle, folder: Path) -> bool:
    """Put a bundle into ``folder`` where it beats the one there on the same dev images; whether it did.

    The old one is moved aside first and removed only when the new one opens.
    """
    target = folder / bundle.card.name
    if target.is_dir() and not _better(bundle.card, target):
        return False
    beside, old = folder / f".{bundle.card.name}.new", folder / f".{bundle.card.name}.old"
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(bundle.folder, beside)
    for name in bundle.card.sha256:
        open_bundle(beside).verify(name)
    if target.is_dir():
        target.rename(old)
    beside.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return True


def _better(card: ModelCard, target: Path) -> bool:
    try:
        there = open_bundle(target).card.measured
    except ModelError:
        return True
    return not there or card.measured[0].dice > there[0].dice


def table(bundles: Sequence[ModelBundle]) -> str:
    """``models.md``: a row a model, read from the cards."""
    head = (
        "# The models that ship\n\n"
        "Written by `featherseg rows table`; `featherseg rows train NAME` makes a row anew from scratch, with seed\n"
        "and recipe in `recipes.toml`, and keeps what is better. Research use; not a medical device.\n\n"
        "Dice, IoU and HD95 are means over the images of the dev split, on which the best epoch was chosen too;\n"
        "in brackets the 95 % bootstrap interval of the mean Dice. Time: one answer on two threads.\n\n"
        "| model | data (train / dev) | Dice | IoU | HD95 | size it sees | ms | epochs of its last run "
        "| the data permits |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    said = About().note
    notes = [
        f"- `{b.card.name}`: {b.card.note.removeprefix(said).strip()}\n"
        for b in bundles
        if b.card.note != said
    ]
    not_for = [f"- `{b.card.name}`: {b.card.not_for}\n" for b in bundles if b.card.not_for]
    tail = ["\n## Not for\n\n", *not_for, *(["\n## Notes\n\n", *notes] if notes else [])]
    return head + "".join([*(_line(bundle.card) for bundle in bundles), *tail])


def attempts(rows: Iterable[Row]) -> str:
    """The part of ``models.md`` on what was tried for a row and did not ship; "" where nothing was."""
    told = [f"- `{row.name}`: {one}\n" for row in rows for one in row.attempts]
    head = "\n## Attempts that did not ship\n\nDice as judged while they learned, at the size they see.\n\n"
    return head + "".join(told) if told else ""


def _line(card: ModelCard) -> str:
    if not card.measured:
        return (
            f"| {card.name} | {card.training.dataset} | - | - | - | - | - | - | {card.training.permits} |\n"
        )
    m, t = card.measured[0], card.training
    low, high = m.dice_interval or (float("nan"),) * 2
    pre = card.preprocessing
    size = " x ".join(map(str, pre.patch)) + " patches" if pre.patch else f"{pre.long_side} long side"
    apart = "-" if m.hd95 is None else f"{m.hd95:.1f} {m.hd95_unit}"
    planned = sum(epochs for _, epochs in t.settings.get("stages", ()))
    epochs = f"{t.epochs}" if t.epochs >= planned else f"{t.epochs} of {planned}"
    speed = "-" if card.speed_ms is None else f"{card.speed_ms:.0f}"
    return (
        f"| {card.name} | {t.dataset} ({t.train_cases} / {m.n}) | {m.dice:.3f} [{low:.3f}, {high:.3f}] "
        f"| {m.iou:.3f} | {apart} | {size} | {speed} | {epochs} | {t.permits} |\n"
    )
