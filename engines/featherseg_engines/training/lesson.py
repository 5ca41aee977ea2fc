"""One lesson from a data set to a model bundle: prepare, train, publish."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from featherseg_engines.datasets import Dataset
from featherseg_engines.errors import TrainingError
from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.networks.registry import NetworkRegistry
from featherseg_engines.training.checkpoint import finished, load_best, load_weights, training_folder
from featherseg_engines.training.feeds import BlockFeed, Feed, SliceFeed
from featherseg_engines.training.folded_form import folded_form
from featherseg_engines.training.measuring import measure
from featherseg_engines.training.plan import History, Plan, Progress
from featherseg_engines.training.publish import About, publish
from featherseg_engines.training.samples import Sample, scaled_samples, slices_of, volumes_of
from featherseg_engines.training.trainer import Trainer

SETTLED_ON = 4
"""Batches that a folded network's BatchNorms are measured on before its first step."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learned and what the card says of it."""

    train: Dataset
    dev: Dataset
    network: str
    name: str
    plan: Plan
    preprocessing: Preprocessing
    about: About = field(default_factory=About)
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
    torch.set_num_threads(lesson.plan.threads)
    pre = lesson.preprocessing
    mean, std = (torch.tensor(v).view(-1, *[1] * pre.dims) for v in (pre.mean, pre.std))

    def normalise(images: Tensor) -> Tensor:
        return (images - mean) / std

    def judge(candidate: nn.Module, long_side: int) -> float:
        at = pre if pre.patch else replace(pre, long_side=long_side)
        return measure(candidate, at, lesson.dev).summary().dice

    work = training_folder(folder)
    if finished(work):
        network, history = _taught_elsewhere(lesson, registry, work)
    else:
        feed = _feed(lesson)
        network = _pupil(lesson, registry, feed, None if (work / "state.json").exists() else normalise)
        history = Trainer(network, lesson.plan, feed, normalise, judge, work).run(listen, cancelled)
    if lesson.plan.form == "folded_last":
        network = folded_form(network)
    return publish(lesson, registry.get(lesson.network).title, network, history, folder)


def _taught_elsewhere(lesson: Lesson, registry: NetworkRegistry, work: Path) -> tuple[nn.Module, History]:
    """The network and the curves of a course that ended on an accelerator."""
    pre = lesson.preprocessing
    network = registry.build(lesson.network, in_channels=pre.channels, classes=len(lesson.train.classes) + 1)
    if lesson.plan.form == "folded":
        network = folded_form(network)
    state = json.loads((work / "state.json").read_text("utf-8"))
    return load_best(network, work).eval(), History(**state["history"])


def _pupil(
    lesson: Lesson, registry: NetworkRegistry, feed: Feed, normalise: Callable[[Tensor], Tensor] | None
) -> nn.Module:
    """The network as it will be taught; with ``normalise``, a folded one is settled on the first batches."""
    pre, plan, parent = lesson.preprocessing, lesson.plan, lesson.parent
    classes = len(lesson.train.classes) + 1
    network = registry.build(lesson.network, in_channels=pre.channels, classes=classes)
    parent_form = parent.card.training.settings.get("form", "full") if parent else ""
    if parent_form in ("gated", "beside"):
        raise TrainingError(
            f"The model '{lesson.parent and lesson.parent.card.name}' was taught from a person's cases; a row begins "
            "from a model that ships."
        )
    if parent_form == "folded" and plan.form != "folded":
        raise TrainingError(
            f"The model '{lesson.parent and lesson.parent.card.name}' was taught in its folded form; "
            "teach it on with the form 'folded'."
        )
    if parent and parent_form == "full":
        load_weights(network, parent.weights)
    if plan.form == "folded":
        inputs = []
        if not parent and normalise is not None:
            count = min(SETTLED_ON, feed.begin(plan.stages[0].long_side, 0))
            inputs = [normalise(feed.batch(i)[0]) for i in range(count)]
        network = folded_form(network, inputs)
    if parent and parent_form == "folded":
        load_weights(network, parent.weights)
    if pre.dims == 2:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _feed(lesson: Lesson) -> Feed:
    pre, plan = lesson.preprocessing, lesson.plan
    if pre.dims == 3:
        return BlockFeed(volumes_of(lesson.train, pre), pre.patch, plan)
    slices = slices_of(lesson.train)
    if pre.patch:
        return BlockFeed(scaled_samples(slices, pre), pre.patch, plan)

    def samples_at(long_side: int) -> list[Sample]:
        return scaled_samples(slices, replace(pre, long_side=long_side))

    return SliceFeed(samples_at, pre.stride, plan.batch, plan.seed)
