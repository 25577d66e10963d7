"""Prices and candles on their way into the tables: what may in, what becomes of it, what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from markets.jobs import job_leases
from markets.licence import Audience
from markets.models import Candle, Job, Listing, Quote, Source, Tick
from markets.queries import candles as answers
from markets.queries import latest_prices
from markets.records import Price
from markets.store.prices import save_bars, save_prices
from tests.cases import walk
from tests.market import NOW, bar, instrument, price, said, source

pytestmark = pytest.mark.django_db
Clock = Callable[[str], None]


@pytest.fixture(autouse=True)
def noon(at: Clock) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    return source("coingecko")


@pytest.fixture
def binance(db: None) -> Source:
    return source("binance", ["BTCUSDT", "ETHUSDT"])


def test_a_price_becomes_a_tick_and_the_quote(gecko: Source) -> None:
    full = price("67321.5", 1, bid="67321", ask="67322.25", open="66000", high="68000", low="65900", close="67000",
                 volume="1204.5", change="-1.4093")  # fmt: skip
    outcome = save_prices([full], gecko)
    assert (outcome.inserted, outcome.quotes, outcome.refused) == (1, 1, [])
    quote, tick = Quote.objects.get(), Tick.objects.get()
    assert quote.instrument == tick.instrument == instrument("BTC")
    assert (quote.price, quote.bid, quote.ask) == (Decimal("67321.5"), Decimal("67321"), Decimal("67322.25"))
    assert said(quote, "open", "high", "low", "close") == (66000, 68000, 65900, 67000)
    assert (quote.volume, quote.change, quote.end_of_day) == (Decimal("1204.5"), Decimal("-1.4093"), False)
    assert (quote.observed_at, quote.effective_date, quote.scale) == (full.observed_at, None, 1)
    assert (tick.price, tick.bid, tick.observed_at) == (quote.price, quote.bid, full.observed_at)


def test_a_price_of_a_moment_that_has_not_come_gives_way_to_the_next_one(gecko: Source, at: Clock) -> None:
    """Stored while our clock was a day ahead: until tomorrow it would be the newest, and fresh."""
    at("2026-10-27 12:00")
    save_prices([price("100", -24 * 60)], gecko)
    at("2026-10-26 12:00")
    (shown,) = latest_prices.newest(Audience.OPERATOR, [instrument("BTC").pk]).values()
    assert shown.stale
    save_prices([price("110", 1)], gecko)
    quote = Quote.objects.get()
    assert (quote.price, quote.observed_at) == (Decimal(110), NOW - timedelta(minutes=1))
    (shown,) = latest_prices.newest(Audience.OPERATOR, [instrument("BTC").pk]).values()
    assert not shown.stale


def test_a_newer_price_moves_the_quote_on_and_keeps_the_one_before(gecko: Source) -> None:
    save_prices([price("100", 5, bid="99", ask="101")], gecko)
    save_prices([price("110.25", 1)], gecko)
    quote = Quote.objects.get()
    assert (quote.price, quote.previous, quote.previous_scale) == (Decimal("110.25"), Decimal(100), 0)
    assert (quote.bid, quote.ask) == (None, None), "what is not said any more is not known any more"
    assert Tick.objects.count() == 2


def test_an_older_price_becomes_a_tick_and_never_the_quote(gecko: Source) -> None:
    save_prices([price("110", 1)], gecko)
    outcome = save_prices([price("100", 60)], gecko)
    assert (outcome.inserted, outcome.quotes) == (1, 0)
    assert said(Quote.objects.get(), "price", "previous") == (110, None)
    assert sorted(Tick.objects.values_list("price", flat=True)) == [100, 110]


def test_the_same_moment_again_writes_no_second_tick(gecko: Source) -> None:
    save_prices([price("100", 2)], gecko)
    assert save_prices([price("100", 2)], gecko).inserted == 0
    save_prices([price("101", 2)], gecko)
    assert Tick.objects.get().price == 100
    assert said(Quote.objects.get(), "price", "previous") == (101, None)


def test_a_history_in_any_order_leaves_the_newest_two_in_the_quote(gecko: Source) -> None:
    outcome = save_prices([price("3", 1), price("1", 30), price("2", 10), price("7", 1, "ethereum")], gecko)
    assert (outcome.inserted, outcome.quotes) == (4, 2)
    quote = Quote.objects.get(instrument=instrument("BTC"))
    assert said(quote, "price", "previous") == (3, 2)


def test_a_ticker_that_is_not_listed_is_named_and_not_passed_over(gecko: Source, job: Job) -> None:
    outcome = save_prices([price("100", 1, "nobodys-coin"), price("100", 1)], gecko)
    assert (outcome.inserted, outcome.unknown) == (1, ["nobodys-coin"])
    assert outcome.refused == ["nobodys-coin: not listed at coingecko"]
    save_prices([price("100", 2, "nobodys-coin")], gecko, job)
    job.refresh_from_db()
    assert (job.refused, job.notes) == (1, ["refused: nobodys-coin: not listed at coingecko"])


def test_a_bid_of_zero_is_no_bid_and_a_day_that_has_not_begun_no_prices(gecko: Source) -> None:
    zeros = dict.fromkeys(("bid", "ask", "open", "high", "low", "close"), "0.00")
    save_prices([price("100", 1, **zeros)], gecko)
    quote, tick = Quote.objects.get(), Tick.objects.get()
    assert [getattr(quote, name) for name in zeros] == [None] * 6
    assert (tick.bid, tick.ask) == (None, None)


@walk(
    ("given", "reason"),
    [
        (price("0", 1), "price 0: not above zero"),
        (price("-5", 1), "price -5: not above zero"),
        (price("NaN", 1), "price NaN: not a finite number"),
        (price("1E+400", 1), "price 1E+400: too large"),
        (price("1.39852E-11", 1), "price 0.0000000000139852: more than 10 decimals"),
        (price("12345.67890123456", 1), "price 12345.67890123456: more than 10 decimals"),
        (price("1234567.123456789", 1), "price 1234567.123456789: more than 15 digits"),
        (price("100", 1, bid="101", ask="100.5"), "bid 101 above ask 100.5"),
        (price("100", 1, bid="-1"), "bid -1: not above zero"),
        (price("100", 1, low="101", high="99"), "low 101 above high 99"),
        (price("100", 1, volume="-1"), "volume -1 cannot be"),
        (price("100", 1, volume="1E+30"), "volume 1000000000000000000000000000000 cannot be"),
        (price("100", 1, change="Infinity"), "change Infinity cannot be"),
        (price("100", -2), "of 2026-10-26T11:02:00+00:00, ahead of our clock"),
        (Price("bitcoin", Decimal(1), datetime(2026, 10, 26)), "2026-10-26 00:00:00 has no time zone"),  # noqa: DTZ001
    ],
)
def test_a_price_that_cannot_be_is_refused_with_its_reason(gecko: Source, given: Price, reason: str) -> None:
    outcome = save_prices([given, price("7", 1, "ethereum")], gecko)
    assert (outcome.refused, outcome.inserted) == ([f"bitcoin: {reason}"], 1)
    assert Tick.objects.get().instrument == Quote.objects.get().instrument == instrument("ETH")


def test_a_clock_that_is_a_minute_ahead_is_no_fault(gecko: Source) -> None:
    assert save_prices([price("100", -1)], gecko).refused == []


def test_small_and_exact_numbers_come_back_as_they_were(gecko: Source) -> None:
    save_prices([price("0.0000123456", 1), price("1.39852E-5", 1, "ethereum", volume="1.5E+3")], gecko)
    found = {tick.instrument.code: tick.price for tick in Tick.objects.all()}
    assert found == {"BTCUSD": Decimal("0.0000123456"), "ETHUSD": Decimal("0.0000139852")}
    assert Quote.objects.get(instrument=instrument("ETH")).volume == 1500


def test_volumes_are_rounded_to_what_both_databases_keep(gecko: Source) -> None:
    save_prices([price("100", 1, volume="29096603418.89408123", change="-1.40932970984414021")], gecko)
    quote = Quote.objects.get()
    assert (quote.volume, quote.change) == (Decimal("29096603418.8941"), Decimal("-1.4093297098"))


def test_prices_cost_the_same_however_many_they_are(gecko: Source) -> None:
    save_prices([price("100", 2)], gecko)  # what wakes the alerts waits from now on
    few = statements(lambda: save_prices([price("100", 1)], gecko))
    many = statements(lambda: save_prices([price("100", minutes) for minutes in range(3, 3000)], gecko))
    assert few <= many <= 9


def test_a_run_that_was_given_up_writes_no_price(gecko: Source, job: Job) -> None:
    Job.objects.update(status=Job.Status.FAILED)
    with pytest.raises(job_leases.LeaseLost):
        save_prices([price("100", 1)], gecko, job)
    assert not Tick.objects.exists()


def test_the_database_itself_refuses_a_price_of_zero(gecko: Source) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Tick.objects.create(instrument=instrument("BTC"), source=gecko, observed_at=NOW, price=0)


def statements(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


# Candles


def only() -> Candle:
    return Candle.objects.get()


def test_a_candle_is_closed_when_its_time_is_over(binance: Source) -> None:
    outcome = save_bars([bar("2026-10-26 10:00", trades=7), bar("2026-10-26 11:00")], binance)
    assert (outcome.inserted, outcome.refused, outcome.gaps) == (2, [], [])
    closed, running = Candle.objects.order_by("open_time")
    assert (closed.closed, running.closed) == (True, False)
    assert said(closed, "open", "high", "low", "close", "volume") == (100, 110, 90, 105, Decimal("12.5"))
    assert (closed.trades, closed.synthetic, closed.timeframe) == (7, False, "1h")
    assert closed.instrument == instrument("BTCUSDT")


def test_an_open_candle_is_replaced_until_it_is_closed(binance: Source, at: Clock) -> None:
    save_bars([bar("2026-10-26 11:00")], binance)
    outcome = save_bars([bar("2026-10-26 11:00", "100", "120", "90", "119")], binance)
    assert (outcome.inserted, outcome.replaced, outcome.revised) == (0, 1, 0)
    assert said(only(), "high", "closed") == (120, False)
    at("2026-10-26 13:00")
    outcome = save_bars([bar("2026-10-26 11:00", "100", "120", "90", "119")], binance)
    assert (outcome.replaced, outcome.revised, only().closed) == (1, 0, True)


def test_a_closed_candle_that_its_source_changes_is_revised(binance: Source) -> None:
    save_bars([bar("2026-10-26 09:00")], binance)
    outcome = save_bars([bar("2026-10-26 09:00", "100", "110", "90", "104.5")], binance)
    assert (outcome.inserted, outcome.replaced, outcome.revised, outcome.written) == (0, 0, 1, 1)
    assert only().close == Decimal("104.5")


def test_an_answer_that_comes_late_does_not_open_a_closed_candle(binance: Source, at: Clock) -> None:
    save_bars([bar("2026-10-26 10:00", "100", "120", "90", "119")], binance)
    at("2026-10-26 11:30")  # the clock of the process that was slow
    assert save_bars([bar("2026-10-26 10:00")], binance).written == 0
    assert said(only(), "high", "closed") == (120, True)


def test_what_is_unchanged_is_not_written(binance: Source) -> None:
    same = [bar("2026-10-26 09:00", volume="0.1234567890123456"), bar("2026-10-26 10:00")]
    save_bars(same, binance)
    with CaptureQueriesContext(connection) as queries:
        assert save_bars(same, binance).written == 0
    assert not any("INSERT" in query["sql"] for query in queries)


def test_of_two_candles_for_one_stretch_the_last_one_counts(binance: Source) -> None:
    save_bars([bar("2026-10-26 09:00"), bar("2026-10-26 09:00", "100", "111", "90", "105")], binance)
    assert only().high == 111


def test_a_candle_without_trades_is_marked(binance: Source) -> None:
    save_bars([bar("2026-10-26 09:00", "100", "100", "100", "100", volume="0.00000000")], binance)
    assert said(only(), "synthetic", "volume") == (True, 0)


@walk(
    ("given", "reason"),
    [
        (bar("2026-10-26 09:07"), "begins off the grid"),
        (bar("2026-10-26 09:00:00.5"), "begins off the grid"),
        (bar("2026-10-26 09:00", timeframe="7m"), "unknown timeframe 7m"),
        (bar("2026-10-26 12:00"), "of 2026-10-26T12:00:00+00:00, ahead of our clock"),
        (bar("2026-10-26 09:00", close_time=NOW), "does not end in its stretch"),
        (bar("2026-10-26 09:00", close_time=NOW - timedelta(days=1)), "does not end in its stretch"),
        (bar("2026-10-26 09:00", "100", "90", "110", "100"), "low 110 above high 90"),
        (bar("2026-10-26 09:00", "120", "110", "90", "100"), "open 120 outside low 90 and high 110"),
        (bar("2026-10-26 09:00", "100", "110", "90", "80"), "close 80 outside low 90 and high 110"),
        (bar("2026-10-26 09:00", "100", "110", "0", "100"), "low 0: not above zero"),
        (bar("2026-10-26 09:00", "100", "NaN", "90", "100"), "high NaN: not a finite number"),
        (bar("2026-10-26 09:00", volume="-1"), "volume -1 cannot be"),
    ],
)
def test_a_candle_that_cannot_be_is_refused_with_its_reason(binance: Source, given: Any, reason: str) -> None:
    outcome = save_bars([given, bar("2026-10-26 09:00", ticker="ETHUSDT")], binance)
    [words] = outcome.refused
    assert words.startswith(f"BTCUSDT {given.timeframe} 2026-10-26T")
    assert words.endswith(f": {reason}")
    assert only().instrument == instrument("ETHUSDT")


def test_a_symbol_that_is_not_listed_is_named(binance: Source) -> None:
    outcome = save_bars([bar("2026-10-26 09:00", ticker="XYZUSDT")], binance)
    assert (outcome.unknown, outcome.refused) == (["XYZUSDT"], ["XYZUSDT: not listed at binance"])


def test_a_gap_among_the_candles_and_before_them_is_told(binance: Source) -> None:
    whole = [bar(f"2026-10-26 0{hour}:00", ticker="ETHUSDT") for hour in range(4, 10)]
    save_bars([bar("2026-10-26 04:00"), *whole], binance)
    outcome = save_bars(
        [bar("2026-10-26 10:00"), bar("2026-10-26 07:00"), bar("2026-10-26 10:00", ticker="ETHUSDT")], binance
    )
    assert outcome.gaps == [
        "BTCUSDT 1h: 2 missing from 2026-10-26T05:00:00+00:00",
        "BTCUSDT 1h: 2 missing from 2026-10-26T08:00:00+00:00",
    ]
    start, end = datetime(2026, 10, 26, tzinfo=UTC), NOW
    found = list(answers.gaps(instrument("BTCUSDT"), binance, "1h", start, end))
    assert [(gap.first.hour, gap.last.hour, gap.missing) for gap in found] == [(5, 6, 2), (8, 9, 2)]
    assert list(answers.gaps(instrument("ETHUSDT"), binance, "1h", start, end)) == []


def test_candles_out_of_order_are_stored_in_theirs(binance: Source) -> None:
    outcome = save_bars([bar(f"2026-10-26 0{hour}:00") for hour in (3, 1, 2)], binance)
    assert (outcome.inserted, outcome.gaps) == (3, [])


@pytest.mark.slow
def test_the_newest_two_candles_of_87_series_take_few_statements_whatever_their_history(binance: Source) -> None:
    Listing.objects.update(tracked=True)
    tickers = list(binance.listings.values_list("ticker", flat=True))
    assert len(tickers) == 29
    counts: list[int] = []
    for history in (10, 300):
        for timeframe, seconds in (("5m", 300), ("1h", 3600), ("4h", 14_400)):
            save_bars([bar(str(begin(seconds, back)), ticker=ticker, timeframe=timeframe)
                       for ticker in tickers for back in range(history)], binance)  # fmt: skip
        counts.append(statements(lambda: cycle(binance, tickers, str(len(counts) + 1))))
    assert counts[0] == counts[1] < 40
    assert Candle.objects.count() == 87 * 300


def begin(seconds: int, back: int) -> datetime:
    """When the candle began that is so many before the running one."""
    moment = int(NOW.timestamp()) // seconds * seconds - back * seconds
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)


def cycle(binance: Source, tickers: list[str], trades: str) -> None:
    for timeframe, seconds in (("5m", 300), ("1h", 3600), ("4h", 14_400)):
        bars = [bar(str(begin(seconds, back)), ticker=ticker, timeframe=timeframe, trades=int(trades))
                for ticker in tickers for back in (1, 0)]  # fmt: skip
        assert save_bars(bars, binance).refused == []
