"""How fast a lesson learns, and how far back its average reaches."""

import pytest

from featherseg_engines.teaching.pace import LEAST, QUIET, ROAMING, WARM, Ending, Pace, rate_for


@pytest.mark.parametrize("ending", [QUIET, ROAMING])
def test_the_rate_rises_then_falls_to_its_ending(ending: Ending) -> None:
    pace = Pace(2e-3, ending)
    assert pace.rate(0.0) < 0.1 * pace.rate(WARM)
    rates = [pace.rate(WARM + i / 100) for i in range(95)]
    assert rates == sorted(rates, reverse=True)
    assert pace.rate(1.0) == pytest.approx(2e-3 * ending.rate)


def test_a_lesson_that_begins_again_warms_up_again() -> None:
    assert Pace(2e-3, QUIET).rate(0.5, began=0.5) < 0.1 * Pace(2e-3, QUIET).rate(0.5)


def mean_age(ending: Ending, steps: int) -> float:
    """How many steps ago, in the mean, the weights in the average were the newest."""
    age = 0.0
    for step in range(1, steps + 1):
        age = (age + 1) * (1 - Pace(1.0, ending).share(step))
    return age


def test_a_roaming_lesson_answers_with_the_mean_of_a_longer_way() -> None:
    quiet, roaming = (mean_age(ending, 400) / 400 for ending in (QUIET, ROAMING))
    assert 0.02 < quiet < 0.08
    assert 0.15 < roaming < 0.35
    assert Pace(1.0, ROAMING).share(10**6) == LEAST
    assert Pace(1.0, ROAMING).share(0) == 1.0


def test_rates_by_network_and_kind() -> None:
    assert rate_for("lgmsnet", 2) < rate_for("repsegnet", 2) < rate_for("repsegnet", 2, apart=True)
