"""GET /candles: which candles, in which order, of which source."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets.api.price_schemas import CandlePage
from markets.models import Candle, Source
from markets.queries import candles as answers
from markets.store.prices import save_bars
from tests.market import bar, instrument, source
from tests.test_api_rates import get
from tests.test_prices_api import fault

pytestmark = pytest.mark.django_db
HOUR = {"symbol": "BTCUSDT", "timeframe": "1h"}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def binance(db: None) -> Source:
    return source("binance", ["BTCUSDT", "ETHUSDT"])


@pytest.fixture
def hours(binance: Source) -> None:
    save_bars([bar(f"2026-10-26 {hour:02}:00") for hour in range(12)], binance)


def starts(answer: Any) -> list[int]:
    return [int(item["t"][11:13]) for item in answer["items"]]


def test_candles_have_their_figures_as_strings_and_say_what_they_are(client: Client, binance: Source) -> None:
    quiet = bar("2026-10-26 10:00", "105.5", "105.5", "105.5", "105.5", volume="0")
    save_bars([quiet, bar("2026-10-26 11:00", "0.00001234", "110", "0.00001", "105")], binance)
    response = client.get("/candles", HOUR)
    assert response.json() == {"count": 2, "items": [
        {"t": "2026-10-26T10:00:00Z", "o": "105.50", "h": "105.50", "l": "105.50", "c": "105.50", "v": "0",
         "closed": True, "synthetic": True, "partial": False},
        {"t": "2026-10-26T11:00:00Z", "o": "0.00001234", "h": "110.00", "l": "0.00001", "c": "105.00", "v": "12.5",
         "closed": False, "synthetic": False, "partial": False},
    ]}  # fmt: skip
    assert response.headers["X-Source"] == "binance"
    assert CandlePage.model_validate(response.json()).model_dump(mode="json") == response.json()


@pytest.mark.usefixtures("hours")
def test_the_newest_candles_come_without_a_beginning_and_the_oldest_with_one(client: Client) -> None:
    newest = get(client, "/candles", limit=3, **HOUR)
    assert (starts(newest), newest["count"]) == ([9, 10, 11], 3)
    from_four = get(client, "/candles", limit=3, **HOUR, **{"from": "2026-10-26T04:00:00Z"})
    assert (starts(from_four), from_four["count"]) == ([4, 5, 6], 8)
    up_to = get(client, "/candles", limit=2, to="2026-10-26T05:30:00+00:00", **HOUR)
    assert starts(up_to) == [4, 5]
    between = get(client, "/candles", **HOUR, **{"from": "2026-10-26T06:00:00+02:00", "to": "2026-10-26T06:00"})
    assert (starts(between), between["count"]) == ([4, 5, 6], 3)
    assert len(get(client, "/candles", **HOUR, **{"from": "2026-10-26", "to": "2026-10-26"})["items"]) == 12
    assert get(client, "/candles", to="2026-10-25", **HOUR) == {"items": [], "count": 0}


@pytest.mark.usefixtures("hours")
def test_candles_that_nobody_can_mean_are_refused(client: Client) -> None:
    late = {"from": "2026-10-26T05:00:00Z", "to": "2026-10-26T04:00:00Z"}
    assert "is later than to" in fault(client, 400, "/candles", **HOUR, **late)["message"]
    for text in ("yesterday", "2026-13-01", "1730000000", "2026-10-26T25:00:00Z", "2026-10-26x"):
        assert fault(client, 422, "/candles", to=text, **HOUR)["detail"][0]["message"].startswith("is not a moment")
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):  # no moments any more in UTC
        for field in ("from", "to"):
            told = fault(client, 422, "/candles", **HOUR, **{field: text})["detail"][0]
            assert (told["field"], told["message"][:15]) == (field, "is not a moment")
    assert fault(client, 422, "/candles", symbol="BTCUSDT", timeframe="7m")["detail"][0]["field"] == "timeframe"
    assert fault(client, 422, "/candles", limit=10_001, **HOUR)["detail"][0]["field"] == "limit"
    assert "BTCUSDT" in fault(client, 404, "/candles", symbol="BTCUSDX", timeframe="1h")["detail"]["nearest"]
    assert fault(client, 404, "/candles", source="binanse", **HOUR)["detail"] == {"nearest": ["binance"]}


@pytest.mark.usefixtures("hours")
def test_the_first_and_the_last_moment_that_there_are_may_be_asked_for(client: Client) -> None:
    ends = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}
    assert get(client, "/candles", **HOUR, **ends)["count"] == 12
    assert get(client, "/candles", **HOUR, **{"from": "0001-01-01", "to": "9999-12-31"})["count"] == 12
    assert get(client, "/candles", **HOUR, to="0001-01-01T00:00:00-14:00")["count"] == 0


def test_an_asset_without_candles_has_none(client: Client, binance: Source) -> None:
    response = client.get("/candles", HOUR)
    assert (response.json(), "X-Source" in response.headers) == ({"items": [], "count": 0}, False)


def test_a_source_that_publishes_candles_goes_before_one_whose_prices_were_rolled_up(
    client: Client, binance: Source
) -> None:
    polygon = source("polygon", ["ETHUSDT"])
    made = bar("2026-09-01 09:00", ticker="X:ETHUSDT", volume="0")
    save_bars([made], polygon)
    asked = {"symbol": "ETHUSDT", "timeframe": "1h"}
    assert client.get("/candles", asked).headers["X-Source"] == "polygon"
    save_bars([bar("2026-10-26 09:00", ticker="ETHUSDT")], binance)
    assert client.get("/candles", asked).headers["X-Source"] == "binance"
    assert get(client, "/candles", source="polygon", **asked)["items"][0]["synthetic"] is True


@pytest.mark.usefixtures("hours")
def test_newest_candles_of_many_series_come_in_one_query(binance: Source, django_assert_num_queries: Any) -> None:
    bitcoin, ether = instrument("BTCUSDT").pk, instrument("ETHUSDT").pk
    with django_assert_num_queries(1):
        found = answers.newest(binance, "1h", [bitcoin, ether], limit=2)
    assert ([row["t"].hour for row in found[bitcoin]], found[ether]) == ([10, 11], [])


@pytest.mark.usefixtures("hours")
def test_the_newest_candles_are_found_by_their_index(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        get(client, "/candles", **HOUR)
    [asked] = [query["sql"] for query in queries if "open_time" in query["sql"] and "OFFSET" in query["sql"]]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked}")
            plan = " ".join(row[3] for row in cursor.fetchall())
        assert "instrument_id=? AND timeframe=? AND source_id=?" in plan
        assert "TEMP B-TREE" not in plan
    assert "COUNT(" not in " ".join(query["sql"] for query in queries).upper()
    assert Candle.objects.count() == 12
