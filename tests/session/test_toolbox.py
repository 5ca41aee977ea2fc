"""Every tool through the toolbox: known answers in 2D and 3D, locks, undo, and labels that change meanwhile."""

from dataclasses import replace

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.session import Session
from featherseg.session.tool import Click
from featherseg.session.tool_commands import tool_commands
from featherseg.session.tool_runner import ToolRunner
from featherseg.session.toolbox import Toolbox
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box

SPACING = (3.0, 0.5, 1.0)
SHAPE = (9, 40, 30)


@pytest.fixture
def toolbox(session):
    return Toolbox(session)


@pytest.fixture
def phantom(session):
    """A bright ball-like block in a CT-like volume, anisotropic; no label yet."""
    voxels = np.zeros(SHAPE, np.int16)
    voxels[2:7, 10:30, 8:20] = 300
    voxels += np.random.default_rng(3).integers(-9, 10, SHAPE, np.int16)
    session.use(new_case(Volume(voxels, Geometry(SHAPE, SPACING), "CT")))
    session.go_to_slice(4)
    return session.case.labels.array


@pytest.fixture
def photograph(session):
    """A red disc on skin, without physical size."""
    y, x = np.indices((80, 100))
    disc = (y - 40) ** 2 + (x - 50) ** 2 <= 20**2
    pixels = np.where(disc[..., None], (150, 40, 40), (220, 180, 160)).astype(np.uint8)
    session.use(new_case(Volume(pixels[None], Geometry((1, 80, 100), calibrated=False), "photo")))
    session.disc = disc
    return session.case.labels.array


def draw(session, where, value=1):
    """Give the session's labels a value at an index expression, as one step by hand."""
    after = session.case.labels.array.copy()
    after[where] = value
    session.paint("Brush", Box((0, 0, 0), after.shape), after)


def last_words(session) -> str:
    return session.notices[-1].text if session.notices and session.notices[-1] else ""


def act(session, order) -> np.ndarray:
    """The labels after an order; undone and redone on the way, bit for bit."""
    array = session.case.labels.array
    before, steps = array.copy(), len(session.case.history.done)
    order()
    result = array.copy()
    assert len(session.case.history.done) == steps + 1, "one step, whatever the tool"
    session.undo()
    assert np.array_equal(array, before)
    session.redo()
    assert np.array_equal(array, result)
    return result


def click_with(session, toolbox, tool, at, **how):
    session.choose_tool(tool)
    session.viewing.clicked.emit(Click(at, **how))


def test_holes_are_filled_on_the_slice_or_in_the_volume(session, toolbox, phantom):
    draw(session, np.s_[2:7, 10:30, 8:20])
    draw(session, np.s_[4, 15:20, 12:15], 0)
    draw(session, np.s_[3:6, 25:27, 12:15], 0)
    on_slice = act(session, toolbox.fill_holes)
    assert (on_slice[4, 10:30, 8:20] == 1).all() and (on_slice[3, 25:27, 12:15] == 0).all()
    toolbox.work_in_volume(True)
    assert (act(session, toolbox.fill_holes)[2:7, 10:30, 8:20] == 1).all()


def test_the_margin_is_millimetres_on_an_anisotropic_grid(session, toolbox, phantom):
    draw(session, np.s_[4, 20, 15])
    toolbox.set_sizes(replace(toolbox.sizes, margin_mm=3.0, in_volume=True))
    grown = act(session, toolbox.grow_margin)
    z, y, x = (np.flatnonzero(grown.any(axis=a)) for a in ((1, 2), (0, 2), (0, 1)))
    assert (z.min(), z.max()) == (3, 5)
    assert (y.min(), y.max()) == (14, 26)
    assert (x.min(), x.max()) == (12, 18)
    shrunk = act(session, toolbox.shrink_margin)
    assert np.argwhere(shrunk).tolist() == [[4, 20, 15]]


