"""CoinGecko: one call for all coins, three shapes of errors, and a "now" that is no close."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import respx

from markets.records import Listed, Price
from miner.fetch.errors import ProviderError, Refused, UnknownTicker, Unreachable, Unreadable
from miner.providers.coingecko import CoinGecko, parse_listing, parse_prices
from tests.bodies import error_of, recorded, rubbish

BASE = "https://coins.example/api/v3/"
AT = datetime(2026, 5, 18, 8, 17, 38, tzinfo=UTC)
PRICES = recorded("coingecko", "simple_price.json")
CHART = recorded("coingecko", "market_chart_daily.json")
START, END = datetime(2022, 3, 1, tzinfo=UTC), datetime(2022, 6, 10, 16, tzinfo=UTC)


def asked(body: bytes, *tickers: str) -> list[Price]:
    return parse_prices(body, tickers or ("bitcoin",), {})


def history(body: bytes, start: datetime = START, end: datetime = END) -> list[Price]:
    with respx.mock as web:
        web.get(url__startswith=f"{BASE}coins/bitcoin/market_chart/range").respond(content=body)
        return CoinGecko(BASE).fetch_history("bitcoin", start, end)


def refused(name: str, status: int, **headers: str) -> ProviderError:
    body = recorded("coingecko", name)
    return error_of(lambda: CoinGecko(BASE).fetch_quotes(["bitcoin"]), status, body, **headers)


def test_the_recorded_price_is_read_to_the_last_digit() -> None:
    assert asked(PRICES) == [
        Price(
            "bitcoin",
            Decimal("76975"),
            AT,
            volume=Decimal("29096603418.89408"),
            change=Decimal("-1.4093297098441402"),
        )
    ]


def test_all_coins_are_asked_for_in_one_call(respx_mock: respx.Router) -> None:
    route = respx_mock.get(f"{BASE}simple/price").respond(content=PRICES)
    assert len(CoinGecko(BASE).fetch_quotes(["bitcoin", "ethereum", "bitcoin"])) == 1
    (call,) = route.calls
    assert dict(call.request.url.params) == {
        "ids": "bitcoin,ethereum,bitcoin",
        "vs_currencies": "usd",
        "include_24hr_vol": "true",
        "include_24hr_change": "true",
        "include_last_updated_at": "true",
        "precision": "full",
    }


def test_nothing_is_asked_for_no_coin() -> None:
    with respx.mock:
        assert CoinGecko(BASE).fetch_quotes([]) == []


def test_the_demo_key_travels_in_its_header_alone(respx_mock: respx.Router) -> None:
    route = respx_mock.get(url__startswith=BASE).respond(content=PRICES)
    CoinGecko(BASE, "s3cret").fetch_quotes(["bitcoin"])
    CoinGecko(BASE).fetch_quotes(["bitcoin"])
    with_key, without = (call.request for call in route.calls)
    assert with_key.headers["x-cg-demo-api-key"] == "s3cret"
    assert "s3cret" not in str(with_key.url)
    assert "x-cg-demo-api-key" not in without.headers


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500])
def test_the_demo_key_stands_in_no_error(status: int) -> None:
    error = error_of(lambda: CoinGecko(BASE, "s3cret").fetch_quotes(["bitcoin"]), status, b"s3cret")
    assert "s3cret" not in f"{error} {error.__cause__} {error.args}"


def test_a_key_that_no_header_can_carry_stands_in_no_error() -> None:
    error = error_of(lambda: CoinGecko(BASE, "s3cret\n\xe9ą").fetch_quotes(["bitcoin"]), 200, PRICES)
    assert isinstance(error, Refused)
    assert "s3cret" not in str(error)


def test_an_unknown_coin_is_left_out() -> None:
    assert asked(recorded("coingecko", "simple_price_unknown.json"), "no-coin") == []
    assert [price.ticker for price in asked(PRICES, "no-coin", "bitcoin")] == ["bitcoin"]


@pytest.mark.parametrize(
    "coin",
    [
        "{}",
        '{"usd":null,"last_updated_at":1779092258}',
        '{"usd":1.5,"last_updated_at":null}',
        '{"usd":1.5}',
        '{"usd":0,"last_updated_at":1779092258}',
        '{"usd":0.0,"last_updated_at":1779092258}',
    ],
)
def test_a_coin_without_a_price_or_a_moment_is_left_out_and_never_costs_zero(coin: str) -> None:
    assert [price.ticker for price in asked(b'{"x":%b,' % coin.encode() + PRICES[1:], "x", "bitcoin")] == ["bitcoin"]


def test_a_stale_coin_has_no_change() -> None:
    (price,) = asked(b'{"x":{"usd":1.5,"usd_24h_vol":null,"usd_24h_change":null,"last_updated_at":1779092258}}', "x")
    assert (price.volume, price.change) == (None, None)


@pytest.mark.parametrize("text", ["1.39852e-10", "1E-7", "76975", "0.10", "69702.3087473573", "1e400"])
def test_a_number_keeps_its_digits_however_it_is_written(text: str) -> None:
    (price,) = asked(b'{"x":{"usd":%b,"last_updated_at":1779092258}}' % text.encode(), "x")
    assert price.price.as_tuple() == Decimal(text).as_tuple()


@pytest.mark.parametrize(
    ("text", "price"), [("19801.30485316612", "19801.3048531661"), ("9" * 5000, "1.00000000000000E+5000")]
)
def test_a_price_longer_than_a_double_is_exact_loses_the_noise(text: str, price: str) -> None:
    body = b'{"x":{"usd":%b,"last_updated_at":1779092258}}' % text.encode()
    chart = b'{"prices":[[1654560000000,%b],[1654560000001,1]]}' % text.encode()
    assert [str(found.price) for found in (*asked(body, "x"), *history(chart))] == [price, price]


def test_a_moment_in_the_future_is_handed_over_for_the_rules_to_refuse() -> None:
    (price,) = asked(b'{"x":{"usd":1,"last_updated_at":4102444800}}', "x")
    assert price.observed_at == datetime(2100, 1, 1, tzinfo=UTC)


@rubbish
def test_a_200_with_anything_else_is_unreadable(body: bytes) -> None:
    assert isinstance(error_of(lambda: CoinGecko(BASE).fetch_quotes(["bitcoin"]), 200, body), Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        b'{"bitcoin":{"usd":"abc","last_updated_at":1}}',
        b'{"bitcoin":{"usd":true}}',
        b'{"bitcoin":[1]}',
        b'{"bitcoin":{"usd":1e9999999999999999999}}',
        b'{"bitcoin":{"usd":1,"last_updated_at":1e30}}',
        b'{"bitcoin":{"usd":1,"last_updated_at":99999999999999}}',
        PRICES[:60],
        b'{"error":"coin not found"}',
        b'{"ethereum":{"usd":1,"last_updated_at":1779092258}}',
    ],
)
def test_prices_that_cannot_be_are_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        asked(body)


def test_too_many_calls_are_unreachable_with_the_wait_that_was_asked_for() -> None:
    error = refused("429_rate_limit.json", 429, **{"Retry-After": "53"})
    assert isinstance(error, Unreachable)
    assert error.retry_after == 53


def test_a_ban_in_plain_text_is_refused_so_that_nobody_tries_again() -> None:
    error = refused("429_banned.txt", 429)
    assert isinstance(error, Refused)
    assert str(error) == "GET /api/v3/simple/price: HTTP 429: error code: 1015: banned"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("401_time_range.json", 401),
        ("404_coin_not_found.json", 404),
        ("400_vs_currency.json", 400),
        ("422_missing_parameter.json", 422),
    ],
)
def test_every_other_recorded_refusal_is_refused(name: str, status: int) -> None:
    error = refused(name, status)
    assert isinstance(error, Refused)
    assert error.status == status


def test_the_recorded_chart_gives_the_closes_and_not_the_moment_of_asking() -> None:
    prices = history(CHART)
    assert [(price.observed_at.isoformat(), str(price.price)) for price in prices] == [
        ("2022-06-07T00:00:00+00:00", "31370.67"),
        ("2022-06-08T00:00:00+00:00", "31155.48"),
        ("2022-06-09T00:00:00+00:00", "30214.36"),
        ("2022-06-10T00:00:00+00:00", "30111.99"),
    ]


def test_a_chart_that_ends_on_a_midnight_keeps_it() -> None:
    assert [str(price.price) for price in history(b'{"prices":[[1654560000000,1],[1654646400000,2]]}')] == ["1", "2"]


def test_an_hourly_chart_loses_its_last_price_only() -> None:
    body = b'{"prices":[[1654560000001,1],[1654563600123,2],[1654567200456,3]]}'
    assert [str(price.price) for price in history(body)] == ["1", "2"]


def test_a_chart_out_of_order_comes_out_ascending_without_holes_and_zeros() -> None:
    body = b'{"prices":[[1654646400000,2],[1654560000000,1],[1654732800000,null],[1654819200000,0]]}'
    assert [str(price.price) for price in history(body)] == ["1", "2"]


def test_prices_that_nobody_asked_for_are_left_out() -> None:
    prices = history(CHART, datetime(2022, 6, 8, tzinfo=UTC), datetime(2022, 6, 9, tzinfo=UTC))
    assert [price.observed_at.day for price in prices] == [8, 9]


def test_a_history_is_asked_for_by_its_two_ends(respx_mock: respx.Router) -> None:
    route = respx_mock.get(f"{BASE}coins/bitcoin/market_chart/range").respond(content=b'{"prices":[]}')
    assert CoinGecko(BASE).fetch_history("bitcoin", START, END) == []
    assert dict(route.calls.last.request.url.params) == {
        "vs_currency": "usd",
        "from": "1646092800",
        "to": "1654876800",
        "precision": "full",
    }


def test_the_history_of_an_unknown_coin_is_that_coins_trouble_alone() -> None:
    body = recorded("coingecko", "404_coin_not_found.json")
    error = error_of(lambda: CoinGecko(BASE).fetch_history("no-coin", START, END), 404, body)
    assert isinstance(error, UnknownTicker)


def test_a_history_beyond_365_days_is_refused() -> None:
    body = recorded("coingecko", "401_time_range.json")
    error = error_of(lambda: CoinGecko(BASE).fetch_history("bitcoin", START, END), 401, body)
    assert isinstance(error, Refused)
    assert not isinstance(error, UnknownTicker)
    assert "10012" in error.body


@rubbish
def test_a_chart_with_anything_else_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        history(body)


def test_the_coins_that_are_priced_are_known_each_once_by_symbol_and_slug() -> None:
    assert (CoinGecko.tickers["BTCUSD"], CoinGecko.tickers["ETHUSD"], CoinGecko.tickers["XRPUSD"]) == (
        "bitcoin",
        "ethereum",
        "ripple",
    )
    assert len(CoinGecko.tickers) == len(set(CoinGecko.tickers.values())) == 36


COINS_LIST = b"""[
    {"id":"bitcoin","symbol":"btc","name":"Bitcoin"},{"id":"batcat","symbol":"btc","name":"batcat"},
    {"id":"pepe","symbol":"pepe","name":"Pepe"},{"id":"pepe-fork","symbol":"pepe","name":"Pepe Fork"},
    {"id":"twin-one","symbol":"twin","name":"Twin One"},{"id":"twin-two","symbol":"twin","name":"Twin Two"},
    {"id":"lonely","symbol":"lone","name":"Lonely"}]"""
LARGEST = b'[{"id":"pepe","symbol":"pepe","name":"Pepe","current_price":4.6e-06,"market_cap_rank":31}]'


def test_a_symbol_of_several_coins_means_ours_or_the_largest_or_none() -> None:
    listed = parse_listing(LARGEST, COINS_LIST, {})
    assert {row.code: row.ticker for row in listed} == {
        "BTCUSD": "bitcoin", "PEPEUSD": "pepe", "LONEUSD": "lonely",
    }  # fmt: skip
    assert listed[1] == Listed("pepe", "PEPE", "USD", "Pepe", "crypto")


def test_everything_that_is_listed_takes_two_calls() -> None:
    with respx.mock as web:
        every = web.get(f"{BASE}coins/list").respond(content=COINS_LIST)
        largest = web.get(f"{BASE}coins/markets").respond(content=LARGEST)
        gecko = CoinGecko(BASE, "key")
        assert len(gecko.fetch_listing()) == 3
    assert gecko.calls == CoinGecko.listing_cost == 2
    asked = dict(largest.calls.last.request.url.params)
    assert asked == {"vs_currency": "usd", "order": "market_cap_desc", "per_page": "250", "page": "1"}
    assert every.calls.last.request.headers["x-cg-demo-api-key"] == "key"
