"""Tools against phantoms with known answers, on an anisotropic grid, in 2D and 3D, never over locked labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherseg_engines.annotation.tools.algebra import combine, merge, split
from featherseg_engines.annotation.tools.growing import (
    IntensityRange,
    allowed,
    grow_similar,
    grow_statistical,
    keep_to_range,
)
from featherseg_engines.annotation.tools.interpolation import copy_slice, interpolate
from featherseg_engines.annotation.tools.islands import keep_island, keep_largest, remove_island, remove_small
from featherseg_engines.annotation.tools.morphology import fill_holes, margin, smooth
from featherseg_engines.annotation.tools.scene import Plane, Scene
from featherseg_engines.errors import ToolError
from featherseg_engines.geometry import Geometry
from featherseg_engines.labels import Box, LabelMap

SPACING = (3.0, 0.5, 1.0)


def scene_of(array: np.ndarray, active: int = 1, spacing=SPACING, **choices) -> Scene:
    return Scene(LabelMap(array), Geometry(array.shape, spacing), active, **choices)


def after(scene: Scene, edit) -> np.ndarray:
    """The labels after an edit; the scene's own are checked to be untouched by the tool and by undo."""
    before = scene.labels.array.copy()
    scene.labels.apply(edit)
    result = scene.labels.array.copy()
    scene.labels.revert(edit)
    assert np.array_equal(scene.labels.array, before)
    return result


def distances(shape, spacing, at) -> np.ndarray:
    """Distance in mm of every voxel centre from the centre of ``at``."""
    grid = np.indices(shape).transpose(1, 2, 3, 0)
    return np.sqrt((((grid - np.asarray(at)) * np.asarray(spacing)) ** 2).sum(axis=3))


@pytest.fixture
def three_islands() -> np.ndarray:
    """A block of 48 voxels, one of 12, a single voxel; label 2 beside."""
    array = np.zeros((5, 12, 14), np.uint8)
    array[1:4, 1:5, 1:5] = 1
    array[1:2, 7:10, 1:5] = 1
    array[4, 11, 13] = 1
    array[0:2, 1:4, 8:12] = 2
    return array


def test_the_island_under_the_cursor_is_kept_or_removed(three_islands):
    scene = scene_of(three_islands)
    kept = after(scene, keep_island(scene, (1, 8, 2)))
    assert (kept == 1).sum() == 12 and (kept[1, 7:10, 1:5] == 1).all()
    removed = after(scene, remove_island(scene, (1, 8, 2)))
    assert (removed == 1).sum() == 49 and not removed[1, 7:10, 1:5].any()
    assert (kept == 2).sum() == (removed == 2).sum() == 24
    with pytest.raises(ToolError, match="not under the cursor"):
        keep_island(scene, (0, 2, 9))


def test_voxels_that_share_a_corner_are_one_island():
    array = np.zeros((3, 5, 5), np.uint8)
    array[0, 0, 0] = array[1, 1, 1] = array[2, 2, 2] = 1
    scene = scene_of(array)
    assert np.array_equal(after(scene, keep_island(scene, (0, 0, 0))), array)


def test_the_largest_island_and_small_ones_in_ml_and_on_a_slice_in_square_mm(three_islands):
    scene = scene_of(three_islands)
    assert (after(scene, keep_largest(scene)) == 1).sum() == 48
    voxel_ml = 3.0 * 0.5 * 1.0 / 1000
    assert (after(scene, remove_small(scene, 12 * voxel_ml)) == 1).sum() == 60
    assert (after(scene, remove_small(scene, 12.1 * voxel_ml)) == 1).sum() == 48
    flat = scene_of(three_islands, plane=Plane(0, 1))
    kept = after(flat, remove_small(flat, 12.5 * 0.5))
    assert (kept[1] == 1).sum() == 16 and np.array_equal(kept[2:], three_islands[2:])
    assert (after(flat, keep_largest(flat)) == 1).sum() == 49


def test_holes_are_filled_in_3d_only_where_closed_on_all_sides_and_in_2d_on_the_slice():
    array = np.zeros((7, 9, 9), np.uint8)
    array[1:6, 1:8, 1:8] = 1
    array[2:5, 3:6, 3:6] = 0
    array[3, 4, 4] = 2
    closed = scene_of(array)
    filled = after(closed, fill_holes(closed))
    assert filled[3, 4, 4] == 2 and (filled[1:6, 1:8, 1:8] == 1).sum() == 5 * 7 * 7 - 1
    array[1, 4, 4] = 0
    array[5, 4, 4] = 0  # a tunnel to the hole
    opened = scene_of(array)
    array_before = array.copy()
    open_filled = after(opened, fill_holes(opened))
    assert open_filled[2, 3, 3] == 0 and np.array_equal(open_filled, _only_filled_in_3d(array_before))
    flat = scene_of(array, plane=Plane(0, 2))
    on_slice = after(flat, fill_holes(flat))
    assert (on_slice[2, 3:6, 3:6] == 1).all() and np.array_equal(on_slice[3], array[3])


