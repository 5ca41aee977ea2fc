"""Tools beyond the brush in the real window: a real key for each, real clicks on the image."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.canvas import canvas_point
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box

SHAPE, SPACING = (11, 60, 50), (3.0, 1.0, 0.8)


@pytest.fixture
def volume(window, tmp_path):
    """A bright block in the dark, open in the window at its middle slice."""
    voxels = np.full(SHAPE, 100, np.int16)
    voxels[3:8, 20:40, 15:35] = 400
    write_mask(tmp_path / "block.nii.gz", voxels, Geometry(SHAPE, SPACING))
    open_in(window, tmp_path / "block.nii.gz")
    settle(0.3)
    return window.session.case.labels.array


def draw(window, where, value=1):
    after = window.session.case.labels.array.copy()
    after[where] = value
    window.session.paint("Brush", Box((0, 0, 0), after.shape), after)


def on(pane, voxel) -> QPoint:
    """Where a voxel is on the pane's canvas."""
    view = pane.canvas.view
    spacing = pane.canvas.case.volume.geometry.spacing_mm
    down, across = (voxel[axis] * spacing[axis] for axis in (view.vertical, view.horizontal))
    return canvas_point(pane.viewer, pane.native, down, across)


def click(hand, pane, voxel):
    where = on(pane, voxel)
    hand.drag(pane.native, where, where)


def names(window):
    return [step.name for step in window.session.case.history.done]


def test_a_key_for_each_tool_on_the_label(window, volume):
    hand, session = Hand(window), window.session
    draw(window, np.s_[5, 20:40, 15:35])
    draw(window, np.s_[5, 25:28, 20:23], 0)
    draw(window, np.s_[5, 50, 45])
    for key, name in (
        ("ctrl+f", "Fill holes"),
        ("ctrl+j", "Largest island"),
        ("ctrl+plus", "Grow"),
        ("ctrl+minus", "Shrink"),
        ("c", "Copy slice"),
        ("ctrl+m", "Smooth"),
        ("Delete", "Clear slice"),
        ("Up", None),
        ("c", None),
    ):
        hand.key(key)
        assert name is None or names(window)[-1] == name, key
    assert session.z == 7 and "nothing of label 1 on this slice" in window.notices.text()
    hand.key("Up")
    draw(window, np.s_[8, 20:40, 15:35])
    hand.key("ctrl+l")
    assert names(window)[-1] == "Interpolate" and volume[6].any() and volume[7].any()
    steps = len(names(window))
    while names(window):
        hand.key("ctrl+z")
    assert steps > 10 and not volume.any()


def test_keys_of_what_the_tools_go_by(window, volume):
    hand, box = Hand(window), window.toolbox
    hand.key("a")
    assert box.in_volume and window.panel.tools.everywhere.isChecked()
    hand.key("a")
    assert window.panel.tools.here.isChecked()
    hand.key("shift+g")
    assert box.sizes.way == "tolerance"
    hand.key("i")
    assert box.range.on and window.session.editing.within is not None
    assert "only" in window.panel.tools.fold.text(), "seen while it is folded away"
    hand.key("i")
    assert not box.range.on and "only" not in window.panel.tools.fold.text()
    for key, tool in (("g", "grow"), ("j", "keep_island"), ("shift+j", "remove_island"), ("x", "split")):
        hand.key(key)
        assert window.session.tool == tool and window.panel.tools.buttons[tool].isChecked()
    hand.key("Escape")
    assert window.session.tool == "browse"


def test_a_click_grows_keeps_and_removes_without_moving_the_image(window, volume):
    hand, pane = Hand(window), window.planes.main
    centre = pane.viewer.scene.camera.center
    hand.key("g")
    click(hand, pane, (5, 30, 25))
    block = np.zeros(SHAPE, bool)
    block[5, 20:40, 15:35] = True
    assert np.array_equal(volume == 1, block)
    draw(window, np.s_[5, 50:55, 40:45])
    hand.key("shift+j")
    click(hand, pane, (5, 30, 25))
    assert int(volume.sum()) == 25
    hand.key("ctrl+z", "j")
    click(hand, pane, (5, 30, 25))
    assert np.array_equal(volume == 1, block)
    hand.drag(pane.native, on(pane, (5, 30, 25)), on(pane, (5, 45, 40)))
    assert pane.viewer.scene.camera.center == centre
    assert names(window) == ["Grow from click", "Brush", "Keep island"]


def test_a_click_in_another_plane_works_on_that_plane(window, volume):
    hand = Hand(window)
    hand.key("o")
    wait(lambda: len(window.planes.panes) == 3)
    settle(0.5)
    pane = next(p for p in window.planes.panes if p.canvas.view.depth == 2)
    window.session.go_to((5, 30, 25))
    settle(0.2)
    hand.key("g")
    click(hand, pane, (5, 30, 25))
    block = np.zeros(SHAPE, bool)
    block[3:8, 20:40, 25] = True
    assert np.array_equal(volume == 1, block)
    hand.key("ctrl+z", "a")
    click(hand, pane, (5, 30, 25))
    assert int(volume.sum()) == 5 * 20 * 20


