"""What the case list says about a case."""

from datetime import UTC, datetime, timedelta

import pytest

from featherseg.session.case_words import SIGNS, ago, line_under, sizes_in_words, told_in_full
from featherseg_engines.annotation.cases import Case, CaseState
from featherseg_engines.geometry import Geometry
from featherseg_engines.labels import Label

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ONE = {1: Label(1, "lesion", "#56b4e9")}
TWO = {**ONE, 2: Label(2, "hair", "#e69f00")}


def case(volumes, *, calibrated=True, state=CaseState.ACCEPTED, changed=""):
    grid = Geometry((1, 20, 30), (1.0, 1.0, 1.0), calibrated=calibrated)
    return Case(
        7, "Fall 7", "a.png", True, "", "", state, grid, 1, "uint8", volumes, changed, "AB", "m.png", 1, 2
    )


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=50), "3 h ago"),
        (timedelta(days=2), "2 d ago"),
        (timedelta(days=30), "2026-02-02"),
    ],
)
def test_how_long_ago(passed, words):
    assert ago((NOW - passed).isoformat(timespec="seconds"), NOW) == words


def test_nothing_is_said_of_a_case_that_was_never_changed():
    assert ago("") == "" and sizes_in_words(case({}), ONE) == ""


def test_sizes_carry_units_and_names_where_there_are_several():
    assert sizes_in_words(case({1: 1.234, 2: 0.0456}), TWO) == "lesion 1.2 ml, hair 0.046 ml"
    assert sizes_in_words(case({1: 12345}, calibrated=False), ONE) == "12\N{NARROW NO-BREAK SPACE}345 px"
    assert sizes_in_words(case({1: 2.0, 9: 1.0}), ONE) == "lesion 2.0 ml, label 9 1.0 ml"
    assert sizes_in_words(case({2: 2.0}), TWO) == "hair 2.0 ml"
    assert line_under(case({2: 2.0}), TWO, brief=True) == "2.0 ml · AB"


def test_each_state_has_its_own_sign_and_is_said_in_words():
    assert len(set(SIGNS.values())) == len(CaseState) == len(SIGNS)
    assert told_in_full(case({}), ONE) == "Fall 7, accepted, AB"
