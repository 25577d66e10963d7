"""All rules on an instrument's page: how each stands, why, and what its record may say."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import rules, tasks
from signals.models import AnalysisSnapshot, Signal
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.macd_cross import MacdCross
from signals.rules.ribbon_trend import RibbonTrend
from signals.rules.vwap_side import VwapSide
from tests.market import instrument
from tests.outcome_rows import MACD, outcome
from tests.test_engine import wave
from tests.test_pages_instrument import history, text_of

pytestmark = pytest.mark.django_db
PATH = "/waluty/USD/"


@pytest.fixture
def dollar(nbp: Source, job: Job, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Instrument:
    """600 days under three rules; the fourth needs candles."""
    at("2026-11-20 13:00")
    added = (MacdCross, BollingerReentry, RibbonTrend, VwapSide)
    by_file = {one.__module__.rpartition(".")[2]: one.configured for one in added}
    monkeypatch.setattr(rules, "RULES", by_file)
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(600)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    return instrument("USD")


def section(client: Client, path: str = PATH) -> str:
    content = client.get(path).content.decode()
    return content.partition('<section class="card" id="reguly"')[2].partition("</section>")[0]


def article(client: Client, rule: str = MACD) -> str:
    return section(client).partition(f'id="bilans-{rule}"')[2].partition("</article>")[0]


def words(content: str) -> str:
    return text_of(content.replace("</span>", "</span> ").replace("</small>", "</small> ")).replace("\u00a0", " ")


def horizons(usd: Instrument, **more: Any) -> None:
    for bars in (1, 5, 20):
        outcome(usd, horizon=bars, **more)


@pytest.mark.slow
def test_every_rule_stands_with_its_state_its_values_and_its_reason(client: Client, dollar: Instrument) -> None:
    shown = words(section(client))
    assert re.search(r"MACD 12/26/9 [▲■▼] (KUP|TRZYMAJ|SPRZEDAJ)", shown)
    assert "Histogram MACD stał się" in shown
    assert re.search(r"Wstęgi Bollingera 20/2 [▲■▼] ", shown)
    assert re.search(r"SMA20 \d,\d{4} ", shown)
    assert "Kurs wrócił" in shown
    assert re.search(r"EMA20 \d,\d{4} EMA55 \d,\d{4} ", shown), "of eight averages the first and the last"
    assert "Nie dotyczą kursów dziennych, bo potrzebują świec: VWAP 0,05%." in shown


@pytest.mark.slow
def test_the_reason_is_that_of_the_newest_decision_of_the_rule(client: Client, dollar: Instrument) -> None:
    for rule in ("macd_signal_cross_12_26_9", "bollinger_reentry_20_2"):
        newest = Signal.objects.filter(rule=rule, signal__in=["BUY", "SELL"]).order_by("-as_of")[0]
        assert f"({newest.as_of:%d.%m.%Y})" in words(article(client, rule))


@pytest.mark.slow
def test_a_rule_without_a_record_says_so(client: Client, dollar: Instrument) -> None:
    assert words(section(client)).count("Bilansu jeszcze nie wyliczono.") == 3


@pytest.mark.slow
def test_what_says_the_same_of_every_horizon_stands_once_with_its_number(client: Client, dollar: Instrument) -> None:
    horizons(dollar)
    shown = words(article(client))
    assert "wyliczone wstecz, 235 sygnałów Nie odróżnia się od przypadku (474 sprawdzone wyniki)." in shown
    assert shown.count("Nie odróżnia się od przypadku") == 1
    assert 'class=" told"' not in article(client)


@pytest.mark.slow
def test_a_number_of_decisions_that_differs_is_a_range(client: Client, dollar: Instrument) -> None:
    for bars, count in ((1, 235), (5, 234), (20, 231)):
        outcome(dollar, horizon=bars, n=count)
    assert "wyliczone wstecz, 231–235 sygnałów Nie odróżnia" in words(article(client))


@pytest.mark.slow
@pytest.mark.parametrize("says", ["better", "worse"])
def test_only_what_differs_from_chance_is_coloured_and_neither_red_nor_green(
    client: Client, dollar: Instrument, says: str
) -> None:
    for bars in (1, 5, 20):
        outcome(dollar, horizon=bars, says=says if bars == 5 else "chance", p=0.0123)
    shown = article(client)
    told = re.findall(r'<span class="line told">([^<]*)</span>', shown)
    assert len(told) == 1
    assert told[0].replace("\u00a0", " ").startswith("po 5 notowaniach, 235 sygnałów: ")
    assert "p = 0,0123" in told[0]
    assert shown.count('<span class="line">') == 2
    assert not re.search(r'class="[^"]*\b(good|bad|up|down)\b', shown)


@pytest.mark.slow
def test_too_little_data_has_no_figure_but_its_number(client: Client, dollar: Instrument) -> None:
    horizons(dollar, n=12, says="")
    shown = words(article(client))
    assert "Za mało danych: 12 sygnałów, potrzeba 30." in shown
    assert "%" not in shown.partition("Liczby bilansu")[2]
    assert "told" not in article(client)


@pytest.mark.slow
def test_live_and_back_tested_stand_apart_with_all_horizons_in_one_table(client: Client, dollar: Instrument) -> None:
    horizons(dollar)
    horizons(dollar, live=True, n=3, says="")
    shown = article(client)
    assert re.findall(r"<caption>([^<]*)</caption>", shown) == ["wyliczone wstecz", "na żywo"]
    assert words(shown).count("Ile notowań od wejścia 1 5 20") == 2
    assert "Sygnały 235 235 235" in words(shown)
    assert "Sygnały 3 3 3" in words(shown)


@pytest.mark.slow
def test_every_number_of_a_record_has_its_n_beside_it(client: Client, dollar: Instrument) -> None:
    for bars in (1, 5, 20):
        outcome(dollar, horizon=bars, says="better" if bars == 1 else "chance", p=0.001)
    for line in re.findall(r'<span class="line[^"]*">([^<]*)</span>', article(client)):
        assert re.match(r"po \d+\xa0notowani(u|ach), 235\xa0sygnałów: ", line)
    for table in re.findall(r"<tbody>(.*?)</tbody>", article(client), re.S):
        assert table.startswith('<tr><th scope="row">Sygnały</th>')


@pytest.mark.slow
def test_the_panels_lead_to_the_same_numbers_and_to_the_method(client: Client, dollar: Instrument) -> None:
    horizons(dollar)
    found = re.search(r'href="(/api/v1/outcomes[^"]*)"', article(client))
    assert found is not None
    answer = client.get(found[1].replace("&amp;", "&"))
    assert answer.status_code == 200
    assert {row["rule"] for row in answer.json()["items"]} == {MACD}
    assert "Jak powstaje bilans" in section(client)


@pytest.mark.slow
def test_a_record_that_pages_may_not_show_is_not_shown(client: Client, dollar: Instrument) -> None:
    horizons(dollar)
    Source.objects.update(public_display=False)
    assert section(client) == ""


@pytest.mark.slow
@pytest.mark.parametrize("status", ["failed", "warming_up", "not_applicable"])
def test_a_rule_that_does_not_stand_has_words_in_its_place(client: Client, dollar: Instrument, status: str) -> None:
    AnalysisSnapshot.objects.filter(rule="bollinger_reentry_20_2").update(status=status, stats={})
    shown = words(article(client, "bollinger_reentry_20_2"))
    assert not re.search("KUP|SPRZEDAJ", shown.partition("Bilansu")[0])


@pytest.mark.slow
def test_hostile_words_of_a_record_are_escaped(
    client: Client, dollar: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    horizons(dollar, n=236)  # a record that is kept from no other test
    monkeypatch.setattr("signals.outcomes.words.verdict", lambda _row: "<script>alert(1)</script>")
    shown = section(client)
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown


@pytest.mark.slow
def test_fifty_rules_ask_no_more_than_three(
    client: Client, dollar: Instrument, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    horizons(dollar)
    many = {f"macd_{span}": lambda span=span: MacdCross(12, 26, span) for span in range(9, 59)}
    monkeypatch.setattr(rules, "RULES", {"macd_cross": MacdCross.configured} | many)
    client.get(PATH)
    with django_assert_max_num_queries(8):
        assert section(client).count("<article") == 51


def test_a_currency_of_table_b_and_one_without_rates_have_no_rules(client: Client, nbp: Source) -> None:
    history(nbp, "AED", count=3, letter="B")
    assert section(client, "/waluty/AED/") == ""
    assert section(client, "/waluty/EUR/") == ""


def test_a_database_with_rates_and_without_signals_says_that_they_are_to_come(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    at("2026-11-21 09:00")
    history(nbp, count=30)
    shown = words(section(client))
    assert "MACD 12/26/9 jeszcze nie wyliczono" in shown
    assert "Bilansu jeszcze nie wyliczono." in shown
