"""The labels as surfaces in the fourth cell of the real window."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.hand import Hand, settle, wait

from featherseg.session.case import new_case
from featherseg.viewer.solid_pane import NOTHING
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box

SHAPE, SPACING = (20, 60, 50), (3.0, 1.0, 0.8)


def open_volume(window, planes=True, modality="MR"):
    window.session.use(new_case(Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, SPACING), modality)))
    window.session.viewing.show_planes(planes)
    settle(0.3)
    return window.planes.solid


def fill(window, start, stop, value=1):
    window.session.choose_label(value)
    box = Box(start, stop)
    window.session.paint("Box", box, np.full(box.shape, value, np.uint8))


def shown(solid):
    wait(lambda: solid.surfaces.state == "current")
    settle(0.2)
    return solid.view


def test_without_labels_a_sentence_and_no_canvas_is_made(window):
    solid = open_volume(window)
    wait(lambda: solid.surfaces.state == "current")
    assert solid.stack.currentWidget() is solid.sentence and solid.sentence.text() == NOTHING
    assert solid.view is None and "60" in solid.facts.text()


def test_surfaces_follow_edits_in_millimetres_and_label_colours_and_go_with_the_labels(window):
    solid = open_volume(window)
    fill(window, (5, 10, 10), (10, 30, 20))
    fill(window, (12, 40, 30), (15, 50, 40), 2)
    view = shown(solid)
    vertices = view.vertices_mm
    assert vertices[:, 2].max() == pytest.approx((14.5) * 3.0, abs=1.5)
    assert vertices[:, 1].min() == pytest.approx(9.5, abs=0.6)
    assert vertices[:, 0].max() == pytest.approx(39.5 * 0.8, abs=0.6)
    assert len(np.unique(view.colours, axis=0)) == 2
    window.session.undo()
    assert solid.surfaces.state == "changed"
    view = shown(solid)
    assert len(np.unique(view.colours, axis=0)) == 1
    window.session.undo()
    wait(lambda: solid.surfaces.state == "current")
    assert solid.stack.currentWidget() is solid.sentence


def test_it_is_seen_from_the_front_and_turns_with_the_mouse(window):
    solid = open_volume(window)
    fill(window, (5, 10, 10), (10, 30, 20))
    shown(solid)
    letters = {p.letter: (round(p.right), round(p.down)) for p in solid.compass.pointers()}
    assert letters == {"L": (1, 0), "R": (-1, 0), "S": (0, -1), "I": (0, 1)}
    native = solid.stack.currentWidget()
    middle = native.rect().center()
    Hand(window).drag(native, middle, middle + QPoint(60, 0))
    turned = {p.letter: p for p in solid.compass.pointers()}
    assert turned["A"].right > 0.3 and not turned["A"].away, "what faces us goes with the mouse"
    assert not window.session.case.history.undone and len(window.session.case.history.done) == 1


def test_nothing_is_computed_while_one_plane_is_on_screen(window):
    solid = open_volume(window, planes=False)
    fill(window, (5, 10, 10), (10, 30, 20))
    settle(1.3)
    assert solid.surfaces.state == "none" and solid.view is None
    window.session.viewing.show_planes(True)
    shown(solid)


def test_nothing_is_computed_while_a_stroke_is_going_on(window):
    solid = open_volume(window)
    fill(window, (5, 10, 10), (10, 30, 20))
    shown(solid)
    hand, native = Hand(window), window.planes.main.native
    hand.key("b")
    fill(window, (12, 40, 30), (15, 50, 40), 2)
    middle = native.mapToGlobal(native.rect().center())
    hand._do("mousemove", str(middle.x()), str(middle.y()), "mousedown", "1")
    settle(1.5)
    state = solid.surfaces.state
    hand._do("mouseup", "1")
    assert state == "changed"
    shown(solid)


def test_hidden_labels_have_no_surface_and_another_case_takes_them_away(window):
    solid = open_volume(window)
    fill(window, (5, 10, 10), (10, 30, 20))
    shown(solid)
    window.session.labelling.show(1, False)
    assert solid.stack.currentWidget() is solid.sentence
    window.session.labelling.show(1, True)
    assert solid.stack.currentWidget() is not solid.sentence
    open_volume(window, modality="US")
    assert solid.stack.currentWidget() is solid.sentence


def test_images_without_directions_have_no_letters(window):
    solid = open_volume(window, modality="US")
    fill(window, (5, 10, 10), (10, 30, 20))
    shown(solid)
    assert not solid.compass.wanted
