"""What follows a decision: in at the next close, out a horizon later, and never across a break of the series."""

from decimal import Decimal
from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.outcomes.panel import Decided
from signals.outcomes.samples import blocks, samples
from signals.outcomes.statistics import NOTHING
from tests.outcomes import DAY, START, sample, series, walk

LOGS = [0.0, 0.1, 0.3, 0.2, 0.6, 0.5, 0.9, 0.8]
HOURS = 3600


def seconds(place: int) -> int:
    return int((START + DAY * place).timestamp())


def test_a_decision_enters_at_the_next_close_and_leaves_a_horizon_later() -> None:
    one = sample(series(LOGS, {0: 1, 2: -1}))
    assert one.decisions.times.tolist() == [seconds(0), seconds(2)]
    assert one.y == pytest.approx([0.3 - 0.1, -(0.6 - 0.2)])
    assert sample(series(LOGS, {0: 1}), horizon=5).y == pytest.approx([0.9 - 0.1])


def test_a_decision_whose_exit_has_not_come_does_not_count() -> None:
    decided = series(LOGS, {5: 1, 6: 1, 7: -1})
    assert sample(decided).y == pytest.approx([0.8 - 0.9])
    assert len(sample(decided, horizon=5).y) == 0
    assert not sample(decided, horizon=5).held.x.any(), "nor is anything held for it"


def test_what_is_held_is_compared_with_the_mean_move_of_a_bar() -> None:
    one = sample(series(LOGS, {0: 1, 1: -1}), horizon=5)
    drift = 0.8 / 7
    assert one.drift == pytest.approx(drift)
    # BUY holds bars 2 to 6, SELL 3 to 7.
    wanted = {2: 0.2 - drift, 3: 0, 4: 0, 5: 0, 6: 0, 7: -(-0.1 - drift)}
    held = {at: x for at, x in zip(*map(np.ndarray.tolist, one.held), strict=True) if abs(x) > 1e-12}
    assert held == pytest.approx({seconds(at): x for at, x in wanted.items() if x})
    assert one.moves == pytest.approx([0.9 - 0.1, 0.8 - 0.3]), "holding: the moves that a decision could have had"


@pytest.mark.parametrize("close", [nan, inf, 0.0, -1.0])
def test_a_close_that_is_no_price_is_no_bar(close: float) -> None:
    whole = series(LOGS, {0: 1, 2: -1})
    times = [*whole.times[:2], START + DAY * 1.5, *whole.times[2:]]
    holed = series([], {}, times=times, closes=[*whole.closes[:2], close, *whole.closes[2:]])
    moved = Decided(**{**fields(holed), "decisions": {0: (1, False), 2: (1, False), 3: (-1, False)}})
    for there, wanted in zip(samples(moved, 0.0), samples(whole, 0.0), strict=True):
        assert there.decisions.times.tolist() == wanted.decisions.times.tolist()
        assert there.y.tolist() == wanted.y.tolist()
        assert [part.tolist() for part in there.held] == [part.tolist() for part in wanted.held]


def fields(decided: Decided) -> dict:
    return {name: getattr(decided, name) for name in Decided.__slots__}


def test_no_move_crosses_into_another_part_of_the_series() -> None:
    """A redenomination by a factor of a million is no move, nor is what happened in a gap of a year."""
    logs = [0.0, 0.1, 0.3, 0.2 - log(1e6), 0.6 - log(1e6), 0.5 - log(1e6)]
    one = sample(series(logs, {0: 1, 1: 1, 2: 1, 3: 1}, parts=[0, 0, 0, 1, 1, 1]))
    assert one.decisions.times.tolist() == [seconds(0), seconds(3)], "1 leaves and 2 enters after the break"
    assert one.y == pytest.approx([0.2, -0.1])
    assert one.drift == pytest.approx(np.mean([0.1, 0.2, 0.4, -0.1]))
    assert seconds(3) not in one.held.times
    assert len(one.moves) == 2


