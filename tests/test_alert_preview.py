"""The preview: the same events as the machine, of what is stored, and how long a year of it takes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from markets.licence import Audience
from markets.models import Candle, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals.alerts import past, preview, preview_text
from signals.alerts.machine import Standing, Watch, advance
from signals.alerts.origins import Origin, origin_of
from signals.alerts.past import Past
from signals.alerts.preview import would
from signals.alerts.windows import Window
from tests.market import bar, instrument, price, source

START = 1_767_261_600
MINUTE = timedelta(minutes=1)
Values = list[tuple[int, int]]


def of(values: Values, allowed: int = 600, scale: int = 100) -> Past:
    """Pauses in seconds and prices in hundredths."""
    times = np.cumsum([pause for pause, _ in values]) + START
    prices = np.array([value / scale for _, value in values])
    return Past(times.astype(np.int64), prices, np.full(len(values), allowed), ("5m",))


def machine(watch: Watch, values: Values, minutes: int, allowed: int = 600) -> list[int]:
    """The places where the machine itself fires."""
    window, standing, time = Window((0 if watch.kind == "level" else minutes) * MINUTE), Standing(), START
    found = []
    for place, (pause, value) in enumerate(values):
        time += pause
        moment = datetime.fromtimestamp(time, UTC)
        if place and pause > allowed:
            standing, _ = advance(watch, standing, window.silence(moment))
        standing, happened = advance(watch, standing, window.add(moment, Decimal(value) / 100))
        if happened.fires:
            found.append(place)
    return found


pauses = st.sampled_from([60, 300, 300, 300, 600, 601, 1800])


def walks(lowest: int, highest: int) -> st.SearchStrategy[Values]:
    return st.lists(st.tuples(pauses, st.integers(lowest, highest)), min_size=2, max_size=60)


# Few different prices, which come back to the same and to a threshold exactly, and many.
series = walks(100, 106) | walks(95, 112) | walks(9000, 11200)
percents = st.sampled_from(["0.5", "1", "2.5", "3", "5", "10"]).map(Decimal)
directions = st.sampled_from(["up", "down", "both"])
rests = st.sampled_from([0, 10, 60]).map(lambda minutes: minutes * MINUTE)


@pytest.mark.slow
@settings(max_examples=300)
@given(series, directions, percents, st.none() | st.sampled_from([Decimal(0), Decimal("0.25")]), rests,
       st.sampled_from([1, 10, 30, 60]))  # fmt: skip
@example([(300, 300), (300, 315), (300, 300), (300, 315)], "up", Decimal(5), None, timedelta(0), 60)
def test_it_fires_where_the_machine_fires(
    values: Values, direction: str, threshold: Decimal, hysteresis: Decimal | None, rest: timedelta, minutes: int
) -> None:
    watch = Watch("move", direction, threshold, hysteresis=hysteresis, cooldown=rest)
    assert preview.fires(watch, preview.moves_of(of(values), minutes, direction)) == machine(watch, values, minutes)


@pytest.mark.slow
@settings(max_examples=300)
@given(walks(95, 112), directions, st.integers(97, 110),
       st.none() | st.sampled_from([Decimal(0), Decimal(1), Decimal("2.5")]), rests)  # fmt: skip
@example([(300, 95), (300, 105), (1800, 95), (300, 101)], "up", 100, Decimal("2.5"), timedelta(0))
def test_it_crosses_levels_where_the_machine_does(
    values: Values, direction: str, level: int, hysteresis: Decimal | None, rest: timedelta
) -> None:
    watch = Watch("level", direction, level=Decimal(level) / 100, hysteresis=hysteresis, cooldown=rest)
    assert preview.level_fires(watch, of(values)) == machine(watch, values, 0)


def test_a_price_alone_between_two_silences_is_counted_as_the_machine_counts_it() -> None:
    """It lies below the level: what is crossed behind it is crossed anew."""
    watch = Watch("level", "up", level=Decimal(100), hysteresis=Decimal(5))
    values = [(300, 95), (300, 101), (1800, 90), (1800, 101), (300, 99), (300, 101), (1800, 90), (1800, 90)]
    found = past.without_lone_ends(of(values, scale=1))
    assert found.prices.tolist() == [95, 101, 90, 101, 99, 101]
    watched = [(pause, 100 * value) for pause, value in values]
    assert preview.level_fires(watch, found) == machine(watch, watched, 0) == [1, 5]


@pytest.mark.parametrize(("before", "after", "threshold"), [(300, 315, 5), (300, 309, 3), (820, 861, 5), (70, 77, 10)])
def test_what_a_float_cannot_tell_is_decided_with_all_digits(before: int, after: int, threshold: int) -> None:
    """3.15 over 3.00 is 4.999999999999997 % to a float."""
    watch, values = Watch("move", "up", Decimal(threshold)), [(300, before), (300, after), (300, after - 1)]
    assert preview.fires(watch, preview.moves_of(of(values), 60, "up")) == machine(watch, values, 60) == [1]


def test_nothing_stored_is_no_time_and_no_days() -> None:
    for watch in (Watch("move", "both", Decimal(5)), Watch("level", "up", level=Decimal(4))):
        told = would(watch, of([]), 60)
        assert (told.times, told.last, told.days, told.observations, told.weekly) == (0, None, 0, 0, None)


def wobbling(days: int) -> Past:
    """Five-minute bars with a jump of `1 + day % 10` percent each day, back within the hour."""
    values: Values = []
    for place in range(days * 288):
        day, of_day = divmod(place, 288)
        values.append((300, 10_000 + (100 * (1 + day % 10) if 100 <= of_day < 104 else 0)))
    return of(values)


def test_the_threshold_for_one_alert_a_week_is_found() -> None:
    """Of jumps of 1, 2 … 10 % a day, ten days long, more than 8 % come twice in ten days, more than 9 % once."""
    told = would(Watch("move", "up", Decimal(5)), wobbling(70), 60)
    assert (told.times, told.days) == (42, 70)
    assert told.weekly is not None
    assert (Decimal(9) < told.weekly <= Decimal("10"), told.weekly_times) == (True, 7)
    assert would(Watch("move", "up", Decimal(5)), wobbling(6), 60).weekly is None, "a week of history at least"


# What is read


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


def five(start: str, close: str, **more: Any) -> Any:
    return bar(start, close, close, close, close, timeframe="5m", **more)


def read(code: str, minutes: int = 60) -> Past:
    one = instrument(code)
    return past.load(one, origin_of(one, None, Audience.OPERATOR), minutes)


def closes(found: Past) -> list[tuple[str, float]]:
    moments = [datetime.fromtimestamp(int(time), UTC) for time in found.times]
    return list(zip([f"{moment:%d %H:%M:%S}" for moment in moments], found.prices.tolist(), strict=True))


def test_candles_are_closes_at_their_end_without_what_was_not_traded(db: None) -> None:
    market = source("binance", ["BTCUSDT"])
    save_bars([five("2026-10-26 10:00", "100"), five("2026-10-26 10:05", "105")], market)
    save_bars([five("2026-10-26 10:55", "120")], market)
    Candle.objects.filter(close=120).update(closed=False)
    save_bars([five("2026-10-26 10:10", "110")], market)
    Candle.objects.filter(close=110).update(synthetic=True)
    found = past.load(instrument("BTCUSDT"), Origin(market, official=False), 60)
    assert closes(found) == [("26 10:05:00", 100.0), ("26 10:10:00", 105.0)]
    assert (found.of, found.days, set(found.allowed.tolist())) == (("5m",), 1, {750})


def test_hours_come_before_the_minutes_where_the_window_holds_two(db: None) -> None:
    market = source("binance", ["BTCUSDT"])
    save_bars([bar(f"2026-10-2{day} 09:00", "100", "110", "90", f"10{day}") for day in (1, 2, 3, 6)], market)
    save_bars([five("2026-10-26 09:30", "107"), five("2026-10-26 10:00", "108")], market)
    origin = Origin(market, official=False)
    long, short = past.load(instrument("BTCUSDT"), origin, 120), past.load(instrument("BTCUSDT"), origin, 60)
    assert (long.of, long.prices.tolist(), long.days) == (("1h", "5m"), [101, 102, 103, 107, 108], 6)
    assert (short.of, short.prices.tolist()) == (("5m",), [107, 108])


def test_prices_are_read_where_there_are_no_candles(db: None) -> None:
    save_prices([price("100", 10), price("106", 5), price("107", 1)], source("coingecko"))
    found = read("BTC")
    assert closes(found) == [("26 10:50:00", 100.0), ("26 10:55:00", 106.0), ("26 10:59:00", 107.0)]
    assert (found.of, set(found.allowed.tolist())) == (("prices",), {750})


def test_closes_of_a_day_are_no_silence_to_each_other_and_fire(db: None) -> None:
    market = source("coingecko")
    save_prices([price(close, 1440 * n, end_of_day=True) for n, close in ((3, "100"), (2, "100"), (1, "106"))], market)
    found = read("BTC", 1440)
    assert (found.prices.tolist(), found.of, found.days) == ([100, 100, 106], ("prices",), 3)
    assert would(Watch("move", "up", Decimal(5)), found, 1440).times == 1


def test_official_rates_are_one_a_day_of_the_source_and_what_stands_in_for_it(
    nbp: Source, archive: Source, job: Job
) -> None:
    mids = {date(2026, 10, 22): "4.00", date(2026, 10, 23): "4.10"}
    publish([Table("A", day, [RateRecord("USD", mid=Decimal(mid))]) for day, mid in mids.items()], nbp, job)
    publish([Table("A", date(2026, 10, 21), [RateRecord("USD", mid=Decimal("3.90"))])], archive, job)
    origin = origin_of(instrument("USD"), None, Audience.API)
    found = past.load(instrument("USD"), origin, 60)
    assert (origin, found.of) == (Origin(nbp, official=True), ("1d",))
    assert closes(found) == [("21 00:00:00", 3.9), ("22 00:00:00", 4.0), ("23 00:00:00", 4.1)]


def test_more_than_a_year_is_not_looked_at_and_another_unit_of_money_neither(db: None) -> None:
    market = source("binance", ["BTCUSDT"])
    save_bars([five("2025-10-25 10:00", "50"), five("2025-10-26 11:00", "100")], market)
    origin = Origin(market, official=False)
    assert past.load(instrument("BTCUSDT"), origin, 60).prices.tolist() == [100]


def test_a_year_of_five_minutes_is_the_most_that_is_read(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST", 2)
    save_prices([price("100", 10), price("106", 5), price("107", 1)], source("coingecko"))
    assert read("BTC").prices.tolist() == [106, 107]


# What it says


@pytest.mark.parametrize(
    ("times", "days", "weekly", "words"),
    [
        (14, 9, "4", "Zadziałałaby 14 razy w ciągu 9 dni, ostatnio 03.11.2026. Jeden alert na tydzień dałby próg 4%."),
        (1, 1, None, "Zadziałałaby 1 raz w ciągu 1 dnia, ostatnio 03.11.2026."),
        (0, 30, None, "Nie zadziałałaby ani razu w ciągu 30 dni."),
    ],
)  # fmt: skip
def test_a_preview_is_a_sentence(times: int, days: int, weekly: str | None, words: str) -> None:
    last = datetime(2026, 11, 3, 9, tzinfo=UTC) if times else None
    told = preview.Would(times, last, days, 100, None, None, ("5m",), Decimal(weekly) if weekly else None)
    assert preview_text.sentence(told).replace("\u00a0", " ") == words
    assert preview_text.sentence(told._replace(observations=0)).startswith("Nie ma jeszcze notowań")


def test_the_sentence_is_spoken_in_english_too() -> None:
    told = preview.Would(14, datetime(2026, 11, 3, 9, tzinfo=UTC), 365, 100, None, None, ("5m",), Decimal("4.13"))
    with translation.override("en"):
        text = preview_text.sentence(told).replace("\u00a0", " ")
    assert text == (
        "It would have fired 14 times in 365 days, last on 3 Nov 2026. "
        "A threshold of 4.13% would make one alert a week."
    )
