"""From lessons to courses on one device, and courses that take turns there."""

import contextlib
import copy
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from featherseg_engines.datasets import Dataset
from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import WEIGHTS, open_bundle
from featherseg_engines.models.taught import UNFINISHED
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.training.accelerator.changes import Changes
from featherseg_engines.training.accelerator.course import Course, Terms
from featherseg_engines.training.accelerator.pool import Judged, Pool, Room, size_for
from featherseg_engines.training.accelerator.step import Fitted
from featherseg_engines.training.checkpoint import MEASURED, load_best, load_weights, save_json
from featherseg_engines.training.folded_form import folded_form
from featherseg_engines.training.lesson import SETTLED_ON, Lesson
from featherseg_engines.training.measuring import measure
from featherseg_engines.training.samples import Sample, scaled_samples, slices_of

READERS = 4
BATCH = 16
"""Images that a folded network's BatchNorms are measured on at a time."""
HEED = 0.5
"""Weight of the teachers' answers against the labels."""


class Rooms:
    """Data sets read once a size and shared by the courses of one process."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._rooms: dict[tuple[object, ...], Room] = {}

    def of(self, lesson: Lesson) -> Room:
        """The room for a lesson's data at the size of its last stage."""
        pre, side = lesson.preprocessing, lesson.plan.long_side
        key = (lesson.train.name, side, pre)
        if key not in self._rooms:
            self._rooms[key] = self._made(lesson, pre, side)
        return self._rooms[key]

    def _made(self, lesson: Lesson, pre: Preprocessing, side: int) -> Room:
        if pre.dims == 3:
            raise TrainingError("Volumes are not taught on a device yet; leave out --device.")
        at = pre if pre.patch else replace(pre, long_side=side)
        train, dev = _read(lesson.train, at), _read(lesson.dev, at)
        size = (side, side) if pre.patch else size_for(train, dev, pre.stride)
        classes = len(lesson.train.classes)
        mean, std = (torch.tensor(v, device=self.device).view(1, -1, 1, 1) for v in (pre.mean, pre.std))
        return Room(
            Pool(train, size, bool(pre.patch), self.device),
            Judged(dev, size, bool(pre.patch), classes, self.device),
            mean,
            std,
        )


def _read(dataset: Dataset, pre: Preprocessing) -> list[Sample]:
    read = partial(_case, dataset, pre)
    with ProcessPoolExecutor(READERS) as readers:
        parts = readers.map(read, range(len(dataset.cases)), chunksize=8)
        return [sample for part in parts for sample in part]


