"""The chart of a page: what is asked, what is drawn, where it is interrupted, and the files that draw it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import nan, sin
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.conf import settings
from django.db import connection
from django.http import QueryDict
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charon.pages import charts
from charon.pages.charts import interruptions, line, payload, table, words
from charon.pages.charts.question import NONE, TIMEFRAMES, asked, parameters
from charon.pages.charts.series import Break, Series, thin
from markets import formats, timeframes
from markets.models import Candle, Gap, Instrument, Job, Listing, Source
from markets.queries.drawn import Columns
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import drawn as signals
from signals.drawn import Turn
from signals.models import Signal, midnight
from tests.market import source as market_source

STATIC = Path(settings.BASE_DIR) / "static"
CHART, FINANCIAL = "chart-4.6.1.umd.min.js", "chart-financial-0.2.1.min.js"
MONDAY = date(2020, 1, 6)
MOST_STATEMENTS = 8


def days(count: int, start: date = MONDAY) -> list[date]:
    """Mondays to Fridays."""
    found = (start + timedelta(days=number) for number in range(2 * count))
    return [day for day in found if day.weekday() < 5][:count]


def value(number: int) -> float:
    return round(4 + 0.3 * sin(number / 12) + 0.05 * sin(number / 3.1), 4)


def columns(times: list[date]) -> Columns:
    count = len(times)
    closes = [value(number) for number in range(count)]
    nothing: list[float | None] = [None] * count
    return Columns([day.isoformat() for day in times], closes, [4] * count, ["A"] * count, nothing, list(nothing))


def series(count: int = 300, query: str = "", **more: Any) -> Series:
    whole = more.pop("columns", None) or columns(days(count))
    made = Series(asked(QueryDict(query), "USD"), whole, 0, len(whole), (0, len(whole)), "zł", 4, **more)
    thin(made)
    return made


def turn(number: int, day: date, signal: str = "BUY", histogram: float | None = 0.000312) -> Turn:
    return Turn(number, midnight(day), signal, histogram)


def drawn(client: Client, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, address
    return dict(response.json())


def rates(source: Source, job: Job, code: str, times: list[date], letter: str = "A") -> None:
    found = [(day, Decimal(f"{value(number):.4f}")) for number, day in enumerate(times)]
    publish([Table(letter, day, [RateRecord(code, mid=mid)]) for day, mid in found], source, job)


def hours(code: str, count: int, absent: set[int] = frozenset()) -> Source:  # type: ignore[assignment]
    """Candles of an hour, each with its number as volume; the newest one is open."""
    binance = market_source("binance")
    instrument = Listing.objects.get(source=binance, instrument__code=code).instrument
    start = datetime(2026, 10, 20, tzinfo=UTC)
    rows = [
        Candle(
            instrument=instrument, source=binance, timeframe="1h", open_time=start + timedelta(hours=number),
            open=60_000 + number, high=60_020 + number, low=59_990 + number, close=60_010 + number, volume=number + 1,
            closed=number < count - 1,
        )
        for number in range(count)
        if number not in absent
    ]  # fmt: skip
    Candle.objects.bulk_create(rows)
    return binance


def test_what_is_asked_stands_in_the_address_and_odd_values_are_as_if_they_were_not_there() -> None:
    plain = asked(QueryDict(""), "USD")
    assert (plain.period, plain.shown, plain.compared, plain.logarithmic) == ("1R", ("macd",), "", False)
    odd = "zakres=7X&od=2020-13-01&do=jutro&wskazniki=xyz,rsi&porownaj=usd&skala=lin&regula=brak&interwal=2h"
    assert parameters(asked(QueryDict(odd), "USD")) == "?wskazniki=rsi"
    assert asked(QueryDict("od=2020-02-01&do=2020-01-01"), "USD").first is None
    full = "interwal=4h&zrodlo=binance&od=2026-10-20T10:00Z&do=2026-10-21&wskazniki=rsi&wskazniki=macd&porownaj=ethusdt"
    told = parameters(asked(QueryDict(full), "BTCUSDT", candles=True))
    assert told == (
        "?interwal=4h&zrodlo=binance&od=2026-10-20T10:00Z&do=2026-10-21T23:59Z&wskazniki=macd,rsi&porownaj=ETHUSDT"
    )
    assert parameters(asked(QueryDict(told[1:]), "BTCUSDT", candles=True)) == told
    none = asked(QueryDict("wskazniki="), "USD")
    assert (none.shown, parameters(none)) == ((), f"?wskazniki={NONE}")


def test_a_moment_that_no_stretch_can_be_reckoned_from_is_as_if_it_were_not_there() -> None:
    far = ("9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00+14:00", "1899-12-31", "2200-01-01T00:00Z")
    for text in far:
        for candles in (True, False):
            question = asked(QueryDict(f"od={text.replace('+', '%2B')}&do={text.replace('+', '%2B')}"), "USD", candles)
            assert (question.first, question.last) == (None, None), text


@pytest.mark.slow
@pytest.mark.django_db
def test_the_widest_stretches_are_answered(client: Client, nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")
    hours("BTCUSDT", 60)
    rates(nbp, job, "USD", days(40))
    for first, last in (("1900-01-01", "2199-12-31"), ("2199-12-30", "2199-12-31"), ("1900-01-01", "1900-01-02")):
        for timeframe in ("", *TIMEFRAMES):
            code, asked_for = ("BTCUSDT", f"&interwal={timeframe}") if timeframe else ("USD", "")
            for address in (f"/wykres/{code}/dane/", f"/wykres/{code}/tabela/"):
                answer = client.get(f"{address}?od={first}&do={last}{asked_for}")
                assert answer.status_code in {200, 404}, (address, first, last, timeframe)


@pytest.mark.parametrize(("count", "step"), [(2, 1), (400, 1), (1000, 1), (1001, 2), (8033, 9)])
def test_about_a_thousand_points_are_drawn_with_both_extremes_and_the_newest(count: int, step: int) -> None:
    made = series(count)
    closes = made.columns.closes
    assert made.step == step
    assert len(made.kept) <= 1000
    assert {closes.index(min(closes)), closes.index(max(closes)), count - 1} <= set(made.kept)
    assert made.kept == sorted(made.kept)


def test_the_lists_of_a_payload_have_one_length_and_published_digits() -> None:
    whole = columns(days(300))
    whole.bids[-1], whole.asks[-1], whole.closes[-1] = 3.86, 3.94, 3.9
    made = series(columns=whole, turns=[turn(17, days(300)[290])], breaks=[Break(200, "published", "przerwa")])
    made.values = {"macd": signals.values(signals.indicator("macd"), [(close,) * 6 for close in whole.closes])}
    facts = payload.payload(made, "dolar")
    lists = [facts[name] for name in ("times", "mid", "bid", "ask")] + [one["values"] for one in facts["lines"]]
    assert {len(values) for values in lists} == {301}
    assert (facts["mid"][-1], facts["bid"][-1], facts["ask"][-1], facts["bid"][0]) == (
        "3.9000",
        "3.8600",
        "3.9400",
        None,
    )
    assert {values[200] for values in lists[1:]} == {None}
    assert facts["breaks"] == [{"at": 200, "kind": "published", "text": "przerwa"}]
    shape = {"at": 291, "kind": "BUY", "href": "/sygnaly/17/"}
    assert facts["signals"][0].items() >= shape.items()
    assert facts["signals"][0]["text"] == "▲ KUP z 15.02.2021: 3,7210\u00a0zł, histogram +0,000312"
    assert line.path(made).count("M") == 2
    assert json.loads(json.dumps(facts)) == facts


def test_a_shape_stands_at_the_next_drawn_day_and_says_its_own() -> None:
    made = series(2000, turns=[turn(1, days(2000)[101]), turn(2, days(2000)[100], "SELL", None)])
    facts = payload.payload(made, "")
    places = {one["text"]: facts["times"][one["at"]] for one in facts["signals"]}
    kept = days(2000)[101].isoformat()
    assert list(places.values()) == [kept, kept], "every second day is drawn"
    assert [text[:17] for text in places] == ["▼ SPRZEDAJ z 25.0", "▲ KUP z 26.05.202"]
    assert words.notes(made)[0].startswith("Zakres: 2000\u00a0notowań; wykres pokazuje co 2. z nich")


def test_the_sentence_tells_the_ends_and_extremes_of_what_is_seen() -> None:
    made = series(2000)
    closes = made.columns.closes
    said = words.summary(made, "dolar")
    assert said.startswith("USD, dolar od 06.01.2020 do 03.09.2027: na początku 4,0000, na końcu ")
    assert f"najniżej {formats.number(Decimal(f'{min(closes):.4f}'))} (" in said
    assert f"najwyżej {formats.number(Decimal(f'{max(closes):.4f}'))} (" in said


def test_a_line_without_scripts_goes_from_edge_to_edge() -> None:
    whole = columns(days(3))
    whole.closes = [4.0, 3.9, 4.1]
    assert line.path(series(columns=whole)) == "M0.0,100.0 L320.0,200.0 L640.0,0.0"
    whole.closes = [1.0, 1.0, 1.0]
    assert line.path(series(columns=whole)) == "M0.0,200.0 L320.0,200.0 L640.0,200.0"
    assert line.path(series(count=1)) == ""


def test_weekends_and_holidays_are_no_pause_and_a_working_day_without_a_table_is_one() -> None:
    fridays = [date(2026, 10, 30), date(2026, 11, 2), date(2026, 11, 10), date(2026, 11, 12), date(2026, 11, 16)]
    found = list(interruptions.paused(columns(fridays), 0, 5))
    # 3 to 9 November and 13 November were working days; the 11th is a holiday.
    assert found == [2, 4]
    weekly = columns([date(2026, 10, 7), date(2026, 10, 14), date(2026, 11, 4)])
    weekly.tables = ["B"] * 3
    assert list(interruptions.paused(weekly, 0, 3)) == [2]


def test_the_lines_are_those_of_the_rules_to_the_last_bit() -> None:
    numbers = np.arange(300)
    close = 100 + 5 * np.sin(numbers / 9) + np.cos(numbers / 2.3)
    opened = pd.date_range("2026-10-01", periods=300, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {"close": close, "open": close - 0.1, "high": close + 1, "low": close - 1.5, "volume": 10.0 + numbers % 7},
        index=opened,
    )
    bars = [
        (*map(float, row), float(moment.timestamp()))
        for row, moment in zip(frame[["close", "open", "high", "low", "volume"]].to_numpy(), opened, strict=True)
    ]
    for name in signals.INDICATORS:
        rule = signals.indicator(name)
        theirs = np.array(rule.evaluate(frame, rule.initial).values)
        np.testing.assert_array_equal(np.array(signals.values(rule, bars)), theirs, err_msg=name)
    hollow = [(100.0, nan, nan, nan, nan, 0.0)] * 50
    assert all(np.isnan(row).all() for row in signals.values(signals.indicator("squeeze"), hollow))


def test_what_has_no_volume_or_no_range_is_not_offered() -> None:
    assert signals.offered("1d", official=True) == ["macd", "rsi", "bollinger", "ribbon"]
    assert signals.offered("1h", official=False, volume=True) == list(signals.INDICATORS)
    assert "vwap" not in signals.offered("1h", official=False)
    assert "vwap" not in signals.offered("1d", official=False, volume=True)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_pause_of_the_bank_and_a_gap_of_ours_are_told_apart(client: Client, nbp: Source, job: Job) -> None:
    there = [day for day in days(60) if day not in {date(2020, 1, 22), date(2020, 2, 5), date(2020, 2, 6)}]
    rates(nbp, job, "USD", there)
    Gap.objects.all().delete()
    Gap.objects.create(
        source=nbp, table="A", from_time=midnight(date(2020, 2, 5)), to_time=midnight(date(2020, 2, 6)), reason="failed"
    )
    facts = drawn(client, "/wykres/USD/dane/?zakres=Max")
    told = {one["kind"]: one["text"] for one in facts["breaks"]}
    assert told == {
        "published": "NBP nie ogłaszał kursów 22.01.2020.",
        "unknown": "Nie mamy jeszcze danych od 05.02.2020 do 06.02.2020.",
    }
    assert [facts["mid"][one["at"]] for one in facts["breaks"]] == [None, None]
    assert drawn(client, "/en/wykres/USD/dane/")["breaks"][0]["kind"] == "published"
    content = client.get("/waluty/USD/").content.decode()
    assert all(text in content for text in told.values())
    rows = client.get("/wykres/USD/tabela/").content.decode()
    assert all(f'<td colspan="8">{text}</td>' in rows for text in told.values())
    Gap.objects.update(accepted_at=datetime(2026, 1, 1, tzinfo=UTC))
    rates(nbp, job, "AED", days(10), "B")
    assert "wykres-macd" not in client.get("/waluty/AED/").content.decode(), "no daily rule applies to table B"
    assert {one["kind"] for one in drawn(client, "/wykres/USD/dane/")["breaks"]} == {"published"}


@pytest.mark.slow
@pytest.mark.django_db
def test_a_part_of_a_series_comes_whole_with_as_much_beside_it(client: Client, nbp: Source, job: Job) -> None:
    times = days(1500)
    rates(nbp, job, "USD", times)
    rates(nbp, job, "EUR", times[:700])
    coarse = drawn(client, "/wykres/USD/dane/?zakres=Max")
    assert (coarse["step"], len(coarse["signals"])) == (2, 0)
    first, last = times[600].isoformat(), times[800].isoformat()
    facts = drawn(client, f"/wykres/USD/dane/?zakres=Max&od={first}&do={last}&porownaj=EUR")
    assert facts["step"] == 1
    assert [facts["times"][slot] for slot in facts["view"]] == [first, last]
    assert facts["times"][0] < times[401].isoformat()
    assert facts["times"][-1] > times[998].isoformat()
    assert facts["summary"].startswith(f"USD, dolar amerykański od {times[600]:%d.%m.%Y} do {times[800]:%d.%m.%Y}")
    assert facts["compared"]["code"] == "EUR"
    assert [value is None for value in facts["compared"]["values"][:1] + facts["compared"]["values"][-1:]] == [
        False,
        True,
    ]
    assert facts["csv"] == f"/api/v1/rates?code=USD&from={first}&to={last}&format=csv"
    assert len(client.get(facts["csv"]).content.decode().splitlines()) == 202
    content = client.get(f"/waluty/USD/?od={first}&do={last}").content.decode()
    assert f'<input type="hidden" name="od" value="{first}">' in content
    assert content.count("USD, dolar amerykański od ") >= 2


@pytest.mark.slow
@pytest.mark.django_db
def test_both_addresses_ask_little_and_an_unchanged_answer_costs_nothing(
    client: Client, nbp: Source, job: Job
) -> None:  # fmt: skip
    times = days(300)
    rates(nbp, job, "USD", times)
    usd = Instrument.objects.get(code="USD")
    Signal.objects.create(
        instrument=usd, rule="macd_signal_cross_12_26_9", as_of=midnight(times[-9]), signal="SELL", macd=1,
        signal_line=1, histogram=Decimal("-0.0003"), horizon_days=5, generated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    every = "?zakres=5R&wskazniki=macd,rsi,bollinger,ribbon&porownaj=EUR"
    for address in (f"/wykres/USD/dane/{every}", f"/en/wykres/USD/tabela/{every}"):
        client.get(address)
        with CaptureQueriesContext(connection) as made:
            response = client.get(address)
        assert len(made) <= MOST_STATEMENTS, address
        assert response.headers["Cache-Control"] == "no-cache"
        again = client.get(address, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert 'href="/en/sygnaly/' in client.get(f"/en/wykres/USD/tabela/{every}").content.decode()
    fragment = client.get("/wykres/USD/tabela/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert fragment.count('<tr><th scope="row">') == 263
    assert re.search(r'<a href="/sygnaly/\d+/">▼ SPRZEDAJ</a>', fragment)
    for unknown in (
        "/wykres/XYZ/dane/",
        "/wykres/A%00B/dane/",
        f"/wykres/{'A' * 40}/tabela/",
        "/wykres/USD/dane/?interwal=1h",
    ):
        assert client.get(unknown).status_code == 404, unknown


@pytest.mark.django_db
def test_candles_come_with_volume_their_gaps_and_the_values_of_closed_bars(
    client: Client, at: Callable[[str], None]
) -> None:  # fmt: skip
    at("2026-10-26 12:00")
    binance = hours("BTCUSDT", 120, absent={50, 51, 80})
    moments = [datetime(2026, 10, 20, tzinfo=UTC) + timedelta(hours=number) for number in (50, 51)]
    instrument = Instrument.objects.get(code="BTCUSDT")
    Gap.objects.create(
        source=binance, table="candle:1h", instrument=instrument, from_time=moments[0], to_time=moments[1],
        reason="missing",
    )  # fmt: skip
    address = "/wykres/BTCUSDT/dane/?interwal=1h&wskazniki=macd,bollinger,vwap"
    facts = drawn(client, address)
    assert (facts["kind"], facts["open_now"], len(facts["times"])) == ("candles", True, 119)
    assert [facts[name][0] for name in ("open", "high", "low", "mid", "volume")] == [
        "60000.00", "60020.00", "59990.00", "60010.00", 1.0,
    ]  # fmt: skip
    assert [one["text"] for one in facts["breaks"]] == [
        "Nie mamy jeszcze danych od 22.10.2026, 04:00 do 22.10.2026, 06:00.",
        "Źródło nie podało świec od 23.10.2026, 10:00 do 23.10.2026, 11:00.",
    ]
    computed = {one["name"]: one["values"] for one in facts["lines"]}
    assert computed["vwap"][-1] is None, "the open candle is no bar of the rules"
    assert computed["vwap"][-2] is not None
    with CaptureQueriesContext(connection) as made:
        row = charts.candle_row(QueryDict("wskazniki=vwap"), "BTCUSDT", page="/krypto/BTCUSDT/")
    assert len(made) <= 3
    assert [one["name"] for one in row["switches"]] == list(signals.INDICATORS)  # type: ignore[attr-defined]
    assert row["data"] == "/wykres/BTCUSDT/dane/?interwal=1h&wskazniki=vwap"
    part = drawn(client, f"{address}&od=2026-10-21T00:00Z&do=2026-10-21T09:00Z")
    assert [part["times"][slot] for slot in part["view"]] == ["2026-10-21T00:00Z", "2026-10-21T09:00Z"]
    assert len(part["times"]) == 30
    assert len(client.get(part["csv"]).content.decode().splitlines()) == 11
    Source.objects.update(public_display=False)
    assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_decisions_that_a_licence_closes_are_no_shapes_of_the_chart(client: Client, at: Callable[[str], None]) -> None:
    """A source that may not be shown lists the pair: what its candles may have decided is told nowhere."""
    at("2026-10-26 12:00")
    hours("BTCUSDT", 60)
    pair = Instrument.objects.get(code="BTCUSDT")
    moment = datetime(2026, 10, 21, 4, tzinfo=UTC)
    asked_for = asked(QueryDict(), "BTCUSDT", candles=True)
    Signal.objects.create(
        instrument=pair, rule=asked_for.rule.name, timeframe="1h", as_of=moment, signal="BUY",
        horizon_days=1, generated_at=moment,
    )  # fmt: skip
    address = "/wykres/BTCUSDT/dane/?interwal=1h"
    assert [one["kind"] for one in drawn(client, address)["signals"]] == ["BUY"]
    hidden = market_source("polygon")
    Source.objects.filter(pk=hidden.pk).update(public_display=False, enabled=True)
    Listing.objects.update_or_create(source=hidden, instrument=pair, defaults={"ticker": "X:BTCUSDT"})
    assert drawn(client, address)["signals"] == []


def test_cells_of_the_table_are_written_as_everywhere() -> None:
    for text in ("4.2497", "-0.0102", "999.5", "1000.5", "25772.10", "-1234.5", "0.00000012", "12345", "522.40"):
        assert table.cell(text, 0) == formats.number(Decimal(text))
    assert (table.cell(None, 4), table.cell(-0.00312, 4)) == ("–", "\u22120,0031")


def loader(*names: str) -> tuple[str, list[dict[str, str]]]:
    arguments = " ".join(f'"{name}"' for name in names)
    text = Template(f"{{% load cdn %}}{{% libraries {arguments} %}}").render(Context())
    attribute = re.search(r'data-libraries="([^"]+)"', text)
    assert attribute is not None
    return text, json.loads(attribute[1].replace("&quot;", '"'))


def test_the_loader_is_told_the_cdn_its_hash_and_our_copy(settings: Any) -> None:
    settings.CDN_ENABLED = True
    text, orders = loader(CHART, FINANCIAL)
    assert text.startswith('<script defer src="/static/loader.js" ')
    assert orders == [
        {
            "local": f"/static/vendor/{CHART}",
            "cdn": "https://cdn.jsdelivr.net/npm/chart.js@4.6.1/dist/chart.umd.min.js",
            "integrity": "sha384-Emf5ZVIUiarAdhkgtqK+5/Z5qIvM6QoVrS+qAVtfyZVuD5lIHrac0me485+Antp0",
        },
        {
            "local": f"/static/vendor/{FINANCIAL}",
            "cdn": "https://cdn.jsdelivr.net/npm/chartjs-chart-financial@0.2.1/dist/chartjs-chart-financial.min.js",
            "integrity": "sha384-OSSr3vjWsgL3ackkKviJxtoGYpsPeXSwIL4w5W3Ou3TXdA5pdIotbHwQEpFv7x/D",
        },
    ]
    settings.CDN_ENABLED = False
    assert loader(CHART)[1] == [{"local": f"/static/vendor/{CHART}"}]


def test_our_copies_are_the_releases_without_their_source_maps() -> None:
    listed = json.loads((STATIC / "vendor" / "vendor.json").read_text())
    for name in (CHART, FINANCIAL):
        copy, left_out = (STATIC / "vendor" / name).read_bytes(), listed[name].get("left_out", "")
        assert b"sourceMappingURL" not in copy
        release = copy.removesuffix(b"\n") + b"\n" + left_out.encode() + b"\n" if left_out else copy
        digest = base64.b64encode(hashlib.sha384(release).digest()).decode()
        assert listed[name]["cdn_integrity"] == f"sha384-{digest}"


def test_our_scripts_and_styles_ask_nobody_else_and_hold_no_words() -> None:
    scripts = sorted((STATIC / "charts").glob("*.js"))
    assert len(scripts) == 7
    for path in [*scripts, STATIC / "loader.js", STATIC / "charts.css"]:
        text = path.read_text()
        assert not re.search(r"https?:|@import|\beval\(|new Function|innerHTML|\.style\b", text), path.name
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not re.search(r"[ąćęłńóśźż]", code, re.IGNORECASE), path.name


def test_the_timeframes_of_charts_are_those_of_candles() -> None:
    assert set(TIMEFRAMES) <= set(timeframes.SECONDS)
