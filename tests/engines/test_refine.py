"""Strokes on a slice: the answer follows, obeys, stays inside its region, and is the same twice."""

import numpy as np
import pytest

from featherseg_engines.labels import Box
from featherseg_engines.refine.evidence import Evidence, FeatureMap, gather, standardised
from featherseg_engines.refine.marks import focus_mask, marked
from featherseg_engines.refine.prompts import Head, Prompts, Region, Stroke
from featherseg_engines.refine.refining import refined

SIZE = (48, 64)


def disc(y, x, positive=True, radius=3, z=0):
    yy, xx = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    box = Box((z, y - radius, x - radius), (z + 1, y + radius + 1, x + radius + 1))
    return Stroke(box, (yy**2 + xx**2 <= radius**2)[None], positive)


def everything(positive=True):
    return Stroke(Box((0, 0, 0), (1, *SIZE)), np.ones((1, *SIZE), np.bool_), positive)


def scene(seed=0):
    """Two bright squares on a dark ground, of which the network saw the left one only, and six feature maps."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(SIZE, np.bool_)
    truth[14:34, 6:26] = truth[14:34, 38:58] = True
    grey = (0.3 + 0.4 * truth + rng.normal(0, 0.03, SIZE)).astype(np.float32)
    probability = np.full((1, *SIZE), 0.05, np.float32)
    probability[0, 14:34, 6:26] = 0.95
    values = rng.normal(size=(6, *SIZE)).astype(np.float32)
    values[0] += 3 * truth
    return truth, grey, probability, values


def evidence(grey=None, values=None, probability=None, model="m") -> Evidence:
    _, own_grey, own_probability, own_values = scene()
    grey = own_grey if grey is None else grey
    values = own_values if values is None else values
    maps = (FeatureMap(standardised(values), (float(SIZE[0]), float(SIZE[1]))),) if len(values) else ()
    return gather(own_probability if probability is None else probability, grey[None], maps, model, 64 * 64)


def dice(found, truth):
    return 2 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + np.count_nonzero(truth))


def mask_of(known, *strokes, **prompts):
    return refined(known, Prompts(tuple(strokes), **prompts)).probability[0] >= 0.5


def test_one_stroke_brings_the_whole_thing_that_was_missed():
    truth = scene()[0]
    assert dice(mask_of(evidence(), disc(24, 48)), truth) > 0.9


def test_a_negative_stroke_takes_most_of_the_thing_away():
    found = mask_of(evidence(), disc(24, 15, False))
    assert found[14:34, 6:26].mean() < 0.4


def test_a_stroke_along_the_border_of_a_small_thing_leaves_the_rest_of_it():
    small = np.full((1, *SIZE), 0.02, np.float32)
    small[0, 20:30, 20:30] = 0.97
    small[0, 20:30, 30:34] = 0.6
    grey = (0.3 + 0.4 * (small[0] > 0.5)).astype(np.float32)
    found = mask_of(evidence(grey, scene()[3][1:], small), disc(25, 34, False))
    assert found[21:29, 20:27].mean() > 0.8 and not found[25, 33]


def test_a_stroke_far_away_that_agrees_changes_little():
    before = evidence().probability[0] >= 0.5
    assert dice(mask_of(evidence(), disc(24, 15)), before) > 0.85


HARD = {
    "a constant image": lambda: evidence(grey=np.full(SIZE, 0.5, np.float32)),
    "features that are no numbers": lambda: evidence(values=np.full((6, *SIZE), np.nan, np.float32)),
    "infinite features": lambda: evidence(values=np.full((6, *SIZE), np.inf, np.float32)),
    "no features": lambda: evidence(values=np.zeros((0, *SIZE), np.float32)),
    "an image that is no number": lambda: evidence(grey=np.full(SIZE, np.nan, np.float32)),
    "an answer that is no number": lambda: evidence(probability=np.full((1, *SIZE), np.nan, np.float32)),
}


@pytest.mark.parametrize("what", HARD)
@pytest.mark.parametrize(
    "strokes",
    [
        (disc(24, 48),),
        (disc(24, 48, False),),
        (disc(24, 48), disc(24, 46, False)),
        (everything(),),
        (everything(False), disc(10, 10)),
        (disc(1, 62), disc(46, 1, False)),
        (disc(200, 200), disc(-30, 5, False)),
    ],
)
def test_strokes_are_obeyed_whatever_the_image(what, strokes):
    found = refined(HARD[what](), Prompts(strokes)).probability
    marks = marked(strokes, SIZE)
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
    assert (found[0][marks == 1] == 1).all() and (found[0][marks == 0] == 0).all()


def test_the_later_of_two_strokes_wins():
    found = mask_of(evidence(), disc(24, 48), disc(24, 50, False))
    assert not found[24, 50] and found[24, 46]


def test_the_same_strokes_give_the_same_answer():
    strokes = (disc(24, 48), disc(5, 5, False))
    one, two = (refined(evidence(), Prompts(strokes)) for _ in range(2))
    assert np.array_equal(one.probability, two.probability)
    assert np.array_equal(one.head.weights, two.head.weights)


def test_nothing_is_proposed_outside_the_region():
    region = Region(Box((0, 10, 0), (1, 30, 30)), np.ones((1, 20, 30), np.bool_))
    found = refined(evidence(), Prompts((disc(24, 48),), region)).probability[0]
    assert not found[:, 30:].any() and not found[:10].any() and found[14:30, 8:24].mean() > 0.5


def test_a_region_alone_leaves_the_answer_inside_as_it_was():
    region = Region(Box((0, 10, 0), (1, 30, 30)), np.ones((1, 20, 30), np.bool_))
    known = evidence()
    found = refined(known, Prompts(region=region)).probability[0]
    assert np.abs(found[10:30, :30] - known.probability[0][10:30, :30].astype(np.float32)).max() < 0.01


def test_a_head_from_another_slice_reads_this_one():
    head = refined(evidence(), Prompts((disc(24, 48), disc(5, 32, False)))).head
    assert head.strokes == 2
    truth = scene()[0]
    assert dice(mask_of(evidence(), head=head), truth) > 0.8


def test_a_head_of_another_model_is_left_aside():
    head = refined(evidence(), Prompts((disc(24, 48),))).head
    known = evidence(model="other")
    plain = refined(known, Prompts()).probability
    assert np.array_equal(refined(known, Prompts(head=head)).probability, plain)
    odd = Head(np.ones(3), "other", 1)
    assert np.array_equal(refined(known, Prompts(head=odd)).probability, plain)


def test_a_new_stroke_says_otherwise_than_the_carried_head():
    head = refined(evidence(), Prompts((disc(24, 48),))).head
    found = mask_of(evidence(), disc(24, 48, False), head=head)
    assert not found[24, 48] and found[14:34, 38:58].mean() < 0.5


def test_the_other_labels_share_what_is_left():
    two = np.concatenate([scene()[2], np.full((1, *SIZE), 0.04, np.float32)])
    two[1, 14:34, 38:58] = 0.8
    known = evidence(probability=two)
    found = refined(known, Prompts((disc(24, 48),), label=0)).probability
    assert found[1, 24, 48] == 0 and found.sum(axis=0).max() <= 1.0 + 1e-5
    labels = found.argmax(axis=0)
    assert (labels[22:27, 46:51] == 0).all()


def test_strokes_become_the_focus_of_a_lesson():
    shape = (3, *SIZE)
    focus = focus_mask([disc(24, 48, z=1), disc(1, 1, z=2), disc(5, 5, z=9)], shape, margin=2)
    assert focus is not None and not focus[0].any() and focus[1, 24, 48 + 5] and not focus[1, 24, 48 + 7]
    assert focus[2, 0, 0]
    assert focus_mask([], shape) is None
