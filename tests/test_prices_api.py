"""GET /prices, /prices/summary and /prices/latest: windows, figures, which source answers."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.api.price_schemas import LatestPage, PricePoint, PriceSummary
from markets.api.schemas import Envelope
from markets.instruments import create
from markets.models import Listing, Publication, Quote, Rate, Source, Tick
from markets.store.prices import save_prices
from tests.cases import walk
from tests.market import NOW, instrument, price, source
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")


@pytest.fixture
def gecko(db: None) -> Source:
    return source("coingecko")


def fault(client: Client, status: int, path: str, **parameters: object) -> Any:
    response = client.get(path, {name: str(value) for name, value in parameters.items()})
    assert response.status_code == status, response.content
    Envelope.model_validate(response.json())
    return response.json()["error"]


def shown(client: Client, **parameters: object) -> list[str]:
    return [point["price"] for point in get(client, "/prices", **parameters)]


def ecb(day: date, rate: str) -> Source:
    """The euro in dollars as the ECB publishes it."""
    create.find_or_create({"EURUSD"}, "pair")
    row, _ = Source.objects.get_or_create(code="ecb", defaults={"name": "ECB", "polling_interval": 3600})
    proof, _ = Publication.objects.get_or_create(
        source=row, table="eurofxref", effective_date=day, defaults={"url": "https://ecb.example/", "fetched_at": NOW}
    )
    euro, value = instrument("EURUSD"), Decimal(rate)
    Rate.objects.create(
        instrument=euro, source=row, table="eurofxref", effective_date=day, mid=value, scale=4, publication=proof
    )
    newest = {"table": "eurofxref", "effective_date": day, "observed_at": NOW, "price": value, "scale": 4}
    Quote.objects.update_or_create(instrument=euro, source=row, defaults=newest)
    return row


def test_get_prices_empty(client: Client, gecko: Source) -> None:
    response = client.get("/prices", {"asset": "BTC", "window": "24h"})
    assert (response.status_code, response.json(), response.headers["X-Total-Count"]) == (200, [], "0")
    assert "X-Source" not in response.headers


def test_get_prices_invalid_asset(client: Client, gecko: Source) -> None:
    error = fault(client, 404, "/prices", asset="BTX")
    assert (error["code"], error["message"]) == ("unknown_code", "There is no asset 'BTX'")
    assert "BTCUSD" in error["detail"]["nearest"]
    assert fault(client, 422, "/prices")["detail"][0]["message"] == "is required"


def test_get_prices_window_param(client: Client, gecko: Source) -> None:
    save_prices([price("67321.5", 30), price("67000.12", 90), price("66000", 60 * 30), price("1", 6)], gecko)
    answer = client.get("/prices", {"asset": "BTC", "window": "24h"})
    assert answer.json() == [
        {"ts": "2026-10-26T09:30:00Z", "price": "67000.12"},
        {"ts": "2026-10-26T10:30:00Z", "price": "67321.50"},
        {"ts": "2026-10-26T10:54:00Z", "price": "1.00"},
    ]
    assert (answer.headers["X-Total-Count"], answer.headers["X-Source"]) == ("3", "coingecko")
    assert get(client, "/prices", asset="BTC") == answer.json(), "24 h where nothing is said"


def test_prices_window_filter(client: Client, gecko: Source) -> None:
    save_prices([price(str(minutes), minutes) for minutes in (1, 59, 61, 23 * 60, 25 * 60, 6 * 1440, 8 * 1440)], gecko)
    assert shown(client, asset="BTC", window="1m") == []
    assert shown(client, asset="BTC", window="60m") == shown(client, asset="BTC", window="1h") == ["59.00", "1.00"]
    assert len(shown(client, asset="BTC", window="24h")) == len(shown(client, asset="BTC", window="1d")) == 4
    assert len(shown(client, asset="BTC", window="7d")) == 6
    assert len(shown(client, asset="BTC", window="366d")) == 7


@walk("text", ["0h", "-1h", "24", "h", "1w", "24H", "1.5h", "367d", "999999d", "24h ", "٣h", "1h1h"])
def test_prices_invalid_window(client: Client, gecko: Source, text: str) -> None:
    for path in ("/prices", "/prices/summary"):
        error = fault(client, 400, path, asset="BTC", window=text)
        assert (error["code"], error["detail"]["window"]) == ("bad_request", text)
        assert "write 30m, 24h or 7d" in error["message"]


def test_a_window_as_long_as_a_book_is_no_window(client: Client, gecko: Source) -> None:
    assert fault(client, 422, "/prices", asset="BTC", window="9" * 5000)["detail"][0]["field"] == "window"


@walk("name", ["BTC", "btc", "BTCUSD", "BTC/USD", "btc_usd", "X:BTCUSD", " bitcoin "])
def test_an_asset_is_found_by_every_spelling(client: Client, gecko: Source, name: str) -> None:
    save_prices([price("5", 1)], gecko)
    assert shown(client, asset=name) == ["5.00"]


def test_what_the_limit_leaves_out_is_the_oldest_and_is_counted(client: Client, gecko: Source) -> None:
    save_prices([price(str(minutes), minutes) for minutes in range(1, 11)], gecko)
    answer = client.get("/prices", {"asset": "BTC", "limit": "3"})
    assert [point["price"] for point in answer.json()] == ["3.00", "2.00", "1.00"]
    assert answer.headers["X-Total-Count"] == "10"
    assert fault(client, 422, "/prices", asset="BTC", limit=10_001)["detail"][0]["message"] == "must be at most 10000"
    assert fault(client, 422, "/prices", asset="BTC", limit=0)["detail"][0]["message"] == "must be at least 1"


@pytest.mark.slow
def test_ten_thousand_prices_come_in_one_answer_and_the_rest_is_told(client: Client, gecko: Source) -> None:
    save_prices([price("67321.25", minutes / 2) for minutes in range(1, 10_051)], gecko)
    answer = client.get("/prices", {"asset": "BTC", "window": "7d"})
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (10_000, "10050")
    assert answer.json()[-1]["ts"] == "2026-10-26T10:59:30Z"


def test_prices_summary_empty(client: Client, gecko: Source) -> None:
    nothing = {"points": 0, "first": None, "last": None, "min": None, "max": None, "avg": None}
    assert get(client, "/prices/summary", asset="BTC", window="24h") == nothing


def test_a_summary_is_of_the_whole_window_and_exact(client: Client, gecko: Source) -> None:
    save_prices([price(value, 10 - minute) for minute, value in enumerate(("0.1", "0.20", "0.4"))], gecko)
    save_prices([price("9", 61)], gecko)
    answer = client.get("/prices/summary", {"asset": "BTC", "window": "1h"})
    assert answer.json() == {
        "points": 3, "first": "0.10", "last": "0.40", "min": "0.10", "max": "0.40", "avg": "0.23",
    }  # fmt: skip
    assert answer.headers["X-Source"] == "coingecko"
    save_prices([price("0.00000001", 1)], gecko)
    small = get(client, "/prices/summary", asset="BTC", window="1h")
    assert (small["points"], small["min"], small["avg"]) == (4, "0.00000001", "0.17500000")


def test_the_mean_of_many_prices_loses_no_digit(client: Client, gecko: Source) -> None:
    save_prices([price("67321.1", minutes) for minutes in range(1, 1001)], gecko)
    assert get(client, "/prices/summary", asset="BTC")["avg"] == "67321.10"


# Which source answers


def latest(client: Client, **asked: Any) -> list[dict[str, Any]]:
    return list(get(client, "/prices/latest", **asked)["items"])


def test_a_fresh_price_goes_before_a_stale_one_and_a_more_urgent_listing_before_others(
    client: Client, gecko: Source, at: Callable[[str], None]
) -> None:
    deribit = source("deribit", polling_interval=60)
    save_prices([price("100", 1)], gecko)
    save_prices([price("200", 2, "btc_usd")], deribit)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["price"], row["stale"]) == ("deribit", "200.00", False)
    assert client.get("/prices", {"asset": "BTC"}).headers["X-Source"] == "deribit"
    at("2026-10-26 12:03")  # nothing from Deribit for five minutes, which is asked every minute
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["price"], row["stale"]) == ("coingecko", "100.00", False)
    assert shown(client, asset="BTC") == ["100.00"]
    assert shown(client, asset="BTC", source="deribit") == ["200.00"]
    at("2026-10-26 13:00")
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["stale"]) == ("deribit", True)


def test_the_euro_falls_back_to_the_ecb_and_says_so(client: Client) -> None:
    polygon = source("polygon", ["EURUSD"])
    bank = ecb(date(2026, 10, 23), "1.0840")
    ecb(date(2026, 10, 26), "1.0855")
    [row] = latest(client, asset="EUR/USD")
    assert row == {
        "asset": "EURUSD", "price": "1.08550", "bid": None, "ask": None, "spread": None, "change24h": None,
        "daily_open": None, "daily_high": None, "daily_low": None, "daily_close": None, "daily_volume": None,
        "ts": "2026-10-26T00:00:00Z", "source": "ecb", "filled_from": {}, "stale": False, "end_of_day": True,
    }  # fmt: skip
    assert get(client, "/prices", asset="EURUSD", window="7d") == [
        {"ts": "2026-10-23T00:00:00Z", "price": "1.08400"},
        {"ts": "2026-10-26T00:00:00Z", "price": "1.08550"},
    ]
    assert get(client, "/prices/summary", asset="EURUSD", window="7d")["avg"] == "1.08475"
    save_prices([price("1.08611", 1, "C:EURUSD", bid="1.08610", ask="1.08613")], polygon)
    [row] = latest(client, asset="EURUSD")
    assert (row["source"], row["bid"], row["ask"], row["spread"]) == ("polygon", "1.08610", "1.08613", "0.00003")
    assert shown(client, asset="EURUSD", window="7d") == ["1.08611"]
    assert shown(client, asset="EURUSD", window="7d", source=bank.code) == ["1.08400", "1.08550"]


def test_the_close_of_a_day_gives_way_to_a_price_of_the_market(client: Client, gecko: Source) -> None:
    polygon = source("polygon", ["BTCUSD"])
    save_prices([price("90", 60 * 11, "X:BTCUSD", end_of_day=True)], polygon)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["end_of_day"], row["stale"]) == ("polygon", True, False)
    save_prices([price("100", 1)], gecko)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["end_of_day"]) == ("coingecko", False)


def test_what_the_best_source_does_not_say_comes_from_the_next_fresh_one_that_does(
    client: Client, gecko: Source, at: Callable[[str], None]
) -> None:
    deribit, polygon = source("deribit", polling_interval=60), source("polygon", ["BTCUSD"], polling_interval=300)
    Listing.objects.filter(source=polygon).update(priority=Listing.Priority.LOW)
    save_prices([price("200", 1, "btc_usd")], deribit)
    save_prices([price("201", 1, change="-1.5", volume="987654321.5")], gecko)
    day = {"open": "190", "high": "210", "low": "180", "close": "205", "volume": "12.25"}
    save_prices([price("202", 1, "X:BTCUSD", bid="201.5", ask="202.5", **day)], polygon)
    [row] = latest(client, asset="BTC", source="deribit")
    assert (row["change24h"], row["daily_high"], row["filled_from"]) == (None, None, {}), "nobody else was asked"
    [row] = latest(client, asset="BTC", source="coingecko")
    assert row["daily_volume"] is None, "in dollars, and no bar of a day"
    Source.objects.update(public_api=True)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["price"], row["change24h"], row["spread"]) == ("deribit", "200.00", "-1.5000", "1.00")
    bar = [row[f"daily_{name}"] for name in ("open", "high", "low", "close", "volume")]
    assert bar == ["190.00", "210.00", "180.00", "205.00", "12.25"]
    assert row["filled_from"] == {"bid_ask": "polygon", "change24h": "coingecko", "daily": "polygon"}
    Source.objects.filter(pk=polygon.pk).update(rotating=False)
    at("2026-10-26 12:14")  # older than two and a half polls of Polygon, and of Deribit
    save_prices([price("203", -14)], gecko)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["daily_high"], row["bid"]) == ("coingecko", None, None), "what is stale fills nothing"


def test_a_field_is_not_filled_from_a_source_whose_figures_are_not_public(client: Client, gecko: Source) -> None:
    polygon = source("polygon", ["BTCUSD"])
    Source.objects.filter(pk=polygon.pk).update(public_api=False)
    save_prices([price("100", 1)], gecko)
    save_prices([price("90", 1, "X:BTCUSD", bid="89", ask="91", high="95")], polygon)
    [row] = latest(client, asset="BTC")
    assert (row["bid"], row["daily_high"], row["filled_from"]) == (None, None, {})


def test_the_bar_of_a_day_before_fills_no_price_of_the_market(client: Client, gecko: Source) -> None:
    save_prices([price("90", 60 * 11, "X:BTCUSD", high="95", end_of_day=True)], source("polygon", ["BTCUSD"]))
    save_prices([price("100", 1)], gecko)
    [row] = latest(client, asset="BTC")
    assert (row["source"], row["daily_high"]) == ("coingecko", None)


def test_what_takes_turns_is_stale_after_two_and_a_half_turns(client: Client, at: Callable[[str], None]) -> None:
    polygon = source("polygon", ["GBPUSD", "EURUSD"], polling_interval=300)
    save_prices([price("1.31", 1, "C:GBPUSD"), price("1.08", 1, "C:EURUSD")], polygon)
    at("2026-10-26 12:30")  # the pound is asked every half hour, the critical euro every five minutes
    stale = {row["asset"]: row["stale"] for row in latest(client, source="polygon")}
    assert stale == {"EURUSD": True, "GBPUSD": False}
    at("2026-10-26 13:30")
    stale = {row["asset"]: row["stale"] for row in latest(client, source="polygon")}
    assert stale == {"EURUSD": True, "GBPUSD": True}


def test_the_newest_of_everything_that_is_followed_sorted_by_code(client: Client, gecko: Source) -> None:
    save_prices([price("2", 1, "ethereum"), price("1", 1), price("3", 1, "solana")], gecko)
    answer = get(client, "/prices/latest")
    assert [(row["asset"], row["price"]) for row in answer["items"]] == [("BTCUSD", "1.00"), ("ETHUSD", "2.00")]
    assert answer["count"] == 2
    paged = get(client, "/prices/latest", limit=1, offset=1)
    assert ([row["asset"] for row in paged["items"]], paged["count"]) == (["ETHUSD"], 2)
    assert [row["asset"] for row in latest(client, asset="SOL")] == ["SOLUSD"]
    fault(client, 404, "/prices/latest", asset="BTX")
    fault(client, 404, "/prices/latest", source="cryptogecko")


def test_the_change_of_a_day_is_the_sources_or_counted_from_the_price_of_then(client: Client, gecko: Source) -> None:
    save_prices([price("100", 1440 + 20), price("999", 1440 - 5), price("110", 1)], gecko)
    assert latest(client, asset="BTC")[0]["change24h"] == "10.0000"
    save_prices([price("110", 0, change="-1.40933")], gecko)
    assert latest(client, asset="BTC")[0]["change24h"] == "-1.4093"
    save_prices([price("50", 1440 + 90, "ethereum"), price("55", 1, "ethereum")], gecko)
    assert latest(client, asset="ETH")[0]["change24h"] is None, "an hour too old to be a day ago"


def test_the_newest_prices_cost_the_same_however_many_they_are(
    client: Client, gecko: Source, django_assert_num_queries: Any
) -> None:
    Listing.objects.update(tracked=True)
    save_prices([price("5", 1, ticker) for ticker in gecko.listings.values_list("ticker", flat=True)], gecko)
    with django_assert_num_queries(2):
        assert len(latest(client)) > 30


def test_answers_keep_to_their_schemas(client: Client, gecko: Source) -> None:
    save_prices([price("100", 3), price("110", 1, bid="109", ask="111")], gecko)
    for row in get(client, "/prices", asset="BTC"):
        assert PricePoint.model_validate(row).model_dump(mode="json") == row
    for path, schema in (("/prices/latest", LatestPage), ("/prices/summary", PriceSummary)):
        answer = get(client, path, asset="BTC")
        assert schema.model_validate(answer).model_dump(mode="json") == answer


def test_an_official_rate_that_a_price_was_asked_of_is_of_its_day(client: Client, gecko: Source) -> None:
    ecb(date(2026, 10, 16), "1.0855")
    [row] = latest(client, asset="EURUSD")
    assert (row["ts"], row["stale"]) == ("2026-10-16T00:00:00Z", True)
    assert shown(client, asset="EURUSD", window="7d") == []


def test_zero_never_reaches_a_chart(client: Client, gecko: Source) -> None:
    save_prices([price("0", 2), price("100", 1, bid="0", ask="0")], gecko)
    assert shown(client, asset="BTC") == ["100.00"]
    [row] = latest(client, asset="BTC")
    assert (row["bid"], row["ask"], row["spread"]) == (None, None, None)
    assert Tick.objects.filter(observed_at__gt=NOW - timedelta(days=1)).count() == 1
