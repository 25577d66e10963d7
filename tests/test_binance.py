"""Binance.US: candles and 24-hour figures as text with eight decimals, a weight in a header, waits and bans."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import httpx
import pytest
import respx

from markets.records import Bar, Listed, Price
from miner.fetch.errors import Blocked, ProviderError, Refused, UnknownTicker, Unreachable, Unreadable
from miner.providers.binance import Binance
from tests.bodies import error_of, recorded, rubbish

BASE = "https://exchange.example/"
KLINES = recorded("binance", "klines.json")
DAYS = recorded("binance", "ticker_24hr.json")
EXCHANGE = recorded("binance", "exchangeInfo.json")
UNKNOWN = recorded("binance", "400_invalid_symbol.json")


@pytest.fixture(autouse=True)
def a_new_process() -> Iterator[None]:
    yield
    Binance.traded.clear()


def candles(body: bytes) -> list[Bar]:
    with respx.mock as web:
        web.get(f"{BASE}api/v3/klines").respond(content=body)
        return Binance(BASE).fetch_candles("BTCUSDT", "1h")


def quotes(body: bytes, *tickers: str) -> list[Price]:
    with respx.mock as web:
        web.get(f"{BASE}api/v3/ticker/24hr").respond(content=body)
        return Binance(BASE).fetch_quotes(tickers or ("BTCUSDT",))


def day(**changes: object) -> bytes:
    """The recorded 24 hours with other values; None takes the key away."""
    row = json.loads(DAYS)[0] | changes
    return json.dumps([{key: value for key, value in row.items() if value is not Ellipsis}]).encode()


def kline(opened: int, *prices: str) -> bytes:
    texts = ",".join(f'"{price}"' for price in prices)
    return f'[{opened},{texts},"0.10000000",{opened + 3599999},"1.0",3,"0.1","0.1","0"]'.encode()


def failed(name: str, status: int, **headers: str) -> ProviderError:
    body = recorded("binance", name)
    return error_of(lambda: Binance(BASE).fetch_candles("BTCUSDT", "1h"), status, body, **headers)


def test_the_recorded_candle_is_read_to_the_last_zero() -> None:
    (bar,) = candles(KLINES)
    assert bar == Bar(
        ticker="BTCUSDT",
        timeframe="1h",
        open_time=datetime(2024, 3, 13, 11, tzinfo=UTC),
        close_time=datetime(2024, 3, 13, 11, 59, 59, 999000, tzinfo=UTC),
        open=Decimal("73249.24"),
        high=Decimal("73394.3"),
        low=Decimal("73234.62"),
        close=Decimal("73347.62"),
        volume=Decimal("0.23592"),
        trades=55,
    )
    assert (str(bar.open), str(bar.volume)) == ("73249.24000000", "0.23592000")


@pytest.mark.parametrize(
    ("start", "limit", "params"),
    [
        (None, 1000, {"symbol": "BTCUSDT", "interval": "5m", "limit": "1000"}),
        (None, 2, {"symbol": "BTCUSDT", "interval": "5m", "limit": "2"}),
        (
            datetime(2024, 3, 13, 11, tzinfo=UTC),
            5000,
            {"symbol": "BTCUSDT", "interval": "5m", "startTime": "1710327600000", "limit": "1000"},
        ),
    ],
)
def test_candles_are_asked_for_by_symbol_interval_and_first_opening(
    respx_mock: respx.Router, start: datetime | None, limit: int, params: dict[str, str]
) -> None:
    route = respx_mock.get(f"{BASE}api/v3/klines").respond(content=KLINES)
    Binance(BASE).fetch_candles("BTCUSDT", "5m", start, limit)
    assert dict(route.calls.last.request.url.params) == params


def test_an_empty_range_has_no_candles() -> None:
    assert candles(b"[]") == []


def test_candles_out_of_order_come_out_ascending_and_twice_stays_twice() -> None:
    rows = [kline(opened, "1", "1", "1", "1") for opened in (1710331200000, 1710327600000, 1710331200000)]
    assert [bar.open_time.hour for bar in candles(b"[" + b",".join(rows) + b"]")] == [11, 12, 12]


@pytest.mark.parametrize(
    "prices", [("1", "0.5", "2", "1"), ("0.00000000",) * 4, ("1e-8",) * 4, ("9" * 5000,) * 4, ("-1",) * 4]
)
def test_what_cannot_be_a_candle_is_handed_over_for_the_rules_to_refuse(prices: tuple[str, ...]) -> None:
    (bar,) = candles(b"[" + kline(1710327600000, *prices) + b"]")
    assert (bar.open, bar.high, bar.low, bar.close) == tuple(map(Decimal, prices))


def test_the_recorded_24_hours_are_read_with_both_sides() -> None:
    assert quotes(DAYS) == [
        Price(
            ticker="BTCUSDT",
            price=Decimal("73347.62"),
            observed_at=datetime(2024, 3, 13, 11, 13, 41, 483000, tzinfo=UTC),
            bid=Decimal("73340.1"),
            ask=Decimal("73355.9"),
            open=Decimal("73442.62"),
            high=Decimal("73650"),
            low=Decimal("71300"),
            close=Decimal("73347.62"),
            volume=Decimal("12.9131"),
            change=Decimal("-0.130"),
        )
    ]


@pytest.mark.parametrize("bid", [None, ..., "0.00000000", "0"])
def test_nobody_bidding_is_no_bid_and_never_zero(bid: object) -> None:
    (price,) = quotes(day(bidPrice=bid))
    assert (price.bid, price.ask) == (None, Decimal("73355.9"))


def test_a_symbol_that_was_never_traded_is_left_out() -> None:
    assert quotes(day(lastPrice="0.00000000")) == []


def test_twenty_symbols_are_asked_for_in_one_call_and_weigh_one(respx_mock: respx.Router) -> None:
    route = respx_mock.get(f"{BASE}api/v3/ticker/24hr").respond(content=b"[]")
    exchange, names = Binance(BASE), list(Binance.tickers.values())
    exchange.fetch_quotes([*names, names[0]])
    asked = [json.loads(call.request.url.params["symbols"]) for call in route.calls]
    assert asked == [names[:20], names[20:]]
    assert str(route.calls.last.request.url).endswith(f"%22{names[-1]}%22%5D")
    assert exchange.cost(names) == 2
    assert exchange.cost(names[:20]) == 1


def test_a_delisted_symbol_is_left_out_and_the_others_are_answered(respx_mock: respx.Router) -> None:
    days = respx_mock.get(f"{BASE}api/v3/ticker/24hr")
    days.side_effect = [respx.MockResponse(400, content=UNKNOWN), respx.MockResponse(200, content=DAYS)]
    respx_mock.get(f"{BASE}api/v3/exchangeInfo").respond(content=EXCHANGE)
    assert [price.ticker for price in Binance(BASE).fetch_quotes(["GONEUSDT", "MATICUSDT", "BTCUSDT"])] == ["BTCUSDT"]
    assert json.loads(days.calls.last.request.url.params["symbols"]) == ["BTCUSDT"]


def test_what_is_listed_is_what_is_traded_with_its_base_and_quote(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{BASE}api/v3/exchangeInfo").respond(content=EXCHANGE)
    exchange = Binance(BASE)
    assert exchange.fetch_listing() == [Listed("BTCUSDT", "BTC", "USDT"), Listed("ETHUSDT", "ETH", "USDT")]
    assert (exchange.allowed, Binance.listing_cost) == (1200, 10)


def test_a_delisted_symbol_alone_costs_no_second_question(respx_mock: respx.Router) -> None:
    days = respx_mock.get(f"{BASE}api/v3/ticker/24hr").respond(400, content=UNKNOWN)
    respx_mock.get(f"{BASE}api/v3/exchangeInfo").respond(content=EXCHANGE)
    assert Binance(BASE).fetch_quotes(["MATICUSDT"]) == []
    assert days.call_count == 1


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Seconds that pass for the provider, and for nobody else."""
    now = 5.0

    def pass_by(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("miner.providers.binance.time", SimpleNamespace(monotonic=lambda: now))
    return pass_by


def market_of(web: respx.Router, traded: set[str]) -> tuple[respx.Route, respx.Route]:
    """An exchange that fails every question about a symbol that it does not trade."""

    def days(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.url.params["symbols"])
        if set(asked) - traded:
            return httpx.Response(400, content=UNKNOWN)
        return httpx.Response(200, json=[json.loads(DAYS)[0] | {"symbol": name} for name in asked])

    def exchange(_: httpx.Request) -> httpx.Response:
        symbols = [{"symbol": name, "status": "TRADING"} for name in traded]
        return httpx.Response(200, json=json.loads(EXCHANGE) | {"symbols": symbols})

    return (
        web.get(f"{BASE}api/v3/ticker/24hr").mock(side_effect=days),
        web.get(f"{BASE}api/v3/exchangeInfo").mock(side_effect=exchange),
    )


def named(*tickers: str) -> list[str]:
    return [price.ticker for price in Binance(BASE).fetch_quotes(tickers)]


def test_which_symbols_are_traded_is_asked_once_an_hour_and_not_with_every_price(
    respx_mock: respx.Router, clockwork: Callable[[float], None]
) -> None:
    traded = {"BTCUSDT"}
    days, exchange = market_of(respx_mock, traded)
    for _ in range(3):
        assert named("GONEUSDT", "BTCUSDT") == ["BTCUSDT"]
    assert (days.call_count, exchange.call_count) == (4, 1)
    clockwork(3599)
    assert named("GONEUSDT", "BTCUSDT") == ["BTCUSDT"]
    assert exchange.call_count == 1
    clockwork(1)
    assert named("GONEUSDT", "BTCUSDT") == ["BTCUSDT"]
    assert exchange.call_count == 2
    traded.add("GONEUSDT")
    clockwork(3600)
    assert named("GONEUSDT", "BTCUSDT") == ["GONEUSDT", "BTCUSDT"]
    assert exchange.call_count == 2


def test_a_second_symbol_that_goes_within_the_hour_is_left_out_at_once(respx_mock: respx.Router) -> None:
    traded = {"BTCUSDT", "ETHUSDT"}
    _, exchange = market_of(respx_mock, traded)
    assert named("GONEUSDT", "ETHUSDT", "BTCUSDT") == ["ETHUSDT", "BTCUSDT"]
    traded.remove("ETHUSDT")
    for _ in range(2):
        assert named("GONEUSDT", "ETHUSDT", "BTCUSDT") == ["BTCUSDT"]
    assert exchange.call_count == 2


def test_what_one_address_trades_says_nothing_of_another(respx_mock: respx.Router) -> None:
    market_of(respx_mock, {"BTCUSDT"})
    other = respx_mock.get("https://other.example/api/v3/ticker/24hr").respond(content=b"[]")
    named("GONEUSDT", "BTCUSDT")
    Binance("https://other.example/").fetch_quotes(["GONEUSDT"])
    assert json.loads(other.calls.last.request.url.params["symbols"]) == ["GONEUSDT"]


def test_an_exchange_that_contradicts_itself_is_refused(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{BASE}api/v3/ticker/24hr").respond(400, content=UNKNOWN)
    respx_mock.get(f"{BASE}api/v3/exchangeInfo").respond(content=EXCHANGE)
    with pytest.raises(UnknownTicker):
        Binance(BASE).fetch_quotes(["BTCUSDT"])


def test_the_list_of_symbols_has_those_that_are_traded_and_the_weight_of_a_minute(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{BASE}api/v3/exchangeInfo").respond(content=EXCHANGE)
    exchange = Binance(BASE)
    assert exchange.allowed is None
    assert exchange.fetch_tickers() == {"BTCUSDT", "ETHUSDT"}
    assert exchange.allowed == 1200


def test_twenty_nine_symbols_are_followed_unless_somebody_says_otherwise() -> None:
    assert len(set(Binance.tickers.values())) == 29
    assert all(code == ticker and code.endswith("USDT") for code, ticker in Binance.tickers.items())


@pytest.mark.parametrize(
    ("header", "used"), [("1187", 1187), ("0", 0), ("", None), ("-5", None), ("many", None), ("9" * 5000, None)]
)
def test_the_weight_used_is_what_the_answer_says(respx_mock: respx.Router, header: str, used: int | None) -> None:
    respx_mock.get(f"{BASE}api/v3/klines").respond(content=KLINES, headers={"x-mbx-used-weight-1m": header})
    exchange = Binance(BASE)
    exchange.fetch_candles("BTCUSDT", "1h")
    assert exchange.used == used


def test_an_answer_without_the_header_keeps_what_was_known(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{BASE}api/v3/klines").respond(content=KLINES)
    exchange = Binance(BASE)
    exchange.used = 7
    exchange.fetch_candles("BTCUSDT", "1h")
    assert exchange.used == 7


def test_too_much_weight_is_unreachable_with_the_wait_that_was_asked_for() -> None:
    error = failed("429_weight.json", 429, **{"Retry-After": "17"})
    assert isinstance(error, Unreachable)
    assert error.retry_after == 17
    assert "-1003" in error.body


def test_a_ban_is_refused_and_its_length_is_kept() -> None:
    error = failed("418_banned.json", 418, **{"Retry-After": "120"})
    assert isinstance(error, Refused)
    assert (error.status, error.retry_after) == (418, 120)


def test_a_blocked_country_is_told_from_every_other_refusal() -> None:
    error = error_of(lambda: Binance(BASE).fetch_candles("BTCUSDT", "1h"), 451, b"Unavailable For Legal Reasons")
    assert isinstance(error, Blocked)
    assert (error.status, error.reason) == (451, "blocked")


def test_the_firewall_is_a_refusal() -> None:
    error = error_of(lambda: Binance(BASE).fetch_candles("BTCUSDT", "1h"), 403, b"<html>WAF</html>")
    assert type(error) is Refused
    assert error.status == 403


def test_an_unknown_symbol_is_that_symbols_trouble_alone() -> None:
    assert isinstance(failed("400_invalid_symbol.json", 400), UnknownTicker)


def test_an_interval_that_is_none_is_our_mistake() -> None:
    assert type(failed("400_invalid_interval.json", 400)) is Refused


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
def test_trouble_inside_the_exchange_is_unreachable(code: int) -> None:
    body = f'{{"code":{code},"msg":"x"}}'.encode()
    assert isinstance(error_of(lambda: Binance(BASE).fetch_candles("BTCUSDT", "1h"), 503, body), Unreachable)


@pytest.mark.slow
@rubbish
def test_a_200_with_anything_else_is_unreadable(body: bytes) -> None:
    for work in (candles, quotes):
        with pytest.raises(Unreadable):
            work(body)
    assert isinstance(error_of(Binance(BASE).fetch_tickers, 200, body), Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        KLINES[:40],
        KLINES[1:-1],
        b"[[]]",
        KLINES.replace(b'"73249.24000000"', b"null"),
        KLINES.replace(b'"73249.24000000"', b'"n/a"'),
        KLINES.replace(b"1710327600000", b'"1710327600000"'),
        KLINES.replace(b"1710327600000", b"1" * 20),
        KLINES.replace(b',"0"]', b"]"),
        UNKNOWN,
    ],
)
def test_candles_that_cannot_be_are_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        candles(body)


@pytest.mark.parametrize(
    "body", [DAYS[1:-1], DAYS[:100], day(lastPrice=None), day(closeTime=...), day(symbol="ETHUSDT"), day(volume="x")]
)
def test_24_hours_that_cannot_be_are_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        quotes(body)
