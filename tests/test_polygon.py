"""Polygon, now Massive: many tickers in one call, their own moments, and a free key that sells closes only."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import respx

from markets.jobs import runs
from markets.models import Job
from markets.records import Price
from miner import sources, tasks
from miner.fetch.errors import NoKey, NoPlan, ProviderError, Refused, Unreachable, Unreadable
from miner.models import SyncStatus
from miner.providers.polygon import Polygon, parse_previous, parse_snapshots
from tests.bodies import error_of, recorded, rubbish

BASE = "https://massive.example/"
KEY = "s3cret"
SNAPSHOTS = f"{BASE}v2/snapshot/locale/global/markets"
FOREX, CRYPTO = recorded("polygon", "forex_tickers.json"), recorded("polygon", "crypto_tickers.json")
PREVIOUS, NO_PLAN = recorded("polygon", "prev.json"), recorded("polygon", "403_plan.json")


@pytest.fixture(autouse=True)
def a_new_process() -> Iterator[None]:
    yield
    Polygon.end_of_day.clear()


def source(key: str = KEY) -> Polygon:
    return Polygon(BASE, key)


def asked(*tickers: dict[str, Any]) -> list[Price]:
    body = json.dumps({"status": "OK", "tickers": tickers}).encode()
    return parse_snapshots(body, ["C:EURUSD", "X:BTCUSD"], {})


def euro(**changes: Any) -> dict[str, Any]:
    ticker: dict[str, Any] = json.loads(FOREX)["tickers"][0]
    return ticker | changes


def failed(name: str, status: int, **headers: str) -> ProviderError:
    return error_of(lambda: source().fetch_quotes(["C:EURUSD"]), status, recorded("polygon", name), **headers)


def test_the_recorded_forex_costs_its_bid_at_the_moment_of_its_quote() -> None:
    assert parse_snapshots(FOREX, ["C:EURUSD"], {}) == [
        Price(
            ticker="C:EURUSD",
            price=Decimal("1.18398"),
            observed_at=datetime(2020, 11, 23, 20, 35, 59, tzinfo=UTC),
            bid=Decimal("1.18398"),
            ask=Decimal("1.18403"),
            open=Decimal("1.18725"),
            high=Decimal("1.1906"),
            low=Decimal("1.18001"),
            close=Decimal("1.18403"),
            volume=Decimal(83578),
        )
    ]


def test_the_recorded_crypto_costs_its_last_trade_and_has_no_sides() -> None:
    (price,) = parse_snapshots(CRYPTO, ["X:BTCUSD"], {})
    assert (price.price, price.bid, price.ask) == (Decimal("16242.31"), None, None)
    assert price.observed_at == datetime(2020, 11, 13, 19, 3, 50, 780000, tzinfo=UTC)
    assert price.volume == Decimal("105008.84231068")


def test_the_last_price_of_crypto_follows_the_rule_of_its_recorded_change() -> None:
    row = json.loads(CRYPTO, parse_float=Decimal)["tickers"][0]
    (price,) = parse_snapshots(CRYPTO, ["X:BTCUSD"], {})
    assert price.price - row["prevDay"]["c"] == row["todaysChange"]


def test_updated_lies_in_the_future_and_is_not_looked_at() -> None:
    (price,) = asked(euro(updated=4102444800000))
    assert price.observed_at.year == 2020


def test_a_quote_in_the_future_is_handed_over_for_the_rules_to_refuse() -> None:
    (price,) = asked(euro(lastQuote={"a": 1.2, "b": 1.1, "t": 4102444800000}))
    assert price.observed_at == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "quote",
    [
        {"a": 1.2, "t": 1606163759000},
        {"a": 1.2, "b": None, "t": 1606163759000},
        {"a": 1.2, "b": 0, "t": 1606163759000},
        {"a": 1.2, "b": 1.1},
        {"a": 1.2, "b": 1.1, "t": None},
        {"a": 1.2, "b": 1.1, "t": 0},
        {},
        None,
    ],
)
def test_without_a_bid_or_its_moment_forex_has_no_price_and_never_costs_zero(quote: dict[str, Any] | None) -> None:
    assert asked(euro(lastQuote=quote)) == []


@pytest.mark.parametrize("ask", [None, 0, ...])
def test_without_an_ask_there_is_none_and_never_zero(ask: Any) -> None:
    quote = {key: value for key, value in {"b": 1.1, "a": ask, "t": 1606163759000}.items() if value is not ...}
    (price,) = asked(euro(lastQuote=quote))
    assert (price.bid, price.ask) == (Decimal("1.1"), None)


@pytest.mark.parametrize("day", [None, {}, {"o": 0, "h": 0, "l": 0, "c": 0, "v": 0}, {"o": None, "h": None}])
def test_a_day_that_was_emptied_at_midnight_has_no_prices(day: dict[str, Any] | None) -> None:
    (price,) = asked(euro(day=day))
    assert (price.open, price.high, price.low, price.close, price.volume) == (None,) * 5


@pytest.mark.parametrize("text", ["1e-7", "1.18398000", "9" * 5000])
def test_a_number_keeps_its_digits_however_it_is_written(text: str) -> None:
    (price,) = parse_snapshots(FOREX.replace(b'"b":1.18398', f'"b":{text}'.encode()), ["C:EURUSD"], {})
    assert price.price.as_tuple() == Decimal(text).as_tuple()


def test_each_market_is_asked_once_for_all_its_tickers(respx_mock: respx.Router) -> None:
    forex = respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(content=FOREX)
    crypto = respx_mock.get(f"{SNAPSHOTS}/crypto/tickers").respond(content=CRYPTO)
    bank, tickers = source(), ["X:BTCUSD", "C:EURUSD", "C:XAUUSD", "C:EURUSD", "I:SPX"]
    assert [price.ticker for price in bank.fetch_quotes(tickers)] == ["C:EURUSD", "X:BTCUSD"]
    assert [dict(call.request.url.params) for call in (*forex.calls, *crypto.calls)] == [
        {"tickers": "C:EURUSD,C:XAUUSD"},
        {"tickers": "X:BTCUSD"},
    ]
    assert bank.cost(tickers) == 2


def test_the_key_travels_in_its_header_alone(respx_mock: respx.Router) -> None:
    route = respx_mock.get(url__startswith=BASE).respond(content=FOREX)
    source().fetch_quotes(["C:EURUSD"])
    assert route.calls.last.request.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(route.calls.last.request.url)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 429, 500])
def test_the_key_stands_in_no_error(status: int) -> None:
    error = error_of(lambda: source().fetch_quotes(["C:EURUSD"]), status, b"no")
    assert KEY not in f"{error} {error.args} {error.__cause__}"


def test_a_key_that_no_header_can_carry_stands_in_no_error() -> None:
    error = error_of(lambda: source("s3cret\n\xe9ą").fetch_quotes(["C:EURUSD"]), 200, FOREX)
    assert isinstance(error, Refused)
    assert "s3cret" not in str(error)


def test_without_a_key_nothing_is_asked() -> None:
    with respx.mock, pytest.raises(NoKey) as caught:
        source("").fetch_quotes(["C:EURUSD"])
    assert caught.value.reason == "no_key"


@pytest.mark.parametrize("name", ["401_no_key.json", "401_unknown_key.json"])
def test_a_wrong_key_is_refused_in_words_that_tell_what_to_look_at(name: str) -> None:
    error = failed(name, 401)
    assert isinstance(error, Refused)
    assert (error.status, error.reason) == (401, "no_key")
    assert "/forex/tickers: HTTP 401: " in str(error)
    assert str(error).endswith(": the key was refused, look at POLYGON_API_KEY")
    assert runs.scrub(str(error)) == str(error)


@pytest.mark.django_db
def test_a_wrong_key_is_told_to_the_operator(settings: Any) -> None:
    settings.POLYGON_API_KEY, settings.POLYGON_BASE_URL = KEY, BASE
    sources.sync()
    with respx.mock as web:
        web.get(url__startswith=BASE).respond(401, content=recorded("polygon", "401_unknown_key.json"))
        assert tasks.quotes("polygon") == "failed"
    job = Job.objects.get()
    assert (job.status, job.reason) == ("failed", "no_key")
    assert "the key was refused" in job.error
    states = SyncStatus.objects.filter(listing__source__code="polygon").values_list("reason", "error")
    assert {(reason, "the key was refused" in words) for reason, words in states} == {("no_key", True)}


@pytest.mark.parametrize("name", ["404_ticker.json", "404_data.json", "404_ticker_2020.json"])
def test_nothing_of_what_was_asked_for_is_an_empty_answer(name: str) -> None:
    with respx.mock as web:
        web.get(url__startswith=BASE).respond(404, content=recorded("polygon", name))
        assert source().fetch_quotes(["C:EURUSD"]) == []


def test_a_page_that_is_not_there_is_our_mistake() -> None:
    error = failed("404_page.txt", 404)
    assert type(error) is Refused
    assert error.status == 404


def test_a_ticker_in_a_wrong_form_is_our_mistake() -> None:
    assert type(failed("400_ticker_format.json", 400)) is Refused


@pytest.mark.parametrize("body", [recorded("polygon", "429_requests.json"), b""])
def test_too_many_calls_wait_for_the_next_minute(body: bytes) -> None:
    error = error_of(lambda: source().fetch_quotes(["C:EURUSD"]), 429, body)
    assert isinstance(error, Unreachable)
    assert error.retry_after == 60


def test_a_wait_that_was_asked_for_comes_first() -> None:
    error = failed("429_requests.json", 429, **{"Retry-After": "7"})
    assert isinstance(error, Unreachable)
    assert error.retry_after == 7


def test_a_plan_without_snapshots_answers_with_the_close_of_the_day_before(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(403, content=NO_PLAN)
    respx_mock.get(f"{BASE}v2/aggs/ticker/C:EURUSD/prev").respond(content=PREVIOUS)
    assert source().fetch_quotes(["C:EURUSD"]) == [
        Price(
            ticker="C:EURUSD",
            price=Decimal("1.06206"),
            observed_at=datetime(2022, 5, 4, 23, 59, 59, 999000, tzinfo=UTC),
            open=Decimal("1.05252"),
            high=Decimal("1.0631"),
            low=Decimal("1.0505"),
            close=Decimal("1.06206"),
            volume=Decimal(180300),
            end_of_day=True,
        )
    ]


def test_a_plan_without_snapshots_is_remembered_by_the_process_for_that_key(respx_mock: respx.Router) -> None:
    snapshots = respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(403, content=NO_PLAN)
    previous = respx_mock.get(url__startswith=f"{BASE}v2/aggs/").respond(content=PREVIOUS)
    tickers = ["C:EURUSD", "C:XAUUSD", "X:BTCUSD"]
    assert source().cost(tickers) == 2
    for _ in range(2):
        assert len(source().fetch_quotes(tickers)) == 3
    assert (snapshots.call_count, previous.call_count) == (1, 6)
    assert source().is_end_of_day()
    assert source().cost(tickers) == 3
    assert not source("another").is_end_of_day()


def test_a_plan_without_snapshots_is_told_once_and_its_key_is_not(
    respx_mock: respx.Router, caplog: pytest.LogCaptureFixture
) -> None:
    respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(403, content=NO_PLAN)
    respx_mock.get(url__startswith=f"{BASE}v2/aggs/").respond(content=PREVIOUS)
    for _ in range(3):
        source().fetch_quotes(["C:EURUSD"])
    (line,) = caplog.records
    assert (line.levelname, KEY in line.getMessage()) == ("WARNING", False)
    assert "polygon" in line.getMessage()
    assert "closes of the day before" in line.getMessage()


def test_a_plan_that_was_bought_is_noticed_a_day_later(
    respx_mock: respx.Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 5.0
    monkeypatch.setattr("miner.providers.polygon.time", SimpleNamespace(monotonic=lambda: now))
    snapshots = respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(403, content=NO_PLAN)
    respx_mock.get(url__startswith=f"{BASE}v2/aggs/").respond(content=PREVIOUS)
    source().fetch_quotes(["C:EURUSD"])
    snapshots.respond(content=FOREX)
    now += 86_399
    assert [price.end_of_day for price in source().fetch_quotes(["C:EURUSD"])] == [True]
    now += 1
    assert not source().is_end_of_day()
    assert [price.end_of_day for price in source().fetch_quotes(["C:EURUSD"])] == [False]
    assert snapshots.call_count == 2


def test_a_plan_without_closes_either_says_so() -> None:
    error = failed("403_plan.json", 403)
    assert isinstance(error, NoPlan)
    assert (error.status, error.reason) == (403, "no_plan")


def test_another_403_is_no_matter_of_the_plan() -> None:
    error = error_of(lambda: source().fetch_quotes(["C:EURUSD"]), 403, b"<html>firewall</html>")
    assert type(error) is Refused
    assert not source().is_end_of_day()


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"OK","resultsCount":0}',
        b'{"status":"OK","results":[]}',
        b'{"status":"OK","results":[{"c":0,"t":1651708799999}]}',
        b'{"status":"OK","results":[{"c":1.1}]}',
    ],
)
def test_a_ticker_without_a_day_before_is_left_out(body: bytes) -> None:
    assert parse_previous(body, "C:EURUSD") is None


def test_a_missing_ticker_is_left_out_of_the_closes_too(respx_mock: respx.Router) -> None:
    respx_mock.get(f"{SNAPSHOTS}/forex/tickers").respond(403, content=NO_PLAN)
    respx_mock.get(f"{BASE}v2/aggs/ticker/C:NONONE/prev").respond(404, content=recorded("polygon", "404_ticker.json"))
    respx_mock.get(f"{BASE}v2/aggs/ticker/C:EURUSD/prev").respond(content=PREVIOUS)
    assert [price.ticker for price in source().fetch_quotes(["C:NONONE", "C:EURUSD"])] == ["C:EURUSD"]


def test_delayed_answers_are_answers() -> None:
    assert len(parse_snapshots(FOREX.replace(b'"OK"', b'"DELAYED"'), ["C:EURUSD"], {})) == 1


@pytest.mark.parametrize(
    "body", [b'{"status":"OK"}', b'{"status":"OK","tickers":[]}', b'{"status":"OK","tickers":null}']
)
def test_no_tickers_are_no_prices(body: bytes) -> None:
    assert parse_snapshots(body, ["C:EURUSD"], {}) == []


@rubbish
def test_a_200_with_anything_else_is_unreadable(body: bytes) -> None:
    assert isinstance(error_of(lambda: source().fetch_quotes(["C:EURUSD"]), 200, body), Unreadable)
    with pytest.raises(Unreadable):
        parse_previous(body, "C:EURUSD")


@pytest.mark.parametrize(
    "body",
    [
        FOREX[:100],
        FOREX.replace(b'"OK"', b'"ERROR"'),
        FOREX.replace(b'"C:EURUSD"', b'"C:USDEUR"'),
        FOREX.replace(b"1.18398", b'"n/a"'),
        FOREX.replace(b"1606163759000,", b'"now",', 1),
        FOREX.replace(b"1606163759000,", b"1606163759000000000,", 1),
        recorded("polygon", "401_unknown_key.json"),
        b'{"status":"OK","tickers":[{"day":{}}]}',
    ],
)
def test_a_snapshot_that_cannot_be_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_snapshots(body, ["C:EURUSD"], {})
