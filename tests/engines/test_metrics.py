"""Scores against answers known by hand, and the conventions for empty masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from support.paths import TINY

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import DatasetError
from featherseg_engines.evaluation import Evaluation, evaluate, image_score, interval
from featherseg_engines.metrics import Overlap, overlap
from featherseg_engines.surface_distance import hd95


def test_values_known_by_hand():
    answer = np.array([[1, 1, 0, 0]])
    truth = np.array([[0, 1, 1, 1]])
    found = overlap(answer, truth, 1)
    assert (found.dice, found.iou) == (pytest.approx(2 / 5), pytest.approx(1 / 4))
    assert (found.precision, found.recall) == (pytest.approx(1 / 2), pytest.approx(1 / 3))


def test_empty_masks():
    both, answer, truth = Overlap(0, 0, 0), Overlap(0, 5, 0), Overlap(0, 0, 5)
    assert (both.dice, both.iou, both.precision, both.recall) == (1.0, 1.0, None, None)
    assert (answer.dice, answer.iou, answer.precision, answer.recall) == (0.0, 0.0, 0.0, None)
    assert (truth.dice, truth.iou, truth.precision, truth.recall) == (0.0, 0.0, None, 0.0)


def test_several_classes_count_where_present_in_truth_or_answer():
    score = image_score("a", [Overlap(5, 0, 0), Overlap(0, 0, 0), Overlap(0, 3, 0)])
    assert score.dice == pytest.approx(0.5)
    assert score.by_class == (1.0, None, 0.0)
    assert image_score("b", [Overlap(0, 0, 0)]).dice == 1.0


def test_the_truth_as_answer_scores_one_and_nothing_scores_zero():
    data = read_dataset(TINY, "dev")
    truths = iter([data.read(case)[1].astype(np.uint8) for case in data.cases])
    *images, last = evaluate(lambda _: next(truths), data)
    assert isinstance(last, Evaluation) and len(images) == 4
    assert last.summary().dice == last.summary().iou_pooled == 1.0
    *_, nothing = evaluate(lambda voxels: np.zeros(voxels.shape[:3], np.uint8), data)
    summary = nothing.summary()
    assert (summary.dice, summary.recall, summary.precision) == (0.0, 0.0, None)


def test_a_folder_that_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="dev/images"):
        read_dataset(tmp_path, "dev")
    for name in ("images", "masks"):
        (tmp_path / "dev" / name).mkdir(parents=True)
    with pytest.raises(DatasetError, match="No image"):
        read_dataset(tmp_path, "dev")


def test_hd95_of_outlines_known_by_hand():
    first = np.zeros((1, 40, 40), bool)
    first[0, 10:20, 10:20] = True
    moved = np.roll(first, 3, axis=2)
    assert hd95(first, first) == 0.0
    assert hd95(first, moved) == pytest.approx(3.0)
    assert hd95(first, moved, (1.0, 1.0, 0.5)) == pytest.approx(1.5)
    assert hd95(first, np.zeros_like(first)) is None
    volume = np.zeros((20, 20, 20), bool)
    volume[5:9, 5:15, 5:15] = True
    assert hd95(volume, np.roll(volume, 2, axis=0), (4.0, 1.0, 1.0)) == pytest.approx(8.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), spacing=st.tuples(*[st.floats(0.5, 3)] * 3))
def test_hd95_is_that_of_all_pairs_of_surface_voxels(seed, spacing):
    rng = np.random.default_rng(seed)
    masks = [ndimage.binary_closing(rng.random((6, 9, 8)) > 0.6) for _ in range(2)]
    if not all(mask.any() for mask in masks):
        return
    cross = ndimage.generate_binary_structure(3, 1)
    points = [np.argwhere(m & ~ndimage.binary_erosion(m, cross)) * np.asarray(spacing) for m in masks]
    apart = np.linalg.norm(points[0][:, None] - points[1][None], axis=2)
    expected = max(np.percentile(apart.min(axis=1), 95), np.percentile(apart.min(axis=0), 95))
    assert hd95(*masks, spacing) == pytest.approx(expected, rel=1e-4)


def test_the_interval_holds_the_mean_and_is_the_same_each_time():
    values = [0.2, 0.9, 0.8, 0.95, 0.85]
    low, high = interval(values)
    assert low < np.mean(values) < high and (low, high) == interval(values)
    assert interval([0.5]) == (0.5, 0.5)
