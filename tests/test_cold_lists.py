"""Lists of the API that are not kept: their text is what Python writes of rows, they take few statements, and no row
becomes an object.
"""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charon.api import fast_path
from markets.api import cursors
from markets.instruments import create
from markets.licence import Audience
from markets.models import Candle, Instrument, Job, Publication, Quote, Rate, Revision, Source, Tick
from markets.queries import candles, prices, revision_texts, revisions
from markets.queries.asked_once import NUMBERS, TEXTS, PreparedQuestion
from markets.queries.candles import listings_with
from markets.records import RateRecord, Table
from markets.redis import memory_cache
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals import decision_texts
from signals.api_rows import signal_rows
from signals.models import DAILY, AnalysisSnapshot, Signal
from tests import objects_made
from tests.databases import needs_postgres, needs_sqlite
from tests.market import NOW, bar, instrument, price, source

FIGURES: tuple[Any, ...] = (Rate, Publication, Quote, Tick, Candle, Signal, AnalysisSnapshot, Revision)
WRITTEN = ["0.00000001", "0.0000000123", "0.1", "1", "100", "110.50", "67321.5", "123456.7890123", "9999999999.12345"]
# Each list, and its most statements, of which Django writes none anew. A full page is counted, and what explains a day
# is read beside its rates.
MOST = {
    "/latest": 6,
    "/latest?code=USD,EUR": 6,
    "/latest?base=EUR": 6,
    "/candles?symbol=BTCUSDT&timeframe=1h": 3,
    "/candles?symbol=BTCUSDT&timeframe=1h&from=2026-10-26&limit=3": 4,
    "/prices?asset=BTCUSDT": 4,
    "/prices?asset=BTCUSDT&limit=2": 5,
    "/prices?asset=USD&window=7d": 3,
    "/prices/latest": 2,
    "/prices/latest?asset=BTCUSDT": 2,
    "/signals?rule=all": 2,
    "/signals?rule=all&limit=2": 3,
    "/signals?code=BTCUSDT&rule=all&from=2026-10-01": 2,
    "/signals/current": 3,
    "/signals/current?rule=all": 3,
    "/rates?code=USD,EUR&from=2026-10-20&to=2026-10-26": 3,
    "/rates?code=USD&date=2026-10-25&fill=previous": 7,
    "/rates?code=USD&group=month": 3,
    "/rates?code=USD&limit=1": 3,
    "/rates?code=USD&as_of=2026-10-26T11:00:00Z": 4,
    "/rates?code=USD,EUR&as_of=2026-10-26T11:00:00Z": 4,
    "/revisions": 2,
    "/revisions?code=USD&limit=1": 4,
    "/convert?amount=1&from=USD&to=EUR&date=2026-10-23": 5,
    "/tax-rate?rule=pit&code=USD&date=2026-10-25": 4,
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def binance(db: None) -> Source:
    return source("binance", ["BTCUSDT", "ETHUSDT"], polling_interval=60)


def as_json(rows: Any) -> bytes:
    return msgspec.json.encode(list(rows))


def figures(draw: random.Random, count: int) -> Iterator[Decimal]:
    """As a market may say them: at most 15 digits and ten decimals."""
    yield from map(Decimal, WRITTEN)
    for _ in range(count):
        scale = draw.randint(0, 10)
        yield Decimal(draw.randint(1, 10 ** draw.randint(1, min(15, 9 + scale)))).scaleb(-scale)


def fill_prices(market: Source) -> None:
    draw = random.Random(1)
    said = []
    for number, value in enumerate(figures(draw, 40)):
        ago = number + draw.choice([0, 0.5, 0.0001])
        said.append(price(f"{value:f}", ago, "BTCUSDT"))
    save_prices(said, market)


def fill_candles(market: Source, count: int = 40) -> None:
    draw = random.Random(2)
    bars = []
    for number, value in enumerate(figures(draw, count)):
        start = NOW - timedelta(hours=number)
        low, high = sorted((value, value + (draw.choice([Decimal(0), value]) if value < 10**8 else 0)))
        four = [f"{one:f}" for one in (low, high, low, high)]
        volume = draw.choice(["0", "1.204", "100", "12345678.9", "0.00000001"])
        bars.append(bar(f"{start:%Y-%m-%d %H:%M}", *four, volume=volume))
    save_bars(bars, market)
    keys = list(Candle.objects.values_list("pk", flat=True)[:5])
    Candle.objects.filter(pk__in=keys).update(volume=None, synthetic=True, partial=True)


def fill_decisions(code: str = "BTCUSDT") -> None:
    of = instrument(code)
    for number, value in enumerate(["0.0000000123", "-1234.5678901234", "0", None, "99999.1234567891", "-0.5"]):
        moment = NOW - timedelta(days=number)
        macd = None if value is None else Decimal(value).quantize(Decimal(1).scaleb(-10))
        for timeframe, rule in ((DAILY, "macd_signal_cross_12_26_9"), ("1h", "rsi_reversal_14_30_70")):
            Signal.objects.create(
                instrument=of, rule=rule, timeframe=timeframe, as_of=moment, signal="BUY" if number % 2 else "SELL",
                macd=macd, signal_line=macd, histogram=None, horizon_days=5, version=1 + number % 2,
                inputs=None if number else "a" * 64, generated_at=moment + timedelta(microseconds=number * 1001),
            )  # fmt: skip


def tables(first: str, letter: str = "A") -> Iterator[Table]:
    """Dollar and euro from Friday to Monday."""
    for day in (date(2026, 10, 22), date(2026, 10, 23), date(2026, 10, 26)):
        mids = {"USD": Decimal(first) + day.day, "EUR": Decimal("4.2500"), "IDR": Decimal("0.00021980")}
        lines = [RateRecord(code, mid=value) for code, value in mids.items()]
        yield Table(
            letter, day, lines, number=f"{day:%d}/{letter}/NBP/2026", url="https://nbp.example/", sha256=first[0] * 64
        )


def fill_rates(nbp: Source, job: Job) -> None:
    publish(list(tables("3.9001")), nbp, job)
    publish(list(tables("4.90010")), nbp, job)


def test_candles_are_byte_for_byte_those_of_decimals_and_moments(binance: Source) -> None:
    fill_candles(binance)
    coin = instrument("BTCUSDT")
    for scale in (0, 2, 8):
        Instrument.objects.filter(pk=coin.pk).update(scale=scale)
        coin.scale = scale
        for start in (None, NOW - timedelta(hours=20)):
            asked = candles.Stretch("1h", start, NOW - timedelta(hours=2), 1000)
            texts, count = candles.candles(coin, binance, asked)
            typed = list(candles.every(coin, candles.stored(coin, binance, asked)))
            assert as_json(texts) == as_json(typed) != b"[]"
            assert count == len(typed)


def test_prices_are_byte_for_byte_those_of_decimals_and_moments(binance: Source, nbp: Source, job: Job) -> None:
    fill_prices(binance)
    fill_rates(nbp, job)
    for code, window in (("BTCUSDT", "24h"), ("USD", "7d"), ("IDR", "366d")):
        series = prices.series(instrument(code), prices.window(window), Audience.API)
        texts, total = prices.points(series, 1000)
        assert as_json(texts) == as_json(prices.every_point(series)) != b"[]"
        assert total == len(texts)
        assert prices.points(series, 2) == (texts[-2:], total)


def test_decisions_are_byte_for_byte_those_of_decimals_and_moments(binance: Source) -> None:
    fill_decisions()
    wanted: dict[str, Any]
    recent: dict[str, Any] = {"timeframe": DAILY, "as_of__gte": NOW - timedelta(days=3)}
    for wanted in ({}, {"signal": "BUY"}, recent):
        rows = decision_texts.decisions(Audience.OPERATOR, **wanted)
        question = decision_texts.question(Audience.OPERATOR, tuple(wanted), 0)
        texts = decision_texts.items(question.page(100, 0, *wanted.values()))
        assert as_json(texts) == as_json(signal_rows(rows)) != b"[]"
        assert question.count(*wanted.values()) == rows.count() == len(texts)


def test_corrections_are_byte_for_byte_those_of_decimals_and_moments(nbp: Source, job: Job) -> None:
    fill_rates(nbp, job)
    for wanted in (revisions.Wanted(), revisions.Wanted(instrument=instrument("USD").pk, start=date(2026, 10, 23))):
        keys = revisions.revisions(wanted)
        texts, last = revision_texts.page(wanted, Audience.API, 100, 0)
        assert as_json(texts) == as_json(revisions.revision_items(keys)) != b"[]"
        assert (revision_texts.count(wanted, Audience.API), last) == (keys.count(), None)


def test_a_spreadsheet_has_moments_and_not_their_text(client: Client, binance: Source) -> None:
    fill_candles(binance)
    answer = client.get("/candles", {"symbol": "BTCUSDT", "timeframe": "1h", "limit": "3", "format": "ndjson"})
    plain = client.get("/candles", {"symbol": "BTCUSDT", "timeframe": "1h", "limit": "3"}).json()["items"]
    assert [msgspec.json.decode(line) for line in answer.content.splitlines()] == plain
    found, _ = candles.candles(instrument("BTCUSDT"), binance, candles.Stretch("1h", None, None, 3))
    assert found[0]["t"] == "2026-10-26T09:00:00Z"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models of figures that rows became objects of."""
    return objects_made.noted(monkeypatch, FIGURES)


@pytest.mark.slow
def test_a_cold_list_takes_few_statements_and_makes_no_object_of_a_row(
    client: Client, nbp: Source, job: Job, binance: Source, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_rates(nbp, job)
    fill_prices(binance)
    fill_candles(binance)
    fill_decisions()
    assert list(Rate.objects.all()[:1])
    assert made.pop() == "Rate"
    made.clear()
    written: list[str] = []
    execute = SQLCompiler.execute_sql

    def noted(compiler: Any, *how: Any, **named: Any) -> Any:
        written.append(str(compiler.query.model))
        return execute(compiler, *how, **named)

    monkeypatch.setattr(SQLCompiler, "execute_sql", noted)
    over = {}
    for path, most in MOST.items():
        for _ in range(2):  # what is written once a process
            memory_cache.memory.forget()
            fast_path.asked.forget()
            written.clear()
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(path)
        assert (answer.status_code, made, written) == (200, [], []), path
        if len(asked) > most:
            over[path] = asked.captured_queries
    assert not over


@needs_sqlite
def test_the_decisions_of_a_rule_are_found_and_counted_in_one_index(client: Client, binance: Source) -> None:
    fill_decisions()
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/signals?limit=2").json()["count"] == 6
    page, count = (query["sql"] for query in asked if "signals_signal" in query["sql"] and "LIMIT" in query["sql"])
    assert "COUNT(" in count
    for statement, way in ((page, "INDEX"), (count, "COVERING INDEX")):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            plan = [row[3] for row in cursor.fetchall()]
        sought = f"SEARCH signals_signal USING {way} signal_newest_of_rule (rule=? AND timeframe=?"
        assert any(line.startswith(sought) for line in plan), plan


def test_the_sources_of_candles_are_asked_without_reading_all_of_them(binance: Source) -> None:
    fill_candles(binance)
    found = listings_with("1h").values_list("instrument__code", "source__code")
    assert list(found) == [("BTCUSDT", "binance")]
    assert not listings_with("5m").exists()
    assert "EXISTS" not in str(found.query)


def test_a_list_of_values_stands_in_the_place_of_one_mark(nbp: Source) -> None:
    for code in ("USD", "EUR", "CHF"):
        create.currency(code).save()

    def asked(codes: Any, kind: str, but: int) -> Any:
        rows = Instrument.objects.filter(code__in=codes, kind=kind).exclude(pk=but)
        return rows.order_by("code").values_list("code")

    question = PreparedQuestion(asked, (TEXTS[0],), TEXTS[1], NUMBERS[0])
    for codes in (["USD"], ["USD", "CHF", "EUR"], ["CHF", "NOK", "USD"], ["nobody"]):
        for but in (0, instrument("CHF").pk):
            assert question.rows_of(codes, "currency", but) == list(asked(codes, "currency", but))


@needs_postgres
def test_a_list_that_stands_in_no_in_is_refused(nbp: Source) -> None:
    question = PreparedQuestion(lambda one: Instrument.objects.filter(code=one[0]).values_list("code"), (TEXTS[0],))
    with pytest.raises(TypeError, match="in no IN"):
        question.rows_of(["USD"])


@pytest.mark.parametrize("step", [1, 2, 5])
def test_pages_behind_cursors_are_the_whole_list(client: Client, binance: Source, step: int) -> None:
    fill_decisions()
    whole = client.get("/signals?rule=all").json()
    found, address = [], f"/signals?rule=all&limit={step}"
    while address:
        answer = client.get(address)
        found += answer.json()["items"]
        assert answer.json()["count"] == whole["count"]
        link = answer.headers.get("Link", "")
        address = link[1 : link.index(">")] if link else ""
    assert found == whole["items"]
    assert len(found) == 12


def test_a_cursor_of_no_table_is_refused_and_keeps_no_sql(client: Client, nbp: Source) -> None:
    before = revision_texts.keys.cache_info().currsize
    for own in range(2, 12):
        cursor = cursors.of_values((NOW, own, 1))
        assert client.get(f"/revisions?cursor={cursor}").status_code == 400
    assert revision_texts.keys.cache_info().currsize == before
