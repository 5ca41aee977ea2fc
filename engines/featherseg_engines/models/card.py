"""The model card: everything that a bundle's weights imply, as data."""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from featherseg_engines.errors import ModelError
from featherseg_engines.imaging.preprocess import Preprocessing

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One class: its number in masks, its name, its colour (#rrggbb)."""

    value: int
    name: str
    colour: str = "#56b4e9"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What made the weights: data, licence and what it permits, split, settings, seed."""

    dataset: str = "not stated"
    licence: str = "not stated"
    permits: str = "not stated"
    train_split: str = ""
    dev_split: str = ""
    train_cases: int = 0
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Means of per-image values on one split, scored at the original resolution by ``featherseg evaluate``.

    ``dice_interval`` is the 95 % bootstrap interval of the mean Dice; ``hd95`` leaves out images where answer
    or truth is empty.
    """

    dataset: str
    split: str
    n: int
    dice: float
    iou: float
    precision: float | None
    recall: float | None
    dice_pooled: float
    iou_pooled: float
    dice_interval: tuple[float, ...] = ()
    hd95: float | None = None
    hd95_unit: str = "pixels"


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model wants to be asked.

    Parameters
    ----------
    mirrored
        Its answer is the mean over the image and its mirror images.
    always
        Every picture holds some label: of each slice the likeliest part is told, however unsure it is.
    """

    mirrored: bool = False
    always: bool = False


@dataclass(frozen=True, slots=True)
class ModelCard:
    """``card.json`` of a bundle; a model from elsewhere needs ``format``, ``name``, ``labels``, ``preprocessing``
    and ``activation`` only.

    Parameters
    ----------
    name
        ``network.task``, as used on the command line.
    labels
        The classes above the background, in the order of the network's outputs.
    activation
        ``softmax``: outputs are background and labels; ``sigmoid``: one output, the only label.
    sha256
        Of ``model.onnx`` and ``weights.safetensors``, by file name.
    parent
        Name and ONNX hash of the model this one was taught from, or "".
    asking
        How it wants to be asked.
    known
        Name and ONNX hash of the model it holds unchanged, which answers for pictures of its own kind, or "".
    looks
        How some of the pictures it was taught on look as a whole: a few numbers of each
        (:func:`~featherseg_engines.inference.kind.looks_of`), from which no picture can be drawn. They tell its kind
        of picture from others where its own may not ship.
    not_for
        What it must not be used for, in a sentence or two.
    worst
        Name and Dice of the images of the dev split it does worst on.
    speed_ms
        Median of one answer on two threads of the machine that wrote the card, in milliseconds.
    """

    name: str
    labels: tuple[LabelEntry, ...]
    preprocessing: Preprocessing
    activation: Literal["softmax", "sigmoid"]
    title: str = ""
    network: str = "not stated"
    task: str = ""
    training: TrainingRecord = field(default_factory=TrainingRecord)
    measured: tuple[Measured, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)
    parent: str = ""
    known: str = ""
    asking: Asking = field(default_factory=Asking)
    looks: tuple[tuple[float, ...], ...] = ()
    note: str = ""
    not_for: str = ""
    worst: tuple[tuple[str, float], ...] = ()
    speed_ms: float | None = None
    created: str = ""
    dims: int = 2
    format: int = FORMAT

    @property
    def outputs(self) -> int:
        """Channels of the network's output."""
        return len(self.labels) + 1 if self.activation == "softmax" else 1

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``."""
        return asdict(self)


def read_card(path: Path) -> ModelCard:
    """Read and check a ``card.json``.

    Raises
    ------
    ModelError
        Missing, not JSON, or a field is missing or of the wrong kind.
    """
    bundle = path.parent.name
    try:
        raw = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(
            f"The model '{bundle}' has no card.json that can be read; it cannot be used."
        ) from error
    except ValueError as error:
        raise ModelError(f"The card.json of the model '{bundle}' is not JSON; it cannot be used.") from error
    try:
        return _card(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"The card.json of the model '{bundle}' lacks or mistypes a field ({error})."
        ) from error


def _card(raw: dict[str, Any]) -> ModelCard:
    if raw.get("format") != FORMAT:
        raise ValueError(f"format {raw.get('format')!r}, known is {FORMAT}")
    known = {f.name for f in fields(ModelCard)}
    values = {k: v for k, v in raw.items() if k in known}
    if values.get("activation") not in ("softmax", "sigmoid"):
        raise ValueError("activation must be softmax or sigmoid")
    values["labels"] = tuple(LabelEntry(**entry) for entry in raw["labels"])
    plain: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in raw["preprocessing"].items()
    }
    values["preprocessing"] = Preprocessing(**plain)
    values["training"] = TrainingRecord(**raw.get("training", {}))
    values["measured"] = tuple(measured_of(entry) for entry in raw.get("measured", ()))
    values["asking"] = Asking(**raw.get("asking", {}))
    values["looks"] = tuple(tuple(float(value) for value in look) for look in raw.get("looks", ()))
    values["worst"] = tuple((str(name), float(dice)) for name, dice in raw.get("worst", ()))
    card = ModelCard(**values)
    if card.dims not in (2, 3) or card.dims != card.preprocessing.dims:
        raise ValueError("dims must be 2, or 3 with a patch of three sides in the preprocessing")
    if not all(isinstance(wish, bool) for wish in (card.asking.mirrored, card.asking.always)):
        raise ValueError("asking is said in true and false")
    if any(
        len(look) != 3 * card.preprocessing.channels or not all(map(math.isfinite, look))
        for look in card.looks
    ):
        raise ValueError("a look has three numbers for each colour")
    if not isinstance(card.name, str) or not card.name:
        raise ValueError("name must be a text")
    if not card.labels or (card.activation == "sigmoid" and len(card.labels) != 1):
        raise ValueError("labels do not fit the activation")
    return card


def measured_of(entry: dict[str, Any]) -> Measured:
    """Numbers as they stand in a card."""
    return Measured(**{**entry, "dice_interval": tuple(entry.get("dice_interval", ()))})
