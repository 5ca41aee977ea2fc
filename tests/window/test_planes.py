"""Linked axial, sagittal and coronal views of a volume, with real mouse and key events on a real X display."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.canvas import canvas_point
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask

SHAPE, SPACING = (20, 60, 50), (3.0, 1.0, 0.8)
LEFT_HANDED = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)


def phantom(path, direction=LEFT_HANDED):
    """Each voxel holds its own slice, row and column: z * 100 + y; stored with y running to anterior."""
    z, y, _ = np.indices(SHAPE)
    write_mask(path, (z * 100 + y).astype(np.uint16), Geometry(SHAPE, SPACING, (5.0, -3.0, 7.0), direction))
    return path


@pytest.fixture
def planes(window, tmp_path):
    """The window with all three planes of the phantom on screen; panes by plane."""
    open_in(window, phantom(tmp_path / "phantom.nrrd"))
    hand = Hand(window)
    hand.key("o")
    wait(lambda: len(window.planes.panes) == 3)
    settle(0.5)
    return {pane.canvas.view.plane: pane for pane in window.planes.panes}


def on(pane, z, y, x) -> QPoint:
    """Where a voxel is on the pane's canvas."""
    view, at = pane.canvas.view, (z, y, x)
    down, across = (at[axis] * SPACING[axis] for axis in (view.vertical, view.horizontal))
    return canvas_point(pane.viewer, pane.native, down, across)


def click(hand, pane, voxel):
    where = on(pane, *voxel)
    hand.drag(pane.native, where, where)


def test_no_view_is_squashed(planes):
    for pane in planes.values():
        view = pane.canvas.view
        first, last = on(pane, 0, 0, 0), on(pane, *(n - 1 for n in SHAPE))
        tall, wide = ((SHAPE[axis] - 1) * SPACING[axis] for axis in (view.vertical, view.horizontal))
        on_screen = abs(last.y() - first.y()) / abs(last.x() - first.x())
        assert on_screen == pytest.approx(tall / wide, rel=0.03)
        for layer in pane.viewer.layers:
            assert tuple(layer.scale) == SPACING and str(layer.units[0]) in ("mm", "millimeter")


def test_anterior_and_superior_are_up_and_the_letters_say_so(planes):
    letters = {plane: "".join(pane.marks.letters()) for plane, pane in planes.items()}
    assert letters == {"axial": "RLAP", "sagittal": "APSI", "coronal": "RLSI"}
    axial, sagittal = planes["axial"], planes["sagittal"]
    assert on(axial, 10, 59, 25).y() < on(axial, 10, 0, 25).y(), "y runs to anterior, which is up"
    assert on(sagittal, 19, 30, 25).y() < on(sagittal, 0, 30, 25).y()
    assert on(sagittal, 10, 59, 25).x() < on(sagittal, 10, 0, 25).x(), "anterior is on the left"
    assert axial.caption.text() == "axial 11 / 20"


def test_a_click_in_one_plane_moves_the_others(window, planes):
    hand = Hand(window)
    click(hand, planes["axial"], (10, 40, 12))
    assert window.session.viewing.position == (10, 40, 12)
    assert planes["sagittal"].viewer.dims.current_step[2] == 12
    assert planes["coronal"].viewer.dims.current_step[1] == 40
    click(hand, planes["sagittal"], (4, 20, 12))
    assert window.session.viewing.position == (4, 20, 12) and window.session.z == 4
    assert planes["axial"].viewer.dims.current_step[0] == 4
    assert planes["axial"].caption.text() == "axial 5 / 20"
    assert planes["coronal"].slider.value() == 20


def test_the_wheel_scrolls_the_plane_under_the_mouse_and_ctrl_zooms_it(window, planes):
    hand = Hand(window)
    before = window.session.viewing.position
    zoom = planes["coronal"].viewer.scene.camera.zoom
    hand.click(planes["coronal"].native, 4)
    assert window.session.viewing.position[1] == before[1] + 1
    hand.press("ctrl")
    hand.click(planes["coronal"].native, 4)
    hand.release("ctrl")
    assert planes["coronal"].viewer.scene.camera.zoom > zoom * 1.1
    assert window.session.viewing.position[1] == before[1] + 1


