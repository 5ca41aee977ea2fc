"""Surfaces in mm: as large as the object, where it lies, closed and wound outwards on any grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dicom_series import geometry_of

from featherseg_engines.errors import WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.label_table import read_labels_beside
from featherseg_engines.imaging.surface import mesh_of, write_surfaces
from featherseg_engines.labels import Label, LabelTable

TABLE = LabelTable({1: Label(1, "ball", "#12ab34"), 4: Label(4, "box", "#ff8000")})


def ball(geometry: Geometry, radius_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Voxels within ``radius_mm`` of the grid's middle, and that middle."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    middle = geometry.to_world((np.array(geometry.shape) - 1) / 2)
    return np.linalg.norm(geometry.to_world(index) - middle, axis=-1) <= radius_mm, middle


@settings(max_examples=15, deadline=None)
@given(
    spacing=st.tuples(*[st.floats(0.5, 2.0)] * 3),
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    left_handed=st.booleans(),
)
def test_a_ball_has_its_volume_its_place_and_its_outside_on_any_grid(spacing, angles, left_handed):
    shape = tuple(int(26 / s) + 4 for s in spacing)
    geometry = geometry_of(shape, spacing, angles, left_handed=left_handed)
    mask, middle = ball(geometry, 12.0)
    mesh = mesh_of(mask, geometry)
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.06)
    assert mesh.volume_ml == pytest.approx(mask.sum() * geometry.voxel_ml, rel=0.06)
    away = np.linalg.norm(mesh.vertices_mm - middle, axis=1)
    assert away.min() > 12 - max(spacing) and away.max() < 12 + max(spacing)
    edges = np.sort(
        np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1
    )
    assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all(), "closed: no edge hangs free"


def test_a_box_at_the_edge_of_the_volume_is_closed():
    geometry = Geometry((20, 30, 40), (2.0, 1.0, 0.5))
    mesh = mesh_of(np.ones(geometry.shape, bool), geometry)
    assert mesh.volume_ml == pytest.approx(20 * 30 * 40 * geometry.voxel_ml, rel=0.01)
    assert np.allclose(mesh.vertices_mm.min(axis=0), [-0.25, -0.5, -1.0])
    assert np.allclose(mesh.vertices_mm.max(axis=0), [19.75, 29.5, 39.0])


def labels_of(geometry: Geometry) -> np.ndarray:
    labels = np.zeros(geometry.shape, np.uint16)
    labels[2:8, 3:9, 4:10] = 1
    labels[10:14, 3:9, 4:10] = 4
    return labels


GRID = geometry_of((16, 14, 12), (2.0, 0.7, 0.9), (0.3, 0.2, -0.4), left_handed=True)


def read_stl(path) -> np.ndarray:
    content = path.read_bytes()
    count = int.from_bytes(content[80:84], "little")
    kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    assert len(content) == 84 + count * 50 and b"SPACE=LPS" in content[:80]
    records = np.frombuffer(content, kind, offset=84)
    corners = records["corners"].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", normals, records["normal"]) >= 0).all()
    return corners


def test_stl_holds_one_label_a_file_wound_outwards(tmp_path):
    labels = labels_of(GRID)
    written = write_surfaces(tmp_path / "m.stl", labels, TABLE, GRID)
    assert [p.name for p in written] == ["m-1.stl", "m-4.stl"]
    for path, value in zip(written, (1, 4), strict=True):
        corners = read_stl(path)
        corners -= corners.mean(axis=(0, 1))
        volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6000
        assert volume == pytest.approx((labels == value).sum() * GRID.voxel_ml, rel=0.12)
    assert [row.name for row in read_labels_beside(tmp_path / "m.stl")] == ["ball", "box"]
    (alone,) = write_surfaces(tmp_path / "one.stl", np.where(labels == 1, 1, 0), TABLE, GRID)
    assert alone.name == "one.stl" and len(read_stl(alone)) > 0


def test_ply_holds_all_labels_coloured_and_in_their_place(tmp_path):
    labels = labels_of(GRID)
    (path,) = write_surfaces(tmp_path / "m.ply", labels, TABLE, GRID)
    header, body = path.read_bytes().split(b"end_header\n", 1)
    counts = {
        w[1]: int(w[2]) for w in (line.split() for line in header.decode().splitlines()) if w[0] == "element"
    }
    vertex = np.frombuffer(body, [("at", "<f4", 3), ("colour", "u1", 3)], counts["vertex"])
    face = np.frombuffer(
        body, [("n", "u1"), ("corners", "<i4", 3), ("label", "<u2")], counts["face"], vertex.nbytes
    )
    assert vertex.nbytes + face.nbytes == len(body) and (face["n"] == 3).all()
    for value, colour in ((1, (0x12, 0xAB, 0x34)), (4, (0xFF, 0x80, 0))):
        used = vertex[np.unique(face["corners"][face["label"] == value])]
        assert (used["colour"] == colour).all()
        index = GRID.to_index(used["at"])
        voxels = np.argwhere(labels == value)
        assert np.allclose(index.min(axis=0), voxels.min(axis=0) - 0.5, atol=1e-3)
        assert np.allclose(index.max(axis=0), voxels.max(axis=0) + 0.5, atol=1e-3)


def test_what_has_no_surface_is_refused_with_one_sentence(tmp_path):
    geometry = Geometry((3, 4, 5))
    ones = np.ones(geometry.shape, np.uint8)
    with pytest.raises(WriteError, match="empty"):
        write_surfaces(tmp_path / "m.stl", ones * 0, TABLE, geometry)
    with pytest.raises(WriteError, match="unknown ending"):
        write_surfaces(tmp_path / "m.obj", ones, TABLE, geometry)
    with pytest.raises(WriteError, match="photograph"):
        write_surfaces(tmp_path / "m.ply", ones, TABLE, Geometry((3, 4, 5), calibrated=False))
    assert not list(tmp_path.iterdir())