def test_a_photograph_has_one_slice_and_margins_in_pixels(session, toolbox, photograph):
    draw(session, np.s_[0, 40, 50])
    toolbox.work_in_volume(True)
    assert not toolbox.in_volume and not toolbox.calibrated
    grown = act(session, toolbox.grow_margin)
    assert int(grown.sum()) == 13, "a disc of radius 2 px"


def test_smoothing_takes_a_spur_off(session, toolbox, photograph):
    draw(session, np.s_[0, 20:60, 20:60])
    draw(session, np.s_[0, 40, 60:70])
    toolbox.set_sizes(replace(toolbox.sizes, smooth_mm=2.0))
    smoothed = act(session, toolbox.smooth)
    assert not smoothed[0, 40, 63:].any() and (smoothed[0, 25:55, 25:55] == 1).all()


def test_largest_and_small_islands(session, toolbox, phantom):
    draw(session, np.s_[3:6, 10:20, 8:12])
    draw(session, np.s_[4, 30, 20:24])
    draw(session, np.s_[4, 35, 5])
    toolbox.set_sizes(replace(toolbox.sizes, smallest_area=1.5))
    kept = act(session, toolbox.remove_small)  # 4 voxels are 2 mm², one is 0.5 mm²
    assert not kept[4, 35, 5] and kept[4, 30, 20:24].all()
    toolbox.set_sizes(replace(toolbox.sizes, in_volume=True, smallest_ml=0.007))
    assert not act(session, toolbox.remove_small)[4, 30].any()
    session.undo()
    assert act(session, toolbox.keep_largest).sum() == 3 * 10 * 4


def test_slices_between_annotated_ones_are_filled_but_not_other_labels(session, toolbox, phantom):
    draw(session, np.s_[2, 10:30, 8:20])
    draw(session, np.s_[6, 14:26, 10:18])
    draw(session, np.s_[4, 18:22, 12:14], 2)
    between = act(session, toolbox.interpolate)
    assert (between[4, 18:22, 12:14] == 2).all()
    assert (between[4, 14:26, 10:12] == 1).all()
    assert np.count_nonzero(between[3]) > np.count_nonzero(between[5] == 1) > 12 * 8


def test_a_slice_is_copied_to_the_next_and_the_next_is_shown(session, toolbox, phantom):
    draw(session, np.s_[4, 10:20, 8:12])
    copied = act(session, toolbox.copy_to_next)
    assert session.z == 5 and np.array_equal(copied[5], copied[4])
    session.go_to_slice(4)
    act(session, toolbox.copy_to_previous)
    assert session.z == 3
    session.go_to_slice(8)
    draw(session, np.s_[8, 0, 0])
    toolbox.copy_to_next()
    assert "no slice that way" in last_words(session) and session.z == 8


def test_clearing_takes_the_active_label_off_this_slice_alone(session, toolbox, phantom):
    draw(session, np.s_[2:7, 10:20, 8:12])
    draw(session, np.s_[4, 30:32, 8:12], 2)
    toolbox.work_in_volume(True)
    cleared = act(session, toolbox.clear_slice)
    assert not (cleared[4] == 1).any() and (cleared[4] == 2).any() and (cleared[3] == 1).any()


def test_merging_gives_the_other_label_to_the_active_one(session, toolbox, phantom):
    draw(session, np.s_[4, 10:20, 8:12])
    draw(session, np.s_[3:6, 10:20, 12:14], 2)
    session.labelling.ensure((2,))
    assert toolbox.partner == 2
    merged = act(session, toolbox.merge_partner)
    assert (merged[4, 10:20, 12:14] == 1).all() and (merged[3, 10:20, 12:14] == 2).all()
    toolbox.work_in_volume(True)
    assert not (act(session, toolbox.merge_partner) == 2).any()


@pytest.mark.parametrize(("operation", "left"), [("union", 60), ("intersection", 20), ("difference", 20)])
def test_a_label_is_combined_with_a_copy_of_another_which_stays(session, toolbox, phantom, operation, left):
    session.choose_label(2)
    draw(session, np.s_[4, 10:20, 8:12], 2)
    toolbox.copy_label()
    session.choose_label(1)
    draw(session, np.s_[4, 10:20, 8:12], 0)
    draw(session, np.s_[4, 15:25, 8:12], 1)
    result = act(session, lambda: toolbox.combine(operation))
    assert int((result == 1).sum()) == left
    assert toolbox.operand.crop.sum() == 40