def test_times_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="USD 1d: the times do not ascend"):
        sample(series(LOGS[:3], {}, times=[START, START, START + DAY]))
    with pytest.raises(ValueError, match="do not ascend"):
        sample(series(LOGS[:3], {}, times=[START, START + 2 * DAY, START + DAY]))
    with pytest.raises(ValueError, match="3 times, 2 closes"):
        sample(series(LOGS[:3], {}, closes=[1.0, 2.0]))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_series_too_short_for_any_move_has_samples_without_decisions(count: int) -> None:
    found = list(samples(series(LOGS[:count], dict.fromkeys(range(count), 1)), 0.0))
    assert [(one.horizon, one.live, len(one.y), len(one.moves)) for one in found] == [
        (1, False, 0, 0),
        (5, False, 0, 0),
        (20, False, 0, 0),
    ]


def test_live_decisions_are_counted_apart_and_compared_with_the_bars_since_the_first_of_them() -> None:
    decided = series(LOGS, {0: 1, 3: 1, 5: -1}, live=[3, 5])
    past, live = sample(decided), sample(decided, live=True)
    assert past.decisions.times.tolist() == [seconds(0)]
    assert live.decisions.times.tolist() == [seconds(3), seconds(5)]
    assert past.drift == pytest.approx(0.8 / 7)
    assert live.drift == pytest.approx((0.8 - 0.2) / 4)
    assert [one.live for one in samples(series(LOGS, {0: 1}), 0.0)] == [False] * 3


def test_a_round_trip_costs_half_the_spread_of_both_its_days() -> None:
    halves = {1: Decimal("0.01"), 2: Decimal("0.02"), 3: Decimal("0.04")}
    one = sample(series(LOGS, {0: 1, 1: -1, 2: 1}, half_spreads=halves))
    assert one.decisions.costs[:2] == pytest.approx([0.03, 0.06])
    assert np.isnan(one.decisions.costs[2]), "bar 4 has no spread"
    assert np.isnan(sample(series(LOGS, {0: 1})).decisions.costs).all(), "nor has any bar of gold"


def test_candles_cost_a_fraction_on_each_side() -> None:
    decided = series(LOGS, {0: 1}, timeframe="1h")
    assert sample(decided, side_cost=0.002).decisions.costs == pytest.approx([0.004])
    assert sample(series(LOGS, {0: 1}, official=False), side_cost=0.002).decisions.costs == pytest.approx([0.004])


def test_x_of_four_hours_is_added_up() -> None:
    times = [START + DAY * number / 24 for number in range(8)]
    one = sample(series(LOGS, {0: 1, 1: 1, 3: 1}, times=times, timeframe="1h"))
    numbers, sums = blocks(one.held, 4 * HOURS)
    first = seconds(0) // (4 * HOURS)
    assert numbers.tolist() == [first, first + 1]
    drift = 0.8 / 7
    assert sums == pytest.approx([0.2 - 0.1 - 2 * drift, -0.1 - drift])
    assert blocks(NOTHING, 4 * HOURS)[0].tolist() == []


DECISIONS = st.dictionaries(st.integers(0, 59), st.sampled_from((-1, 1)), min_size=1)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(decisions=DECISIONS, seed=st.integers(0, 99), cut=st.integers(1, 59))
def test_what_was_held_each_day_adds_up_to_what_the_decisions_brought(
    decisions: dict[int, int], seed: int, cut: int
) -> None:
    logs, parts = walk(60, seed), [int(place >= cut) for place in range(60)]
    for one in samples(series(logs, decisions, parts=parts), 0.0):
        h = one.horizon
        counted = {i: sign for i, sign in decisions.items() if i + 1 + h < 60 and parts[i] == parts[i + 1 + h]}
        assert len(one.y) == len(counted)
        assert float(one.held.x.sum()) == pytest.approx(float(one.excess.sum()), abs=1e-12)
        inside = [t for t in range(1, 60) if parts[t] == parts[t - 1]]
        drift = np.mean([logs[t] - logs[t - 1] for t in inside])
        held = {t: sum(sign for i, sign in counted.items() if i + 1 < t <= i + 1 + h) for t in inside}
        wanted = [held[t] * (logs[t] - logs[t - 1] - drift) for t in inside]
        assert one.held.x.tolist() == pytest.approx(wanted, abs=1e-12)
