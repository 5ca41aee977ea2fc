"""Networks and their ablations side by side: each from scratch, the same steps, size, batch and augmentation.

One result a network, task and seed is kept as a small JSON file, so that a contest may be run in parts.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import DatasetError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.card import measured_of
from featherseg_engines.networks.ablations import ABLATIONS
from featherseg_engines.networks.counting import count
from featherseg_engines.networks.monai_unet import MONAI_UNET
from featherseg_engines.networks.registry import NetworkRegistry, default_registry
from featherseg_engines.networks.spec import NetworkSpec, deployed_form
from featherseg_engines.training.checkpoint import MEASURED, save_json, training_folder
from featherseg_engines.training.export import milliseconds, onnx_bytes
from featherseg_engines.training.lesson import Lesson, teach
from featherseg_engines.training.plan import Progress, Stage
from featherseg_engines.training.recipes import plan_for

TASKS = {"skin": "isic2017_lesion", "polyp": "kvasir_seg"}
RIVALS = ("repsegnet", "med2dsegnet", "reunet_slim8", "lgmsnet", "cmunext", "tinyunet", "unext", "monai_unet")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all; each network keeps its published optimizer, rate, schedule and loss.

    ``side`` is the longer side of the images. Epochs over the same images in batches of the same size are the same
    number of steps. ``threads`` changes the time, not the result.
    """

    task: str
    side: int = 96
    epochs: int = 4
    seed: int = 42
    batch: int = 8
    threads: int = field(default=2, compare=False)

    @property
    def key(self) -> str:
        """What a result of these terms is called."""
        return f"{self.task}.{self.side}x{self.epochs}x{self.batch}.{self.seed}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one network reached; ``gmacs`` at 256 x 256 and ``ms`` are those of the deployed form, ms at ``side``."""

    network: str
    title: str
    task: str
    side: int
    epochs: int
    steps: int
    seed: int
    batch: int
    dice: float
    interval: tuple[float, ...]
    iou: float
    images: int
    params: int
    gmacs: float
    ms: float
    seconds: float


def contestants() -> NetworkRegistry:
    """All networks and the ablations, which nobody is offered elsewhere."""
    known = {spec.name: spec for spec in (*default_registry(), MONAI_UNET, *ABLATIONS)}
    return NetworkRegistry(known.values())


def run(
    name: str, terms: Terms, data: Path, work: Path, listen: Callable[[Progress], None] = lambda _: None
) -> Result:
    """Train one network as the terms say (a stopped run resumes in ``work``) and measure its deployed form on dev.

    Raises
    ------
    FeathersegError
        Unknown network or task, or the data are not there.
    """
    registry = contestants()
    spec = registry.get(name)
    lesson = lesson_of(spec, terms, data)
    folder = work_of(work, spec.name, terms)
    elsewhere = training_folder(folder) / MEASURED
    if elsewhere.exists():
        measured = measured_of(json.loads(elsewhere.read_text("utf-8")))
        state = json.loads((elsewhere.parent / "state.json").read_text("utf-8"))
        seconds, speed = sum(r["seconds"] for r in state["history"]["rows"]), _speed(spec, lesson)
    else:
        card = teach(lesson, registry, folder, listen).card
        measured, seconds, speed = card.measured[0], card.training.seconds, card.speed_ms or 0.0
    counts = count(spec)
    return Result(
        **{k: v for k, v in asdict(terms).items() if k != "threads"},
        network=spec.name,
        title=spec.title,
        steps=_steps(terms, len(lesson.train.cases), whole_batches=elsewhere.exists()),
        dice=round(measured.dice, 4),
        interval=tuple(round(v, 4) for v in measured.dice_interval or ()),
        iou=round(measured.iou, 4),
        images=measured.n,
        params=counts.params_deployed,
        gmacs=round(counts.gmacs_deployed, 3),
        ms=speed,
        seconds=round(seconds, 1),
    )


def _steps(terms: Terms, images: int, *, whole_batches: bool) -> int:
    """A device leaves out what fills no batch; the CPU only a single image."""
    rest = 0 if whole_batches else int(images % terms.batch > 1)
    return terms.epochs * (images // terms.batch + rest)


def _speed(spec: NetworkSpec, lesson: Lesson) -> float:
    """Median milliseconds of an answer of the deployed form on two threads; the weights do not matter."""
    side = lesson.plan.long_side
    example = torch.zeros(1, lesson.preprocessing.channels, side, side)
    network = spec.make(in_channels=lesson.preprocessing.channels, classes=len(lesson.train.classes) + 1)
    return milliseconds(onnx_bytes(deployed_form(network.eval()), example), example.numpy())


def lesson_of(spec: NetworkSpec, terms: Terms, data: Path) -> Lesson:
    """What a contestant is to learn.

    Raises
    ------
    DatasetError
        There is no contest on the task, or its data are not there.
    """
    if terms.task not in TASKS:
        raise DatasetError(f"There is no contest on '{terms.task}'; known are: {', '.join(TASKS)}.")
    folder = data / TASKS[terms.task]
    train, dev = (read_dataset(folder, split) for split in ("train", "dev"))
    plan = replace(
        plan_for(spec),
        stages=(Stage(terms.side, terms.epochs),),
        batch=terms.batch,
        threads=terms.threads,
        seed=terms.seed,
        patience=terms.epochs,
    )
    return Lesson(train, dev, spec.name, f"{spec.name}.{terms.task}", plan, Preprocessing(stride=spec.stride))


def work_of(work: Path, name: str, terms: Terms) -> Path:
    """Where a contestant's run is kept."""
    return work / f"{name}.{terms.key}"


def path_of(folder: Path, name: str, terms: Terms) -> Path:
    """Where a result is kept."""
    return folder / f"{name}.{terms.key}.json"


def keep(result: Result, folder: Path) -> None:
    """Write a result beside the others.

    Raises
    ------
    WriteError
        It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    terms = Terms(result.task, result.side, result.epochs, result.seed, result.batch)
    save_json(path_of(folder, result.network, terms), asdict(result))


def kept(folder: Path) -> tuple[Result, ...]:
    """All results of a folder, the best first; none where there is no folder.

    Raises
    ------
    DatasetError
        A file is damaged.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            plain = json.loads(path.read_text("utf-8"))
            found.append(Result(**{**plain, "interval": tuple(plain["interval"])}))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"'{path.name}' cannot be read as a result.") from error
    return tuple(sorted(found, key=lambda r: (r.task, -r.dice)))
