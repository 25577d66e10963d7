"""The numbers of a panel, by hand; what overlaps counts less, and instruments that move together count once."""

from decimal import Decimal
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.outcomes.panel import POOLED, Decided, Key, Panel, Trials
from signals.outcomes.samples import Held
from signals.outcomes.statistics import Tally, added, effective, panel, percentile, shifted, smallest, wilson
from tests.outcomes import coins, sample, series, walk

LOGS = [0.0, 0.1, 0.3, 0.2, 0.6, 0.5, 0.9, 0.8]
NO_TRIALS = Trials(0, None)


def of(*decided: Decided, horizon: int = 1, code: str = "USD", trials: Trials = NO_TRIALS, shifts: int = 999) -> Panel:
    key = Key("rule", code, decided[0].timeframe, horizon, live=False)
    return panel(key, [sample(one, horizon) for one in decided], trials, shifts)


def test_the_numbers_of_a_panel_are_those_of_its_moves() -> None:
    found = of(series(LOGS, {0: 1, 1: 1, 2: -1, 3: 1}))
    y = [0.2, -0.1, -0.4, -0.1]
    assert (found.n, found.n_eff) == pytest.approx((4, 4.0))
    assert found.first is not None
    assert found.last is not None
    assert (found.first.isoformat(), found.last.isoformat()) == (
        "2020-01-01T00:00:00+00:00",
        "2020-01-04T00:00:00+00:00",
    )
    assert (found.hit_rate, found.mean) == pytest.approx((0.25, np.mean(y)))
    assert (found.median, found.worst) == pytest.approx((-0.1, -0.4))
    moves = np.diff(LOGS)[1:]
    assert found.holding == pytest.approx(moves.mean())
    assert found.smallest == pytest.approx(6 * moves.std(ddof=1) / sqrt(4))
    assert found.sharpe is not None
    assert found.sharpe < 0
    assert (found.net, found.net_n, found.deflated) == (None, 0, None)


def test_a_panel_without_decisions_has_no_number_but_that() -> None:
    key = Key("rule", "USD", "1d", 1, live=False)
    assert of(series(LOGS, {})) == Panel(key, 0, 0.0, None, None)


