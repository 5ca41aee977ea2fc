"""From a taught network to a model bundle: export, measure what was exported, write the card last."""

import re
import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from featherseg_engines.datasets import Dataset
from featherseg_engines.evaluation import Evaluation, scored
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.inference.kind import LOOKS, evenly, looks_of
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.labels import OKABE_ITO
from featherseg_engines.models.bundle import CARD, ONNX, WEIGHTS, ModelBundle, file_sha256, open_bundle
from featherseg_engines.models.card import LabelEntry, ModelCard, TrainingRecord
from featherseg_engines.training.checkpoint import half_kernels, save_json, save_tensors
from featherseg_engines.training.export import export_onnx, with_byte_kernels, with_half_kernels
from featherseg_engines.training.plan import History

if TYPE_CHECKING:
    from featherseg_engines.training.lesson import Lesson

MAY_MOVE = 0.001
"""Change of the dev Dice up to which kernels are stored in half precision, or as bytes."""
LARGE = 8_000_000
"""Bytes of a file in half precision above which its kernels are stored as bytes: all models share 200 MB."""


SHORT = re.compile(r" ?Short schedule: dev Dice .*? aimed at\.")
"""What a card says of a model that is below its target."""


@dataclass(frozen=True, slots=True)
class About:
    """What only a person can say of a model: for the card. ``target`` is the dev Dice that is aimed at."""

    permits: str = "see the data's licence"
    not_for: str = ""
    note: str = "Research use; not a medical device."
    target: float = 0.0


