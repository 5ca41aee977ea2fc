"""What judges a lesson is chosen by whose case it is, once and for good."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featherseg_engines.teaching.holdout import AT_MOST, ENOUGH, held_out, split
from featherseg_engines.teaching.order import TaughtCase

GREY = np.zeros((1, 2, 2), np.uint8)
names = st.lists(st.text(min_size=1, max_size=8), min_size=ENOUGH, max_size=40, unique=True)


def cases(count, of_each_group=1):
    case = TaughtCase("", "", GREY, GREY)
    return [
        dataclasses.replace(case, name=f"case {i}", group=f"patient {i // of_each_group}")
        for i in range(count)
    ]


@given(names, st.lists(st.text(min_size=9, max_size=12), unique=True))
def test_later_cases_never_move_earlier_ones(first, later):
    before = held_out(first)
    assert held_out([*first, *later]) & set(first) == before


@given(names)
def test_from_eight_on_there_are_at_least_two_and_never_most_of_them(groups):
    chosen = held_out(groups)
    assert 2 <= len(chosen) <= max(2, AT_MOST * len(groups))


def test_of_many_about_one_in_four_is_held_out():
    assert 200 < len(held_out([f"patient {i}" for i in range(1000)])) < 300


def test_a_patient_s_cases_are_never_on_both_sides_and_none_is_lost():
    for count, each in ((24, 2), (15, 3), (8, 1)):
        made = cases(count, each)
        found = split(made)
        for one in found.rounds:
            assert not {case.group for case in one.learn} & {case.group for case in one.judge}
            assert {case.name for case in (*one.learn, *one.judge)} == {case.name for case in made}


def test_with_fewer_than_eight_each_case_is_judged_once_by_what_did_not_learn_from_it():
    made = cases(5)
    found = split(made)
    assert found.how == "folds" and len(found.learn) == 5
    assert sorted(case.name for case in found.judge) == [case.name for case in made]


def test_with_fewer_than_four_patients_nothing_is_measured():
    assert split(cases(3)).how == "nothing" and split(cases(12, of_each_group=4)).how == "nothing"


@given(names, st.lists(st.text(min_size=9, max_size=12), unique=True), st.randoms())
def test_what_was_decided_stays_whatever_order_cases_come_in_and_whoever_is_gone(first, later, dice):
    before = held_out(first)
    decided = {group: group in before for group in first}
    now = [*later, *dice.sample(first, len(first) // 2)]
    after = held_out(now, decided)
    assert after & set(first) == before
    assert {group for group in after if group in later} == held_out([*first, *later]) - set(first)


def test_the_only_picture_of_its_kind_is_learnt_from_and_not_held_back():
    groups = [f"patient {i}" for i in range(12)]
    chance = held_out(groups)
    odd = next(iter(chance & set(groups[:ENOUGH])))
    looks = {group: np.array([0.1 + 0.01 * (i % 5), 0.1]) for i, group in enumerate(groups)}
    assert held_out(groups, looks=looks) == chance
    looks[odd] = np.array([0.8, 0.3])
    chosen = held_out(groups, looks=looks)
    assert odd not in chosen and len(chosen) >= 2


def test_of_two_alike_that_chance_would_both_hold_back_one_is_learnt_from():
    groups = [f"patient {i}" for i in range(40)]
    first, second, *_ = sorted(held_out(groups), key=groups.index)
    looks = {group: np.array([0.1 + 0.01 * (i % 5), 0.1]) for i, group in enumerate(groups)}
    looks[first], looks[second] = np.array([0.8, 0.3]), np.array([0.79, 0.3])
    assert len(held_out(groups, looks=looks) & {first, second}) == 1


@given(names, st.lists(st.text(min_size=9, max_size=12), unique=True), st.randoms())
def test_how_later_pictures_look_never_moves_earlier_ones(first, later, dice):
    looks = {group: np.array([dice.random(), dice.choice([0.0, 5.0])]) for group in [*first, *later]}
    before = held_out(first, looks=looks)
    assert held_out([*first, *later], looks=looks) & set(first) == before and len(before) >= 2


def test_cases_are_split_by_how_they_look_too():
    made = [dataclasses.replace(case, voxels=shade(20 + i)) for i, case in enumerate(cases(10))]
    odd = split(made).judge[0]
    at = made.index(odd)
    made[at] = dataclasses.replace(odd, voxels=shade(230))
    assert odd.group not in {case.group for case in split(made).judge}


def shade(level):
    return np.full((1, 8, 8), level, np.uint8)


def test_what_is_held_out_for_good_is_not_learnt_from_also_when_few_are_left():
    made = cases(5)
    out = frozenset({"patient 1", "patient 3", "patient 77"})
    few = split(made, out)
    assert few.how == "held out" and {case.group for case in few.judge} == {"patient 1", "patient 3"}
    fewer = split(made[:3], out)
    assert fewer.how == "nothing" and {case.group for case in fewer.learn} == {"patient 0", "patient 2"}
    assert split(made, frozenset()).how == "folds"
