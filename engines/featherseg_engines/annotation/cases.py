"""A case: one image of a workspace with its state, and how it stands in the database."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
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
"""In the order of :class:`Case`."""


def case_of(row: tuple[object, ...]) -> Case:
    """The case of a database row with FIELDS."""
    number, name, image, linked, hint, series, state, geometry, channels, dtype, volumes, *rest = cast(
        tuple[Any, ...], row
    )
    sizes = {} if volumes == "{}" else {int(k): float(v) for k, v in json.loads(volumes).items()}
    grid = geometry_from_json(geometry)
    front = (number, name, image, bool(linked), hint, series, CaseState(state), grid, channels, dtype)
    return Case(*front, sizes, *rest)


def geometry_to_json(geometry: Geometry) -> str:
    """A grid as text; numbers come back exactly."""
    return json.dumps(asdict(geometry))


@lru_cache(maxsize=10_000)  # the list is read anew after every change of a case, thousands of grids at a time
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
