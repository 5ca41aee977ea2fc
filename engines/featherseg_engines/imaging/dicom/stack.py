"""From planes to a grid: sorted along the normal, spacing from positions, or a sentence on what does not fit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import IDENTITY, Geometry
from featherseg_engines.imaging.dicom.planes import Plane, normal

SAME_PLACE_MM = 0.01
"""Planes closer than this lie at one place."""
UNEVEN = 0.02
"""Distances of slices that differ by less than this part of the spacing are rounding."""
UNEVEN_TOLD = 0.12
"""Up to this part the mean spacing is used, and told; beyond it the series is refused."""
TILT_COSINE = float(np.cos(np.radians(0.1)))
"""Slices whose origins move further off the normal than this make a sheared grid (gantry tilt)."""
CINE = ("US", "XA", "RF", "IVUS", "OCT", "OP", "ES", "XC", "GM", "SM", "ECG", "OPT", "NM")
"""Modalities whose frames without a position are moments, tiles or bins, not places."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stack:
    """Planes in the order of the volume's z axis, their grid, and what was mended or guessed.

    ``volumes`` says how many volumes the planes held (times, echoes); the stack is one of them.
    """

    planes: tuple[Plane, ...]
    geometry: Geometry
    warnings: tuple[str, ...] = ()
    volumes: int = 1


def stack(planes: tuple[Plane, ...], moment: int = 0) -> Stack:
    """One volume of planes of one kind; of several volumes at one place, the one number ``moment`` (from 0).

    Raises
    ------
    ReadError
        Slices are missing, or there is no volume of that number.
    """
    unique, doubled = _without_copies(planes)
    if unique[0].place.position is None or unique[0].place.orientation is None:
        return _unplaced(unique, doubled, moment)
    chosen, volumes, told = _one_volume(unique, moment)
    warnings = (*_copies_told(doubled), *told)
    if len(chosen) == 1:
        geometry, more = _single(chosen[0])
        return Stack(chosen, geometry, (*warnings, *more), volumes)
    geometry, more = _grid(chosen)
    return Stack(chosen, geometry, (*warnings, *more), volumes)


def _without_copies(planes: tuple[Plane, ...]) -> tuple[tuple[Plane, ...], list[Plane]]:
    """Planes without those of instances that are there twice (one identifier in two files)."""
    seen: dict[tuple[str, int], Plane] = {}
    copies = []
    for plane in planes:
        key = (plane.instance.uid or str(plane.instance.path), plane.frame)
        if key in seen:
            copies.append(plane)
        else:
            seen[key] = plane
    return tuple(seen.values()), copies


def _copies_told(copies: list[Plane]) -> tuple[str, ...]:
    if not copies:
        return ()
    name = copies[0].instance.path.name
    return (f"{len(copies)} slices are there twice ('{name}' is a copy); one of each is shown.",)


def _distances(planes: tuple[Plane, ...]) -> Floats:
    """How far each plane lies along the first one's normal, in mm."""
    orientation = planes[0].place.orientation
    assert orientation is not None
    return np.asarray(_positions(planes) @ np.asarray(normal(orientation)))


def _positions(planes: tuple[Plane, ...]) -> Floats:
    return np.asarray([plane.place.position for plane in planes], np.float64)


def _one_volume(planes: tuple[Plane, ...], moment: int) -> tuple[tuple[Plane, ...], int, list[str]]:
    """Planes by place, one at each; of several at one place, number ``moment`` in their own order."""
    far = _distances(planes)
    by_place = np.argsort(far, kind="stable")
    places: list[list[Plane]] = []
    last = -np.inf
    for i in by_place:
        if far[i] - last > SAME_PLACE_MM:
            places.append([])
            last = far[i]
        places[-1].append(planes[i])
    counts = [len(place) for place in places]
    volumes = max(counts)
    _check_moment(planes[0], moment, volumes)
    kept = tuple(sorted(place, key=lambda p: p.order)[min(moment, len(place) - 1)] for place in places)
    return kept, volumes, _repeats_told(places, moment, volumes)


def _check_moment(plane: Plane, moment: int, volumes: int) -> None:
    if not 0 <= moment < volumes:
        raise ReadError(
            f"'{plane.instance.path.name}' and its series hold {volumes} volumes; number {moment + 1} is not one."
        )


def _repeats_told(places: list[list[Plane]], moment: int, volumes: int) -> list[str]:
    counts = {len(place) for place in places}
    if volumes == 1:
        return []
    if len(counts) == 1:
        return [f"{volumes} volumes (times, echoes) lie at one place; number {moment + 1} is shown."]
    odd = next(place for place in places if len(place) == volumes)[1].instance.path.name
    return [f"Some places hold several slices ('{odd}' is one of them); one at each place is shown."]


