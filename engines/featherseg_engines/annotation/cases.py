"""A case: one image of a workspace with its state, and how it stands in the database."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, cast

from featherseg_engines.geometry import Geometry


class CaseState(StrEnum):
    """How far a case is."""

    NEW = "new"
    PROPOSED = "proposed"
    IN_WORK = "in work"
    ACCEPTED = "accepted"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the case list.

    Parameters
    ----------
    image
        Path of the image file (or the folder of a series): inside the workspace with ``/`` between its parts
        where it was copied, else absolute.
    hint
        Where a linked image lay as seen from the workspace folder, should both have moved together.
    series_uid
        DICOM's Series Instance UID, or "".
    geometry
        The grid of the image and of the mask.
    channels
        1 for grey, 3 for colour.
    dtype
        numpy's text for the labels in memory.
    volumes_ml
        Millilitres of each label as of the last written mask; pixels where the image has no physical size.
    changed
        Time of the last edit (ISO 8601, UTC), "" where there was none.
    who
        Initials of the person who made it.
    mask
        Path of the mask file inside the workspace, with ``/``.
    mark
        The journal's event up to which the mask file holds everything; 0 before the first.
    digest
        CRC-32 of the mask file when it was marked, to see whether another program changed it since.
    """

    id: int
    name: str
    image: str
    linked: bool
    hint: str
    series_uid: str
    state: CaseState
    geometry: Geometry
    channels: int
    dtype: str
    volumes_ml: Mapping[int, float]
    changed: str
    who: str
    mask: str
    mark: int
    digest: int

    @property
    def is_photograph(self) -> bool:
        """Whether the image is a single slice without physical size."""
        return self.geometry.shape[0] == 1 and not self.geometry.calibrated


FIELDS = (
    "id, name, image, linked, hint, series_uid, state, geometry, channels, dtype, volumes, changed, who, mask, "
    "mark, digest"
)


def case_of(row: tuple[object, ...]) -> Case:
    """The case of a database row with FIELDS."""
    values = dict(zip(FIELDS.split(", "), cast(tuple[Any, ...], row), strict=True))
    volumes = {int(k): float(v) for k, v in json.loads(values.pop("volumes")).items()}
    values.update(
        linked=bool(values["linked"]),
        state=CaseState(values["state"]),
        geometry=geometry_from_json(values["geometry"]),
    )
    return Case(volumes_ml=volumes, **values)


def geometry_to_json(geometry: Geometry) -> str:
    """A grid as text; numbers come back exactly."""
    return json.dumps(asdict(geometry))


def geometry_from_json(text: str) -> Geometry:
    """The grid of :func:`geometry_to_json`."""
    data = json.loads(text)
    return Geometry(
        tuple(data["shape"]),
        tuple(data["spacing_mm"]),
        tuple(data["origin_mm"]),
        tuple(data["direction"]),
        bool(data["calibrated"]),
    )
