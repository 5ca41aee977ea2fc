"""Marks on a ghost as text for the journal, and back: JSON, masks as lengths of runs."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from featherseg_engines.labels import Box
from featherseg_engines.refine.prompts import Head, Mask, Stroke

Kind = Literal["stroke", "region", "without", "drop"]
KINDS: tuple[Kind, ...] = ("stroke", "region", "without", "drop")
LONGEST = 200_000
"""Characters a mark may take in the journal; a scribble over a slice of 512 x 512 takes some 4,000."""

WIDEST = 2**16
"""Pixels a slice is long at most; a mark beyond is damaged."""


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """A head and the slice whose strokes it was fitted to."""

    head: Head
    z: int


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One thing a person did to the ghost of slice ``z``.

    Parameters
    ----------
    kind
        "stroke"; "region": nothing is proposed outside ``mask`` (outside nothing where it is None); "without":
        nothing is proposed in ``mask``, an island that was not meant; "drop": all marks before this one are over.
    model
        Identity of the weights whose ghost was marked.
    label
        Which of the model's labels it speaks of, from 0.
    box, mask
        (1, y, x) of the box; None for "drop" and where a region ends.
    base
        What was carried to this slice before its first mark.
    """

    kind: Kind
    z: int
    model: str
    label: int = 0
    positive: bool = True
    box: Box | None = None
    mask: Mask | None = None
    base: Carried | None = None


def to_text(mark: Mark) -> str:
    """A mark for the journal. *Raises* ValueError where it takes more than :data:`LONGEST` characters."""
    values: dict[str, Any] = {"mark": mark.kind, "z": mark.z, "model": mark.model, "label": mark.label}
    if mark.kind == "stroke":
        values["positive"] = mark.positive
    if mark.box is not None and mark.mask is not None:
        values["box"] = [*mark.box.start[1:], *mark.box.stop[1:]]
        values["runs"] = _runs(mark.mask)
    if mark.base is not None:
        head = mark.base.head
        values["base"] = {
            "z": mark.base.z,
            "model": head.model,
            "strokes": head.strokes,
            "weights": base64.b64encode(np.asarray(head.weights, "<f8").tobytes()).decode(),
        }
    text = json.dumps(values, separators=(",", ":"))
    if len(text) > LONGEST:
        raise ValueError("the mark is too intricate to be kept")
    return text


def from_text(text: str) -> Mark | None:
    """A mark as it was kept; None where the text is no such mark (of a later version, or damaged)."""
    try:
        values = json.loads(text)
        kind, z = values["mark"], int(values["z"])
        if kind not in KINDS:
            return None
        box = mask = None
        if "box" in values:
            y0, x0, y1, x1 = (int(v) for v in values["box"])
            if min(z, y0, x0) < 0 or max(y1, x1) > WIDEST:
                return None
            box = Box((z, y0, x0), (z + 1, y1, x1))
            mask = _mask(values["runs"], box)
        base = _carried(values["base"]) if "base" in values else None
        positive = bool(values.get("positive", True))
        return Mark(kind, z, str(values["model"]), int(values["label"]), positive, box, mask, base)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def standing(marks: Iterable[Mark]) -> list[Stroke]:
    """The strokes among marks, oldest first, without those of ghosts that were dropped after them."""
    kept: list[tuple[Mark, Stroke]] = []
    for mark in marks:
        if mark.kind == "drop":
            kept = [(old, s) for old, s in kept if (old.z, old.model) != (mark.z, mark.model)]
        elif mark.kind == "stroke" and mark.box is not None and mark.mask is not None:
            kept.append((mark, Stroke(mark.box, mark.mask, mark.positive)))
    return [stroke for _, stroke in kept]


def _runs(mask: Mask) -> list[int]:
    """Lengths of alternating runs in reading order, the first of False."""
    flat = np.concatenate([[False], mask.ravel(), [False]])
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    edges = np.concatenate([[0], turns, [mask.size]])
    return [int(n) for n in np.diff(edges)]


def _mask(runs: list[int], box: Box) -> Mask:
    lengths = np.asarray(runs, np.int64)
    if (lengths < 0).any() or lengths.sum() != np.prod(box.shape):
        raise ValueError("the runs do not fill the box")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(box.shape)


def _carried(values: dict[str, Any]) -> Carried:
    weights = np.frombuffer(base64.b64decode(values["weights"]), "<f8").astype(np.float64)
    return Carried(Head(weights, str(values["model"]), int(values["strokes"])), int(values["z"]))