class OneBox:
    """Proposes a box of 10 x 10 on the slice it is asked for."""

    def propose(self, request, cancel):
        box = Box((request.z, 15, 10), (request.z + 1, 25, 20))
        return Proposal(request, box, np.full((1, 1, 10, 10), 255, np.uint8), "one box", "0", 0.0)


def test_a_label_is_cut_to_the_proposal_on_its_slice_alone(pump, request):
    session = Session(pump.post, make_engine=OneBox)
    request.addfinalizer(session.close)
    toolbox = Toolbox(session)
    session.use(new_case(Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, SPACING), "CT")))
    session.go_to_slice(4)
    draw(session, np.s_[3:6, 10:30, 8:20])
    session.propose()
    pump.until(lambda: session.proposal is not None)
    toolbox.work_in_volume(True)
    array = session.case.labels.array
    toolbox.combine("intersection")
    assert int(array[4].sum()) == 100 and array[4, 15:25, 10:20].all()
    assert (array[3, 10:30, 8:20] == 1).all(), "a proposal for one slice says nothing of the others"
    assert session.proposal is not None, "it stays"
    toolbox.combine("difference")
    assert not array[4].any() and array[5].any()


def test_combining_needs_a_mask_of_the_same_size(session, toolbox, phantom, request):
    draw(session, np.s_[4, 10:20, 8:12])
    toolbox.combine("union")
    assert "Copy a label first" in last_words(session)
    toolbox.copy_label()
    request.getfixturevalue("photograph")
    toolbox.combine("union")
    assert "another size" in last_words(session)


@pytest.mark.parametrize("other_way", [False, True])
def test_growing_from_a_click_finds_the_disc_of_a_photograph(session, toolbox, photograph, other_way):
    found = act(session, lambda: click_with(session, toolbox, "grow", (0, 40, 50), other_way=other_way))
    assert np.array_equal(found[0] == 1, session.disc)


def test_growing_works_on_the_plane_clicked_in_or_in_the_volume(session, toolbox, phantom):
    block = np.zeros(SHAPE, bool)
    block[2:7, 10:30, 8:20] = True
    toolbox.change_way()
    toolbox.set_sizes(replace(toolbox.sizes, tolerance=60.0))
    found = act(session, lambda: click_with(session, toolbox, "grow", (4, 20, 15), axis=2))
    assert np.array_equal(found[..., 15] == 1, block[..., 15])
    assert not found[..., :15].any() and not found[..., 16:].any()
    toolbox.work_in_volume(True)
    found = act(session, lambda: click_with(session, toolbox, "grow", (4, 20, 15)))
    assert np.array_equal(found == 1, block)


def test_the_clicked_island_is_kept_or_removed_on_the_clicked_plane(session, toolbox, phantom):
    draw(session, np.s_[2:7, 5:10, 5:10])
    draw(session, np.s_[2:7, 20:30, 5:10])
    removed = act(session, lambda: click_with(session, toolbox, "remove_island", (4, 6, 6)))
    assert not removed[4, 5:10].any() and removed[3, 5:10, 5:10].all() and removed[4, 20:30, 5:10].all()
    session.undo()
    toolbox.work_in_volume(True)
    kept = act(session, lambda: click_with(session, toolbox, "keep_island", (4, 6, 6)))
    assert int(kept.sum()) == 5 * 5 * 5
    click_with(session, toolbox, "keep_island", (4, 35, 25))
    assert "not under the cursor" in last_words(session)


