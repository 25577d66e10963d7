"""The outbox: written with prices and candles, claimed under a lease, worked off once."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from markets import clock
from markets.jobs import runs
from markets.models import Instrument, Job, OutboxEvent, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals import claims, engine, rules, tasks
from signals.models import AnalysisSnapshot, Signal
from tests.market import bar, instrument, price, source
from tests.news import news, open_news
from tests.test_engine import content, wave
from tests.test_rules_laws import ThreeInARow, hours

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return source("binance", ["BTCUSDT", "ETHUSDT"])


@pytest.fixture
def dollar(nbp: Source, at: Callable[[str], None]) -> Instrument:
    """300 closes of the dollar that the engine has not seen."""
    at("2026-11-20 13:00")
    with runs.job("nbp.A", nbp) as job:
        publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(300)], nbp, job)
    return instrument("USD")


def bring(nbp: Source, day: date, value: Decimal) -> None:
    with runs.job("nbp.A", nbp) as job:
        publish([Table("A", day, [RateRecord("USD", mid=value)])], nbp, job)


def shown(rows: Any) -> list[tuple[str, str, str, int]]:
    return [(row.kind, row.consumer, f"{row.from_time:%H:%M}-{row.to_time:%H:%M}", row.rows) for row in rows]


def test_prices_are_news_of_their_instrument_for_both_consumers(market: Source) -> None:
    save_prices([price("100", 2, ticker="BTCUSDT"), price("101", 1, ticker="BTCUSDT")], market)
    save_prices([price("102", 0, ticker="BTCUSDT")], market)
    rows = OutboxEvent.objects.filter(instrument=instrument("BTCUSDT")).order_by("consumer")
    assert shown(rows) == [("price", "alerts", "10:58-11:00", 3), ("price", "engine", "10:58-11:00", 3)]


def test_prices_that_were_known_are_no_news(market: Source) -> None:
    save_prices([price("100", 2, ticker="BTCUSDT")], market)
    OutboxEvent.objects.all().delete()
    save_prices([price("100", 2, ticker="BTCUSDT")], market)
    assert not OutboxEvent.objects.exists()


def test_candles_are_news_of_their_timeframe_where_one_was_written(market: Source) -> None:
    bars = [bar("2026-10-26 09:00"), bar("2026-10-26 08:00"), bar("2026-10-26 09:00", timeframe="5m")]
    save_bars([*bars, bar("2026-10-26 09:00", ticker="ETHUSDT")], market)
    assert shown(news().filter(instrument=instrument("BTCUSDT")).order_by("kind")) == [
        ("candle:1h", "engine", "08:00-09:00", 2), ("candle:5m", "engine", "09:00-09:00", 1),
    ]  # fmt: skip
    OutboxEvent.objects.all().delete()
    save_bars([*bars, bar("2026-10-26 09:00", "101", "110", "90", "105", ticker="ETHUSDT")], market)
    assert [(row.instrument.code, row.kind) for row in news()] == [("ETHUSDT", "candle:1h")]


def test_news_of_a_whole_refresh_is_one_statement(market: Source) -> None:
    bars = [
        bar("2026-10-26 08:00", ticker=ticker, timeframe=timeframe)
        for ticker in market.listings.values_list("ticker", flat=True)
        for timeframe in ("5m", "1h", "4h")
    ]
    with CaptureQueriesContext(connection) as asked:
        save_bars(bars, market)
    assert len([query for query in asked if "markets_ingest" in query["sql"]]) == 1
    assert news().count() == len(bars)


def test_what_no_rule_applies_to_wakes_nobody_and_is_passed_over(
    market: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "decisions", None)
    save_prices([price("100", 2, ticker="BTCUSDT")], market)
    save_bars([bar("2026-10-26 09:00", timeframe="15m")], market)
    assert not [row for row in OrmQ.objects.all() if tasks.is_catch_up(row)]
    assert not claims.is_open()
    assert tasks.catch_up() == 0
    assert (open_news().count(), news().count()) == (0, 2)
    assert OutboxEvent.objects.filter(consumer="alerts", processed=None).count() == 2


def test_news_for_alerts_alone_is_nothing_open_for_the_engine(dollar: Instrument) -> None:
    tasks.catch_up()
    assert OutboxEvent.objects.filter(consumer="alerts", processed=None, kind="rate").exists()
    assert not claims.is_open()
    assert claims.waiting() == []


def test_a_writer_does_not_wait_for_a_pass_and_its_news_is_decided_next(
    nbp: Source, dollar: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, closes = engine.decisions, wave(301)

    def meanwhile(*args: Any, **kwargs: Any) -> dict[str, int]:
        written = real(*args, **kwargs)
        bring(nbp, *closes[300])
        return written

    monkeypatch.setattr(engine, "decisions", meanwhile)
    tasks.catch_up()
    monkeypatch.undo()
    row = open_news().get()
    assert (row.from_time.date(), row.rows, row.claimed_until) == (closes[300][0], 1, None)


@pytest.mark.slow
def test_a_second_engine_leaves_a_claimed_instrument_alone(dollar: Instrument, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    real = engine.decisions

    def two(*args: Any, **kwargs: Any) -> dict[str, int]:
        passes.append(args)
        assert (tasks.process(dollar), tasks.catch_up()) == (0, 0)
        return real(*args, **kwargs)

    monkeypatch.setattr(engine, "decisions", two)
    assert tasks.catch_up() > 0
    assert len(passes) == 1


def test_a_claim_whose_lease_has_run_out_is_taken_by_the_next_pass(
    dollar: Instrument, at: Callable[[str], None]
) -> None:
    assert len(claims.claim(dollar)) == 1
    assert tasks.catch_up() == 0
    at("2026-11-20 13:02")
    assert tasks.catch_up() > 0
    assert not open_news().exists()


def test_a_claim_far_in_the_future_is_void(dollar: Instrument) -> None:
    claims.claim(dollar)
    news().update(claimed_until=clock.now() + timedelta(days=300))
    assert tasks.catch_up() > 0


def test_a_failing_instrument_counts_a_try_and_the_others_go_on(
    nbp: Source, dollar: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runs.job("nbp.A", nbp) as job:
        publish([Table("A", day, [RateRecord("EUR", mid=value)]) for day, value in wave(300)], nbp, job)
    real = engine.decisions

    def broken(instrument: Instrument, *args: Any) -> dict[str, int]:
        if instrument == dollar:
            raise ValueError("no number")
        return real(instrument, *args)

    monkeypatch.setattr(engine, "decisions", broken)
    tasks.catch_up()
    assert (open_news().get().instrument, open_news().get().tries) == (dollar, 1)
    assert set(AnalysisSnapshot.objects.values_list("instrument__code", flat=True)) == {"EUR"}


@pytest.mark.slow
def test_news_after_the_last_try_begins_a_new_row_that_takes_the_failed_one_along(
    nbp: Source, dollar: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "decisions", None)
    for _ in range(6):
        tasks.catch_up()
    failed = open_news().get()
    assert (failed.tries, failed.error) == (5, "TypeError(\"'NoneType' object is not callable\")")
    monkeypatch.undo()
    assert tasks.catch_up() == 0
    bring(nbp, *wave(301)[300])
    assert open_news().count() == 2
    assert tasks.catch_up() > 0
    assert not open_news().exists()


def test_processed_and_signals_are_one_transaction(dollar: Instrument, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ValueError("after the signals")

    monkeypatch.setattr(tasks, "announce", broken)
    assert tasks.catch_up() == 0
    assert (Signal.objects.count(), open_news().count()) == (0, 1)
    monkeypatch.undo()
    tasks.catch_up()
    before = content()
    assert before
    assert not open_news().exists()


def test_a_job_that_is_pruned_leaves_its_open_news_behind(market: Source) -> None:
    with runs.job("binance", market) as job:
        save_prices([price("100", 2, ticker="BTCUSDT")], market, job)
    assert set(OutboxEvent.objects.values_list("job", flat=True)) == {job.pk}
    Job.objects.all().delete()
    assert OutboxEvent.objects.filter(job=None).count() == 2


@pytest.mark.slow
def test_an_instrument_that_fails_for_ever_keeps_one_row_with_all_its_news(
    nbp: Source, dollar: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = wave(312)
    monkeypatch.setattr(engine, "decisions", None)
    for day, value in closes[300:]:
        tasks.catch_up()
        bring(nbp, day, value)
    tasks.catch_up()
    row = open_news().get()
    assert (row.from_time.date(), row.to_time.date(), row.rows) == (closes[0][0], closes[-1][0], 312)
    monkeypatch.undo()
    assert tasks.catch_up() > 0
    assert AnalysisSnapshot.objects.get(window="30d").stats["as_of"] == closes[-1][0].isoformat()


@pytest.mark.slow
def test_candles_are_decided_on_as_they_come_and_leave_official_decisions_alone(
    dollar: Instrument, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    monkeypatch.setitem(rules.RULES, "three_in_a_row", ThreeInARow)
    tasks.catch_up()
    official = list(Signal.objects.filter(instrument=dollar).values())
    at("2026-10-26 12:30")
    market = source("binance", ["BTCUSDT"])
    candles = list(hours(70))
    save_bars(candles[:40], market)
    assert tasks.catch_up() > 0
    for candle in candles[40:]:
        save_bars([candle], market)
        tasks.catch_up()
    assert not open_news().exists()
    assert list(Signal.objects.filter(instrument=dollar).values()) == official
    step_by_step = decisions("1h")
    Signal.objects.filter(timeframe="1h").delete()
    engine.decide(instrument("BTCUSDT"), "1h")
    assert step_by_step == decisions("1h") != []


def decisions(timeframe: str) -> list[tuple[Any, ...]]:
    rows = Signal.objects.filter(timeframe=timeframe).order_by("as_of", "version")
    return list(rows.values_list("instrument__code", "rule", "as_of", "signal", "version"))
