"""GET, POST and DELETE /assets: what is followed, who may change it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from charon.api.addresses import canonical
from markets import clock
from markets.api.asset_schemas import AssetItem
from markets.api.schemas import Envelope
from markets.models import Listing, Source, Tick
from markets.store.prices import save_prices
from tests.cases import walk
from tests.market import instrument, price, source
from tests.test_api_rates import get

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture
def gecko(db: None) -> Source:
    return source("coingecko", [])


def add(client: Client, body: Any, **headers: str) -> Any:
    return client.post("/assets", body, content_type="application/json", headers=TOKEN | headers)


def remove(client: Client, symbol: str) -> Any:
    return client.delete(f"/assets/{symbol}", headers=TOKEN)


def symbols(client: Client) -> list[str]:
    return [row["symbol"] for row in get(client, "/assets")]


def test_get_assets_empty(client: Client) -> None:
    response = client.get("/assets")
    assert (response.status_code, response.json(), response.headers["X-Total-Count"]) == (200, [], "0")


def test_create_asset_valid(client: Client, gecko: Source) -> None:
    source("deribit", [])
    response = add(client, {"symbol": "BTC"})
    assert response.status_code == 201
    asset = response.json()
    assert asset == {
        "symbol": "BTCUSD", "name": "Bitcoin", "sources": ["deribit", "coingecko"], "tracked": True, "last": None,
        "aliases": ["BITCOIN", "BTC", "BTC-USD", "BTC/USD", "BTC_USD", "X:BTCUSD", "XBT", "XBT/USD", "XBTUSD"],
        "change24h": None,
    }  # fmt: skip
    assert AssetItem.model_validate(asset).model_dump(mode="json") == asset
    assert get(client, "/assets") == [asset]
    assert set(Listing.objects.filter(tracked=True).values_list("ticker", flat=True)) == {"bitcoin", "btc_usd"}


def test_create_asset_duplicate(client: Client, gecko: Source) -> None:
    assert add(client, {"symbol": "BTC"}).status_code == 201
    for spelling in ("BTC", "btc_usd", "BTCUSD"):
        again = add(client, {"symbol": spelling})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
        assert again.json()["error"]["detail"] == {"symbol": "BTCUSD"}
    assert symbols(client) == ["BTCUSD"]


def test_an_asset_that_is_followed_at_one_source_is_followed(client: Client, gecko: Source) -> None:
    source("deribit", [])
    Listing.objects.filter(ticker="bitcoin").update(tracked=True)
    assert add(client, {"symbol": "BTC"}).status_code == 409
    assert not Listing.objects.get(ticker="btc_usd").tracked, "which sources follow it is the operator's choice"


@walk(
    "body",
    [{}, {"symbol": ""}, {"symbol": "B"}, {"symbol": None}, {"symbol": 7}, {"symbol": "BTC; DROP"}, ["BTC"],
     {"symbol": "A" * 33}, {"symbol": "BTC", "price": "1"}, {"symbol": "B\0C"}],
)  # fmt: skip
def test_create_asset_validation(client: Client, gecko: Source, body: Any) -> None:
    response = add(client, body)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_parameters"
    Envelope.model_validate(response.json())
    assert symbols(client) == []


def test_a_body_that_is_no_json_is_refused_in_our_envelope(client: Client, gecko: Source) -> None:
    response = add(client, "{symbol: BTC")
    assert response.status_code == 400
    Envelope.model_validate(response.json())


def test_an_asset_that_no_source_lists_is_unknown(client: Client, gecko: Source) -> None:
    Source.objects.update(listed_at=clock.now())
    for symbol in ("BTX", "USD"):
        response = add(client, {"symbol": symbol})
        assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_code")
    assert "BTCUSD" in add(client, {"symbol": "BTX"}).json()["error"]["detail"]["nearest"]


def test_removing_an_asset_stops_asking_and_keeps_what_there_is(client: Client, gecko: Source) -> None:
    add(client, {"symbol": "BTC"})
    save_prices([price("100", 1)], gecko)
    response = remove(client, "BTC")
    assert (response.status_code, response.content) == (204, b"")
    assert symbols(client) == []
    assert not Listing.objects.filter(tracked=True).exists()
    assert Tick.objects.filter(instrument=instrument("BTC")).count() == 1
    assert len(get(client, "/prices", asset="BTC")) == 1
    again = remove(client, "BTC")
    assert (again.status_code, again.json()["error"]["message"]) == (404, "BTCUSD is not followed")
    assert remove(client, "BTX").status_code == 404
    assert add(client, {"symbol": "BTC"}).status_code == 201, "and it can be followed again"


@walk("path", ["/assets/btc_usd", "/assets/BTC/", "/assets/BTC/USD", "/api/v1/assets/BTC%2FUSD/"])
def test_an_asset_is_removed_at_every_spelling_of_its_address(client: Client, gecko: Source, path: str) -> None:
    add(client, {"symbol": "BTC"})
    assert client.delete(path, headers=TOKEN).status_code == 204


def test_addresses_of_assets_lead_to_the_api(client: Client) -> None:
    assert canonical("/assets/BTC") == canonical("/assets/BTC/") == canonical("/api/v1/assets/BTC/")
    assert canonical("/assets/BTC") == "/api/v1/assets/BTC"
    assert canonical("/assets/BTC/USD") == "/api/v1/assets/BTC/USD"
    for path in ("/assets//", "/assets//BTC", "/assets/BTC//", "/assetsx/BTC", "/xassets/BTC", "/rates/USD"):
        assert canonical(path) == path
    assert client.get("/assets/BTC").status_code == 405
    assert client.get("/assets/BTC//").json()["error"]["code"] in {"not_found", "method_not_allowed"}


def test_only_operators_change_what_is_followed(client: Client, gecko: Source, settings: Any) -> None:
    body = {"symbol": "BTC"}
    assert client.post("/assets", body, content_type="application/json").status_code == 401
    assert add(client, body, Authorization="Bearer wrong").status_code == 401
    assert client.delete("/assets/BTC").status_code == 401
    settings.API_TOKEN = ""
    assert add(client, body, Authorization="Bearer ").status_code == 401
    assert symbols(client) == []
    client.force_login(User.objects.create_superuser("operator"))
    assert client.post("/assets", body, content_type="application/json").status_code == 201
    assert client.delete("/assets/BTC").status_code == 204


def test_a_list_of_assets_shows_price_and_change_and_is_paged(client: Client, django_assert_num_queries: Any) -> None:
    gecko = source("coingecko", ["BTC", "ETH", "SOL"])
    save_prices([price("67321.5", 1, change="2.5"), price("1900", 1, "ethereum")], gecko)
    rows = {row["symbol"]: (row["last"], row["change24h"]) for row in get(client, "/assets")}
    assert rows == {"BTCUSD": ("67321.50", "2.5000"), "ETHUSD": ("1900.00", None), "SOLUSD": (None, None)}
    paged = client.get("/assets", {"limit": 1, "offset": 2})
    assert ([row["symbol"] for row in paged.json()], paged.headers["X-Total-Count"]) == (["SOLUSD"], "3")
    Listing.objects.update(tracked=True)
    with django_assert_num_queries(5):
        assert len(get(client, "/assets")) > 30
