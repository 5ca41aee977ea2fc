"""Coarse surfaces lie where the labels lie."""

import numpy as np
import pytest

from featherseg_engines.errors import Cancelled
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.surface_preview import coarseness, preview_surfaces

C, S = np.cos(0.5), np.sin(0.5)
DIRECTIONS = {
    "plain": (1.0, 0, 0, 0, 1, 0, 0, 0, 1),
    "left-handed": (1.0, 0, 0, 0, -1, 0, 0, 0, 1),
    "oblique": (C, -S, 0, S, C, 0, 0, 0, 1),
}


def ball(shape, spacing, radius_mm):
    grid = np.indices(shape).astype(float)
    centre = (np.array(shape) - 1) / 2
    mm = (grid - centre[:, None, None, None]) * np.array(spacing)[:, None, None, None]
    return (mm**2).sum(0) < radius_mm**2, centre


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize(
    "shape, spacing", [((20, 40, 40), (2.0, 1.0, 1.0)), ((100, 220, 200), (2.0, 1.0, 1.1))]
)
def test_a_ball_stays_a_ball_of_its_size_at_its_place(shape, spacing, direction):
    radius = 0.4 * shape[1] * spacing[1]
    mask, centre = ball(shape, spacing, radius)
    geometry = Geometry(shape, spacing, (5.0, -7.0, 30.0), direction)
    (surface,) = preview_surfaces(mask.astype(np.uint8) * 3, geometry, [1, 3, 9])
    assert surface.value == 3
    apart = np.linalg.norm(surface.mesh.vertices_mm - geometry.to_world(centre), axis=1)
    assert apart.mean() == pytest.approx(radius, rel=0.05) and apart.std() < 0.05 * radius
    assert surface.mesh.volume_ml == pytest.approx(4 / 3 * np.pi * radius**3 / 1000, rel=0.12)
    assert len(surface.mesh.faces) < 60_000


@pytest.mark.parametrize("at", [(0, 0, 0), (9, 9, 9), (4, 5, 6)])
def test_a_single_voxel_is_still_seen_even_in_a_corner(at):
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[at] = 1
    (surface,) = preview_surfaces(labels, Geometry((10, 10, 10)), [1])
    assert np.allclose(surface.mesh.vertices_mm.mean(axis=0), at[::-1], atol=0.1)


def test_what_is_not_there_has_no_surface_and_a_stop_is_heard():
    labels = np.zeros((5, 5, 5), np.uint16)
    assert preview_surfaces(labels, Geometry((5, 5, 5)), [1, 2]) == []
    labels[2, 2, 2] = 300
    with pytest.raises(Cancelled):
        preview_surfaces(labels, Geometry((5, 5, 5)), [300], Reading(cancelled=lambda: True))


def test_coarse_voxels_are_as_cubic_as_may_be():
    assert coarseness((10, 10, 10), (1.0, 1.0, 1.0), 10**6) == (1, 1, 1)
    z, y, x = coarseness((200, 512, 512), (3.0, 0.7, 0.7), 300_000)
    assert 0.5 < 3.0 * z / (0.7 * y) < 2 and abs(y - x) <= 1
    assert coarseness((1, 4000, 4000), (1.0, 1.0, 1.0), 300_000)[0] == 1
