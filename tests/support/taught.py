"""Small real cases, and schools that learn nothing: what they "learnt" is a shipped model, whole or spoiled."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from featherseg_engines.datasets import read_dataset
from featherseg_engines.models.bundle import CARD, ONNX, ModelBundle, file_sha256, open_bundle
from featherseg_engines.teaching.order import CurvePoint, Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.school import School
from featherseg_resources import models_folder
from support.paths import TINY

SKIN = "repsegnet.skin"


def shipped(name: str = SKIN) -> ModelBundle:
    """A model that comes with the program."""
    return open_bundle(models_folder() / name)


def copied(bundle: ModelBundle, folder: Path, name: str = "", *, spoiled: bool = False) -> ModelBundle:
    """A copy of a bundle under another name; spoiled: the values of each kernel shuffled, all else whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in bundle.folder.iterdir():
        shutil.copyfile(file, folder / file.name)
    card = json.loads((folder / CARD).read_text("utf-8"))
    card["name"] = name or card["name"]
    if spoiled:
        model, dice = onnx.load(folder / ONNX), np.random.default_rng(0)
        for tensor in model.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.ndim > 1 and values.dtype.kind == "f":
                mixed = dice.permutation(values.ravel()).reshape(values.shape)
                tensor.CopyFrom(numpy_helper.from_array(mixed, tensor.name))
        onnx.save(model, folder / ONNX)
        card["sha256"][ONNX] = file_sha256(folder / ONNX)
    (folder / CARD).write_text(json.dumps(card), "utf-8")
    return open_bundle(folder)


def cases_of(count: int) -> tuple[TaughtCase, ...]:
    """Photographs of skin with a person's masks; the same few again under other names where there are not enough."""
    sets = [read_dataset(TINY, split) for split in ("dev", "train")]
    read = [each.read(case) for each in sets for case in each.cases][:count]
    made = []
    for number in range(count):
        volume, labels = read[number % len(read)]
        name = f"case {number}"
        made.append(TaughtCase(name, name, volume.voxels, (labels > 0).astype(np.uint8)))
    return tuple(made)


def order_of(count: int, in_use: ModelBundle | None, **changes) -> TeachOrder:
    """An order over so many cases of one class."""
    settings = Settings(minutes=0.01)
    made = TeachOrder(cases_of(count), ("lesion",), (1,), in_use, in_use, settings)
    return dataclasses.replace(made, **changes)


class Lesson:
    """What a school "learnt"."""

    curve = (CurvePoint(0, 0.0, 1.0, 0.5, 0.5, 0.5), CurvePoint(1, 1.0, 0.5, 0.8, 0.8, 0.5))


class Copying:
    """A school whose lessons always end with a copy of one bundle; remembers what it was given."""

    def __init__(self, bundle: ModelBundle):
        self.bundle, self.lessons, self.looks = bundle, [], []
        self.learnt, self.before = [], []

    def learn(self, cases, order, budget_s, control, listen, aids):
        self.lessons.append(([case.name for case in cases], budget_s))
        self.looks.append(aids.look)
        self.before.append(list(aids.before))
        control.between()
        self.learnt.append(Lesson())
        return self.learnt[-1]

    def export(self, learnt, order, folder, naming, control):
        return copied(self.bundle, folder, naming.name)

    @property
    def school(self) -> School:
        return School(self.learn, self.export)


class Free:
    """A control that never holds anything back."""

    def between(self) -> None:
        """Nothing to wait for."""