def test_painting_in_the_sagittal_plane_changes_those_voxels_and_the_others_see_it(window, planes):
    hand = Hand(window)
    click(hand, planes["axial"], (10, 40, 12))
    hand.key("b")
    window.session.set_brush_size(1)
    sagittal = planes["sagittal"]
    hand.drag(sagittal.native, on(sagittal, 6, 20, 12), on(sagittal, 6, 30, 12))
    labels = window.session.case.labels.array
    changed = np.argwhere(labels)
    assert {tuple(voxel) for voxel in changed} == {(6, y, 12) for y in range(20, 31)}
    assert window.session.case.history.done[-1].box.start == (6, 20, 12)
    hand.key("v")
    click(hand, sagittal, (6, 25, 12))
    shown = planes["axial"].viewer.layers["labels"]
    settle(0.3)
    assert np.array_equal(np.flatnonzero(np.asarray(shown._slice.image.raw)[:, 12]), np.arange(20, 31))
    hand.key("ctrl+z")
    assert not labels.any()
    settle(0.3)
    assert not np.asarray(shown._slice.image.raw).any()


@pytest.mark.parametrize(
    "plane, start, end",
    [
        ("axial", (10, 20, 15), (10, 32, 15)),
        ("sagittal", (6, 20, 25), (6, 32, 25)),
        ("coronal", (4, 30, 12), (12, 30, 12)),
    ],
)
def test_a_stroke_in_any_plane_lands_on_the_voxels_under_the_mouse(window, planes, plane, start, end):
    hand, pane = Hand(window), planes[plane]
    assert all(window.session.viewing.position[i] == start[i] for i in [pane.canvas.view.depth])
    hand.key("b")
    window.session.set_brush_size(1)
    hand.drag(pane.native, on(pane, *start), on(pane, *end))
    labels = window.session.case.labels.array
    line = tuple(slice(a, b + 1) for a, b in zip(start, end, strict=True))
    expected = np.zeros_like(labels)
    expected[line] = 1
    assert np.array_equal(labels, expected)
    (step,) = window.session.case.history.done
    assert step.box.slices == line
    hand.key("e")
    hand.drag(pane.native, on(pane, *start), on(pane, *end))
    assert not labels.any()


def test_right_drag_changes_width_and_centre_and_the_status_line_says_them(window, planes):
    hand = Hand(window)
    viewing = window.session.viewing
    before = viewing.window
    pane = planes["coronal"]
    middle = pane.native.rect().center()
    hand.drag(pane.native, middle, middle + QPoint(60, 0), button=3)
    wider = viewing.window
    assert wider.width == pytest.approx(before.width * 2 ** (60 / 150), rel=0.05)
    assert wider.centre == pytest.approx(before.centre, rel=0.01)
    hand.drag(pane.native, middle, middle + QPoint(0, 50), button=3)
    assert viewing.window.centre > wider.centre
    low, high = (
        viewing.window.centre - viewing.window.width / 2,
        viewing.window.centre + viewing.window.width / 2,
    )
    for each in window.planes.panes:
        assert each.viewer.layers["image"].contrast_limits == pytest.approx([low, high])
    assert window.status.window_text.text().startswith("W ")
    assert viewing.position[0] == 10, "a right-drag moves no slice"


def test_one_plane_comes_back_and_a_photograph_has_no_planes(window, planes):
    hand = Hand(window)
    hand.key("o")
    assert not window.session.viewing.planes
    assert [pane.isVisible() for pane in window.planes.panes] == [True, False, False]
    hand.key("o")
    assert all(pane.isVisible() for pane in window.planes.panes)
    open_in(window, SAMPLE)
    assert [pane.isVisible() for pane in window.planes.panes] == [True, False, False]
    assert window.planes.main.marks.letters() == ("", "", "", "")
    hand.key("o")
    assert not window.session.viewing.planes


def test_the_second_and_third_plane_are_made_when_they_are_asked_for(window, tmp_path):
    open_in(window, phantom(tmp_path / "phantom.nrrd"))
    assert len(window.planes.panes) == 1


def test_the_status_line_says_voxel_and_value_under_the_mouse(window, planes):
    hand = Hand(window)
    hand.key("b")
    click(hand, planes["coronal"], (7, 30, 20))
    assert window.status.cursor_text.text() == "(20, 30, 8) = 730"


def test_another_label_is_chosen_once_with_three_planes_on_screen(window, tmp_path):
    open_in(window, phantom(tmp_path / "phantom.nrrd"))
    window.session.viewing.show_planes(True)
    settle()
    heard = []
    window.session.label_changed.connect(heard.append)
    for value in (2, 1, 3):
        window.session.choose_label(value)
    assert heard == [2, 1, 3]
    assert {pane.viewer.layers["labels"].selected_label for pane in window.planes.panes} == {3}
