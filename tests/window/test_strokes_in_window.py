"""Strokes, lasso and box on the proposal with a real mouse and keyboard."""

import numpy as np
import pytest
from support.canvas import canvas_point
from support.hand import Hand, settle, wait
from support.paths import TINY
from support.windows import open_in

from featherseg.session.case import new_case
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume

IMAGE = TINY / "dev" / "images" / "isic2017_train_0965.jpg"


@pytest.fixture
def hand(window):
    open_in(window, IMAGE)
    window.session.set_brush_size(7)
    made = Hand(window)
    made.key("space")
    wait(lambda: window.session.proposal is not None)
    return made


def at(window, y, x):
    return canvas_point(window.viewer, window.qt_viewer.canvas.native, y, x)


def drag(window, hand, *places):
    """Draw through places (y, x), and wait for the answer where there is one to come."""
    hand.drag(window.qt_viewer.canvas.native, *(at(window, *place) for place in places))
    wait(lambda: not window.session.busy)
    settle(0.05)


def ghost(window) -> np.ndarray:
    session = window.session
    whole = np.zeros(session.case.labels.array.shape[1:], bool)
    proposal = session.proposal
    if not proposal.box.empty:
        whole[proposal.box.slices[1:]] = proposal.mask(session.threshold)[0] > 0
    return whole


def test_strokes_change_the_ghost_where_they_are_drawn_and_are_undone_one_by_one(window, hand):
    session, sheet = window.session, window.planes.main.strokes
    before = ghost(window)
    hand.key("s")
    assert "hold Shift where it is not" in window.status.hint.text() and window.status.hint.isVisible()
    drag(window, hand, (20, 20), (20, 40))
    assert ghost(window)[20, 22:39].all() and not before[20, 22:39].any()
    hand.press("shift")
    drag(window, hand, (90, 110), (100, 110))
    hand.release("shift")
    assert not ghost(window)[91:100, 110].any() and before[91:100, 110].all()
    assert [mark.positive for mark in sheet.shown()] == [True, False] and sheet.isVisible()
    assert not session.case.labels.array.any()
    assert session.smart.previous is not None, "what changed is shown"
    hand.key("ctrl+z")
    wait(lambda: not session.busy)
    assert ghost(window)[95, 110] and ghost(window)[20, 30]
    hand.key("ctrl+z")
    wait(lambda: not session.busy)
    assert (ghost(window) == before).all() and not sheet.shown()


def test_after_accepting_the_marks_are_gone_and_the_label_is_the_ghost(window, hand):
    session = window.session
    hand.key("shift+s")
    drag(window, hand, (90, 110), (100, 110))
    found = ghost(window)
    hand.key("space")
    assert ((session.case.labels.array[0] > 0) == found).all() and not found[91:100, 110].any()
    assert not window.planes.main.strokes.shown() and session.proposal is None
    assert [step.name for step in session.case.history.done] == [
        "Smart stroke \N{MINUS SIGN}",
        "Accept proposal",
    ]


def test_lasso_and_box_keep_the_proposal_inside_until_it_is_freed(window, hand):
    before = ghost(window)
    hand.key("shift+l")
    drag(window, hand, (80, 80), (120, 140))
    inside = np.zeros_like(before)
    inside[80:121, 80:141] = True
    assert ghost(window).any() and not (ghost(window) & ~np.roll(inside, 1) & ~inside).any()
    hand.key("l")
    drag(window, hand, (60, 100), (60, 150), (100, 150), (100, 100))
    assert ghost(window).any() and not ghost(window)[:58].any() and not ghost(window)[103:].any()
    hand.key("ctrl+shift+l")
    wait(lambda: not window.session.busy)
    assert ghost(window).sum() > inside.sum()


def test_the_clicked_island_of_the_ghost_goes_and_undo_brings_it_back(window, hand):
    hand.key("s")
    drag(window, hand, (20, 20), (20, 28))
    assert ghost(window)[20, 24]
    hand.key("shift+j")
    hand.away()
    native = window.qt_viewer.canvas.native
    hand.drag(native, at(window, 20, 24), at(window, 20, 24))
    wait(lambda: not window.session.busy)
    assert not ghost(window)[20, 24]
    assert window.session.case.history.done[-1].name == "Drop proposed island"
    hand.key("ctrl+z")
    wait(lambda: not window.session.busy)
    assert ghost(window)[20, 24]


def test_escape_puts_the_tool_down_and_a_stroke_without_a_ghost_asks_for_one_and_pans_nothing(window, hand):
    session, native = window.session, window.qt_viewer.canvas.native
    centre = window.viewer.scene.camera.center
    hand.key("s")
    hand.key("Escape", "Escape")
    assert session.tool == "browse"
    hand.key("s")
    hand.drag(native, at(window, 20, 20), at(window, 60, 60))
    wait(lambda: session.proposal is not None)
    assert window.viewer.scene.camera.center == centre


def test_in_another_plane_a_sentence_says_where_and_the_head_goes_along_the_slices(window):
    hand, session = Hand(window), window.session
    values = np.random.default_rng(0).integers(0, 200, (6, 48, 48)).astype(np.uint8)
    session.use(new_case(Volume(values, Geometry((6, 48, 48), (4.0, 1.0, 1.0)), "MR")))
    session.viewing.show_planes(True)
    wait(lambda: len(window.planes.panes) == 3)
    settle(0.4)
    session.set_brush_size(5)
    main, other = window.planes.main, window.planes.others[0]
    hand.key("s")
    hand.drag(
        other.native,
        canvas_point(other.viewer, other.native, 8, 20),
        canvas_point(other.viewer, other.native, 8, 30),
    )
    assert "plane" in window.notices.text() and not session.case.history.done
    z = session.z
    hand.drag(
        main.native,
        canvas_point(main.viewer, main.native, 20, 20),
        canvas_point(main.viewer, main.native, 20, 30),
    )
    wait(lambda: session.proposal is not None and session.proposal.head is not None)
    assert not window.panel.model.carried.isVisible()
    hand.key("Up")
    line = window.panel.model.carried
    assert line.isVisible() and f"slice {z + 1}" in line.text.text()
    hand.click(line.let_go)
    assert session.smart.carried is None and not line.isVisible()
