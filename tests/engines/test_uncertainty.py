"""Entropy and the score of unsureness against the definition written out in loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from featherseg_engines.inference.uncertainty import (
    case_score,
    entropy,
    score_of,
    shades,
    slice_score,
    tally,
)

ONE_LABEL = hnp.arrays(
    np.uint8, st.tuples(st.just(1), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
)


@st.composite
def several_labels(draw):
    """Levels of three labels whose sum is at most 255, as a softmax gives them."""
    shape = (3, draw(st.integers(1, 2)), 3, 4)
    raw = draw(hnp.arrays(np.uint8, shape))
    total = np.maximum(raw.sum(axis=0, dtype=np.int64), 255)
    return (raw.astype(np.int64) * 255 // total).astype(np.uint8)


def bits(shares):
    return -sum(p * math.log2(p) for p in shares if p > 0)


@given(ONE_LABEL)
def test_entropy_of_one_label_is_that_of_a_coin(levels):
    found = entropy(levels)
    assert found.shape == levels.shape[1:] and found.dtype == np.float32
    for index in np.ndindex(found.shape):
        p = levels[0][index] / 255
        assert found[index] == pytest.approx(bits((p, 1 - p)), abs=1e-6)


@given(several_labels())
def test_entropy_of_several_labels_counts_the_background_and_is_at_most_one(levels):
    found = entropy(levels)
    assert found.min() >= 0 and found.max() <= 1
    for index in np.ndindex(found.shape):
        shares = [int(plane[index]) / 255 for plane in levels]
        expected = bits([*shares, 1 - sum(shares)]) / math.log2(4)
        assert found[index] == pytest.approx(expected, abs=1e-5)


@given(st.one_of(ONE_LABEL, several_labels()))
def test_shades_are_the_entropy_in_steps(levels):
    assert shades(levels).dtype == np.uint8
    assert np.abs(shades(levels) / 255 - entropy(levels)).max() <= 0.5 / 255 + 1e-6


def mean_distance(plane):
    """1 - mean Dice between the mask at 0.5 and those at each other threshold, with sets of voxels."""
    mask, dice = plane >= 128, []
    for level in range(1, 256):
        other = plane >= level
        size = int(mask.sum()) + int(other.sum())
        dice.append(2 * int((mask & other).sum()) / size if size else 1.0)
    return 1 - sum(dice) / 255


@given(ONE_LABEL)
def test_the_score_is_the_mean_distance_to_all_other_thresholds(levels):
    assert slice_score(levels) == pytest.approx(mean_distance(levels[0]), abs=1e-9)
    assert 0 <= slice_score(levels) <= 1


@given(several_labels())
def test_of_several_labels_only_those_that_were_found_count(levels):
    found = [mean_distance(plane) for plane in levels if (plane >= 128).any()]
    expected = sum(found) / len(found) if found else max(mean_distance(plane) for plane in levels)
    assert slice_score(levels) == pytest.approx(expected, abs=1e-9)


def test_a_certain_mask_scores_nothing_and_nothing_found_its_highest_probability():
    certain = np.zeros((1, 1, 6, 6), np.uint8)
    certain[..., 2:4, 2:4] = 255
    assert slice_score(certain) == 0
    faint = np.full((1, 1, 6, 6), 51, np.uint8)
    assert slice_score(faint) == pytest.approx(0.2)
    assert slice_score(np.zeros((1, 0, 0, 0), np.uint8)) == 0


@given(ONE_LABEL)
def test_the_score_of_a_case_does_not_depend_on_how_it_was_cut_into_slices(levels):
    cut = [levels[:, z : z + 1] for z in range(levels.shape[1])]
    assert case_score(cut) == case_score([levels]) == slice_score(levels)
    assert score_of(tally(levels)) == slice_score(levels)
    assert case_score([]) == 0