@pytest.mark.parametrize("depth", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_polygon_is_one_step_on_its_slice(window, volume, depth):
    hand = Hand(window)
    hand.key("o")
    wait(lambda: len(window.planes.panes) == 3)
    settle(0.5)
    pane = next(p for p in window.planes.panes if p.canvas.view.depth == depth)
    window.session.go_to((5, 30, 25))
    settle(0.2)
    draw_polygon(hand, pane, [(2, 15, 10), (2, 45, 10), (8, 45, 40), (8, 15, 40)], depth)
    assert names(window) == ["Polygon"]
    where = np.flatnonzero(volume.any(axis=tuple(a for a in range(3) if a != depth)))
    assert where.tolist() == [(5, 30, 25)[depth]]
    assert volume[5, 30, 25] == 1 and not volume[5, 50, 25]
    hand.key("ctrl+z")
    assert not volume.any()


def draw_polygon(hand, pane, corners, depth):
    """Click the corners and double-click the last."""
    at = (5, 30, 25)
    flat = [tuple(at[a] if a == depth else corner[a] for a in range(3)) for corner in corners]
    hand.key("p")
    for corner in (flat[0], flat[-1]):
        click(hand, pane, corner)
        settle(0.5)
    where = on(pane, flat[0])
    hand.drag(pane.native, where, where, button=3)  # takes the second corner back
    for corner in flat[1:]:
        click(hand, pane, corner)
        settle(0.5)
    where = pane.native.mapToGlobal(on(pane, flat[-1]))
    hand._do("mousemove", str(where.x()), str(where.y()), "click", "--repeat", "2", "--delay", "60", "1")
    settle(0.4)


def test_a_polygon_left_half_drawn_is_gone(window, volume):
    hand, pane = Hand(window), window.planes.main
    hand.key("p")
    for corner in ((5, 5, 5), (5, 5, 45)):
        click(hand, pane, corner)
        settle(0.5)
    hand.key("Escape")
    draw_polygon(hand, pane, [(5, 30, 20), (5, 40, 20), (5, 40, 30)], 0)
    assert volume[5, 38, 22] == 1 and not volume[5, 6, 6:44].any()


def test_a_polygon_on_a_photograph(window):
    open_in(window, SAMPLE)
    settle(0.3)
    hand, pane, labels = Hand(window), window.planes.main, window.session.case.labels.array
    hand.key("p")
    corners = [(0, 50, 50), (0, 50, 150), (0, 120, 150), (0, 120, 50)]
    for corner in corners:
        click(hand, pane, corner)
        settle(0.5)
    where = pane.native.mapToGlobal(on(pane, corners[-1]))
    hand._do("mousemove", str(where.x()), str(where.y()), "click", "--repeat", "2", "--delay", "60", "1")
    settle(0.4)
    assert names(window) == ["Polygon"]
    assert abs(int(labels.sum()) - 71 * 101) < 400


def test_a_picked_label_is_the_active_one(window, volume):
    hand, pane, session = Hand(window), window.planes.main, window.session
    draw(window, np.s_[5, 20:40, 15:35], 3)
    hand.key("k")
    click(hand, pane, (5, 50, 45))
    assert session.active_label == 1, "nothing is there to pick"
    click(hand, pane, (5, 30, 25))
    assert session.active_label == 3 and window.viewer.layers["labels"].selected_label == 3


def test_the_brush_with_a_locked_label_says_so_and_buttons_rest(window, volume):
    hand = Hand(window)
    window.session.labelling.lock(1, True)
    hand.key("b")
    assert "is locked; unlock it" in window.notices.text()
    more = window.panel.tools.more
    assert not more.orders["fill_holes"].isEnabled() and not more.clicked["grow"].isEnabled()
    window.session.labelling.lock(1, False)
    assert window.notices.text() == "" or not window.notices.isVisible()
    assert more.orders["fill_holes"].isEnabled()


def test_the_folded_tools_are_reached_with_the_mouse_and_fit_the_panel(window, volume):
    hand, tools = Hand(window), window.panel.tools
    draw(window, np.s_[5, 20:40, 15:35])
    assert not tools.more.isVisible()
    hand.click(tools.fold)
    wait(lambda: tools.more.isVisible())
    settle(0.2)
    hand.click(tools.more.orders["grow_margin"])
    assert names(window)[-1] == "Grow"
    bar = window.panel.verticalScrollBar()
    assert window.panel.widget().width() + bar.width() <= window.panel.width(), "nothing is cut off"
    for button in tools.more.orders.values():
        assert button.width() >= button.minimumSizeHint().width(), button.text()
    assert tools.more.margin.suffix() == " mm"
    hand.click(tools.more.range.here)
    assert window.toolbox.range.on and tools.more.range.on.isChecked()


def test_a_typed_margin_is_taken_and_keys_reach_the_image_again(window, volume):
    hand, tools = Hand(window), window.panel.tools
    tools.fold.setChecked(True)
    settle(0.2)
    hand.click(tools.more.margin)
    hand.key("ctrl+a")
    hand.type("4.5")
    hand.key("Return")
    assert window.toolbox.sizes.margin_mm == 4.5 and window.session.active_label == 1
    hand.key("b")
    assert window.session.tool == "brush"


def test_a_photograph_has_pixels_and_one_slice(window):
    open_in(window, SAMPLE)
    tools = window.panel.tools
    assert tools.more.margin.suffix() == tools.more.smallest.suffix() == " px"
    assert not tools.everywhere.isEnabled() and tools.here.isChecked()
    assert not tools.more.orders["interpolate"].isEnabled()


def test_no_two_commands_share_a_key(window):
    keys = [a.shortcut().toString() for a in window.actions_by_id.values() if not a.shortcut().isEmpty()]
    assert sorted(keys) == sorted(set(keys))