def test_the_clicked_part_gets_the_next_free_number_and_a_row(session, toolbox, photograph):
    y, x = np.indices((80, 100))
    two = ((y - 40) ** 2 + (x - 30) ** 2 <= 15**2) | ((y - 40) ** 2 + (x - 56) ** 2 <= 15**2)
    draw(session, (0, *np.nonzero(two)))
    draw(session, np.s_[0, 0, 0], 2)  # in use, though not in the table
    result = act(session, lambda: click_with(session, toolbox, "split", (0, 40, 60)))
    new = int(result[0, 40, 60])
    assert new not in (0, 1, 2) and new in session.table.rows
    assert result[0, 40, 25] == 1 and set(np.unique(result[0][two])) == {1, new}
    assert session.active_label == 1


def orders(toolbox):
    """Every tool that acts at once."""
    names = ("fill_holes", "smooth", "grow_margin", "shrink_margin", "keep_largest", "remove_small")
    names += ("interpolate", "copy_to_next", "copy_to_previous", "clear_slice", "merge_partner")
    return [getattr(toolbox, name) for name in names]


def test_a_locked_active_label_is_changed_by_no_tool(session, toolbox, phantom):
    draw(session, np.s_[2:7:2, 10:30, 8:20])
    draw(session, np.s_[4, 15:20, 12:15], 0)
    session.labelling.ensure((2,))
    session.labelling.lock(1, True)
    before, steps = phantom.copy(), len(session.case.history.done)
    for order in orders(toolbox):
        order()
        assert "locked" in last_words(session), order
    for tool in ("grow", "keep_island", "remove_island", "split"):
        click_with(session, toolbox, tool, (4, 12, 10))
        assert "locked" in last_words(session), tool
    assert np.array_equal(phantom, before) and len(session.case.history.done) == steps


def test_another_locked_label_is_changed_by_no_tool(session, toolbox, phantom):
    draw(session, np.s_[2:7:2, 10:30, 8:20])
    draw(session, np.s_[3, 5:35, 5:25], 2)
    draw(session, np.s_[4, 15:20, 12:15], 2)
    session.labelling.ensure((2,))
    session.labelling.lock(2, True)
    theirs = phantom == 2
    for volume in (False, True):
        toolbox.work_in_volume(volume)
        for order in orders(toolbox):
            order()
            assert np.array_equal(phantom == 2, theirs), order
        click_with(session, toolbox, "grow", (6, 20, 15))
        assert np.array_equal(phantom == 2, theirs)


def test_the_brush_in_hand_with_a_locked_label_is_warned_of_at_once(session, toolbox, phantom):
    session.labelling.lock(1, True)
    session.choose_tool("brush")
    assert "is locked; unlock it" in last_words(session)
    session.labelling.lock(1, False)
    assert last_words(session) == ""
    session.choose_label(2)
    session.labelling.lock(2, True)
    session.choose_label(1)
    session.choose_label(2)
    assert "is locked" in last_words(session)
    session.choose_tool("browse")
    assert last_words(session) == ""


def test_without_a_case_every_order_says_so(session, toolbox):
    for order in orders(toolbox)[:-1]:
        session.notices.clear()
        order()
        assert "Open an image first" in last_words(session), order


def test_a_tool_with_nothing_to_do_says_so_and_makes_no_step(session, toolbox, phantom):
    draw(session, np.s_[4, 10:20, 8:12])
    steps = len(session.case.history.done)
    toolbox.fill_holes()
    assert "nothing to change" in last_words(session)
    assert len(session.case.history.done) == steps


def test_a_large_region_is_computed_beside_and_comes_as_one_step(session, pump, phantom):
    toolbox = Toolbox(session, ToolRunner(session, small=10))
    draw(session, np.s_[4, 10:20, 8:12])
    draw(session, np.s_[4, 12, 9], 0)
    toolbox.fill_holes()
    assert session.opening.busy and not phantom[4, 12, 9], "computed beside"
    pump.until(lambda: not session.opening.busy)
    assert phantom[4, 12, 9] == 1 and session.case.history.done[-1].name == "Fill holes"
    session.undo()
    assert not phantom[4, 12, 9]


