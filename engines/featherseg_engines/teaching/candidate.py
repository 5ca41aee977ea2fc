"""From a taught network to the candidate's bundle: exported, checked against torch, its card written last."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from featherseg_engines.imaging.preprocess import Preprocessing
from featherseg_engines.inference.kind import LOOKS, evenly, looks_of
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.bundle import (
    CARD,
    KNOWN,
    LOOK,
    ONNX,
    WEIGHTS,
    ModelBundle,
    file_sha256,
    open_bundle,
)
from featherseg_engines.models.card import Measured, ModelCard, TrainingRecord
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.teaching.kinds import KindLook
from featherseg_engines.teaching.learn import BATCH, Learned
from featherseg_engines.teaching.moving import DECAY
from featherseg_engines.teaching.order import TeachOrder
from featherseg_engines.teaching.pupil import form_of
from featherseg_engines.teaching.scoring import seen_slices
from featherseg_engines.training.checkpoint import half_kernels, save_json, save_tensors
from featherseg_engines.training.export import export_onnx, onnx_bytes, with_half_kernels
from featherseg_engines.training.publish import halve

NOTE = "Taught on this computer from a person's own cases. Research use; not a medical device."


@dataclass(frozen=True, slots=True)
class CandidateAbout:
    """What the card says beyond the lesson: the model's name and title, what was measured, how many were held out."""

    name: str
    title: str = ""
    measured: tuple[Measured, ...] = ()
    held_out: int = 0


def export_candidate(
    learned: Learned,
    order: TeachOrder,
    folder: Path,
    about: CandidateAbout,
    between: Callable[[], None] = lambda: None,
) -> ModelBundle:
    """Write ``model.onnx``, ``weights.safetensors`` and ``card.json`` into ``folder`` (made if missing).

    A look goes along as ``look.onnx``, with the model that the candidate is to hold.

    Raises
    ------
    ModelError
        What was exported answers otherwise than what was taught.
    WriteError
        The files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network, pre = learned.network, learned.preprocessing
    halve(network)
    between()
    save_tensors(folder / WEIGHTS, half_kernels(network.state_dict()))
    between()
    export_onnx(network, folder / ONNX, pre.channels, _sides(pre))
    between()
    light = with_half_kernels((folder / ONNX).read_bytes())
    (folder / ONNX).write_bytes(light)
    if learned.look:
        _hold(learned.look, folder)
        between()
    looks = () if learned.look or pre.dims == 3 else _looks(order, pre, between)
    card = replace(_card(learned, order, about), looks=looks)
    names = ModelBundle(folder, card).files
    hashes = {name: file_sha256(folder / name) for name in names}
    save_json(folder / CARD, replace(card, sha256=hashes).to_json())
    bundle = open_bundle(folder)
    OnnxModel(bundle)  # opens and fits its card, or says why not
    return bundle


def _hold(look: KindLook, folder: Path) -> None:
    """Put the model that is held, and what says whose kind a picture is, into a candidate's folder."""
    held = look.known
    held.verify()
    (folder / KNOWN).mkdir(exist_ok=True)
    shutil.copyfile(held.onnx, folder / KNOWN / ONNX)
    save_json(folder / KNOWN / CARD, replace(held.card, worst=(), known="").to_json())
    example = torch.zeros(1, held.card.preprocessing.channels, 64, 64)
    (folder / LOOK).write_bytes(onnx_bytes(look.network, example))


def _sides(pre: Preprocessing) -> tuple[int, ...]:
    """Of the example that is traced and checked: small, for it takes time and memory."""
    return (pre.stride * (1 if pre.dims == 3 else 2),) * pre.dims


def _card(learned: Learned, order: TeachOrder, about: CandidateAbout) -> ModelCard:
    parent, pre = order.parent, learned.preprocessing
    network = parent.card.network if parent else order.settings.network
    task = parent.card.task if parent else ", ".join(order.classes)
    return ModelCard(
        name=about.name,
        labels=learned.outputs.labels,
        preprocessing=pre,
        activation="softmax",
        title=about.title,
        network=default_registry().get(network).name,
        task=task,
        training=_record(learned, order, about),
        measured=about.measured,
        parent=f"{parent.card.name} {parent.identity}" if parent else "",
        asking=learned.asking,
        known=f"{learned.look.known.card.name} {learned.look.known.identity}" if learned.look else "",
        note=NOTE,
        not_for=parent.card.not_for if parent else "",
        dims=pre.dims,
        created=datetime.now(UTC).date().isoformat(),
    )


def _looks(
    order: TeachOrder, pre: Preprocessing, between: Callable[[], None]
) -> tuple[tuple[float, ...], ...]:
    """How the pictures look that it knows now: the person's, and the parent's own before them."""
    before = order.parent.card.looks if order.parent else ()
    before = tuple(look for look in before if len(look) == 3 * pre.channels)
    seen = [(case, z) for case in order.cases for z in seen_slices(case)]

    def pictures() -> Iterator[npt.NDArray[np.generic]]:
        for case, z in evenly(seen, LOOKS // 2 if before else LOOKS):
            between()  # a large one takes a quarter of a second
            yield case.voxels[z]

    own = looks_of(pre, pictures())
    return (*evenly(before, LOOKS - len(own)), *own)


def _record(learned: Learned, order: TeachOrder, about: CandidateAbout) -> TrainingRecord:
    settings = order.settings
    inherited = order.parent.card.training.permits if order.parent else "as your own images permit"
    said = {
        "form": form_of(learned.network),
        "steps": learned.steps,
        "batch": BATCH,
        "learning_rate": learned.rate,
        "weight_decay": DECAY,
        "minutes": settings.minutes,
        "frozen": settings.frozen,
        "curve": [
            [p.step, round(p.seconds, 1), round(p.loss, 4), round(p.train_dice, 4), round(p.dice, 4)]
            for p in learned.curve
        ],
    }
    return TrainingRecord(
        dataset="a person's own cases",
        licence="not stated",
        permits=re.sub(r"\s+", " ", inherited),
        train_split="taught",
        dev_split=f"{about.held_out} held out" if about.held_out else "none held out",
        train_cases=len({case.name for case in order.cases}) - about.held_out,
        seed=settings.seed,
        settings=said,
        seconds=round(learned.seconds, 1),
    )