def publish(lesson: "Lesson", title: str, network: nn.Module, history: History, folder: Path) -> ModelBundle:
    """Write the bundle; its card comes last, so that a card means a whole bundle.

    The numbers in the card are those of the exported file, as ``featherseg evaluate`` gives them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pre = lesson.preprocessing
    if not pre.patch:
        pre = replace(pre, long_side=history.best_long_side)
    halve(network)
    save_tensors(folder / WEIGHTS, half_kernels(network.state_dict()))
    export_onnx(network, folder / ONNX, pre.channels, _sides(pre))
    card = _card(lesson, title, pre, history)
    return _finished(card, folder, _lighter(card, folder, lesson.dev), lesson.about.target)


def measured_again(bundle: ModelBundle, dev: Dataset, about: About) -> ModelBundle:
    """Measure a bundle's ONNX file anew and write its card with these numbers and words; the weights stay.

    Kernels that are still in single precision become half, on the condition that holds for new bundles.
    """
    bundle.verify()
    training = replace(bundle.card.training, permits=about.permits)
    card = replace(bundle.card, training=training, not_for=about.not_for, note=about.note)
    return _finished(card, bundle.folder, _lighter(card, bundle.folder, dev), about.target)


def _lighter(card: ModelCard, folder: Path, dev: Dataset) -> Evaluation:
    """Store the kernels in half precision, those of a large file as bytes, where the dev Dice stays.

    Given is what the file says then.
    """
    exact = _with_onnx(card, folder, dev)
    content = (folder / ONNX).read_bytes()
    light = with_half_kernels(content)
    ways = [with_byte_kernels(content), light] if len(light) > LARGE else [light]
    for smaller in ways:
        if len(smaller) > 0.9 * len(content):
            continue
        _replace(folder / ONNX, smaller)
        result = _with_onnx(card, folder, dev)
        if abs(result.summary().dice - exact.summary().dice) < MAY_MOVE:
            save_tensors(folder / WEIGHTS, half_kernels(load_file(str(folder / WEIGHTS))))
            return result
        _replace(folder / ONNX, content)
    return exact


def _finished(card: ModelCard, folder: Path, result: Evaluation, target: float) -> ModelBundle:
    """Write the card with what was measured, and with the hashes of the files as they are."""
    dice = result.summary().dice
    note = SHORT.sub("", card.note)
    if dice < target:
        note += f" Short schedule: dev Dice {dice:.3f} of the {target:.2f} aimed at."
    hashes = {name: file_sha256(folder / name) for name in (ONNX, WEIGHTS)}
    worst = tuple((score.image, round(score.dice, 4)) for score in result.worst())
    card = replace(card, measured=(result.summary(),), worst=worst, sha256=hashes, note=note)
    card = replace(card, speed_ms=speed_ms(ModelBundle(folder, card)))
    save_json(folder / CARD, card.to_json())
    return open_bundle(folder)


def _with_onnx(card: ModelCard, folder: Path, dev: Dataset) -> Evaluation:
    unchecked = replace(card, sha256={ONNX: file_sha256(folder / ONNX)})
    model = OnnxModel(ModelBundle(folder, unchecked))
    return scored(lambda voxels: labels_at(model.volume_probability(voxels), 0.5), dev)


def _sides(pre: Preprocessing) -> tuple[int, ...]:
    return pre.patch or (max(pre.stride, pre.long_side // pre.stride * pre.stride or 256),) * 2


def _replace(path: Path, content: bytes) -> None:
    write_verified(path, lambda p: _put(p, content), lambda p: p.read_bytes() == content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def speed_ms(bundle: ModelBundle, times: int = 9) -> float:
    """Median milliseconds of one answer on two threads, to an image of the size the network sees."""
    model, pre = OnnxModel(bundle), bundle.card.preprocessing
    sides = _sides(pre)
    shape = sides if pre.dims == 3 else (*sides, *([3] if pre.channels == 3 else []))
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        _ = model.volume_probability(pixels) if pre.dims == 3 else model.probability(pixels)
        taken.append(1000 * (time.perf_counter() - started))
    return round(statistics.median(taken), 1)


@torch.no_grad()
def halve(network: nn.Module) -> None:
    """Round the kernels to half precision, so that what is exported and measured is what is stored."""
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.copy_(parameter.half().float())


def _card(lesson: "Lesson", title: str, pre: Preprocessing, history: History) -> ModelCard:
    task = lesson.name.split(".", 1)[-1]
    parent = lesson.parent
    return ModelCard(
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
        parent=f"{parent.card.name} {parent.identity}" if parent else "",
        note=lesson.about.note,
        not_for=lesson.about.not_for,
        looks=() if pre.dims == 3 else looks_of_set(lesson.train, pre),
        dims=pre.dims,
        created=datetime.now(UTC).date().isoformat(),
    )


def looks_of_set(dataset: Dataset, pre: Preprocessing, most: int = LOOKS) -> tuple[tuple[float, ...], ...]:
    """How some of a set's pictures look, for the card: of volumes the slice in the middle."""
    volumes = (dataset.read(case)[0] for case in evenly(dataset.cases, most))
    return looks_of(pre, (volume.slice(len(volume.voxels) // 2) for volume in volumes))


def _record(lesson: "Lesson", history: History) -> TrainingRecord:
    plan = lesson.plan
    settings: dict[str, Any] = {
        "stages": [[s.long_side, s.epochs] for s in plan.stages],
        "form": "full" if plan.form == "full" else "folded",
        "crops": plan.crops,
        "learning_rate": plan.learning_rate,
        "weight_decay": plan.weight_decay,
        "batch": plan.batch,
        "optimizer": plan.optimizer,
        "schedule": plan.schedule,
        "loss": [plan.cross_entropy_weight, plan.dice_weight],
        "label_smoothing": plan.label_smoothing,
        "ema_decay": plan.ema_decay,
        "learned_form": plan.form,
        "best_epoch": history.best_epoch,
        "curve": [[row["loss"], row["dice"]] for row in history.rows],
    }
    seconds = sum(row["seconds"] for row in history.rows)
    return TrainingRecord(
        lesson.train.name,
        re.sub(r"\s+", " ", lesson.train.licence),
        lesson.about.permits,
        lesson.train.split,
        lesson.dev.split,
        len(lesson.train.cases),
        plan.seed,
        settings,
        int(history.rows[-1]["epoch"]) + 1,
        round(seconds, 1),
    )
