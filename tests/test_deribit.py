"""Deribit: an index and the moment of its envelope; errors under every status, some for later and some for good."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import respx

from markets.models import Source
from markets.records import Listed, Price
from miner import sources
from miner.collect import prices as price_collector
from miner.fetch import cooldown
from miner.fetch.errors import ProviderError, Refused, UnknownTicker, Unreachable, Unreadable
from miner.providers.deribit import LATER, Deribit
from tests import market, synced
from tests.bodies import error_of, recorded, rubbish

BASE = "https://index.example/api/v2/"
AT = datetime(2024, 3, 13, 11, 13, 41, 483471, tzinfo=UTC)
PRICE = recorded("deribit", "get_index_price.json")
CHART = recorded("deribit", "get_index_chart_data.json")


def quoted(body: bytes, status: int = 200) -> list[Price]:
    with respx.mock as web:
        web.get(f"{BASE}public/get_index_price").respond(status, content=body)
        return Deribit(BASE).fetch_quotes(["btc_usd"])


def index(price: str, us_out: str = "1710328421483471") -> bytes:
    return f'{{"jsonrpc":"2.0","result":{{"index_price":{price}}},"usOut":{us_out}}}'.encode()


def failed(body: bytes, status: int) -> ProviderError:
    return error_of(lambda: Deribit(BASE).fetch_quotes(["btc_usd"]), status, body)


def error(code: int) -> bytes:
    return f'{{"jsonrpc":"2.0","error":{{"code":{code},"message":"x"}},"usOut":1710328421483471}}'.encode()


def test_the_recorded_index_is_read_with_the_moment_of_its_envelope() -> None:
    assert quoted(PRICE) == [Price("btc_usd", Decimal("11628.81"), AT)]


def test_each_index_is_asked_for_once_by_its_name(respx_mock: respx.Router) -> None:
    route = respx_mock.get(f"{BASE}public/get_index_price").respond(content=PRICE)
    bank = Deribit(BASE)
    assert [price.ticker for price in bank.fetch_quotes(["btc_usd", "eth_usd", "btc_usd"])] == ["btc_usd", "eth_usd"]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"index_name": "btc_usd"},
        {"index_name": "eth_usd"},
    ]
    assert bank.cost(["btc_usd", "eth_usd", "btc_usd"]) == 2


@pytest.mark.django_db
def test_its_answer_is_waited_for_as_long_as_the_operator_says(respx_mock: respx.Router, settings: Any) -> None:
    settings.DERIBIT_TIMEOUT, settings.DERIBIT_BASE_URL = 3.5, BASE
    route = respx_mock.get(f"{BASE}public/get_index_price").respond(content=PRICE)
    sources.quote_source_of(market.source("deribit", ["BTC"])).fetch_quotes(["btc_usd"])
    assert route.calls.last.request.extensions["timeout"]["read"] == 3.5


@pytest.mark.parametrize("price", ["null", "0", "0.0"])
def test_an_index_without_a_price_is_left_out_and_never_costs_zero(price: str) -> None:
    assert quoted(index(price)) == []


@pytest.mark.parametrize("text", ["1.39852e-10", "63000", "63000.10", "1e400"])
def test_a_number_keeps_its_digits_however_it_is_written(text: str) -> None:
    assert quoted(index(text))[0].price.as_tuple() == Decimal(text).as_tuple()


def test_a_moment_in_the_future_is_handed_over_for_the_rules_to_refuse() -> None:
    assert quoted(index("1", "4102444800000000"))[0].observed_at == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("code", sorted(LATER))
@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_an_error_for_later_is_unreachable_under_every_status(code: int, status: int) -> None:
    assert isinstance(failed(error(code), status), Unreachable)


@pytest.mark.parametrize("code", sorted(LATER))
@pytest.mark.parametrize("status", [200, 400])
def test_too_many_requests_are_told_from_other_trouble_whatever_they_came_under(code: int, status: int) -> None:
    caught = failed(error(code), status)
    assert isinstance(caught, Unreachable)
    assert caught.status == (429 if code in {10028, 10066} else 503)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [200, 400])
def test_too_many_requests_are_not_repeated_and_the_source_rests(settings: Any, status: int) -> None:
    synced.sync()
    source, settings.DERIBIT_BASE_URL = Source.objects.get(code="deribit"), BASE
    with respx.mock as web:
        route = web.get(f"{BASE}public/get_index_price").respond(status, content=error(10028))
        result = price_collector.refresh(source, price_collector.due(source))
    assert (route.call_count, sorted(result.failed)) == (1, ["BTCUSD", "ETHUSD"])
    assert cooldown.is_cooling_down(source)


@pytest.mark.parametrize("code", [-32601, -32602, 10020, 11029, 11050, 99999])
@pytest.mark.parametrize("status", [200, 400])
def test_an_error_for_good_is_refused_under_every_status(code: int, status: int) -> None:
    caught = failed(error(code), status)
    assert isinstance(caught, Refused)
    assert (str(caught), caught.status) == (f"public/get_index_price: error {code}: x", status)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("400_invalid_params.json", 400, Refused),
        ("503_maintenance.json", 503, Unreachable),
        ("429_too_many_requests.json", 429, Unreachable),
        ("429_too_many_requests.json", 200, Unreachable),
        ("503_maintenance.json", 200, Unreachable),
    ],
)
def test_every_recorded_error_is_told_apart(name: str, status: int, kind: type[Exception]) -> None:
    assert type(failed(recorded("deribit", name), status)) is kind


@pytest.mark.parametrize("status", [200, 400])
def test_an_index_that_is_not_listed_is_left_out_and_the_others_stay(status: int) -> None:
    with respx.mock as web:
        unknown = recorded("deribit", "400_unknown_index.json")
        web.get(url__regex="index_name=no_usd").respond(status, content=unknown)
        web.get(url__regex="index_name=btc_usd").respond(content=PRICE)
        prices = Deribit(BASE).fetch_quotes(["no_usd", "btc_usd"])
    assert [price.ticker for price in prices] == ["btc_usd"]


@pytest.mark.parametrize("status", [400, 403, 404, 301])
def test_another_refusal_without_an_error_object_is_refused(status: int) -> None:
    caught = failed(b"<html>no</html>", status)
    assert isinstance(caught, Refused)
    assert caught.status == status


@rubbish
def test_a_200_with_anything_else_is_an_error(body: bytes) -> None:
    assert isinstance(failed(body, 200), Unreadable | Refused)


@pytest.mark.parametrize(
    "body",
    [
        PRICE[:60],
        index('"abc"'),
        index("true"),
        index("1", '"now"'),
        index("1", "1" * 25),
        b'{"result":{"index_price":1}}',
        b'{"usOut":1710328421483471}',
        b'{"error":null,"usOut":1710328421483471}',
        b'{"error":"no","usOut":1710328421483471}',
    ],
)
def test_an_answer_that_cannot_be_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        quoted(body)


def charted(body: bytes, back: timedelta) -> tuple[list[Price], list[str]]:
    """The prices of the time up to the answer, and the ranges that were asked for."""
    with respx.mock as web:
        route = web.get(f"{BASE}public/get_index_chart_data").respond(content=body)
        prices = Deribit(BASE).fetch_history("btc_usd", AT - back, AT)
        return prices, [call.request.url.params["range"] for call in route.calls]


def test_the_recorded_chart_is_read_ascending() -> None:
    prices, _ = charted(CHART, timedelta(days=1, hours=1))
    assert [(price.observed_at.isoformat(), str(price.price)) for price in prices] == [
        ("2024-03-12T11:00:00+00:00", "71802.5"),
        ("2024-03-12T12:00:00+00:00", "72011.0375"),
        ("2024-03-13T11:00:00+00:00", "73427.75"),
    ]


@pytest.mark.parametrize(
    ("back", "ranges"),
    [
        (timedelta(minutes=30), ["1h"]),
        (timedelta(hours=12), ["1d"]),
        (timedelta(days=2), ["2d"]),
        (timedelta(days=20), ["1m"]),
        (timedelta(days=200), ["1y"]),
        (timedelta(days=2000), ["all"]),
    ],
)
def test_the_shortest_range_that_reaches_back_is_asked_for(back: timedelta, ranges: list[str]) -> None:
    assert charted(CHART, back)[1] == ranges


def test_a_time_long_ago_takes_the_range_that_reaches_there(respx_mock: respx.Router) -> None:
    route = respx_mock.get(f"{BASE}public/get_index_chart_data").respond(content=CHART)
    Deribit(BASE).fetch_history("btc_usd", AT - timedelta(days=100), AT - timedelta(days=99, hours=12))
    assert [call.request.url.params["range"] for call in route.calls] == ["1d", "2d", "1m", "1y"]


def test_holes_and_zeros_of_a_chart_are_left_out() -> None:
    body = b'{"result":[[1710327600000,null],[1710327000000,0],[1710326400000,1]],"usOut":1710328421483471}'
    assert [str(price.price) for price in charted(body, timedelta(days=1))[0]] == ["1"]


def test_the_history_of_an_unknown_index_is_that_indexs_trouble_alone() -> None:
    body = recorded("deribit", "400_unknown_index.json")
    caught = error_of(lambda: Deribit(BASE).fetch_history("no_usd", AT - timedelta(days=1), AT), 400, body)
    assert isinstance(caught, UnknownTicker)


@pytest.mark.parametrize("names", ['["btc_usd","paxg_usdc","odd"]', '[{"name":"btc_usd"},{"name":"paxg_usdc","x":1}]'])
def test_every_index_is_listed_by_its_name(respx_mock: respx.Router, names: str) -> None:
    body = f'{{"jsonrpc":"2.0","result":{names},"usIn":1,"usOut":2,"usDiff":1,"testnet":false}}'
    respx_mock.get(f"{BASE}public/get_index_price_names").respond(content=body.encode())
    assert Deribit(BASE).fetch_listing() == [
        Listed("btc_usd", "BTC", "USD", kind="crypto"), Listed("paxg_usdc", "PAXG", "USDC", kind="crypto"),
    ]  # fmt: skip
