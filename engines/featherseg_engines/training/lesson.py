"""One lesson from a data set to a model bundle: prepare, train, export, measure, write the card."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from featherseg_engines.datasets import Dataset
from featherseg_engines.evaluation import Evaluation, evaluate
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.patches import blended
from featherseg_engines.inference.postprocess import labels_at, probabilities
from featherseg_engines.labels import OKABE_ITO
from featherseg_engines.models.bundle import CARD, ONNX, WEIGHTS, ModelBundle, file_sha256, open_bundle
from featherseg_engines.models.card import LabelEntry, ModelCard, TrainingRecord
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.networks.spec import deployed_form
from featherseg_engines.training.checkpoint import load_weights, save_json, save_tensors
from featherseg_engines.training.export import export_onnx
from featherseg_engines.training.feeds import BlockFeed, Feed, SliceFeed
from featherseg_engines.training.plan import History, Plan, Progress
from featherseg_engines.training.samples import Sample, scaled_samples, slices_of, volumes_of
from featherseg_engines.training.trainer import Trainer, last_channels


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learned and where the bundle goes."""

    train: Dataset
    dev: Dataset
    network: str
    name: str
    plan: Plan
    preprocessing: Preprocessing
    permits: str = "see the data's licence"
    parent: ModelBundle | None = None


def teach(
    lesson: Lesson,
    registry: NetworkRegistry,
    folder: Path,
    listen: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ModelBundle:
    """Train, export, measure and write the bundle into ``folder`` (made if missing); a stopped run resumes.

    Raises
    ------
    FeathersegError
        Data or target is not usable, or the run went wrong; an older bundle in ``folder`` is untouched.
    Cancelled
        ``cancelled`` said so.
    """
    torch.manual_seed(lesson.plan.seed)
    pre, classes, plan = lesson.preprocessing, len(lesson.train.classes) + 1, lesson.plan
    network = registry.build(lesson.network, in_channels=pre.channels, classes=classes)
    if lesson.parent is not None:
        load_weights(network, lesson.parent.weights)
    if not pre.patch:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean, std = (torch.tensor(v).view(-1, *[1] * (3 if pre.patch else 2)) for v in (pre.mean, pre.std))

    def judge(candidate: nn.Module, long_side: int) -> float:
        at = pre if pre.patch else replace(pre, long_side=long_side)
        return measure(candidate, at, lesson.dev).summary().dice

    work = folder.with_name(folder.name + ".training")
    trainer = Trainer(network, plan, _feed(lesson), lambda x: (x - mean) / std, judge, work)
    history = trainer.run(listen, cancelled)
    return write_bundle(lesson, registry.get(lesson.network).title, network, history, folder)


def _feed(lesson: Lesson) -> Feed:
    pre, plan = lesson.preprocessing, lesson.plan
    if pre.patch:
        return BlockFeed(volumes_of(lesson.train, pre), pre.patch, plan.batch, plan.seed)
    slices = slices_of(lesson.train)

    def samples_at(long_side: int) -> list[Sample]:
        return scaled_samples(slices, replace(pre, long_side=long_side))

    return SliceFeed(samples_at, pre.stride, plan.batch, plan.seed)


def measure(network: nn.Module, preprocessing: Preprocessing, dataset: Dataset) -> Evaluation:
    """Scores of a torch network on a data set at the original resolution."""
    deployed = deployed_form(network)

    @torch.inference_mode()
    def found(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        logits: Tensor = deployed(last_channels(torch.from_numpy(batch)))
        activation = "sigmoid" if logits.shape[1] == 1 else "softmax"
        return probabilities(logits[0].float().numpy(), activation)  # type: ignore[arg-type]

    def answer(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        if preprocessing.patch:
            image = preprocessing.normalise(preprocessing.unit_volume(voxels))
            return labels_at(blended(image, preprocessing.patch, found), 0.5)
        planes = []
        for plane in voxels:
            batch, placement = preprocessing.apply(plane)
            planes.append(labels_at(preprocessing.invert(found(batch), placement), 0.5))
        return np.stack(planes)

    *_, last = evaluate(answer, dataset)
    assert isinstance(last, Evaluation)
    return last


def write_bundle(
    lesson: Lesson, title: str, network: nn.Module, history: History, folder: Path
) -> ModelBundle:
    """Export, hash, measure on the dev split and write the card last, so that a card means a whole bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    pre = lesson.preprocessing
    if not pre.patch:
        pre = replace(pre, long_side=history.best_long_side)
    side = max(pre.stride, pre.long_side // pre.stride * pre.stride or 256)
    halve(network)
    save_tensors(folder / WEIGHTS, half_kernels(network.state_dict()))
    export_onnx(network, folder / ONNX, pre.channels, pre.patch or (side, side))
    measured = measure(network, pre, lesson.dev).summary()
    task = lesson.name.split(".", 1)[-1]
    card = ModelCard(
        name=lesson.name,
        title=f"{title} · {task.replace('_', ' ')}",
        network=lesson.network,
        task=lesson.train.task,
        labels=tuple(
            LabelEntry(i + 1, name, OKABE_ITO[i % len(OKABE_ITO)])
            for i, name in enumerate(lesson.train.classes)
        ),
        preprocessing=pre,
        activation="softmax",
        training=_record(lesson, history),
        measured=(measured,),
        sha256={name: file_sha256(folder / name) for name in (ONNX, WEIGHTS)},
        parent=f"{lesson.parent.card.name} {lesson.parent.identity}" if lesson.parent else "",
        note="Research use; not a medical device.",
        dims=3 if pre.patch else 2,
        created=datetime.now(UTC).date().isoformat(),
    )
    save_json(folder / CARD, card.to_json())
    return open_bundle(folder)


@torch.no_grad()
def halve(network: nn.Module) -> None:
    """Round the kernels to half precision, so that what is exported and measured is what is stored."""
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.copy_(parameter.half().float())


def half_kernels(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Kernels in half precision, everything small (biases, BatchNorm) as it is: half the file."""
    return {k: v.half() if v.is_floating_point() and v.ndim > 1 else v for k, v in tensors.items()}


def _record(lesson: Lesson, history: History) -> TrainingRecord:
    plan = lesson.plan
    settings: dict[str, Any] = {
        "stages": [[s.long_side, s.epochs] for s in plan.stages],
        "learning_rate": plan.learning_rate,
        "weight_decay": plan.weight_decay,
        "batch": plan.batch,
        "optimizer": plan.optimizer,
        "schedule": plan.schedule,
        "loss": [plan.cross_entropy_weight, plan.dice_weight],
        "label_smoothing": plan.label_smoothing,
        "ema_decay": plan.ema_decay,
        "best_epoch": history.best_epoch,
        "curve": [[row["loss"], row["dice"]] for row in history.rows],
    }
    seconds = sum(row["seconds"] for row in history.rows)
    licence = re.sub(r"\s+", " ", lesson.train.licence)
    return TrainingRecord(
        lesson.train.name,
        licence,
        lesson.permits,
        lesson.train.split,
        lesson.dev.split,
        len(lesson.train.cases),
        plan.seed,
        settings,
        len(history.rows),
        round(seconds, 1),
    )