def _only_filled_in_3d(array: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_fill_holes

    result = array.copy()
    result[(array == 0) & binary_fill_holes(array == 1)] = 1
    return result


@pytest.mark.parametrize("by", [0.4, 1.0, 2.9, 3.0, 3.2, 6.5])
def test_a_margin_around_a_voxel_is_the_ball_of_that_radius_in_mm(by):
    array = np.zeros((7, 31, 21), np.uint8)
    array[3, 15, 10] = 1
    scene = scene_of(array)
    grown = after(scene, margin(scene, by))
    assert np.array_equal(grown == 1, distances(array.shape, SPACING, (3, 15, 10)) <= by)


def test_shrinking_takes_what_is_near_the_outside_and_not_what_the_image_cuts_off():
    array = np.zeros((9, 30, 20), np.uint8)
    array[3:, 5:25, 4:16] = 1
    scene = scene_of(array)
    shrunk = after(scene, margin(scene, -2.0)) == 1
    expected = np.zeros(array.shape, bool)
    expected[3:, 9:21, 6:14] = True  # 4 voxels of 0.5 mm, 2 of 1 mm; the next slice is 3 mm away
    assert np.array_equal(shrunk, expected)
    assert np.array_equal(after(scene, margin(scene, -3.0))[4:, 11:19, 7:13], array[4:, 11:19, 7:13])
    assert not after(scene, margin(scene, -3.0))[3].any()


def test_a_margin_on_a_slice_stays_on_it_also_across_other_axes():
    array = np.zeros((7, 31, 21), np.uint8)
    array[3, 15, 10] = 1
    scene = scene_of(array, plane=Plane(1, 15))
    grown = after(scene, margin(scene, 3.0)) == 1
    expected = distances(array.shape, SPACING, (3, 15, 10)) <= 3.0
    expected[:, :15] = expected[:, 16:] = False
    assert np.array_equal(grown, expected)


def test_smoothing_keeps_a_large_ball_and_removes_spikes_and_holes_of_a_voxel():
    array = (distances((15, 61, 31), SPACING, (7, 30, 15)) <= 11).astype(np.uint8)
    ball = array.copy()
    array[7, 30, 27:30] = 1
    array[7, 30, 15] = 0
    scene = scene_of(array)
    result = after(scene, smooth(scene, 1.5))
    assert result[7, 30, 15] == 1 and not result[7, 30, 28:].any()
    assert 2 * (result & ball).sum() / (result.sum() + ball.sum()) > 0.97


def test_growing_stops_at_the_tolerance_at_other_labels_and_at_the_given_distance():
    voxels = np.full((5, 20, 30), 100, np.int16)
    voxels[:, :, 15] = 300  # a wall
    voxels[2, 10, 15] = 108  # with a door
    array = np.zeros(voxels.shape, np.uint8)
    array[:, :10, 5] = 2
    array[:, 10:, 5] = 2
    scene = scene_of(array)
    tight = after(scene, grow_similar(scene, voxels, (2, 10, 10), 5))
    assert (tight == 1).sum() == 5 * 20 * 9 and not tight[:, :, :5].any() and (tight[:, :, 5] == 2).all()
    wide = after(scene, grow_similar(scene, voxels, (2, 10, 10), 8))
    assert (wide == 1).sum() == 5 * 20 * 23 + 1
    flat = scene_of(array, plane=Plane(0, 3))
    assert (after(flat, grow_similar(flat, voxels, (3, 10, 10), 8)) == 1).sum() == 20 * 9
    near = after(scene, grow_similar(scene, voxels, (2, 10, 10), 5, within_mm=0.9)) == 1
    assert near.any() and not near[:, :, 13:].any() and not near[:, :7].any()
    with pytest.raises(ToolError, match="another label"):
        grow_similar(scene, voxels, (2, 10, 5), 5)


def test_growing_by_statistics_finds_the_noisy_ball_in_grey_and_in_colour():
    rng = np.random.default_rng(1)
    ball = distances((11, 41, 31), SPACING, (5, 20, 15)) <= 9
    grey = np.where(ball, 200, 100) + rng.normal(0, 8, ball.shape)
    scene = scene_of(np.zeros(ball.shape, np.uint8))
    found = after(scene, grow_statistical(scene, grey, (5, 20, 15))) == 1
    assert 2 * (found & ball).sum() / (found.sum() + ball.sum()) > 0.95
    colour = np.stack([grey, 300 - grey, np.full(ball.shape, 50.0)], axis=3) + rng.normal(
        0, 4, (*ball.shape, 3)
    )
    flat = scene_of(np.zeros(ball.shape, np.uint8), plane=Plane(0, 5))
    found = after(flat, grow_statistical(flat, colour, (5, 20, 15), 3.0))[5] == 1
    assert 2 * (found & ball[5]).sum() / (found.sum() + ball[5].sum()) > 0.9


def test_a_stroke_is_cut_to_an_intensity_range_and_spares_locked_labels():
    voxels = np.tile(np.arange(30), (2, 10, 1))
    array = np.zeros((2, 10, 30), np.uint8)
    array[0, 5, 12] = 3
    labels = LabelMap(array)
    box = Box((0, 0, 0), (1, 10, 30))
    stroke = labels.propose_edit("Brush", "hand", box, np.ones((1, 10, 30), np.uint8))
    cut = keep_to_range(stroke, voxels, IntensityRange(10, 14), frozenset({3}))
    labels.apply(cut)
    assert (array[0, :, 10:15] == 1).sum() == 49 and array[0, 5, 12] == 3 and (array > 0).sum() == 50
    assert cut.name == "Brush" and "10 to 14" in cut.detail
    colour = np.stack([np.zeros((1, 2, 2)), np.full((1, 2, 2), 9), np.full((1, 2, 2), 3)], axis=3)
    assert allowed(colour, IntensityRange(4, 4)).all()


def test_a_ball_is_interpolated_from_every_fourth_slice():
    ball = distances((25, 50, 50), (1.0, 1.0, 1.0), (12, 25, 25)) <= 11
    array = np.zeros(ball.shape, np.uint8)
    array[1::4] = ball[1::4]
    array[11, 25, 25] = 2
    scene = scene_of(array, spacing=(1.0, 1.0, 1.0))
    result = after(scene, interpolate(scene))
    found = result == 1
    first, last = np.flatnonzero(ball[1::4].any(axis=(1, 2)))[[0, -1]] * 4 + 1
    assert result[11, 25, 25] == 2 and np.array_equal(found[1::4], ball[1::4])
    inner = ball[first : last + 1]
    assert 2 * (found[first : last + 1] & inner).sum() / (found.sum() + inner.sum()) > 0.96
    assert not found[:first].any() and not found[last + 1 :].any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_outlines_that_do_not_overlap_wander_from_one_to_the_other_along_any_axis(axis):
    stack = np.zeros((9, 40, 40), np.uint8)
    stack[0, 4:12, 4:12] = 1
    stack[8, 28:36, 20:28] = 1
    array = np.ascontiguousarray(np.moveaxis(stack, 0, axis))
    scene = scene_of(array, spacing=(1.0, 1.0, 1.0))
    found = np.moveaxis(after(scene, interpolate(scene, axis)), axis, 0)
    assert (found[4, 16:24, 12:20] == 1).all() and found[4].sum() == 64
    assert [int(plane.sum()) for plane in found] == [64] * 9


def test_interpolation_needs_a_gap_and_never_paints_over_others_even_if_allowed():
    array = np.zeros((5, 10, 10), np.uint8)
    array[0, 2:8, 2:8] = array[4, 2:8, 2:8] = 1
    array[2, :, :5] = 2
    scene = scene_of(array, over_others=True)
    result = after(scene, interpolate(scene))
    assert (
        (result[2, :, :5] == 2).all()
        and (result[2, 2:8, 5:8] == 1).all()
        and (result[1, 2:8, 2:8] == 1).all()
    )
    array[1:4, 2:8, 2:8] = 1
    with pytest.raises(ToolError, match="no gap"):
        interpolate(scene)
    with pytest.raises(ToolError, match="nothing of label 9"):
        interpolate(scene_of(array, active=9))


def test_a_slice_is_copied_to_the_next_beside_what_is_there():
    array = np.zeros((4, 8, 8), np.uint8)
    array[1, 2:5, 2:5] = 1
    array[2, 3, 3] = 2
    array[2, 7, 7] = 1
    scene = scene_of(array, plane=Plane(0, 1))
    result = after(scene, copy_slice(scene))
    assert result[2, 3, 3] == 2 and result[2, 7, 7] == 1 and (result[2, 2:5, 2:5] == 1).sum() == 8
    back = after(scene, copy_slice(scene, -1))
    assert np.array_equal(back[0], np.where(array[1] == 1, 1, 0))
    with pytest.raises(ToolError, match="no slice that way"):
        copy_slice(scene_of(array, plane=Plane(0, 2)), 2)


def test_two_balls_that_touch_are_split_at_the_waist_and_merged_again():
    left = distances((13, 70, 40), SPACING, (6, 20, 20)) <= 8
    right = distances((13, 70, 40), SPACING, (6, 48, 20)) <= 8
    array = (left | right).astype(np.uint8)
    scene = scene_of(array)
    result = after(scene, split(scene, (6, 48, 20), 2))
    assert ((result == 2) & right).sum() > 0.97 * right.sum() and (
        (result == 1) & left
    ).sum() > 0.97 * left.sum()
    assert np.array_equal(result > 0, array > 0)
    parted = scene_of(result)
    assert np.array_equal(after(parted, merge(parted, 2)), array)
    flat = scene_of(array, plane=Plane(0, 6))
    halves = after(flat, split(flat, (6, 48, 20), 2))
    assert set(np.unique(halves[6])) == {0, 1, 2} and np.array_equal(halves[5], array[5])
    alone = scene_of(left.astype(np.uint8))
    with pytest.raises(ToolError, match="no waist"):
        split(alone, (6, 20, 20), 2)


def test_labels_are_combined_as_sets():
    array = np.zeros((2, 4, 6), np.uint8)
    array[:, :, :3] = 1
    array[1, 0, 5] = 2
    other = np.zeros(array.shape, bool)
    other[1, :, 2:] = True
    scene = scene_of(array)
    counts = {
        op: (after(scene, combine(scene, other, op)) == 1).sum()
        for op in ("union", "intersection", "difference")
    }
    assert counts == {"union": 24 + 11, "intersection": 4, "difference": 20}
    assert (after(scene, combine(scene, other, "either")) == 1).sum() == 20 + 11
    assert after(scene, combine(scene, other, "union"))[1, 0, 5] == 2
    flat = scene_of(array, plane=Plane(0, 0))
    assert (after(flat, combine(flat, other, "intersection")) == 1).sum() == 12


def test_a_locked_active_label_is_refused_in_words():
    with pytest.raises(ToolError, match="Label 1 is locked"):
        scene_of(np.ones((2, 2, 2), np.uint8), locked=frozenset({1}))
    scene = scene_of(np.array([[[1, 2]]], np.uint8), locked=frozenset({2}))
    with pytest.raises(ToolError, match="Label 2 is locked"):
        merge(scene, 2)


TOOLS = {
    "grow": lambda s, at: margin(s, 2.0),
    "shrink": lambda s, at: margin(s, -1.0),
    "smooth": lambda s, at: smooth(s, 1.0),
    "fill": lambda s, at: fill_holes(s),
    "largest": lambda s, at: keep_largest(s),
    "small": lambda s, at: remove_small(s, 0.01),
    "keep": lambda s, at: keep_island(s, at),
    "remove": lambda s, at: remove_island(s, at),
    "interpolate": lambda s, at: interpolate(s),
    "copy": lambda s, at: copy_slice(s),
    "split": lambda s, at: split(s, at, 4, 0.2),
    "similar": lambda s, at: grow_similar(s, s.labels.array.astype(np.float32), at, 1.5),
    "statistical": lambda s, at: grow_statistical(s, s.labels.array.astype(np.float32), at),
    "union": lambda s, at: combine(s, np.ones(s.geometry.shape, bool), "union"),
}


@pytest.mark.parametrize("name", TOOLS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_tool_changes_a_locked_label_another_slice_or_a_label_it_must_not(name, data):
    shape = tuple(data.draw(st.integers(2, 7)) for _ in range(3))
    array = np.random.default_rng(data.draw(st.integers(0, 999))).integers(0, 4, shape).astype(np.uint8)
    axis = data.draw(st.sampled_from([None, 0, 1, 2]))
    plane = None if axis is None else Plane(axis, data.draw(st.integers(0, shape[axis] - 1)))
    if name == "copy" and plane is None:
        plane = Plane(0, 0)
    over = data.draw(st.booleans())
    scene = scene_of(array, plane=plane, locked=frozenset({3}), over_others=over)
    places = np.argwhere(scene.mask(scene.region)) + scene.region.start
    at = tuple(int(i) for i in places[0]) if len(places) else scene.region.start
    try:
        edit = TOOLS[name](scene, at)
    except ToolError:
        return
    result = after(scene, edit)
    changed = result != array
    assert not changed[array == 3].any()
    if name not in ("copy", "interpolate") and plane is not None:
        assert not np.delete(changed, plane.index, axis=plane.axis).any()
    if not over or name == "interpolate":
        assert not changed[array == 2].any()
    assert set(np.unique(result[changed])) <= {0, 1, 4}
    assert edit.source == "tool" and edit.name
