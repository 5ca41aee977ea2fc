"""Statistics of labels as a table with units: for the screen, the clipboard and a CSV file."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.labels import LabelTable
from featherseg_engines.statistics import LabelStatistics

DIGITS = 6
Column = tuple[str, Callable[[LabelStatistics], str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A header with units and a row for each label; "" where nothing is known."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table_of(rows: Sequence[LabelStatistics], names: LabelTable, geometry: Geometry, unit: str = "") -> Table:
    """Name labels and units (``unit``: of the image's values); what means nothing in such an image is left out.

    Numbers have a decimal point, whatever the language of the machine, and no separators of thousands.
    """
    named = names.covering([row.value for row in rows]).rows
    flat = geometry.shape[0] == 1
    columns: list[Column] = [
        ("Label", lambda row: str(row.value)),
        ("Name", lambda row: named[row.value].name),
        ("Pixels" if flat else "Voxels", lambda row: str(row.voxels)),
        ("Area (mm²)", lambda row: _number(row.area_mm2)),
        ("Volume (ml)", lambda row: _number(row.volume_ml)),
        *_grey(f" ({unit})" if unit else ""),
        *_sides(geometry),
        ("Slices", lambda row: "" if flat else str(row.slices)),
        ("Islands", lambda row: str(row.islands)),
    ]
    filled = [(title, [cell(row) for row in rows]) for title, cell in columns]
    filled = [(title, cells) for title, cells in filled if any(cells) or not rows]
    header = tuple(title for title, _ in filled)
    return Table(header, tuple(zip(*(cells for _, cells in filled), strict=True)))


def _grey(unit: str) -> list[Column]:
    return [
        ("Mean" + unit, lambda row: _number(row.mean)),
        ("SD" + unit, lambda row: _number(row.deviation)),
        ("Min" + unit, lambda row: _number(row.lowest)),
        ("Max" + unit, lambda row: _number(row.highest)),
    ]


def _sides(geometry: Geometry) -> list[Column]:
    """The sides of the box around the label along x, y and z."""
    unit = "mm" if geometry.calibrated else "px"

    def side(axis: int) -> Callable[[LabelStatistics], str]:
        return lambda row: _number(row.box.shape[axis] * geometry.spacing_mm[axis])

    axes = [("x", 2), ("y", 1), ("z", 0)] if geometry.shape[0] > 1 else [("x", 2), ("y", 1)]
    return [(f"Box {name} ({unit})", side(axis)) for name, axis in axes]


def as_csv(table: Table) -> bytes:
    """RFC 4180 in UTF-8 with a byte order mark, without which Excel takes it for another encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return text.getvalue().encode("utf-8-sig")


def as_text(table: Table) -> str:
    """Tabs between the cells, as spreadsheets take it from the clipboard."""
    return "\n".join("\t".join(cells) for cells in (table.header, *table.rows))


def write_csv(path: Path, table: Table) -> None:
    """Write the table.

    Raises
    ------
    WriteError
        The folder or disk does not let us; an old file stands untouched.
    """
    content = as_csv(table)

    def write(beside: Path) -> None:
        beside.write_bytes(content)

    write_verified(path, write, lambda written: written.read_bytes() == content)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.{DIGITS}g}" if abs(value) < 10**DIGITS else f"{value:.0f}"
