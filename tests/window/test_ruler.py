"""The ruler with a real mouse, in each plane."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.canvas import canvas_point
from support.hand import Hand, settle, wait

from featherseg.session.case import new_case
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume

SHAPE, SPACING = (20, 60, 50), (3.0, 1.0, 0.8)


@pytest.fixture
def planes(window):
    window.session.use(new_case(Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, SPACING), "MR")))
    window.session.viewing.show_planes(True)
    wait(lambda: len(window.planes.panes) == 3)
    settle(0.5)
    return {pane.canvas.view.plane: pane for pane in window.planes.panes}


def on(pane, *at) -> QPoint:
    view = pane.canvas.view
    down, across = (at[axis] * SPACING[axis] for axis in (view.vertical, view.horizontal))
    return canvas_point(pane.viewer, pane.native, down, across)


@pytest.mark.parametrize("plane", ["axial", "sagittal", "coronal"])
def test_a_drag_lays_a_ruler_of_the_right_length_and_paints_nothing(window, planes, plane):
    pane, hand = planes[plane], Hand(window)
    position = window.session.viewing.position
    ends = {
        "axial": ((10, 20, 10), (10, 40, 40)),
        "sagittal": ((4, 10, 25), (14, 50, 25)),
        "coronal": ((4, 30, 10), (14, 30, 40)),
    }[plane]
    hand.key("b", "m")
    hand.drag(pane.native, on(pane, *ends[0]), on(pane, *ends[1]))
    (ruler,) = pane.rulers.shown()
    length = np.linalg.norm((np.array(ends[1]) - ends[0]) * SPACING)
    zoom = pane.viewer.scene.camera.zoom
    assert ruler.length(window.session.case.volume.geometry) == pytest.approx(length, abs=2 / zoom)
    assert window.session.viewing.position == position, "no click placed the cross"
    assert not window.session.case.labels.array.any() and not window.session.case.history.done
    centre = pane.viewer.scene.camera.center
    hand.key("b")
    assert pane.viewer.scene.camera.center == centre, "nothing was panned"


def test_it_is_there_again_when_its_slice_is_and_goes_when_it_is_told_to(window, planes):
    pane, hand = planes["axial"], Hand(window)
    hand.key("m")
    hand.drag(pane.native, on(pane, 10, 20, 10), on(pane, 10, 40, 40))
    assert len(pane.rulers.shown()) == 1
    hand.key("Up")
    assert pane.rulers.shown() == []
    hand.key("Down")
    assert len(pane.rulers.shown()) == 1
    hand.key("Escape")
    assert window.session.tool == "browse" and len(pane.rulers.shown()) == 1
    hand.key("shift+m")
    assert pane.rulers.shown() == []


def test_the_ends_stay_on_their_voxels_when_the_view_is_zoomed(window, planes):
    pane, hand = planes["axial"], Hand(window)
    hand.key("m")
    hand.drag(pane.native, on(pane, 10, 20, 10), on(pane, 10, 40, 40))
    (before,) = pane.rulers.shown()
    pane.viewer.scene.camera.zoom *= 2
    (after,) = pane.rulers.shown()
    assert after == before
    there = pane.rulers._on_screen(after.start)
    assert (there - on(pane, 10, 20, 10).toPointF()).manhattanLength() < 5


def test_escape_while_dragging_lays_nothing_and_a_click_is_no_ruler(window, planes):
    pane, hand = planes["axial"], Hand(window)
    hand.key("m")
    there = on(pane, 10, 20, 10)
    hand.drag(pane.native, there, there)
    assert len(window.planes.rulers) == 0
    start, end = (pane.native.mapToGlobal(on(pane, 10, y, 10)) for y in (20, 40))
    hand._do("mousemove", str(start.x()), str(start.y()), "mousedown", "1")
    settle()
    hand._do("mousemove", str(end.x()), str(end.y()))
    settle()
    assert len(pane.rulers.shown()) == 1, "the length is on screen while dragging"
    hand.key("Escape")
    hand._do("mouseup", "1")
    settle()
    assert len(window.planes.rulers) == 0 and pane.rulers.shown() == []
