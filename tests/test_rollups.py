"""Candles that Charon made: of how much, whole or partial, and what they never stand for."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from markets.models import Candle, Gap, Source, Tick
from markets.records import Bar, Price
from markets.redis import market_keys
from markets.store import rollups
from markets.store.prices import prune, save_bars, save_prices
from signals import series
from tests.market import NOW, bar, instrument, said, source
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 9, 1, tzinfo=UTC)
FIVE, HOUR = timedelta(minutes=5), timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def binance(db: None) -> Source:
    return source("binance", ["BTCUSDT"])


@pytest.fixture
def gecko(db: None) -> Source:
    return source("coingecko")


def five(start: datetime, volume: str = "1", close: str = "105", **more: Any) -> Bar:
    return bar(f"{start:%Y-%m-%d %H:%M}", "100", "110", "90", close, timeframe="5m", volume=volume, **more)


def fives(hour: int, count: int = 12, **more: Any) -> list[Bar]:
    return [five(DAY + hour * HOUR + n * FIVE, **more) for n in range(count)]


def price_at(moment: datetime, value: str = "100") -> Price:
    return Price("bitcoin", Decimal(value), moment)


def made(timeframe: str) -> list[tuple[Any, ...]]:
    rows = Candle.objects.filter(timeframe=timeframe).order_by("open_time")
    return [(row.open_time.hour, row.pieces, row.partial, row.synthetic) for row in rows]


@pytest.mark.parametrize("count", [1, 2, 6, 11])
def test_an_hour_of_a_few_of_its_twelve_candles_is_partial(binance: Source, count: int) -> None:
    save_bars(fives(8, count), binance)
    prune(30)
    assert made("1h") == [(8, count, True, False)]
    assert made("1d") == [(0, count, True, False)]


def test_an_hour_of_all_twelve_is_whole_and_a_day_of_24_hours_as_well(binance: Source) -> None:
    save_bars([one for hour in range(24) for one in fives(hour)], binance)
    prune(30)
    assert made("1h") == [(hour, 12, False, False) for hour in range(24)]
    assert made("1d") == [(0, 288, False, False)]


def test_a_day_that_lacks_one_candle_of_one_hour_is_partial(binance: Source) -> None:
    save_bars([one for hour in range(24) for one in fives(hour, 12 - (hour == 13))], binance)
    prune(30)
    assert made("1d") == [(0, 287, True, False)]


def test_published_hours_count_whole_and_an_open_one_not_at_all(binance: Source) -> None:
    hours = [bar(f"2026-09-01 {hour:02}:00") for hour in range(24) if hour != 5]
    save_bars([*hours, *fives(7, 2)], binance)
    Candle.objects.filter(timeframe="1h", open_time=DAY + 23 * HOUR).update(closed=False)
    prune(30)
    assert made("1h")[6] == (7, None, False, False), "what the source published stands"
    assert made("1d") == [(0, 22 * 12, True, False)], "one hour is missing and one never closed"


def test_synthetic_and_partial_are_two_flags(binance: Source) -> None:
    quiet: dict[str, Any] = {"volume": "0"}
    save_bars([*fives(1, **quiet), *fives(2, 3, **quiet), *fives(3, 3), *fives(4, 11, **quiet)], binance)
    save_bars([five(DAY + 4 * HOUR + 11 * FIVE)], binance)
    prune(30)
    assert made("1h") == [(1, 12, False, True), (2, 3, True, True), (3, 3, True, False), (4, 12, False, False)]


def test_prices_are_samples_whole_only_with_one_in_every_quarter(gecko: Source) -> None:
    quarters = [price_at(DAY + 8 * HOUR + minute * timedelta(minutes=1)) for minute in (1, 2, 16, 31, 59)]
    save_prices([*quarters, price_at(DAY + 9 * HOUR)], gecko)
    prune(30)
    assert made("1h") == [(8, 12, False, True), (9, 3, True, True)]


def test_a_midnight_close_of_history_alone_is_a_partial_day(gecko: Source) -> None:
    save_prices([price_at(DAY), price_at(DAY + timedelta(days=1), "101")], gecko)
    prune(30)
    assert [said(row, "pieces", "partial", "synthetic") for row in Candle.objects.filter(timeframe="1d")] == [
        (3, True, True)
    ] * 2


def test_a_roll_up_of_fewer_pieces_never_replaces_one_of_more(binance: Source) -> None:
    save_bars(fives(8), binance)
    prune(30)
    whole = Candle.objects.filter(timeframe="1h").values().get()
    save_bars(fives(8, 3, close="91"), binance)
    prune(30)
    assert Candle.objects.filter(timeframe="1h").values().get() == whole
    assert made("1d") == [(0, 12, True, False)]


def test_a_roll_up_of_more_pieces_replaces_one_of_fewer(binance: Source) -> None:
    save_bars(fives(8, 2), binance)
    prune(30)
    save_bars(fives(8), binance)
    prune(30)
    assert (made("1h"), made("1d")) == ([(8, 12, False, False)], [(0, 12, True, False)])


def test_no_roll_up_replaces_what_was_published_and_that_replaces_a_roll_up(binance: Source) -> None:
    save_bars(fives(8, 2), binance)
    prune(30)
    published = bar("2026-09-01 08:00", "1", "999", "1", "2", volume="77")
    outcome = save_bars([published], binance)
    assert (outcome.replaced, outcome.revised) == (1, 0)
    save_bars(fives(8), binance)
    prune(30)
    hour = Candle.objects.get(timeframe="1h")
    assert said(hour, "high", "pieces", "partial") == (999, None, False)
    save_bars([bar("2026-09-01 00:00", timeframe="1d")], binance)
    save_bars(fives(9), binance)
    prune(30)
    assert Candle.objects.get(timeframe="1d").pieces is None


def test_neither_a_partial_nor_a_synthetic_candle_is_a_base_of_a_signal(binance: Source) -> None:
    hours = [bar(f"2026-09-01 {hour:02}:00", volume="0" if hour == 3 else "5") for hour in range(6)]
    save_bars([*hours, *fives(6, 2), *fives(7)], binance)
    prune(30)
    bars = series.load(instrument("BTCUSDT"), "1h")
    assert [bars.moment(place).hour for place in range(len(bars))] == [0, 1, 2, 4, 5, 7]
    assert set(bars.parts.tolist()) == {0}, "a partial candle is no bar, but it is no gap either"


def test_both_flags_travel_in_redis_and_in_the_api(client: Client, binance: Source) -> None:
    save_bars([bar("2026-10-26 09:00", volume="0"), bar("2026-10-26 10:00")], binance)
    Candle.objects.filter(synthetic=False).update(partial=True, pieces=2)
    items = get(client, "/candles", symbol="BTCUSDT", timeframe="1h")["items"]
    assert [(item["synthetic"], item["partial"]) for item in items] == [(True, False), (False, True)]
    [kept] = market_keys.newest(binance, "1h", [instrument("BTCUSDT").pk]).values()
    assert list(kept[0]) == ["t", "o", "h", "l", "c", "v", "closed", "synthetic", "partial"]
    assert [(row["synthetic"], row["partial"]) for row in kept] == [(True, False), (False, True)]
    assert json.dumps(kept[0]["closed"]) == "true"


def test_known_stretches_are_counted_once() -> None:
    one = Decimal(1)
    starts = [DAY + n * timedelta(minutes=4) for n in range(4)]
    pieces = [rollups.Piece(1, start, one, one, one, one, None, 0, rollups.QUARTER) for start in starts]
    assert rollups.known(pieces) == 3
    assert rollups.known([]) == 0


# Off the grid


def strays(count: int = 43) -> list[Bar]:
    """As Binance published the hours after its outage of 8 February 2018: each begins at 28 minutes past."""
    first = datetime(2018, 2, 9, 9, 28, tzinfo=UTC)
    return [bar(f"{first + n * HOUR:%Y-%m-%d %H:%M}") for n in range(count)]


def around() -> tuple[list[Bar], list[Bar]]:
    return [bar("2018-02-08 00:00")], [bar(f"2018-02-11 {hour:02}:00") for hour in range(5, 8)]


def test_hours_off_the_grid_are_told_once_and_leave_only_the_outage_as_a_gap(binance: Source) -> None:
    before, after = around()
    outcome = save_bars([*before, *strays(), *after], binance)
    assert outcome.refused == [
        "BTCUSDT 1h 2018-02-09T09:28:00+00:00 to 2018-02-11T03:28:00+00:00: 43 begin off the grid"
    ]
    gaps = list(Gap.objects.order_by("from_time").values_list("from_time", "to_time"))
    assert gaps == [
        (datetime(2018, 2, 8, 1, tzinfo=UTC), datetime(2018, 2, 9, 8, tzinfo=UTC)),
        (datetime(2018, 2, 11, 4, tzinfo=UTC), datetime(2018, 2, 11, 4, tzinfo=UTC)),
    ]


def test_a_gap_that_was_told_before_they_came_is_shortened_by_them(binance: Source) -> None:
    before, after = around()
    save_bars([*before, *after], binance)
    assert Gap.objects.count() == 1
    for _ in range(3):
        save_bars(strays(), binance)
    assert [said(row, "tries") for row in Gap.objects.all()] == [(1,), (1,)]
    assert Gap.objects.order_by("from_time").first().to_time == datetime(2018, 2, 9, 8, tzinfo=UTC)  # type: ignore[union-attr]


# Prices of history beside polls


def polls(day: date, hours: range = range(10, 11)) -> list[Price]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [price_at(start + hour * HOUR + n * FIVE + timedelta(seconds=7), "200") for hour in hours for n in range(12)]


def closes(days: int, until: date = date(2026, 10, 26)) -> list[Price]:
    last = datetime(until.year, until.month, until.day, tzinfo=UTC)
    return [price_at(last - timedelta(days=n)) for n in range(days)]


def summary(client: Client, window: str) -> tuple[int, str, str]:
    found = get(client, "/prices/summary", asset="BTC", window=window)
    return found["points"], found["avg"], found["last"]


def test_closes_of_a_month_and_polls_of_a_morning_are_one_price_a_day(client: Client, gecko: Source) -> None:
    save_prices([*closes(29), *polls(date(2026, 10, 26))], gecko)
    points, mean, last = summary(client, "30d")
    assert (points, last) == (31, "200.00")
    assert Decimal(mean) < 110
    assert len(get(client, "/prices", asset="BTC", window="30d")) == 31


def test_polls_of_later_days_give_their_first_price_and_the_newest(client: Client, gecko: Source) -> None:
    older = closes(5, date(2026, 10, 24))
    later = [*polls(date(2026, 10, 24)), *polls(date(2026, 10, 25), range(1, 24)), *polls(date(2026, 10, 26))]
    save_prices([*older, *later], gecko)
    stamps = [row["ts"] for row in get(client, "/prices", asset="BTC", window="30d")]
    assert stamps[-4:] == [
        "2026-10-24T10:00:07Z", "2026-10-25T01:00:07Z", "2026-10-26T10:00:07Z", "2026-10-26T10:55:07Z",
    ]  # fmt: skip
    assert len(stamps) == 9


def test_a_single_close_is_no_part_of_the_polls_of_a_day(client: Client, gecko: Source) -> None:
    save_prices([*closes(3), *polls(date(2026, 10, 26))], gecko)
    assert summary(client, "24h")[:2] == (12, "200.00")


def test_windows_of_polls_alone_or_of_closes_alone_have_every_price(client: Client, gecko: Source) -> None:
    save_prices(closes(20), gecko)
    assert summary(client, "30d")[0] == 20
    at_midnight = [price_at(datetime(2026, 10, 26, tzinfo=UTC) + n * FIVE, "150") for n in range(100)]
    Tick.objects.all().delete()
    save_prices(at_midnight, gecko)
    assert summary(client, "24h")[0] == 100
    assert at_midnight[-1].observed_at < NOW


# The upgrade


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_roll_ups_of_earlier_releases_count_as_partial(transactional_db: None) -> None:
    executor = MigrationExecutor(connection)
    [parent] = executor.loader.graph.node_map["markets", "0014_partial_candles"].parents
    executor.migrate([parent.key])
    apps = executor.loader.project_state([parent.key]).apps
    try:
        model = lambda name: apps.get_model("markets", name).objects  # noqa: E731  as short as it is read
        one = model("Source").create(code="x", name="X", unit="USD", polling_interval=60)
        coin = model("Instrument").create(code="XUSD", kind="crypto")
        common = {"instrument": coin, "source": one} | dict.fromkeys(("open", "high", "low", "close"), 1)
        for number, (timeframe, volume, synthetic) in enumerate(
            [("1h", None, True), ("1h", 18, True), ("1h", 0, True), ("1h", 5, False), ("1d", 95, True), ("5m", 0, True)]
        ):
            model("Candle").create(**common, timeframe=timeframe, volume=volume, synthetic=synthetic,
                                   open_time=DAY + number * HOUR)  # fmt: skip
    finally:
        call_command("migrate", verbosity=0)
    rows = [said(row, "partial", "pieces", "synthetic") for row in Candle.objects.order_by("open_time")]
    assert rows == [
        (True, 0, True), (True, 0, False), (False, None, True), (False, None, False), (True, 0, False),
        (False, None, True),
    ]  # fmt: skip