def _case(dataset: Dataset, pre: Preprocessing, index: int) -> list[Sample]:
    return scaled_samples(slices_of(replace(dataset, cases=(dataset.cases[index],))), pre)


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson for a device.

    Parameters
    ----------
    folder
        Where its state is left.
    begin_from
        The folder of a finished course of the same network, or of its bundle, to start from.
    teachers
        Networks and the folders of their finished courses (or bundles) on the same labels; each sees the pictures at
        its own size.
    measured
        Measure the network on dev where it was taught, into ``measured.json``.
    """

    lesson: Lesson
    folder: Path
    begin_from: Path | None = None
    teachers: tuple[tuple[str, Path], ...] = ()
    measured: bool = False

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name.removesuffix(UNFINISHED)

    def finish(self, course: Course) -> None:
        """Leave what was measured beside the weights."""
        if not self.measured:
            return
        pre = replace(self.lesson.preprocessing, long_side=course.history.best_long_side)
        network = copy.deepcopy(course.network).cpu().eval()
        summary = measure(network, pre, self.lesson.dev).summary()
        save_json(self.folder / MEASURED, asdict(summary))

    def course(self, registry: NetworkRegistry, rooms: Rooms, terms: Terms) -> Course:
        """The course, ready to begin."""
        lesson, room = self.lesson, rooms.of(self.lesson)
        torch.manual_seed(lesson.plan.seed)
        classes = len(lesson.train.classes) + 1

        def made(name: str, state: Path | None, form: str) -> nn.Module:
            network = registry.build(name, in_channels=lesson.preprocessing.channels, classes=classes)
            if form == "folded":
                network = folded_form(network.to(rooms.device), [] if state else _settling(room))
            return _loaded(network, state) if state else network

        def teacher(name: str, state: Path) -> nn.Module:
            form, side = _taught_as(state)
            whole = side and not lesson.preprocessing.patch
            scale = side / lesson.plan.long_side if whole else 1.0
            return Fitted(made(name, state, form), registry.get(name).stride, scale)

        network = made(lesson.network, self.begin_from, lesson.plan.form)
        heard = [teacher(name, state) for name, state in self.teachers]
        return Course(network, lesson.plan, room, terms, self.folder, heard)


def _taught_as(folder: Path) -> tuple[str, int]:
    """In which form a bundle or a course was taught, and the longer side of its pictures; 0 for patches.

    Raises
    ------
    TrainingError
        There is neither.
    """
    if (folder / WEIGHTS).is_file():
        card = open_bundle(folder).card
        return str(card.training.settings.get("form", "full")), card.preprocessing.long_side
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        return state["plan"]["form"], int(state["history"]["best_long_side"])
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"'{folder.name}' does not hold a finished run.") from error


def _loaded(network: nn.Module, folder: Path) -> nn.Module:
    """With the weights of a bundle, or the best of a course."""
    if (folder / WEIGHTS).is_file():
        load_weights(network, folder / WEIGHTS)
        return network
    return load_best(network, folder)


def _settling(room: Room) -> list[Tensor]:
    order = torch.randperm(room.pool.count, device=room.mean.device)
    batches = order.repeat(SETTLED_ON)[: SETTLED_ON * BATCH].split(BATCH)
    return [(room.pool.batch(indices, Changes())[0] - room.mean) / room.std for indices in batches]


def learn_all(
    entries: Sequence[Entry],
    registry: NetworkRegistry,
    device: str,
    minutes: float,
    tell: Callable[[str], None],
) -> None:
    """Read the data, then let all lessons take turns; within ``minutes`` from now, or for their epochs where 0.

    Raises
    ------
    TrainingError
        There is no such device here.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError("PyTorch finds no GPU it can use here; name another device, like --device cpu.")
    ends_at = time.monotonic() + 60 * minutes if minutes else 0.0
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    rooms = Rooms(torch.device(device))
    courses = []
    for entry in entries:
        terms = Terms(ends_at, heed=HEED if entry.teachers else 0.0)
        courses.append((entry, entry.course(registry, rooms, terms)))
    tell(f"{len(courses)} courses begin")
    take_turns(courses, tell)


def take_turns(courses: Sequence[tuple[Entry, Course]], tell: Callable[[str], None]) -> None:
    """Work through several courses, a step of each in turn, on streams of their own where there is a GPU."""
    running = [(entry, course, course.steps(), _stream(course.device)) for entry, course in courses]
    while running:
        for one in list(running):
            entry, course, steps, stream = one
            try:
                with torch.cuda.stream(stream) if stream else contextlib.nullcontext():
                    next(steps)
            except StopIteration:
                running.remove(one)
                tell(f"{entry.name}: {_told(course)}")
                entry.finish(course)
            except (TrainingError, RuntimeError, ValueError) as error:
                running.remove(one)
                tell(f"{entry.name}: {error}")


def _stream(device: torch.device) -> "torch.cuda.Stream | None":
    return torch.cuda.Stream(device) if device.type == "cuda" else None


def _told(course: Course) -> str:
    rows = course.history.rows
    last = int(rows[-1]["epoch"]) + 1
    return (
        f"Dice {course.history.best_dice:.4f} at epoch {course.history.best_epoch + 1} of {last}, "
        f"{sum(r['seconds'] for r in rows):.0f} s"
    )
