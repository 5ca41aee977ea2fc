"""The planes of DICOM images: one a file, or one a frame of a multi-frame file, each with its place."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Triple
from featherseg_engines.imaging.dicom.header import (
    TAGS,
    Instance,
    Place,
    group,
    number_of,
    numbers,
    place_of,
    read_dataset,
    shared_place,
)
from featherseg_engines.imaging.quiet import damage, quiet_python

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SAME_DIRECTION = 5e-3
"""Direction cosines that differ by less are one orientation (rounding in headers; 0.3 degrees)."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice-to-be: the ``frame`` (from 1) of an instance and where it lies."""

    instance: Instance
    frame: int
    place: Place
    order: tuple[float, ...]


def planes_of(instance: Instance) -> tuple[Plane, ...]:
    """The planes of one file, in the file's order; more than one only for multi-frame files.

    Raises
    ------
    ReadError
        The file claims more frames than it can hold, or is damaged.
    """
    if instance.frames == 1:
        return (Plane(instance, 1, instance.place, instance.order),)
    if instance.frames > instance.path.stat().st_size:
        raise ReadError(f"'{instance.path.name}' claims {instance.frames} frames, more than it has bytes.")
    dataset = read_dataset(instance.path, TAGS)
    with quiet_python():
        places = _functional(dataset, instance) or _offsets(dataset, instance)
    return tuple(Plane(instance, i + 1, place, (*order, i + 1.0)) for i, (place, order) in enumerate(places))


def same_kind(a: Plane, b: Plane) -> bool:
    """Whether two planes can be slices of one volume: size, pixel spacing, channels and orientation agree."""
    if (a.instance.rows, a.instance.columns, a.instance.samples) != (
        b.instance.rows,
        b.instance.columns,
        b.instance.samples,
    ):
        return False
    return (
        _alike(
            a.place.orientation and sum(a.place.orientation, ()),
            b.place.orientation and sum(b.place.orientation, ()),
        )
        and _alike(a.place.spacing, b.place.spacing)
        and (a.place.position is None) == (b.place.position is None)
    )


def kinds(planes: tuple[Plane, ...]) -> list[tuple[Plane, ...]]:
    """Planes sorted into those that can be slices of one volume, in the order of their first ones."""
    found: list[list[Plane]] = []
    for plane in planes:
        for other in reversed(found):
            if same_kind(other[0], plane):
                other.append(plane)
                break
        else:
            found.append([plane])
    return [tuple(group) for group in found]


def _alike(a: tuple[float, ...] | None, b: tuple[float, ...] | None) -> bool:
    if a is None or b is None:
        return a is b
    return all(abs(x - y) < SAME_DIRECTION for x, y in zip(a, b, strict=True))


def _functional(dataset: "Dataset", instance: Instance) -> list[tuple[Place, tuple[float, ...]]]:
    """Place and order of each frame from the per-frame functional groups; empty where there are none."""
    try:
        items = list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    except damage():
        return []
    if len(items) != instance.frames:
        return []
    return [(shared_place(item, instance.place), _frame_order(item)) for item in items]


def _frame_order(item: "Dataset") -> tuple[float, ...]:
    content = group(item, "FrameContentSequence")
    echo = group(item, "MREchoSequence")
    diffusion = group(item, "MRDiffusionSequence")
    return (
        0.0 if content is None else number_of(content, "TemporalPositionIndex"),
        0.0 if content is None else number_of(content, "FrameAcquisitionNumber"),
        0.0 if echo is None else number_of(echo, "EffectiveEchoTime"),
        0.0 if diffusion is None else number_of(diffusion, "DiffusionBValue"),
    )


def _offsets(dataset: "Dataset", instance: Instance) -> list[tuple[Place, tuple[float, ...]]]:
    """Every frame at the file's place; moved along the normal where a dose grid (PS3.3 C.8.8.3.2) says how far."""
    place = place_of(dataset, instance.place)
    offsets = numbers(dataset, "GridFrameOffsetVector", instance.frames)
    if offsets is None or place.position is None or place.orientation is None:
        lost = place if instance.frames == 1 else replace(place, position=None)
        return [(lost, ())] * instance.frames
    axis = normal(place.orientation)
    first = 0.0 if offsets[0] == 0.0 else offsets[0]
    start = place.position
    return [(replace(place, position=_along(start, axis, offset - first)), ()) for offset in offsets]


def normal(orientation: tuple[Triple, Triple]) -> Triple:
    """The direction that makes a right-handed system with a plane's rows and columns."""
    (a, b, c), (d, e, f) = orientation
    return b * f - c * e, c * d - a * f, a * e - b * d


def _along(start: Triple, axis: Triple, distance: float) -> Triple:
    x, y, z = (s + a * distance for s, a in zip(start, axis, strict=True))
    return x, y, z
