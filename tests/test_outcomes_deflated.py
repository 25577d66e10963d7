"""The deflated Sharpe ratio, by the worked example of its authors."""

from math import sqrt

import numpy as np
import pytest

from signals.outcomes.deflated import best_by_chance, deflated_sharpe, probability, shape, sharpe
from signals.outcomes.panel import Trials

# Bailey and Lopez de Prado 2014: 2.5 a year of 250 days, five years, skew -3, kurtosis 10, variance of a half a year.
RATIO, BARS, SKEW, KURTOSIS, VARIANCE = 2.5 / sqrt(250), 1250, -3.0, 10.0, 0.5 / 250


@pytest.mark.parametrize(("trials", "wanted"), [(100, 0.9004), (46, 0.9505)])
def test_the_published_example_comes_out(trials: int, wanted: float) -> None:
    found = probability(RATIO, BARS, SKEW, KURTOSIS, best_by_chance(trials, VARIANCE))
    assert found == pytest.approx(wanted, abs=5e-5)


def test_the_best_of_a_hundred_trials_is_the_published_one() -> None:
    assert pytest.approx(0.15811, abs=5e-6) == RATIO
    assert best_by_chance(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)


def test_a_single_trial_has_nothing_to_be_better_than_but_zero() -> None:
    assert best_by_chance(1, VARIANCE) == best_by_chance(0, VARIANCE) == 0.0
    assert best_by_chance(2, 0.0) == 0.0


def test_more_trials_make_the_same_ratio_less_probable() -> None:
    x = np.random.default_rng(1).normal(0.05, 1, 2000)
    ratio = sharpe(x)
    assert ratio is not None
    found = [deflated_sharpe(ratio, shape(x), Trials(number, 0.0005)) for number in (1, 10, 100, 1000)]
    assert found == sorted(found, key=lambda value: -(value or 0))
    assert len(set(found)) == 4


def test_nothing_is_said_while_nothing_is_known_of_the_other_trials() -> None:
    assert deflated_sharpe(0.1, shape(np.array([1.0, 2.0, 4.0])), Trials(495, None)) is None


def test_the_moments_are_those_of_the_population() -> None:
    """Of 0, 0, 0, 1: skew 2 / sqrt(3), kurtosis 7 / 3."""
    assert shape(np.array([0.0, 0.0, 0.0, 1.0])) == pytest.approx((4, 2 / sqrt(3), 7 / 3))
    _, skew, kurtosis = shape(np.random.default_rng(3).normal(0, 1, 200_000))
    assert (skew, kurtosis) == pytest.approx((0.0, 3.0), abs=0.05)


def test_the_ratio_is_the_mean_over_the_deviation_of_a_sample() -> None:
    assert sharpe(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    assert sharpe(np.array([1.0])) is None
    assert sharpe(np.array([2.0, 2.0])) is None


def test_moments_that_leave_no_variance_say_nothing() -> None:
    assert probability(2.0, 100, 3.0, 1.0, 0.0) is None
