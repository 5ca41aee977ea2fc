"""How a volume is looked at, without a screen: cross, planes, window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherseg.session.case import new_case
from featherseg.session.session import Session
from featherseg.session.viewing import Viewing
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume, Window

SHAPE = (4, 10, 12)


def volume(shape=SHAPE, channels=()):
    voxels = np.arange(np.prod((*shape, *channels))).reshape(*shape, *channels)
    return Volume(voxels.astype(np.int16), Geometry(shape), "MR")


@given(st.tuples(*[st.integers(-50, 50)] * 3))
def test_the_cross_never_leaves_the_volume(index):
    viewing = Viewing()
    viewing.open(volume())
    viewing.go_to(index)
    assert all(0 <= i < n for i, n in zip(viewing.position, SHAPE, strict=True))


def test_the_slice_and_the_cross_are_one(pump):
    session = Session(pump.post)
    session.use(new_case(volume()))
    slices = []
    session.slice_changed.connect(slices.append)
    session.go_to((3, 2, 1))
    session.go_to((3, 5, 5))
    session.go_to_slice(1)
    assert slices == [3, 1] and session.viewing.position == (1, 5, 5)
    session.close()


def test_only_a_volume_has_planes_and_the_wish_for_them_outlives_a_photograph():
    viewing, seen = Viewing(), []
    viewing.layout_changed.connect(seen.append)
    viewing.open(volume())
    viewing.show_planes(True)
    viewing.open(volume((1, 10, 12)))
    assert not viewing.planes
    viewing.open(volume())
    assert viewing.planes and seen == [True, False, True]


@given(st.lists(st.tuples(st.floats(-2000, 2000), st.floats(-500, 500)), max_size=8))
def test_no_drag_makes_a_window_without_width(drags):
    viewing = Viewing()
    viewing.open(volume())
    for across, down in drags:
        viewing.drag_window(across, down)
    assert viewing.window.width >= 1


def test_dragging_right_widens_and_dragging_down_raises_the_centre():
    viewing = Viewing()
    viewing.open(volume())
    before = viewing.window
    viewing.drag_window(150, 0)
    assert viewing.window.width == pytest.approx(2 * before.width)
    viewing.drag_window(0, 10)
    assert viewing.window.centre > before.centre


def test_a_colour_image_has_no_window_to_drag():
    viewing = Viewing()
    viewing.open(volume((2, 5, 5), (3,)))
    viewing.drag_window(30, 30)
    viewing.choose_window(Window(1, 2))
    assert viewing.window is None and viewing.presets == ()