def test_a_panel_of_one_move_leaves_out_what_one_move_cannot_say() -> None:
    found = of(series(LOGS[:3], {0: 1}))
    assert (found.n, found.percentile, found.smallest) == (1, None, None)
    assert found.mean == pytest.approx(0.2)
    assert found.deflated is None


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    """8 of 10: 0.4902 to 0.9433 (prop.test without correction in R)."""
    assert wilson(0.8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert wilson(0.0, 5)[0] == 0.0
    assert wilson(1.0, 5)[1] == 1.0
    assert wilson(0.5, 36.5)[1] - 0.5 < wilson(0.5, 20)[1] - 0.5


def test_ten_decisions_in_a_row_are_not_ten_observations_of_twenty_days() -> None:
    logs = walk(400, seed=3)
    alone = of(series(logs, dict.fromkeys(range(0, 370, 37), 1)), horizon=20)
    in_a_row = of(series(logs, dict.fromkeys(range(100, 110), 1)), horizon=20)
    assert alone.n == in_a_row.n == 10
    assert alone.n_eff == pytest.approx(10, rel=0.9)
    assert in_a_row.n_eff < 3
    assert in_a_row.hit_high is not None
    assert in_a_row.hit_low is not None
    assert in_a_row.hit_high - in_a_row.hit_low > 0.5, "the interval is that of the effective number"


def test_the_effective_number_is_the_number_where_nothing_overlaps_or_nothing_moves() -> None:
    assert effective(10, overlapping=2.0, apart=2.0) == 10
    assert effective(10, overlapping=4.0, apart=2.0) == 5
    assert effective(10, overlapping=0.0, apart=0.0) == 10
    assert of(series([1.0] * 50, {3: 1, 9: -1})).n_eff == 2


def test_instruments_that_move_as_one_are_pooled_as_one() -> None:
    logs, decisions = walk(300, seed=5), coins(300, 7, seed=6)
    twin = series(logs, decisions, code="EUR")
    alone, both = of(series(logs, decisions), horizon=5), of(series(logs, decisions), twin, horizon=5, code=POOLED)
    assert both.n == 2 * alone.n
    assert both.n_eff == pytest.approx(alone.n_eff)
    assert (both.mean, both.median, both.holding) == pytest.approx((alone.mean, alone.median, alone.holding))
    assert both.smallest is not None
    moves = sample(twin, 5).moves
    assert both.smallest == pytest.approx(6 * moves.std(ddof=1) / sqrt(both.n_eff)), "of pooled panels, of n_eff"


def test_instruments_that_have_nothing_in_common_are_pooled_as_two() -> None:
    logs, others = walk(2000, seed=5), walk(2000, seed=15)
    decisions = coins(2000, 7, seed=6)
    alone = of(series(logs, decisions), horizon=5)
    both = of(series(logs, decisions), series(others, decisions, code="EUR"), horizon=5, code=POOLED)
    assert both.n_eff == pytest.approx(2 * alone.n_eff, rel=0.15)


def test_costs_are_taken_from_the_decisions_whose_costs_are_known() -> None:
    halves = {place: Decimal("0.01") for place in (1, 2, 3)}
    found = of(series(LOGS, {0: 1, 1: -1, 4: 1}, half_spreads=halves))
    assert (found.n, found.net_n) == (3, 2)
    assert found.net == pytest.approx((0.2 + 0.1) / 2 - 0.02)
    candles = of(series(LOGS, {0: 1}, timeframe="4h"))
    assert (candles.net, candles.net_n) == pytest.approx((0.2 - 0.002, 1))


def test_who_knows_the_future_beats_all_random_entries_and_who_errs_always_none() -> None:
    logs = walk(400, seed=8)
    knows = {place: 1 if logs[place + 2] > logs[place + 1] else -1 for place in range(0, 390, 6)}
    assert of(series(logs, knows)).percentile == 100.0
    assert of(series(logs, {place: -sign for place, sign in knows.items()})).percentile == 0.0


def test_random_entries_are_the_same_each_time_and_others_for_another_code() -> None:
    decided = series(walk(400, seed=8), coins(400, 6, seed=1))
    assert of(decided) == of(decided)
    assert of(decided).percentile != of(decided, code="EUR").percentile
    assert of(decided, shifts=0).percentile is None


def test_a_rule_that_always_buys_is_as_good_as_any_random_entry() -> None:
    """An equal mean counts as a half: it is neither better nor worse."""
    assert of(series(walk(200, seed=2), dict.fromkeys(range(198), 1))).percentile == 50.0
    assert percentile(1.0, np.array([0.0, 1.0, 1.0, 2.0])) == 50.0


def test_an_entry_is_shifted_by_whole_bars_around_the_end() -> None:
    one = sample(series(LOGS, {0: 1, 5: -1}))
    moves, size = one.moves, len(one.moves)
    for place in (0.0, 0.3, 0.999):
        by = 1 + int(place * (size - 1))
        wanted = moves[by % size] - moves[(5 + by) % size]
        assert shifted(one, np.array([place])) == pytest.approx([wanted])


def test_deflated_comes_with_the_other_trials() -> None:
    decided = series(walk(400, seed=8), coins(400, 6, seed=1))
    few, many = (of(decided, trials=Trials(number, 0.01)).deflated for number in (1, 1000))
    assert few is not None
    assert many is not None
    assert many < few


def test_the_smallest_effect_shrinks_with_the_root_of_the_number() -> None:
    assert smallest(0.04, 100) == pytest.approx(6 * 0.2 / 10)
    assert smallest(float("nan"), 100) is None


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), factor=st.floats(0.1, 10))
def test_a_series_of_larger_moves_differs_in_nothing_but_their_size(seed: int, factor: float) -> None:
    logs, decisions = walk(120, seed), coins(120, 3, seed)
    one, other = (of(series(each, decisions), horizon=5) for each in (logs, [factor * value for value in logs]))
    assert other.n_eff == pytest.approx(one.n_eff)
    assert (other.hit_rate, other.percentile) == (one.hit_rate, one.percentile)
    assert other.mean == pytest.approx(factor * (one.mean or 0), abs=1e-12)
    assert other.sharpe == pytest.approx(one.sharpe)


@pytest.mark.parametrize("days", [[1, 2, 3], [2], [], [0, 2, 9], [4, 5]])
def test_what_two_series_held_is_added_by_time(days: list[int]) -> None:
    one, other = held([1, 2, 3]), held(days)
    wanted = {day: (day in {1, 2, 3}) * day + (day in days) * day for day in sorted({1, 2, 3, *days})}
    for found in (added(one, other), added(other, one)):
        assert dict(zip(found.times.tolist(), found.x.tolist(), strict=True)) == wanted
    assert one.x.tolist() == [1, 2, 3]


def held(days: list[int]) -> Held:
    return Held(np.array(days, np.int64), np.array(days, np.float64))


def test_a_tally_keeps_no_series() -> None:
    tally = Tally(Key("rule", POOLED, "1d", 1, live=False))
    for number in range(3):
        tally.add(sample(series(walk(5000, number), {7: 1, 9: 1}, code=str(number))))
    assert [len(one.y) for one in tally.decided] == [2, 2, 2]
    assert len(tally.held.x) == 4999