@pytest.mark.parametrize("undone", [False, True])
def test_work_done_meanwhile_is_never_overwritten(session, pump, phantom, undone):
    toolbox = Toolbox(session, ToolRunner(session, small=10))
    draw(session, np.s_[4, 10:20, 8:12])
    draw(session, np.s_[4, 12:14, 9], 0)
    toolbox.fill_holes()
    if undone:
        session.undo()
    else:
        draw(session, np.s_[4, 13, 9], 2)
    mine = phantom.copy()
    pump.until(lambda: not session.opening.busy)
    assert np.array_equal(phantom, mine)
    notice = session.notices[-1]
    assert "changed while" in notice.text
    if not undone:
        notice.offers[0].run()
        pump.until(lambda: not session.opening.busy)
        assert phantom[4, 12, 9] == 1 and phantom[4, 13, 9] == 2


def test_a_tool_waits_for_what_is_being_computed(session, pump, phantom):
    toolbox = Toolbox(session, ToolRunner(session, small=10))
    draw(session, np.s_[4, 10:20, 8:12])
    toolbox.grow_margin()
    toolbox.smooth()
    assert "has to wait" in last_words(session)
    pump.until(lambda: not session.opening.busy)
    assert session.case.history.done[-1].name == "Grow"


def test_strokes_keep_to_the_range_found_around_the_cross(session, toolbox, phantom):
    session.go_to((4, 20, 14))
    toolbox.range.from_here()
    low, high = toolbox.range.chosen.low, toolbox.range.chosen.high
    assert 280 < low < 300 < high < 320 and toolbox.range.unit == "HU" and toolbox.range.on
    draw(session, np.s_[4, 5:25, 8:12])
    assert not phantom[4, 5:10].any()
    assert np.mean(phantom[4, 10:25, 8:12] == 1) > 0.9
    toolbox.range.toggle()
    draw(session, np.s_[4, 5:10, 8:12])
    assert (phantom[4, 5:10, 8:12] == 1).all()


def test_another_kind_of_image_switches_the_range_off(session, toolbox, phantom, request):
    toolbox.range.choose(100, 400)
    toolbox.range.toggle()
    request.getfixturevalue("phantom")
    session.use(new_case(session.case.volume))
    assert toolbox.range.on, "the next CT is painted as the last one"
    request.getfixturevalue("photograph")
    assert not toolbox.range.on and toolbox.range.chosen.high == 255


def test_every_tool_has_its_own_key(session, toolbox):
    keys = [command.shortcut for command in tool_commands(session, toolbox)]
    assert all(keys) and len(set(keys)) == len(keys)


def test_a_polygon_is_filled_as_one_step_and_its_corners_come_and_go(session, toolbox, phantom):
    polygon = session.editing.polygon
    session.choose_tool("polygon")
    for y, x in ((10, 8), (10, 20), (20, 20), (20, 8), (30, 8)):
        polygon.add(Click((4, y, x)))
    polygon.take_back()
    filled = act(session, session.editing.finish_polygon)
    assert (filled[4, 10:21, 8:21] == 1).all() and int(filled.sum()) == 11 * 13
    assert not polygon.corners and session.case.history.done[-1].name == "Polygon"
    polygon.add(Click((4, 1, 1)))
    polygon.add(Click((4, 20, 15), axis=2))
    assert polygon.corners == [(4, 20, 15)], "another plane begins another polygon"
    session.editing.finish_polygon()
    assert len(session.case.history.done) == 1, "one corner encloses nothing"
    polygon.add(Click((4, 1, 1)))
    session.choose_tool("brush")
    assert not polygon.corners


def test_a_polygon_keeps_to_the_range_and_to_locks(session, toolbox, phantom):
    toolbox.range.choose(200, 400)
    toolbox.range.switch(True)
    draw(session, np.s_[4, 12:14, 10:12], 2)
    session.labelling.ensure((2,))
    session.labelling.lock(2, True)
    for y, x in ((5, 5), (5, 15), (25, 15), (25, 5)):
        session.editing.polygon.add(Click((4, y, x)))
    filled = act(session, session.editing.finish_polygon)
    assert (filled[4, 12:14, 10:12] == 2).all()
    assert not filled[4, 5:10].any() and (filled[4, 15:25, 8:15] == 1).all()
