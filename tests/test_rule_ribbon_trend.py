"""Averages line up: bars that are computed by hand, and the same decisions by pandas' averages."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from charon import setting_values
from charon.variables import NotUnderstood
from signals.rules.ribbon_trend import RibbonTrend
from signals.rules.rule import Bar

# Weights 1, 1/2 and 1/4.
THREE = RibbonTrend((1, 3, 7))


def run(rule: RibbonTrend, closes: list[float]) -> tuple[list[list[float]], list[int]]:
    state, found, decisions = rule.initial, [], []
    for close in closes:
        state, values, decision = rule.step(state, Bar(close))
        found.append(list(values))
        decisions.append(decision)
    return found, decisions


def test_it_decides_as_computed_by_hand() -> None:
    found, decisions = run(THREE, [8, 16, 12, 4, 24])
    assert found == [
        [8, 8, 8, 0],
        [16, 12, 10, 1],  # the first order turns nothing
        [12, 12, 10.5, 0],  # two alike are no order
        [4, 8, 8.875, -1],
        [24, 16, 12.65625, 1],
    ]
    assert decisions == [0, 0, 0, -1, 1]


def test_an_order_that_comes_back_is_no_news() -> None:
    """8, 16, 12 as above; then 20: 16, 12.875: the order before the equal averages was the same one."""
    found, decisions = run(THREE, [8, 16, 12, 20])
    assert [values[-1] for values in found] == [0, 1, 0, 1]
    assert not any(decisions)


def test_it_waits_until_the_slowest_average_has_its_place() -> None:
    """8 after 16: 8 < 10 > 9.5: the fast one lies below, the middle one does not yet; then 7 < 8.5 < 8.875."""
    found, decisions = run(THREE, [8, 16, 8, 7])
    assert found[2:] == [[8, 10, 9.5, 0], [7, 8.5, 8.875, -1]]
    assert decisions == [0, 0, 0, -1]


def test_the_eight_averages_are_those_of_pandas() -> None:
    rule = RibbonTrend.configured()
    closes = 4 + np.cumsum(np.random.default_rng(12).normal(0, 0.01, 2000))
    evaluated = rule.evaluate(pd.DataFrame({"close": closes}), rule.initial)
    theirs = np.column_stack([pd.Series(closes).ewm(span=span, adjust=False).mean() for span in rule.spans])
    assert np.allclose(evaluated.values[:, :-1], theirs, rtol=1e-12, atol=0)

    steps = np.diff(theirs, axis=1)
    orders = pd.Series(np.where((steps < 0).all(axis=1), 1, np.where((steps > 0).all(axis=1), -1, np.nan)))
    before = orders.ffill().shift()
    expected = orders.where(orders == -before, 0).astype(int)
    assert evaluated.decisions.tolist() == expected.tolist()
    assert evaluated.values[:, -1].tolist() == orders.fillna(0).tolist()
    assert (expected == 1).sum() > 5 < (expected == -1).sum()


def test_a_constant_series_has_no_order() -> None:
    found, decisions = run(RibbonTrend.configured(), [4.2] * 100)
    assert not any(decisions)
    assert set(map(tuple, found)) == {(4.2,) * 8 + (0.0,)}


def test_the_order_is_its_vote() -> None:
    assert [THREE.vote({"order": order}) for order in (1.0, 0.0, -1.0, None)] == [1, 0, -1, None]


def test_it_says_how_the_averages_lie() -> None:
    text, facts = RibbonTrend.configured().explain({}, "BUY", 4)
    assert text % facts == (
        "Osiem średnich (EMA 20–55) ułożyło się w porządku: każda krótsza leży nad dłuższą, dlatego reguła mówi KUP."
    )
    text, facts = RibbonTrend((10, 20, 30)).explain({}, "SELL", 4)
    assert text % facts == (
        "Osiem średnich (EMA 10–30) ułożyło się w porządku: każda krótsza leży pod dłuższą, "
        "dlatego reguła mówi SPRZEDAJ."
    )


def test_the_parameters_are_a_setting_and_its_name(settings: Any) -> None:
    rule = RibbonTrend.configured()
    assert (rule.name, rule.label, rule.warm_up) == ("ribbon_trend_20_25_30_35_40_45_50_55", "EMA 20–55", 400)
    settings.RIBBON_SPANS = (10, 20, 30, 40, 50, 60, 70, 399)
    rule = RibbonTrend.configured()
    assert (rule.name, rule.warm_up) == ("ribbon_trend_10_20_30_40_50_60_70_399", 2800)
    assert rule.arguments == {"spans": "10,20,30,40,50,60,70,399"}
    assert len(RibbonTrend(range(393, 401)).name) <= 60


@pytest.mark.parametrize(
    "text",
    ["", "20", "1,2,3,4,5,6,7", "1,2,3,4,5,6,7,8,9", "1,2,3,4,5,6,8,7", "1,2,3,4,5,6,7,7", "0,2,3,4,5,6,7,8",
     "1,2,3,4,5,6,7,401", "1,2,3,4,5,6,7,x", "1,2,3,4,5,6,7,8.5"],
)  # fmt: skip
def test_spans_that_are_not_eight_in_order_end_the_start_with_one_line(text: str) -> None:
    with pytest.raises(NotUnderstood, match=r"^RIBBON_SPANS: must be 8 whole numbers from 1 to 400, each above"):
        setting_values.ribbon(text.split(","))


def test_spans_may_be_as_short_and_as_long_as_those_of_macd() -> None:
    assert setting_values.ribbon(["1", "2", "3", "4", "5", "6", "7", "400"]) == (1, 2, 3, 4, 5, 6, 7, 400)


def test_it_says_how_it_is_computed() -> None:
    values, decisions = RibbonTrend.configured().formula()
    assert "20, 25, 30, 35, 40, 45, 50, 55 świec" in values
    assert "od 400. świecy" in decisions
