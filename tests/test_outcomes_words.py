"""What pages and API say about a panel, in Polish and in English, and when it takes the accent colour."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from markets.instruments import create
from markets.models import Instrument, Listing, Source
from signals.outcomes import queries, words
from signals.outcomes.models import Outcome
from tests.cases import walk
from tests.market import source
from tests.outcome_rows import outcome

pytestmark = pytest.mark.django_db

NBSP = "\u00a0"


@pytest.fixture
def usd(at: Callable[[str], None]) -> Instrument:
    at("2026-11-20 13:00")
    row = create.currency("USD")
    row.save()
    return row


def said(usd: Instrument, language: str = "pl", **more: Any) -> str:
    Outcome.objects.all().delete()
    with translation.override(language):
        return words.verdict(outcome(usd, **more)).replace(NBSP, " ")


@walk(
    ("n", "sentence"),
    [
        (0, "Za mało danych: 0 sygnałów, potrzeba 30."),
        (1, "Za mało danych: 1 sygnał, potrzeba 30."),
        (3, "Za mało danych: 3 sygnały, potrzeba 30."),
        (12, "Za mało danych: 12 sygnałów, potrzeba 30."),
        (22, "Za mało danych: 22 sygnały, potrzeba 30."),
    ],
)
def test_too_little_says_how_much_and_how_much_is_needed(usd: Instrument, n: int, sentence: str) -> None:
    assert said(usd, n=n, says="") == sentence


@walk(
    ("panels", "count"),
    [(1, "1 sprawdzony wynik"), (474, "474 sprawdzone wyniki"), (12, "12 sprawdzonych wyników")],
)
def test_chance_says_among_how_many_it_was_looked(usd: Instrument, panels: int, count: str) -> None:
    assert said(usd, panels=panels) == f"Nie odróżnia się od przypadku ({count})."


def test_a_difference_says_its_probability_and_what_costs_leave_of_it(usd: Instrument) -> None:
    assert said(usd, says="better", p=0.0123, panels=474) == (
        "Odróżnia się od przypadku (p = 0,0123, poprawione na 474 wyniki). Po kosztach: −1,92%."
    )
    assert said(usd, says="better", p=0.0001, panels=1, net=0.0042) == (
        "Odróżnia się od przypadku (p = 0,0001, poprawione na 1 wynik). Po kosztach: +0,42%."
    )


def test_a_difference_downwards_is_said_as_such(usd: Instrument) -> None:
    assert said(usd, says="worse", p=0.02, panels=195, net=None) == (
        "Gorzej niż przypadek (p = 0,0200, poprawione na 195 wyników). Po kosztach: nie dotyczy."
    )


@walk(
    ("more", "sentence"),
    [
        ({"says": "", "n": 1}, "Too little data: 1 signal, 30 are needed."),
        ({"says": "", "n": 12}, "Too little data: 12 signals, 30 are needed."),
        ({"panels": 1}, "Cannot be told from chance (1 result examined)."),
        ({"panels": 474}, "Cannot be told from chance (474 results examined)."),
        (
            {"says": "better", "p": 0.0123},
            "Differs from chance (p = 0.0123, corrected for 474 results). After costs: −1.92%.",
        ),
        (
            {"says": "worse", "p": 0.02, "panels": 1, "net": None},
            "Worse than chance (p = 0.0200, corrected for 1 result). After costs: does not apply.",
        ),
    ],
)
def test_the_same_is_said_in_english(usd: Instrument, more: dict[str, Any], sentence: str) -> None:
    assert said(usd, "en", **more) == sentence


def test_figures_have_english_names_too(usd: Instrument) -> None:
    outcome(usd, horizon=1)
    with translation.override("en"):
        (one,) = queries.panels("USD")
    facts = {name: value.replace(NBSP, " ") for name, value in one.facts}
    assert (one.after.replace(NBSP, " "), one.origin) == ("after 1 rate", "back-tested")
    assert facts == {
        "Signals": "235",
        "Effective number of signals": "202",
        "Hit rate": "51.3%",
        "95% confidence interval": "44.2–57.9%",
        "Mean move": "+0.42%",
        "Median": "+0.31%",
        "Worst result": "−4.99%",
        "Plain holding": "+0.08%",
        "Better than so many random entries": "63.3%",
        "After costs": "−1.92%",
        "Smallest visible effect": "0.61%",
    }


def test_figures_are_named_and_the_smallest_visible_effect_is_among_them(usd: Instrument) -> None:
    outcome(usd, n=235, net_n=235)
    (one,) = queries.panels("USD")
    facts = {name: value.replace(NBSP, " ") for name, value in one.facts}
    assert facts == {
        "Sygnały": "235",
        "Efektywna liczba sygnałów": "202",
        "Trafność": "51,3%",
        "Przedział ufności 95%": "44,2–57,9%",
        "Średnia zmiana": "+0,42%",
        "Mediana": "+0,31%",
        "Najgorszy wynik": "−4,99%",
        "Zwykłe trzymanie": "+0,08%",
        "Lepiej niż tyle wejść losowych": "63,3%",
        "Po kosztach": "−1,92%",
        "Najmniejszy widoczny efekt": "0,61%",
    }
    assert one.smallest == "0,61%"


def test_costs_that_are_known_of_some_decisions_say_of_how_many(usd: Instrument) -> None:
    outcome(usd, n=235, net_n=22)
    (one,) = queries.panels("USD")
    assert one.facts[-3:-1] == [("Po kosztach", "−1,92%"), ("Sygnały ze znanym kosztem", "22")]


def test_below_thirty_nothing_is_said_but_the_number(usd: Instrument) -> None:
    outcome(usd, n=29, says="")
    (one,) = queries.panels("USD")
    assert one.facts == [("Sygnały", "29")]
    assert not one.colour


@walk(("says", "colour"), [("", False), ("chance", False), ("better", True), ("worse", True)])
def test_only_what_differs_from_chance_is_coloured(usd: Instrument, says: str, colour: bool) -> None:
    outcome(usd, says=says)
    (one,) = queries.panels("USD")
    assert one.colour is colour


@walk(
    ("horizon", "more", "after"),
    [
        (1, {}, "po 1 notowaniu"),
        (5, {}, "po 5 notowaniach"),
        (20, {"family": "candles"}, "po 20 świecach"),
        (1, {"family": "candles"}, "po 1 świecy"),
    ],
)
def test_a_horizon_is_counted_in_rates_or_in_candles(
    usd: Instrument, horizon: int, more: dict[str, Any], after: str
) -> None:
    outcome(usd, horizon=horizon, **more)
    (one,) = queries.panels("USD")
    assert one.after.replace(NBSP, " ") == after


def test_panels_of_one_code_stand_by_rule_and_horizon_and_live_ones_apart(
    usd: Instrument, django_assert_num_queries: Any
) -> None:
    for horizon, live in [(20, False), (5, True), (5, False)]:
        outcome(usd, horizon=horizon, live=live)
    outcome(usd, rule="another_1")
    outcome(usd, timeframe="1h")
    outcome(None)
    with django_assert_num_queries(1):
        found = queries.panels("USD")
    assert [(one.rule[:4], one.horizon, one.live) for one in found] == [
        ("anot", 5, False), ("macd", 5, False), ("macd", 5, True), ("macd", 20, False),
    ]  # fmt: skip
    assert [one.origin for one in found[1:3]] == ["wyliczone wstecz", "na żywo"]
    assert [one.label for one in found[:2]] == ["another_1", "MACD 12/26/9"]
    assert [one.horizon for one in queries.panels("USD", "another_1")] == [5]
    assert [one.n for one in queries.panels(None)] == [235]
    assert [one.timeframe for one in queries.panels("USD", timeframe="1h")] == ["1h"]


def test_candles_that_may_not_be_shown_are_in_no_panel(usd: Instrument) -> None:
    polygon = source("polygon", ["EURUSD"], enabled=True)
    pair = Instrument.objects.get(pk=Listing.objects.filter(source=polygon, tracked=True).values("instrument")[:1])
    for row in (pair, None):
        outcome(row, family="candles", timeframe="1h")
    outcome(None)
    Source.objects.filter(pk=polygon.pk).update(public_display=False)
    assert queries.panels(pair.code, timeframe="1h") == queries.panels(None, timeframe="1h") == []
    assert len(queries.panels(None)) == 1, "official rates are another family"
    Source.objects.filter(pk=polygon.pk).update(public_display=True)
    assert len(queries.panels(pair.code, timeframe="1h")) == len(queries.panels(None, timeframe="1h")) == 1
