"""What the public pages may cost, by counts and not by time: their statements, and no model objects of figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets.models import Candle, Gap, Quote, Rate, Source
from markets.queries import drawn
from markets.queries.asked_once import DAYS, MOMENTS, TEXTS, QuestionOf
from signals import tasks
from signals.models import AnalysisSnapshot, Signal
from tests import objects_made
from tests.coin_market import candles, register
from tests.market import source
from tests.test_pages_instrument import band, history

FIGURES: tuple[Any, ...] = (Rate, Quote, Candle, Signal, AnalysisSnapshot)
# Each page, and its most statements with data in every part of it.
MOST = {
    "/": 8,
    "/?tabela=wszystkie": 8,
    "/en/": 8,
    "/waluty/": 3,
    "/waluty/USD/": 7,
    "/waluty/USD/?zakres=1R": 7,
    "/waluty/USD/?zakres=Max": 8,
    "/zloto/": 7,
    "/krypto/": 7,
    "/krypto/BTCUSDT/": 8,
    "/tabele/A/2026-11-20/": 4,
    "/kurs-podatkowy/": 2,
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models of figures that rows became objects of."""
    return objects_made.noted(monkeypatch, FIGURES)


@pytest.mark.slow
def test_a_page_asks_few_questions_and_makes_no_objects_of_figures(
    client: Client,
    nbp: Source,
    archive: Source,
    made: list[str],
    at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    at("2026-10-26 12:00")
    register(monkeypatch)
    candles(source("binance", ["BTCUSDT"]), "BTCUSDT")
    at("2026-11-21 09:00")
    history(nbp)
    history(nbp, "XAU", letter="gold")
    band(nbp)
    tasks.catch_up()
    assert list(Rate.objects.all()[:1])
    assert made.pop() == "Rate"
    made.clear()
    counted = {}
    for path in MOST:
        client.get(path)  # what is written once a process
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200, path
        counted[path] = [one["sql"] for one in asked.captured_queries if " callercount" not in one["sql"]]
        assert made == [], path
    over = {path: found for path, found in counted.items() if len(found) > MOST[path]}
    assert not over


def test_a_kept_question_takes_days_and_moments(nbp: Source) -> None:
    """SQLite is sent texts, PostgreSQL what they are."""
    history(nbp, count=30)
    rows = Rate.objects.order_by("effective_date")

    def between(code: str, first: date, last: date) -> Any:
        found = rows.filter(instrument__code=code, effective_date__range=(first, last))
        return found.values_list("effective_date", "mid")

    kept, days = QuestionOf(between, TEXTS[0], *DAYS), list(rows.values_list("effective_date", flat=True))
    for first, last in ((days[3], days[9]), (days[0], days[0]), (days[9], days[3])):
        assert kept.rows_of("USD", first, last) == list(between("USD", first, last))
    assert kept.rows_of("EUR", days[0], days[-1]) == []

    start = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for number in range(3):
        begin = start + timedelta(days=7 * number)
        Gap.objects.create(source=nbp, table="A", from_time=begin, to_time=begin + timedelta(days=1))
    gaps = QuestionOf(
        lambda first, last: Gap.objects.filter(from_time__gte=first, from_time__lt=last).values_list("from_time"),
        *MOMENTS[:2],
    )
    assert gaps.rows_of(start, start + timedelta(days=7)) == [(start,)]
    assert [one for one, _end in drawn.missing("USD", {"A"}, start, start + timedelta(days=7))] == [
        start,
        start + timedelta(days=7),
    ]


def test_two_tables_of_a_day_are_one_bar_of_a_chart(nbp: Source) -> None:
    """Where each day has one row its columns are taken as they come; else the mid of table A is that of the day."""
    rows = [("2026-11-19", "A", 4, 3.7), ("2026-11-20", "A", 4, 3.8), ("2026-11-20", "B", 4, 3.9)]
    assert drawn.of_mids(rows).closes == [3.7, 3.8]
    assert drawn.of_mids(rows[:2]).closes == [3.7, 3.8]
    assert drawn.of_mids([*rows[:1], ("2026-11-20", "A", 4, None)]).times == ["2026-11-19"]
    assert len(drawn.of_mids([])) == 0
    history(nbp, count=30)
    alone, banded = (drawn.official("USD", date(2026, 1, 1), band=band) for band in (False, True))
    assert alone == banded
    assert len(alone) == 30
