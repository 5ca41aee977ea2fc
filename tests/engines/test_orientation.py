"""Each view shows the patient the same way round, however the voxels were stored."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherseg_engines.geometry import Geometry
from featherseg_engines.orientation import PLANES, oriented, plane_views, stored_plane

SIGNS = list(itertools.product((1, -1), repeat=3))
ALL_48 = [(order, signs) for order in itertools.permutations(range(3)) for signs in SIGNS]
STEP = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
EDGES = {"axial": "RLAP", "sagittal": "APSI", "coronal": "RLSI"}


def stored(canonical, order, signs):
    """The same patient stored with other axes: array and direction matrix. World axis order[i] runs along x, y, z."""
    array = canonical.transpose([2 - order[2 - axis] for axis in range(3)])
    array = array[tuple(slice(None, None, signs[2 - axis]) for axis in range(3))]
    direction = np.zeros((3, 3))
    for column in range(3):
        direction[order[column], column] = signs[column]
    return array, tuple(direction.ravel())


def rotation(angles):
    a, b, c = angles
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


@pytest.mark.parametrize(("order", "signs"), ALL_48)
def test_all_48_ways_of_storing_a_patient_look_the_same(order, signs):
    patient = np.arange(3 * 4 * 5).reshape(3, 4, 5)  # L grows along x, P along y, S along z
    array, direction = stored(patient, order, signs)
    views = plane_views(Geometry(array.shape, direction=direction))
    seen = {"axial": patient[1], "coronal": patient[::-1, 2], "sagittal": patient[::-1, :, 3]}
    at = {"axial": 1, "coronal": 2, "sagittal": 3}
    for plane, view in views.items():
        count = array.shape[view.depth]
        forward = direction[[2, 0, 1][PLANES.index(plane)] * 3 + 2 - view.depth] > 0
        index = at[plane] if forward else count - 1 - at[plane]
        assert np.array_equal(view.picture(array, index), seen[plane]), plane
        assert view.left + view.right + view.top + view.bottom == EDGES[plane]
        assert view.tilt_deg == 0


@given(
    st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    st.sampled_from(ALL_48),
    st.tuples(*[st.floats(0.2, 6.0)] * 3),
    st.tuples(*[st.floats(-300, 300)] * 3),
)
def test_a_step_on_the_screen_goes_where_the_letter_at_the_edge_says(angles, stored_as, spacing, origin):
    order, signs = stored_as
    _, direction = stored(np.zeros((2, 2, 2)), order, signs)
    tilted = rotation(angles) @ np.reshape(direction, (3, 3))
    geometry = Geometry((9, 10, 11), spacing, origin, tuple(tilted.ravel()))
    for view in plane_views(geometry).values():
        assert sorted(view.order) == [0, 1, 2]
        for axis, flip, low, high in (
            (view.horizontal, view.flip_horizontal, view.left, view.right),
            (view.vertical, view.flip_vertical, view.top, view.bottom),
        ):
            step = np.zeros(3)
            step[axis] = -1 if flip else 1
            moved = geometry.to_world(step) - geometry.to_world((0, 0, 0))
            assert np.dot(moved, STEP[high]) > 0 and np.dot(moved, STEP[low]) < 0


@given(st.tuples(*[st.floats(-np.pi, np.pi)] * 3))
def test_any_rotation_gives_three_different_planes_and_says_how_oblique_it_is(angles):
    geometry = Geometry((4, 5, 6), direction=tuple(rotation(angles).ravel()))
    views = plane_views(geometry)
    assert {view.depth for view in views.values()} == {0, 1, 2}
    assert 0 <= views["axial"].tilt_deg <= 90


def test_a_tilt_of_twenty_degrees_is_said_in_the_caption_and_none_is_not():
    tilted = Geometry((30, 4, 4), direction=tuple(rotation((np.radians(20), 0, 0)).ravel()))
    assert plane_views(tilted)["axial"].caption(6, 30) == "axial 7 / 30, oblique 20°"
    assert plane_views(Geometry((30, 4, 4)))["axial"].caption(6, 30) == "axial 7 / 30"


def test_the_stored_plane_is_the_one_that_z_counts():
    sagittal = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # x runs to P, y to I, z to L
    assert stored_plane(Geometry((3, 4, 5), direction=sagittal)) == "sagittal"
    assert stored_plane(Geometry((3, 4, 5))) == "axial"


def test_letters_are_for_volumes_of_patients_only():
    assert oriented("CT", calibrated=True) and oriented("", calibrated=True)
    assert not oriented("US", calibrated=True) and not oriented("photo", calibrated=False)
