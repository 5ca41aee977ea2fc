"""Which slices hold labels, after edits of every kind, against looking at all voxels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherseg.session.annotated import Annotated, Occupancy, annotated_commands, labels_in
from featherseg.session.case import new_case
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box

SHAPE = (12, 9, 7)


def looked(labels, axis):
    """The truth, by brute force."""
    planes = np.moveaxis(labels, axis, 0)
    return [tuple(int(v) for v in np.unique(plane[plane > 0])) for plane in planes]


def known(occupancy, axis):
    return [labels_in(int(bits)) for bits in occupancy.slices(axis)]


@pytest.fixture
def case(session):
    made = new_case(Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE)))
    session.use(made)
    return made


boxes = st.tuples(*(st.tuples(st.integers(0, n - 1), st.integers(1, n)) for n in SHAPE)).map(
    lambda sides: Box(tuple(a for a, _ in sides), tuple(max(a + 1, b) for a, b in sides))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(boxes, st.integers(0, 5), st.booleans()), max_size=8))
def test_after_any_edits_every_direction_knows_its_labels(steps):
    labels = np.zeros(SHAPE, np.uint8)
    occupancy = Occupancy(labels)
    for box, value, look_between in steps:
        labels[box.slices] = value
        occupancy.touch(box)
        if look_between:
            occupancy.look(60)
    occupancy.look(60)
    assert not occupancy.pending
    for axis in range(3):
        assert known(occupancy, axis) == looked(labels, axis)


def test_a_look_without_time_takes_one_slice_and_says_that_more_is_due():
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 2, 3] = 1
    occupancy = Occupancy(labels)
    assert occupancy.look(0.0) and occupancy.pending
    assert np.flatnonzero(occupancy.slices(0)).tolist() == [0]
    occupancy.look(60)
    assert np.count_nonzero(occupancy.slices(0)) == SHAPE[0]


def test_only_what_an_edit_touched_is_looked_at_again():
    labels = np.zeros(SHAPE, np.uint8)
    occupancy = Occupancy(labels)
    occupancy.look(60)
    labels[3, 4, 5] = labels[8, 0, 0] = 1
    occupancy.touch(Box((3, 4, 5), (4, 5, 6)))
    occupancy.look(60)
    assert np.flatnonzero(occupancy.slices(0)).tolist() == [3]


def test_looking_in_the_middle_of_a_stroke_leaves_nothing_wrong_behind():
    labels = np.zeros(SHAPE, np.uint8)
    occupancy = Occupancy(labels)
    labels[3, 4, 5] = 1
    occupancy.look(60)
    labels[3, 4, 5] = 0
    occupancy.touch(Box((3, 4, 5), (4, 5, 6)))
    occupancy.look(60)
    assert not any(occupancy.slices(axis).any() for axis in range(3))


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_large_label_numbers_share_the_last_bit(dtype):
    labels = np.zeros(SHAPE, dtype)
    labels[1, 1, 1], labels[2, 1, 1] = 70, 32_000
    occupancy = Occupancy(labels)
    occupancy.look(60)
    assert [labels_in(int(b)) for b in occupancy.slices(0)[1:3]] == [(64,), (64,)]


def test_a_session_s_edits_undo_and_redo_are_followed(session, case):
    annotated = Annotated(session)
    annotated.look(60)
    heard = []
    annotated.changed.connect(lambda: heard.append(1))
    session.paint("Box", Box((4, 1, 1), (6, 3, 3)), np.full((2, 2, 2), 2, np.uint8))
    annotated.look(60)
    assert [labels_in(int(b)) for b in annotated.slices(0)[3:7]] == [(), (2,), (2,), ()]
    session.undo()
    annotated.look(60)
    assert not annotated.slices(1).any()
    session.redo()
    annotated.look(60)
    assert np.flatnonzero(annotated.slices(2)).tolist() == [1, 2] and len(heard) == 3
    annotated.look(60)
    assert len(heard) == 3, "nothing new, nothing said"


def test_the_commands_go_from_labelled_slice_to_labelled_slice_and_stay_at_the_last(session, case):
    annotated = Annotated(session)
    case.labels.array[[2, 7], 4, 4] = 1
    onwards, back = (c.run for c in annotated_commands(session, annotated))
    assert session.z == 0
    for run, expected in ((onwards, 2), (onwards, 7), (onwards, 7), (back, 2), (back, 2)):
        run()
        assert session.z == expected


def test_without_a_case_nothing_is_annotated(session):
    annotated = Annotated(session)
    annotated.look(1)
    assert annotated.slices(0).size == 0 and annotated.beside(0, 1) is None
