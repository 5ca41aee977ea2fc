"""Surfaces of labels as STL and PLY, in millimetres in the patient's L, P, S axes (not 3D Slicer's R, A, S)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.label_table import write_labels_beside
from featherseg_engines.imaging.safe_write import write_verified
from featherseg_engines.labels import Label, LabelTable, changed_box

SUFFIXES = (".stl", ".ply")
HEADER = b"Featherseg surface, millimetres, SPACE=LPS"
"""The first bytes of an STL; 3D Slicer looks for the space there and turns the surface into its own."""

_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_PLY_VERTEX = np.dtype([("position", "<f4", 3), ("colour", "u1", 3)])
_PLY_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3), ("label", "<u2")])


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A closed surface: vertices (n, 3) as L, P, S in mm, triangles (m, 3) of vertex numbers, wound outwards."""

    vertices_mm: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]

    @property
    def volume_ml(self) -> float:
        """What the surface encloses, in millilitres; positive, as it is wound outwards."""
        return _signed_volume(self.vertices_mm, self.faces) / 1000.0


def mesh_of(mask: npt.NDArray[np.bool_], geometry: Geometry) -> Mesh:
    """The surface of a mask (z, y, x), half-way between its voxels and those beside it.

    Marching cubes after Lewiner et al. 2003 on the grid, then into the patient, so that spacing, oblique and
    left-handed directions are right by construction; closed also where the mask touches the volume's edge.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    from skimage.measure import marching_cubes

    box = changed_box(mask)
    if box.empty:
        raise ValueError("an empty mask has no surface")
    block = np.pad(mask[box.slices], 1).astype(np.float32)
    index, faces, _, _ = marching_cubes(block, 0.5)
    vertices = geometry.to_world(index + np.array(box.start, float) - 1)
    if _signed_volume(vertices, faces) < 0:
        faces = faces[:, ::-1]
    return Mesh(vertices, np.ascontiguousarray(faces, np.int32))


def write_surfaces(
    path: Path, labels: npt.NDArray[np.generic], table: LabelTable, geometry: Geometry
) -> list[Path]:
    """Write the surfaces of all labels of (z, y, x) and say where.

    PLY holds them all, coloured, with the label's number at each face. STL knows neither colours nor parts: with
    several labels each goes into a file of its own, ``<name>-<number>.stl``. The table goes beside as JSON.

    Raises
    ------
    WriteError
        The mask is empty, has no physical size, the ending is neither, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise WriteError(f"'{path.name}' has an unknown ending; surfaces are saved as .stl or .ply.")
    if labels.shape != geometry.shape:
        raise ValueError(f"labels {labels.shape} do not fit the grid {geometry.shape}")
    if not labels.any():
        raise WriteError(f"'{path.name}' was not written: the mask is empty; draw something first.")
    if not geometry.calibrated:
        raise WriteError(
            f"'{path.name}' was not written: a photograph has no size in millimetres; save the mask as .png."
        )
    described = table.covering(labels)
    parts = [
        (row, mesh_of(labels == row.value, geometry)) for row in described if (labels == row.value).any()
    ]
    if suffix == ".ply":
        _write_bytes(path, _ply(parts))
        written = [path]
    elif len(parts) == 1:
        _write_bytes(path, _stl(parts[0][1]))
        written = [path]
    else:
        written = []
        for row, mesh in parts:
            written.append(path.with_name(f"{path.stem}-{row.value}{path.suffix}"))
            _write_bytes(written[-1], _stl(mesh))
    write_labels_beside(path, described)
    return written


def _signed_volume(vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.integer]) -> float:
    """mm3 within a closed surface by the divergence theorem; negative where it is wound inwards."""
    a, b, c = (vertices[faces[:, i]] - vertices.mean(axis=0) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _stl(mesh: Mesh) -> bytes:
    corners = mesh.vertices_mm[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(len(corners), _STL_RECORD)
    records["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    records["corners"] = corners
    return HEADER.ljust(80, b" ") + len(records).to_bytes(4, "little") + bytes(records.tobytes())


def _ply(parts: Sequence[tuple[Label, Mesh]]) -> bytes:
    vertices, faces, shift = [], [], 0
    for row, mesh in parts:
        vertex = np.zeros(len(mesh.vertices_mm), _PLY_VERTEX)
        vertex["position"] = mesh.vertices_mm
        vertex["colour"] = [int(row.colour[i : i + 2], 16) for i in (1, 3, 5)]
        face = np.zeros(len(mesh.faces), _PLY_FACE)
        face["count"], face["corners"], face["label"] = 3, mesh.faces + shift, row.value
        vertices.append(vertex)
        faces.append(face)
        shift += len(vertex)
    vertex, face = np.concatenate(vertices), np.concatenate(faces)
    lines = (
        "ply",
        "format binary_little_endian 1.0",
        f"comment {HEADER.decode()}",
        f"element vertex {len(vertex)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
        f"element face {len(face)}",
        "property list uchar int vertex_indices",
        "property ushort label",
        "end_header",
    )
    return "\n".join(lines).encode() + b"\n" + vertex.tobytes() + face.tobytes()


def _write_bytes(path: Path, content: bytes) -> None:
    def write(beside: Path) -> None:
        beside.write_bytes(content)

    write_verified(path, write, lambda p: p.read_bytes() == content)
