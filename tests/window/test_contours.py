"""The contours of labels and ghost: which pixels, in which plane, at which width."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.hand import settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.session.case import new_case
from featherseg.viewer.contours import border, cut, in_colour, tight
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box

planes = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3))


def reachable(labels, y, x, steps):
    """Whether another number lies within so many steps up, down, left or right, inside the plane."""
    height, width = labels.shape
    for v in range(max(0, y - steps), min(height, y + steps + 1)):
        for u in range(max(0, x - steps), min(width, x + steps + 1)):
            if abs(v - y) + abs(u - x) == 1 and labels[v, u] != labels[y, x]:
                return True
    return False


@settings(max_examples=60)
@given(planes)
def test_the_border_is_every_labelled_pixel_beside_another_number(labels):
    found = border(labels, 1)
    for y, x in np.ndindex(labels.shape):
        assert found[y, x] == (labels[y, x] != 0 and reachable(labels, y, x, 1))


@settings(max_examples=60)
@given(planes, st.integers(1, 4))
def test_a_thicker_border_holds_the_thinner_and_never_leaves_the_label(labels, thickness):
    thin, thick = border(labels, thickness), border(labels, thickness + 1)
    assert not (thin & ~thick).any() and not (thick & (labels == 0)).any()


@settings(max_examples=60)
@given(planes)
def test_the_tight_part_has_the_same_border_at_its_place(labels):
    part, (y, x) = tight(labels)
    pasted = np.zeros(labels.shape, bool)
    pasted[y : y + part.shape[0], x : x + part.shape[1]] = border(part, 1)
    assert np.array_equal(pasted, border(labels, 1))


def test_hidden_numbers_and_numbers_beyond_the_table_are_clear():
    colours = np.array([[0] * 4, [1, 2, 3, 255], [0] * 4], np.uint8)
    picture = in_colour(np.array([[0, 1, 0, 2, 0, 9, 0]], np.uint8), 1, colours)
    assert picture[0, 1].tolist() == [1, 2, 3, 255] and not picture[0, 3].any() and not picture[0, 5].any()


def test_a_proposal_is_cut_in_any_plane_and_nowhere_outside_its_box():
    levels = np.zeros((1, 2, 3, 4), np.uint8)
    levels[0, 1, 2, 3] = 200
    proposal = Proposal(None, Box((5, 10, 20), (7, 13, 24)), levels, "", "", 0.0)
    for axis, hit in ((0, 6), (1, 12), (2, 23)):
        mask, place = cut(proposal, axis, hit, 0.5)
        assert mask.sum() == 1 and place == tuple(v for i, v in enumerate((5, 10, 20)) if i != axis)
        assert cut(proposal, axis, proposal.box.start[axis] - 1, 0.5) is None
        assert cut(proposal, axis, proposal.box.stop[axis], 0.5) is None


def test_the_ghost_goes_when_masks_are_hidden_and_the_outline_follows_the_slice(window):
    voxels = np.zeros((3, 40, 50), np.int16)
    window.session.use(new_case(Volume(voxels, Geometry((3, 40, 50), (2.0, 0.5, 0.5)))))
    settle(0.2)
    contours = window.planes.main.contours
    assert not contours.outline.visible
    window.session.paint("Brush", Box((1, 10, 10), (2, 20, 20)), np.ones((1, 10, 10), np.uint8))
    window.session.go_to_slice(1)
    settle(0.2)
    assert contours.outline.visible
    window.session.hide_masks(True)
    assert not contours.outline.visible
    window.session.hide_masks(False)
    assert contours.outline.visible
    window.session.go_to_slice(2)
    assert not contours.outline.visible


def test_lines_keep_their_width_on_the_screen(window):
    open_in(window, SAMPLE)
    window.session.propose()
    wait(lambda: window.session.proposal is not None)
    contours, camera = window.planes.main.contours, window.viewer.scene.camera
    camera.zoom = 8.0
    assert contours._widths[:2] == (1, 1)
    camera.zoom = 0.5
    assert contours._widths[0] == 5 and contours._widths[1] == 2


def test_a_row_of_number_255_in_the_label_table_is_drawn_like_any_other():
    colours = np.zeros((257, 4), np.uint8)
    colours[255] = 9, 9, 9, 255
    picture = in_colour(np.array([[0, 255, 0]], np.uint8), 1, colours)
    assert picture[0, 1].tolist() == [9, 9, 9, 255]