def _grid(planes: tuple[Plane, ...]) -> tuple[Geometry, list[str]]:
    """Grid of two or more planes at different places; sheared where the gantry was tilted."""
    orientation = planes[0].place.orientation
    assert orientation is not None
    axis = np.asarray(normal(orientation))
    positions = _positions(planes)
    warnings = _check_even(planes)
    step = (positions[-1] - positions[0]) / (len(planes) - 1)
    length = float(np.linalg.norm(step))
    off_line = positions - (positions[0] + np.arange(len(planes))[:, None] * step)
    if float(step @ axis) / length < TILT_COSINE:
        across = off_line - (off_line @ axis)[:, None] * axis
        if np.abs(across).max() > 0.5 * length:
            raise ReadError(
                f"The slices beside '{planes[int(np.abs(across).max(axis=1).argmax())].instance.path.name}' do "
                "not lie on one line; they are no volume, open single files instead."
            )
        angle = np.degrees(np.arccos(np.clip(step @ axis / length, -1, 1)))
        warnings.append(
            f"The slices are tilted by {angle:.1f} degrees against their axis (gantry tilt); the grid is sheared."
        )
        axis = step / length
    else:
        length = float(step @ axis)
    directions = np.column_stack([orientation[0], orientation[1], axis])
    spacing, calibrated, more = _in_plane(planes[0])
    shape = (len(planes), planes[0].instance.rows, planes[0].instance.columns)
    x, y, z = (float(v) for v in positions[0])
    flat = tuple(float(v) for v in directions.ravel())
    return Geometry(shape, (length, *spacing), (x, y, z), flat, calibrated), warnings + more


def _check_even(planes: tuple[Plane, ...]) -> list[str]:
    """Refuse gaps; tell of distances that differ a little."""
    gaps = np.diff(_distances(planes))
    usual = float(np.median(gaps)) if len(gaps) > 2 else float(gaps.min())
    worst = int(np.abs(gaps - usual).argmax())
    off = abs(float(gaps[worst]) - usual) / usual
    if off <= UNEVEN:
        return []
    name = planes[worst + 1].instance.path.name
    if off <= UNEVEN_TOLD:
        return [
            f"The distance of slices varies ({gaps.min():.3f} to {gaps.max():.3f} mm, most at '{name}'); "
            "their mean is used."
        ]
    before = planes[worst].instance.path.name
    raise ReadError(
        f"The slices are not evenly spaced: from '{before}' to '{name}' it is {gaps[worst]:.2f} mm and usually "
        f"{usual:.2f} mm; add the missing files or open one part alone."
    )


def _in_plane(plane: Plane) -> tuple[tuple[float, float], bool, list[str]]:
    if plane.place.spacing is not None:
        return plane.place.spacing, True, []
    told = f"'{plane.instance.path.name}' gives no usable pixel spacing; sizes are in pixels."
    return (1.0, 1.0), False, [told]


def _single(plane: Plane) -> tuple[Geometry, list[str]]:
    """Grid of one plane: placed as far as the header says, the slice as thick as it says."""
    spacing, calibrated, warnings = _in_plane(plane)
    shape = (1, plane.instance.rows, plane.instance.columns)
    thick = plane.place.between or 1.0
    place = plane.place
    if place.orientation is None:
        return Geometry(shape, (thick, *spacing), calibrated=calibrated), warnings
    directions = np.column_stack([*place.orientation, normal(place.orientation)])
    flat = tuple(float(v) for v in directions.ravel())
    return Geometry(shape, (thick, *spacing), place.position or (0.0, 0.0, 0.0), flat, calibrated), warnings


def _unplaced(planes: tuple[Plane, ...], copies: list[Plane], moment: int) -> Stack:
    """Planes without positions, in the order of their numbers."""
    _check_moment(planes[0], moment, 1)
    ordered = tuple(sorted(planes, key=lambda p: (p.instance.number, p.frame, p.instance.path.name)))
    first = ordered[0]
    if len(ordered) == 1:
        geometry, warnings = _single(first)
        return Stack(ordered, geometry, (*_copies_told(copies), *warnings))
    spacing, calibrated, warnings = _in_plane(first)
    cine = first.instance.modality in CINE
    between = 1.0 if cine else first.place.between or 1.0
    warnings.append(
        "The frames have no positions (moments or tiles, not places); they are stacked in their order."
        if cine
        else "The slices have no positions; they are stacked by their numbers and the distance is a guess."
    )
    shape = (len(ordered), first.instance.rows, first.instance.columns)
    geometry = Geometry(shape, (between, *spacing), direction=_turned(first), calibrated=calibrated)
    return Stack(ordered, geometry, (*_copies_told(copies), *warnings))


def _turned(plane: Plane) -> tuple[float, ...]:
    orientation = plane.place.orientation
    if orientation is None:
        return IDENTITY
    flat = np.column_stack([*orientation, normal(orientation)]).ravel()
    return tuple(float(v) for v in flat)
