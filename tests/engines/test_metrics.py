"""Scores against answers known by hand, and the conventions for empty masks."""

import numpy as np
import pytest
from support.paths import TINY

from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import DatasetError
from featherseg_engines.evaluation import Evaluation, evaluate, image_score
from featherseg_engines.metrics import Overlap, overlap


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
