"""What a taught model came from: a file in its bundle that no patient can be read from, and never leaves with it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from featherseg_engines.annotation.files import write_text
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.taught import RECORD
from featherseg_engines.teaching.order import CaseScore, CurvePoint, Settings, Verdict

NAME = RECORD
FORMAT = 1


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """One lesson.

    Parameters
    ----------
    parent, beaten
        Name and weights of what it started from, and of the model in use then; "" where there was none.
    learnt, held_out
        Keys of the cases (:func:`case_key`), never their names.
    at
        When the cases had been read (ISO 8601, UTC).
    """

    parent: str
    beaten: str
    learnt: tuple[str, ...]
    held_out: tuple[str, ...]
    at: str
    seconds: float
    verdict: Verdict
    settings: Settings = field(default_factory=Settings)
    curve: tuple[CurvePoint, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many cases it was about."""
        return len({*self.learnt, *self.held_out})


class LearntCases(Mapping[str, str]):
    """When each case was learnt, asked by the case's name; what can be listed are keys, not names."""

    def __init__(self, record: LessonRecord | None) -> None:
        keys = (*record.learnt, *record.held_out) if record is not None else ()
        self._at = dict.fromkeys(keys, record.at) if record is not None else {}

    def __getitem__(self, name: str) -> str:
        """ISO 8601, UTC."""
        return self._at[case_key(name)]

    def __iter__(self) -> Iterator[str]:
        """Keys."""
        return iter(self._at)

    def __len__(self) -> int:
        """How many cases."""
        return len(self._at)


def case_key(name: str) -> str:
    """What stands for a case's name in a record."""
    return hashlib.sha256(f"featherseg case {name}".encode()).hexdigest()[:24]


def called(bundle: ModelBundle | None) -> str:
    """Name and weights of a model, as cards call a parent."""
    return "" if bundle is None else f"{bundle.card.name} {bundle.identity}"


def write_record(folder: Path, record: LessonRecord) -> None:
    """Put a lesson's record into a bundle's folder. *Raises* WriteError."""
    values = asdict(record)
    for score in values["verdict"]["scores"]:
        score["name"] = case_key(score["name"])
    text = json.dumps({"format": FORMAT, **values}, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / NAME, text + "\n")


def read_record(bundle: ModelBundle | None) -> LessonRecord | None:
    """The record of a bundle; None where it was not taught here, or the record is damaged."""
    if bundle is None:
        return None
    try:
        return _record(json.loads((bundle.folder / NAME).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def learnt_cases(bundle: ModelBundle | None) -> LearntCases:
    """Which cases a model was taught from or judged by, and when."""
    return LearntCases(read_record(bundle))


def _record(values: dict[str, Any]) -> LessonRecord:
    if values.pop("format") != FORMAT:
        raise ValueError("another format")
    verdict = dict(values.pop("verdict"))
    verdict["interval"] = tuple(verdict["interval"])
    verdict["per_class"] = tuple(tuple(row) for row in verdict["per_class"])
    verdict["scores"] = tuple(
        CaseScore(**{**row, "parent": tuple(row["parent"]), "candidate": tuple(row["candidate"])})
        for row in verdict["scores"]
    )
    for name in ("learnt", "held_out", "classes"):
        values[name] = tuple(values[name])
    values["curve"] = tuple(CurvePoint(**point) for point in values["curve"])
    values["settings"] = Settings(**values["settings"])
    return LessonRecord(**values, verdict=Verdict(**verdict))
