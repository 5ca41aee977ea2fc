"""The gate lets in what is better on cases nobody learnt from, and says in a sentence why it does not."""

import dataclasses

import numpy as np
import pytest
from support.taught import Free, cases_of, copied, order_of, shipped

from featherseg_engines.models.card import LabelEntry
from featherseg_engines.teaching.examining import Rival, examine
from featherseg_engines.teaching.gate import Judged, by_origin, judge, unjudged
from featherseg_engines.teaching.order import UNSEEN, CaseScore
from featherseg_engines.teaching.scoring import agreement, class_numbers


def judged(pairs, corrected=True, familiar=()):
    """One class, one case a pair of Dice before and after."""
    return [
        Judged(CaseScore(f"case {i}", corrected, (before,), (after,)), f"case {i}", i in familiar)
        for i, (before, after) in enumerate(pairs)
    ]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    whole = shipped()
    return whole, copied(
        whole, tmp_path_factory.mktemp("models") / "spoiled", "repsegnet.skin-2", spoiled=True
    )


def verdict_of(candidate, in_use, count=3):
    order = order_of(count, in_use)
    found = [one for one, _ in examine(candidate, Rival(order), order.cases, order, Free())]
    return judge(found, order.classes)


def test_a_spoiled_candidate_is_refused(models):
    whole, spoiled = models
    verdict = verdict_of(spoiled, whole)
    assert verdict.decision == "keep" and verdict.gain < -0.2
    assert verdict.sentence.startswith("Not better (0.") and verdict.sentence.endswith("Kept the old model.")


def test_a_better_candidate_comes_in_and_each_class_is_told(models):
    whole, spoiled = models
    verdict = verdict_of(whole, spoiled)
    assert verdict.decision == "adopt" and verdict.worse == 0 and verdict.interval[0] > 0
    assert verdict.sentence.startswith("Better: ") and "on your 3 test cases. In use now." in verdict.sentence
    ((name, before, after),) = verdict.per_class
    assert name == "lesion" and after - before == pytest.approx(verdict.gain)
    assert all(score.candidate_hd95 is not None for score in verdict.scores)


def test_the_same_model_again_is_not_better(models):
    whole, _ = models
    assert verdict_of(whole, whole).decision == "keep"


def test_a_gain_on_average_that_costs_one_class_more_than_two_points_is_refused():
    scores = [Judged(CaseScore(f"case {i}", True, (0.5, 0.9), (0.8, 0.85)), f"case {i}") for i in range(6)]
    verdict = judge(scores, ("polyp", "vessel"))
    assert (
        verdict.decision == "keep"
        and verdict.sentence == "Not better (vessel lost: 0.90 → 0.85). Kept the old model."
    )


def test_a_gain_that_may_be_chance_is_refused():
    verdict = judge(judged([(0.80, 0.95), (0.90, 0.80), (0.80, 0.79), (0.7, 0.69)]), ("lesion",))
    assert verdict.gain > 0 and verdict.decision == "keep" and "may be chance on 4 cases" in verdict.sentence


def test_numbers_that_would_look_the_same_get_a_third_digit():
    assert "0.841 → 0.840" in judge(judged([(0.841, 0.840)] * 4), ("lesion",)).sentence


def test_cases_of_one_patient_are_drawn_together():
    scores = judged([(0.5, 0.6), (0.5, 0.6), (0.5, 0.45), (0.5, 0.45)])
    two = [dataclasses.replace(one, group=str(i // 2)) for i, one in enumerate(scores)]
    assert judge(two, ("a",)).worse == pytest.approx(1 / 4, abs=0.03)  # both draws take the second patient
    assert judge(scores, ("a",)).worse == pytest.approx(5 / 16, abs=0.03)


def test_corrected_cases_are_told_apart_from_those_accepted_unchanged():
    mixed = [*judged([(1.0, 0.99)] * 2, corrected=False), *judged([(0.5, 0.8)] * 2)]
    mixed = [dataclasses.replace(one, group=str(i)) for i, one in enumerate(mixed)]
    verdict = judge(mixed, ("lesion",))
    assert "The 2 you corrected: 0.50 → 0.80." in verdict.sentence
    assert [len(part) for part in by_origin(verdict.scores)] == [2, 2]


def test_cases_the_model_in_use_has_learnt_from_do_not_decide():
    verdict = judge(judged([(0.99, 0.6), (0.6, 0.7), (0.6, 0.72)], familiar={0}), ("lesion",))
    assert verdict.decision == "adopt" and "2 test cases" in verdict.sentence and len(verdict.scores) == 3


def test_where_the_old_model_knows_nearly_all_test_cases_the_person_is_asked_not_refused():
    assert judge(judged([(0.99, 0.9)] * 3, familiar={0, 1, 2}), ("lesion",)).decision == "ask"
    assert judge(judged([(0.8, 0.9)] * 3, familiar={0, 1, 2}), ("lesion",)).decision == "adopt"


def test_a_first_model_is_compared_with_nothing_found():
    order = order_of(2, None)
    found = [one for one, _ in examine(shipped(), Rival(order), order.cases, order, Free())]
    assert {score.score.parent for score in found} == {(0.0,)}
    assert judge(found, order.classes, rival=False).sentence.startswith("A first model: 0.")
    assert judge(judged([(0.0, 0.2)] * 4), ("lesion",), rival=False).decision == "ask"


def test_too_few_cases_are_shown_not_judged():
    verdict = unjudged([one.score for one in judged([(0.5, 0.9)])], ("lesion",), 3)
    assert verdict.decision == "ask" and verdict.how == "nothing"
    assert (
        verdict.sentence == "3 cases are too few to measure by. Look at both models side by side and choose."
    )


def test_what_nobody_has_looked_at_takes_no_part():
    case = cases_of(1)[0]
    half = case.labels.copy()
    half[:, :, half.shape[2] // 2 :] = UNSEEN
    answer = np.where(half == UNSEEN, 1, half).astype(np.uint8)  # wrong everywhere beyond
    assert agreement(answer, dataclasses.replace(case, labels=half), 1).dice == (1.0,)


def test_a_model_s_labels_are_found_by_name_then_by_number():
    order = order_of(1, None, classes=("polyp", "Lesion"), values=(4, 1))
    assert class_numbers([LabelEntry(1, "lesion")], order).tolist() == [0, 2]
    assert class_numbers([LabelEntry(4, "something")], order).tolist() == [0, 1]
    assert class_numbers([LabelEntry(9, "something")], order).tolist() == [0, 0]
