"""Networks and their ablations side by side: each from scratch, the same steps, size, batch and augmentation.

One result a network, task and seed is kept as a small JSON file, so that a contest may be run in parts.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import DatasetError
from featherseg_engines.evaluation import scored
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.card import Measured, measured_of
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


@dataclass(frozen=True, slots=True)
class Field:
    """What a contest is on.

    Parameters
    ----------
    cases
        Which of the data set's cases are learned from and judged on.
    abroad
        Cases of the same kind from elsewhere, tried afterwards.
    patch
        Sides of the patches the deployed network sees at native size; () for whole images. They are learned from in
        patches of the terms' side, ``crops`` of an image in an epoch.
    """

    data: str
    cases: str = "*"
    abroad: str = ""
    patch: tuple[int, ...] = ()
    crops: int = 1


TASKS = {
    "skin": Field("isic2017_lesion"),
    "polyp": Field("kvasir_seg"),
    "drive": Field("retina_vessels", "drive_*", "chase_*", (256, 256), 18),
    "chase": Field("retina_vessels", "chase_*", "drive_*", (256, 256), 25),
}
RIVALS = ("repsegnet", "med2dsegnet", "reunet_slim8", "lgmsnet", "cmunext", "tinyunet", "unext", "monai_unet")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all; each network keeps its published optimizer, rate, schedule and loss.

    ``side`` is the longer side of the images, or the side of the patches. Epochs over the same images in batches of
    the same size are the same number of steps. ``threads`` changes the time, not the result.
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
    """What one network reached; ``gmacs`` at 256 x 256 and ``ms`` are those of the deployed form, ms at ``side``.

    ``abroad`` is the Dice on cases of the same kind from elsewhere; None where there are none.
    """

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
    abroad: float | None = None
    abroad_interval: tuple[float, ...] = ()

    @property
    def terms(self) -> Terms:
        """What it was reached on."""
        return Terms(self.task, self.side, self.epochs, self.seed, self.batch)


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
    abroad = None
    if elsewhere.exists():
        measured = measured_of(json.loads(elsewhere.read_text("utf-8")))
        state = json.loads((elsewhere.parent / "state.json").read_text("utf-8"))
        seconds, speed = sum(r["seconds"] for r in state["history"]["rows"]), _speed(spec, lesson)
    else:
        bundle = teach(lesson, registry, folder, listen)
        card, abroad = bundle.card, _abroad(bundle, terms, data)
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
        abroad=None if abroad is None else round(abroad.dice, 4),
        abroad_interval=() if abroad is None else tuple(round(v, 4) for v in abroad.dice_interval or ()),
    )


def _abroad(bundle: ModelBundle, terms: Terms, data: Path) -> Measured | None:
    """How a network does on cases of the same kind that it has seen nothing like."""
    field = TASKS[terms.task]
    if not field.abroad:
        return None
    model = OnnxModel(bundle)
    dev = read_dataset(data / field.data, "dev").only(field.abroad)
    return scored(lambda v: labels_at(model.volume_probability(v), 0.5), dev, surfaces=False).summary()


def _steps(terms: Terms, images: int, *, whole_batches: bool) -> int:
    """A device leaves out what fills no batch; the CPU only a single image."""
    seen = images * TASKS[terms.task].crops
    rest = 0 if whole_batches else int(seen % terms.batch > 1)
    return terms.epochs * (seen // terms.batch + rest)


def _speed(spec: NetworkSpec, lesson: Lesson) -> float:
    """Median milliseconds of an answer of the deployed form on two threads; the weights do not matter."""
    side = lesson.plan.long_side
    example = torch.zeros(1, lesson.preprocessing.channels, side, side)
    network = spec.make(in_channels=lesson.preprocessing.channels, classes=len(lesson.train.classes) + 1)
    return milliseconds(onnx_bytes(deployed_form(network.eval()), example), example.numpy())


def timed_again(folders: Sequence[Path], data: Path, rounds: int = 4) -> dict[str, float]:
    """Time all networks that have results on skin anew, in turn, and keep the least of ``rounds`` medians, in ms.

    Each was timed when it had learned, beside whatever else the machine did then.
    """
    registry = contestants()
    results = [(folder, r) for folder in folders for r in kept(folder)]
    skin = {r.network: r for _, r in results if r.task == "skin"}
    lessons = {name: lesson_of(registry.get(name), r.terms, data) for name, r in skin.items()}
    taken: dict[str, list[float]] = {name: [] for name in lessons}
    for _ in range(rounds):
        for name, lesson in lessons.items():
            taken[name].append(_speed(registry.get(name), lesson))
    least = {name: min(times) for name, times in taken.items()}
    for folder, r in results:
        if r.network in least and not TASKS[r.task].patch:
            keep(replace(r, ms=least[r.network]), folder)
    return least


def lesson_of(spec: NetworkSpec, terms: Terms, data: Path) -> Lesson:
    """What a contestant is to learn.

    Raises
    ------
    DatasetError
        There is no contest on the task, or its data are not there.
    """
    if terms.task not in TASKS:
        raise DatasetError(f"There is no contest on '{terms.task}'; known are: {', '.join(TASKS)}.")
    field = TASKS[terms.task]
    train, dev = (read_dataset(data / field.data, split).only(field.cases) for split in ("train", "dev"))
    plan = replace(
        plan_for(spec),
        stages=(Stage(terms.side, terms.epochs),),
        batch=terms.batch,
        threads=terms.threads,
        seed=terms.seed,
        patience=terms.epochs,
        crops=field.crops,
    )
    pre = Preprocessing(stride=spec.stride)
    if field.patch:
        pre = replace(pre, patch=field.patch, long_side=0)
    return Lesson(train, dev, spec.name, f"{spec.name}.{terms.task}", plan, pre)


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
    save_json(path_of(folder, result.network, result.terms), asdict(result))


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
            pairs = {name: tuple(plain.get(name, ())) for name in ("interval", "abroad_interval")}
            found.append(Result(**{**plain, **pairs}))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"'{path.name}' cannot be read as a result.") from error
    return tuple(sorted(found, key=lambda r: (r.task, -r.dice)))
