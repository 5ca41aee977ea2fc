"""Marks on the slice sliders where something is labelled, in the real window."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from support.hand import Hand, settle, wait

from featherseg.session.case import new_case
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box


def open_volume(window, shape):
    window.session.use(new_case(Volume(np.zeros(shape, np.int16), Geometry(shape, (2.0, 1.0, 1.0)))))
    wait(lambda: not window.planes.annotated.pending)
    return window.planes.main.slider


def fill(window, start, stop, value=1):
    box = Box(start, stop)
    window.session.paint("Box", box, np.full(box.shape, value, np.uint8))
    wait(lambda: not window.planes.annotated.pending)


def coloured_columns(slider):
    """Columns of the band that are drawn in something other than the ground."""
    settle(0.1)
    ratio = slider.devicePixelRatioF()
    picture = slider.grab().toImage()
    y = round((slider.band().center().y() + 0.5) * ratio)
    ground = picture.pixelColor(0, y).name()
    return [x for x in range(picture.width()) if picture.pixelColor(x, y).name() != ground]


@pytest.mark.parametrize("count", [200, 600])
def test_a_single_labelled_slice_is_seen_among_many_and_goes_with_undo(window, count):
    slider = open_volume(window, (count, 8, 8))
    assert coloured_columns(slider) == []
    fill(window, (count // 4, 2, 2), (count // 4 + 1, 4, 4))
    columns = coloured_columns(slider)
    assert len(columns) >= 2
    assert abs(np.mean(columns) - slider.place_of(count // 4)) <= 2
    window.session.undo()
    wait(lambda: not window.planes.annotated.pending)
    assert coloured_columns(slider) == []


def test_labels_of_one_slice_stand_above_each_other_in_their_colours(window):
    slider = open_volume(window, (50, 8, 8))
    fill(window, (10, 1, 1), (20, 3, 3), 1)
    window.session.choose_label(2)
    fill(window, (15, 5, 5), (25, 7, 7), 2)
    one, two = (window.session.table.rows[v].colour for v in (1, 2))
    assert slider.marks == [(10, 14, (one,)), (15, 19, (one, two)), (20, 24, (two,))]


def test_every_plane_has_its_own_marks(window):
    open_volume(window, (20, 30, 40))
    window.session.viewing.show_planes(True)
    fill(window, (3, 5, 7), (4, 7, 10))
    spans = {p.canvas.view.depth: [(a, b) for a, b, _ in p.slider.marks] for p in window.planes.panes}
    assert spans == {0: [(3, 3)], 1: [(5, 6)], 2: [(7, 9)]}


def test_a_click_on_the_marks_goes_there_and_shift_up_to_the_next(window):
    slider = open_volume(window, (200, 8, 8))
    fill(window, (150, 2, 2), (151, 4, 4))
    fill(window, (180, 2, 2), (181, 4, 4))
    hand = Hand(window)
    there = QPoint(slider.place_of(150), slider.band().center().y())
    hand.drag(slider, there, there)
    assert abs(window.session.z - 150) <= 1
    window.session.go_to_slice(20)
    hand.key("shift+Up")
    assert window.session.z == 150
    hand.key("shift+Up", "shift+Up")
    assert window.session.z == 180
    hand.key("shift+Down")
    assert window.session.z == 150


def test_the_handle_can_be_dragged_from_where_it_was_clicked_to(window):
    slider = open_volume(window, (200, 8, 8))
    y = slider.height() // 2
    Hand(window).drag(slider, QPoint(slider.place_of(30), y), QPoint(slider.place_of(120), y))
    assert abs(window.session.z - 120) <= 1
