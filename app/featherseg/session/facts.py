"""What there is to know about an open volume, as rows for a table; the DICOM header where there is one."""

from dataclasses import dataclass

from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.windowing import in_words
from featherseg_engines.orientation import plane_views, stored_plane


@dataclass(frozen=True, slots=True)
class Fact:
    """A row: DICOM's tag and VR ("" elsewhere), a name and a value."""

    tag: str
    name: str
    vr: str
    value: str


def volume_facts(volume: Volume) -> list[Fact]:
    """What every volume says of itself, whatever file it came from."""
    geometry = volume.geometry
    z, y, x = geometry.shape
    sz, sy, sx = geometry.spacing_mm
    rows = [
        ("Modality", volume.modality or "not stated"),
        ("Size", f"{x} × {y} px" if z == 1 else f"{x} × {y} × {z} voxels"),
        ("Spacing", f"{sx:.4g} × {sy:.4g} × {sz:.4g} mm" if geometry.calibrated else "none in the file"),
        ("Channels", str(volume.channels)),
        ("Stored as", str(volume.voxels.dtype)),
    ]
    if geometry.calibrated:
        view = plane_views(geometry)[stored_plane(geometry)]
        tilted = f", oblique by {view.tilt_deg:.1f}°" if view.tilt_deg >= 0.5 else ""
        origin = ", ".join(f"{v:.2f}" for v in geometry.origin_mm)
        rows.append(("Slices", view.plane + tilted))
        rows.append(("First voxel (L, P, S)", f"{origin} mm"))
    rows += [("Window", f"{window.name} {in_words(window)}".strip()) for window in volume.windows]
    rows += [("Warning", sentence) for sentence in volume.warnings]
    return [Fact("", name, "", value) for name, value in rows]


def matching(rows: list[Fact], words: str) -> list[Fact]:
    """The rows that hold every word, in tag, name or value, whatever the case."""
    wanted = words.lower().split()
    return [
        row for row in rows if all(word in f"{row.tag} {row.name} {row.value}".lower() for word in wanted)
    ]
