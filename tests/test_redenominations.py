"""A code that began to mean another unit of money: nothing that compares two days reaches across that day."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from charon.pages import rows
from charon.pages.badge import Badges
from charon.pages.charts import daily, interruptions, payload, words
from charon.pages.charts.question import asked
from charon.pages.charts.series import Break as Interruption
from charon.pages.charts.series import Series, extremes, thin
from markets.instruments import redenominations
from markets.instruments.redenominations import Break, breaks, crosses, newest_break
from markets.licence import Audience
from markets.models import Candle, Instrument, Job, Source, Tick
from markets.queries import currencies, latest_prices, overview, prices
from markets.queries.drawn import Columns
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from miner.providers import nbp_archive
from signals import engine, series
from signals import history as signal_history
from signals.models import AnalysisSnapshot, Signal, midnight
from signals.queries import SignalState
from signals.rules.macd_cross import MacdCross
from signals.state import State
from tests.market import bar, instrument, price, source
from tests.test_engine import wave
from tests.test_pages_overview import content_of, text_of

RULE = MacdCross(12, 26, 9)
START = date(2025, 1, 1)
DAY = START + timedelta(days=400)
LAST = START + timedelta(days=699)
# Table B around the day, as the NBP published it.
SYP = {
    date(2025, 12, 10): "0.000328", date(2025, 12, 17): "0.000325", date(2025, 12, 23): "0.000324",
    date(2025, 12, 31): "0.000326", date(2026, 1, 7): "0.031183", date(2026, 1, 14): "0.031288",
    date(2026, 1, 21): "0.031239",
}  # fmt: skip
# Jumps of the archive in one unit: devaluations, the end of an official rate, hyperinflation, and two wrong figures.
DEVALUED = {
    ("CDF", 2001), ("IQD", 1999), ("IQD", 2004), ("IRR", 2002), ("IRR", 2026), ("LBP", 2023), ("LBP", 2024),
    ("LYD", 2021), ("MMK", 2012), ("NGN", 1999), ("SDG", 2021), ("SYP", 2023), ("VEF", 2018), ("YUM", 2001),
    ("ZWD", 2003), ("ZWD", 2007), ("ZWD", 2008), ("ZWR", 2008), ("ZWR", 2009),
}  # fmt: skip


@pytest.fixture
def syria(nbp: Source, job: Job, at: Callable[[str], None]) -> Callable[[date], Instrument]:
    """The table B of each day up to the given one, looked at on the day after."""

    def until(day: date) -> Instrument:
        at(f"{day + timedelta(days=1)} 13:00")
        tables = [Table("B", on, [RateRecord("SYP", mid=Decimal(text))]) for on, text in SYP.items() if on <= day]
        publish(tables, nbp, job)
        return Instrument.objects.get(code="SYP")

    return until


@pytest.fixture
def new_dollar(monkeypatch: pytest.MonkeyPatch) -> Break:
    """As if 100 old dollars had become one on the 401st day."""
    added = Break("USD", DAY, Decimal(100), "test")
    monkeypatch.setattr(redenominations, "BREAKS", (*redenominations.BREAKS, added))
    return added


def two_units(count: int = 700) -> list[tuple[date, Decimal]]:
    return [(day, value if day >= DAY else value / 100) for day, value in wave(count, START)]


@pytest.fixture
def dollar(nbp: Source, job: Job, at: Callable[[str], None], new_dollar: Break) -> Instrument:
    at(f"{LAST} 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in two_units()], nbp, job)
    return Instrument.objects.get(code="USD")


def test_a_break_lies_between_two_days_and_belongs_to_the_later_one() -> None:
    day = date(2026, 1, 7)
    assert [(row.day, row.factor) for row in breaks("SYP")] == [(day, Decimal(100))]
    assert [crosses("SYP", day - timedelta(days=back), day) for back in (0, 1, 7)] == [False, True, True]
    assert [crosses("SYP", date(2025, 12, 1), date(2026, 1, 6)), crosses("SYP", day, date(2026, 9, 1))] == [False] * 2
    assert [newest_break("ZWL", on).year for on in (date(2019, 1, 1), date(2021, 1, 1), date(2025, 1, 1))] == [
        1, 2020, 2024,
    ]  # fmt: skip
    assert (breaks("USD"), newest_break("USD", day)) == ([], date.min)


def test_every_break_is_ascending_with_a_source_and_a_factor_above_one() -> None:
    for code in {row.code for row in redenominations.BREAKS}:
        assert all(a.day < b.day for a, b in pairwise(breaks(code)))
    assert all(row.source and (row.factor is None or row.factor > 1) for row in redenominations.BREAKS)


@pytest.mark.slow
def test_every_jump_of_the_archive_is_a_break_or_is_known_to_be_none() -> None:
    """202 codes, 31 years: what jumps by more than a factor of 3 from one table to the next is judged by hand."""
    found = set()
    for code in nbp_archive.codes():
        for (before, _, old), (day, _, new) in pairwise(nbp_archive.series(code)):
            jump = float(new) / float(old) if float(old) and float(new) else 1
            if not 1 / 3 <= jump <= 3 and not crosses(code, before, day):
                found.add((code, day.year))
    assert found <= DEVALUED


@pytest.mark.parametrize("row", redenominations.BREAKS, ids=lambda row: f"{row.code} {row.day}")
def test_a_break_is_where_the_archive_has_the_first_figure_of_the_new_unit(row: Break) -> None:
    days = {day: Decimal(value) for day, _, value in nbp_archive.series(row.code)}
    before = max(day for day in days if day < row.day)
    assert row.day in days
    assert days[row.day] / days[before] > 10, "what is worth many old units costs many times more"


# Each consumer that compares two days


def change_of_the_overview() -> Any:
    [line] = [row for row in overview.board().currencies if row.code == "SYP"]
    return line.change, line.percent


def change_of_the_currencies() -> Any:
    [row] = currencies.currency_rows(Instrument.objects.filter(code="SYP"))
    return row["change"], row["previous"]


@pytest.mark.django_db
@pytest.mark.parametrize("change", [change_of_the_overview, change_of_the_currencies])
def test_no_change_crosses_it_and_the_next_one_is_there_again(syria: Any, change: Callable[[], Any]) -> None:
    syria(date(2025, 12, 31))
    assert None not in change()
    syria(date(2026, 1, 7))
    assert change() == (None, None)
    syria(date(2026, 1, 14))
    assert None not in change()


@pytest.mark.django_db
def test_neither_the_dashboard_nor_the_page_says_a_percentage_across_it(client: Client, syria: Any) -> None:
    syria(date(2026, 1, 7))
    shown = content_of(client, "/?tabela=wszystkie")
    row = re.search(r"<tr [^>]*>(?:(?!</tr>).)*/waluty/SYP/.*?</tr>", shown, re.S)
    assert row is not None
    assert "0,031183" in text_of(row[0])
    assert "%" not in text_of(row[0])
    shown = text_of(client.get("/waluty/SYP/").content.decode())
    assert re.findall(r"Denominacja: .*?późniejszymi\.", shown) == [
        (
            "Denominacja: od 07.01.2026 1 SYP to 100 dawnych, dlatego kursów sprzed tego dnia nie porównujemy "
            "z późniejszymi."
        )
    ]
    assert "pierwszy kurs nowej jednostki" in shown
    assert "9465" not in shown.replace(" ", "").replace("\xa0", "")
    assert "+0,03" not in shown


@pytest.mark.django_db
def test_the_chart_is_interrupted_there_and_its_words_are_about_the_new_unit(client: Client, syria: Any) -> None:
    syria(date(2026, 1, 21))
    content = client.get("/waluty/SYP/").content.decode()
    drawn = client.get("/wykres/SYP/dane/").json()
    place = drawn["times"].index("2026-01-07")
    assert "Denominacja: od 07.01.2026 1 SYP to 100 dawnych" in drawn["breaks"][-1]["text"]
    assert drawn["mid"][place - 2 : place + 1] == ["0.000326", None, "0.031183"]
    assert len(re.findall(r'd="M[^"]* M[^"]*"', content)) == 1
    assert "SYP, funt syryjski od 07.01.2026 do 21.01.2026: na początku 0,031183" in text_of(content)
    assert "najniżej 0,031183 (07.01.2026), najwyżej 0,031288 (14.01.2026)" in text_of(content)


def series_of(code: str, points: list[tuple[date, float]], table: str = "B") -> Series:
    count = len(points)
    nothing: list[float | None] = [None] * count
    days, closes = [day.isoformat() for day, _ in points], [price for _, price in points]
    columns = Columns(days, closes, [6] * count, [table] * count, nothing, nothing)
    return Series(asked(QueryDict("zakres=Max"), code), columns, 0, count, (0, count), "zł", 6)


@pytest.mark.parametrize("name", ["SYP", "VES", "ZWD", "ZWL"])
def test_line_of_every_code_of_the_archive_is_interrupted_at_its_breaks(name: str) -> None:
    series = series_of(name, [(day, float(value)) for day, _, value in nbp_archive.series(name)])
    series.breaks = interruptions.units(name, series.columns, 0, series.high)
    series.comparable = daily.unit_start(name, series.columns)
    thin(series)
    slots = payload.slotted(series)
    days = [date.fromisoformat(series.columns.times[row]) if row >= 0 else None for row in slots]
    for one in breaks(name):
        place = next(n for n, day in enumerate(days) if day and day >= one.day)
        assert days[place - 1] is None
    assert not any(crosses(name, a, b) for a, b in pairwise(days) if a and b)
    newest = breaks(name)[-1].day
    assert all(date.fromisoformat(series.columns.times[row]) >= newest for row in extremes(series))
    assert len(words.notes(series)) == len(breaks(name)) + (series.step > 1)


def test_thinned_chart_keeps_the_lowest_and_highest_of_the_new_unit() -> None:
    points = [(START + timedelta(days=n), float(1 + n % 7)) for n in range(4000)]
    points[2003], points[7] = (points[2003][0], 0.5), (points[7][0], 0.01)
    series = series_of("X", points, "A")
    series.breaks, series.comparable = [Interruption(2001, "unit", "")], 2001
    thin(series)
    assert series.step == 4
    assert 2003 in series.kept


@pytest.mark.django_db
def test_small_drawing_of_a_month_begins_with_it(syria: Any) -> None:
    syria(date(2026, 1, 21))
    lines = [row for row in overview.board().currencies if row.code == "SYP"]
    assert overview.last_month(lines) == {"SYP": [Decimal(SYP[day]) for day in SYP if day >= date(2026, 1, 7)]}


@pytest.mark.django_db
def test_range_of_a_year_is_left_out_while_its_statistics_are_of_the_old_unit(dollar: Instrument) -> None:
    [line] = [row for row in overview.board().currencies if row.code == "USD"]
    old = SignalState("ok", DAY - timedelta(days=1), "HOLD", low=Decimal("0.037"), high=Decimal("0.043"))
    assert rows.year_range(line, old) is None
    new = SignalState("ok", LAST, "HOLD", low=Decimal("3.7"), high=Decimal("4.3"))
    assert rows.year_range(line, new) is not None
    assert Badges({"USD": new}, RULE.label, None)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_prices_over_time_and_what_they_come_to_begin_with_it(client: Client, syria: Any) -> None:
    syria(date(2026, 1, 21))
    found = prices.summary(prices.series(instrument("SYP"), timedelta(days=90), Audience.OPERATOR))
    assert (found["points"], found["min"], found["max"], found["first"]) == (3, "0.031183", "0.031288", "0.031183")


@pytest.mark.django_db
def test_change_of_a_day_of_a_market_price_does_not_cross_it(
    at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-10-26 12:00")
    gecko = source("coingecko")
    save_prices([price("1", 24 * 60 + 5), price("1000")], gecko)
    asked = lambda: next(iter(latest_prices.newest(Audience.OPERATOR, [instrument("BTC").pk]).values())).change  # noqa: E731
    assert asked() == 99_900
    new_coin = Break("BTCUSD", date(2026, 10, 26), Decimal(1000), "test")
    monkeypatch.setattr(redenominations, "BREAKS", (new_coin,))
    assert asked() is None
    assert Tick.objects.count() == 2


@pytest.mark.django_db
def test_rule_starts_anew_behind_it(dollar: Instrument) -> None:
    assert series.load(dollar).parts.tolist() == [0] * 400 + [1] * 300
    engine.decide(dollar)
    assert snapshot().stats["bars"] == 300
    assert not Signal.objects.filter(as_of__gte=midnight(DAY), as_of__lt=midnight(DAY + timedelta(days=249))).exists()
    assert Signal.objects.filter(as_of__lt=midnight(DAY)).exists()


@pytest.mark.django_db
def test_statistics_of_every_window_are_of_the_new_unit_alone(dollar: Instrument) -> None:
    engine.decide(dollar)
    for window in ("30d", "90d", "365d"):
        stats = snapshot(window).stats
        assert min(stats["min"], stats["first"], stats["mean"]) > 3, window
        assert abs(stats["change_pct"]) < 20
    assert snapshot("365d").stats["points"] == 300


@pytest.mark.django_db
def test_bars_behind_the_page_are_the_ones_of_the_engine(dollar: Instrument) -> None:
    engine.decide(dollar)
    bars = signal_history.bars(two_units(), RULE, [DAY])
    for row in Signal.objects.all():
        assert bars[row.as_of.date()]["histogram"] == pytest.approx(float(row.histogram or 0), abs=1e-9)
    assert bars[DAY]["macd"] == 0
    without = signal_history.bars(two_units(), RULE)
    assert without[DAY]["macd"] != 0


@pytest.mark.slow
@pytest.mark.django_db
def test_decisions_bar_by_bar_across_it_are_those_of_one_go(
    nbp: Source, job: Job, at: Callable[[str], None], new_dollar: Break
) -> None:
    at(f"{LAST} 13:00")
    closes = two_units()
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes[:399]], nbp, job)
    usd = Instrument.objects.get(code="USD")
    engine.decide(usd)
    for day, value in closes[399:405]:
        publish([Table("A", day, [RateRecord("USD", mid=value)])], nbp, job)
        engine.decide(usd, since=day)
    assert snapshot().stats["bars"] == 5
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes[405:]], nbp, job)
    engine.decide(usd, since=closes[405][0])
    onward = snapshot().stats | {"turned_id": None}
    engine.decide(usd)
    assert snapshot().stats | {"turned_id": None} == onward


@pytest.mark.django_db
def test_break_that_a_release_brings_later_is_taken_in_with_the_next_figure(
    nbp: Source, job: Job, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(f"{LAST} 13:00")
    closes = two_units()
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in closes[:-1]], nbp, job)
    usd = Instrument.objects.get(code="USD")
    engine.decide(usd)
    assert snapshot().stats["bars"] == 699
    monkeypatch.setattr(redenominations, "BREAKS", (Break("USD", DAY, Decimal(100), "test"),))
    day, value = closes[-1]
    publish([Table("A", day, [RateRecord("USD", mid=value)])], nbp, job)
    engine.decide(usd, since=day)
    assert snapshot().stats["bars"] == 300
    assert not series.mixes_units(usd, "1d", State(datetime.combine(day, datetime.min.time(), UTC), day, 300, ()))


@pytest.mark.django_db
def test_candles_are_parted_as_well(at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    at("2026-10-26 12:00")
    binance = source("binance", ["BTCUSDT"])
    save_bars([bar(f"2026-10-{25 + hour // 24:02} {hour % 24:02}:00") for hour in range(34)], binance)
    monkeypatch.setattr(redenominations, "BREAKS", (Break("BTCUSDT", date(2026, 10, 26), Decimal(1000), "test"),))
    bars = series.load(instrument("BTCUSDT"), "1h")
    assert bars.parts.tolist() == [0] * 24 + [1] * 10
    assert len(series.of_newest_unit(bars, "BTCUSDT")) == 10
    assert not len(series.of_newest_unit(bars[:0], "BTCUSDT"))
    assert Candle.objects.count() == 34


def snapshot(window: str = "30d") -> AnalysisSnapshot:
    return AnalysisSnapshot.objects.get(instrument__code="USD", window=window)
