"""One record of a list that is broken, strange or larger than agreed: it alone is left out, and it is named."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import respx

from markets.models import Job, Listing, Quote, Source
from markets.records import Listed
from miner.collect import candles, listing
from miner.collect import prices as price_collector
from miner.fetch.errors import Unreadable
from miner.fetch.parsing import RefusedRecords
from miner.models import SyncStatus
from miner.providers import binance, coingecko, deribit, polygon
from tests import synced
from tests.bodies import recorded

DAY = json.loads(recorded("binance", "ticker_24hr.json"))[0]
KLINE = json.loads(recorded("binance", "klines.json"))[0]
FOREX = json.loads(recorded("polygon", "forex_tickers.json"))["tickers"][0]
COIN = {"usd": 67012.5, "last_updated_at": 1711846800}
WRONG: list[Any] = ["", "n/a", "1,5", None, True, [], {}, [1], "--", "1.5.1"]
Read = Callable[[bytes, RefusedRecords], list[Any]]


def read(parse: Read, body: object) -> tuple[list[str], RefusedRecords]:
    """Tickers of the prices that were read, and what was refused."""
    refused: RefusedRecords = {}
    return [price.ticker for price in parse(json.dumps(body).encode(), refused)], refused


def symbols(*days: object) -> tuple[list[str], RefusedRecords]:
    return read(lambda body, refused: binance.parse_quotes(body, ["AAAUSDT", "BTCUSDT"], refused), list(days))


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("key", ["lastPrice", "closeTime", "volume", "priceChangePercent"])
def test_one_symbol_of_binance_spoils_no_other(key: str, wrong: Any) -> None:
    found, refused = symbols(DAY | {"symbol": "AAAUSDT", key: wrong}, DAY | {"symbol": "BTCUSDT", "newKey": {"x": 1}})
    assert (found, list(refused)) == (["BTCUSDT"], ["AAAUSDT"])


@pytest.mark.parametrize("record", [None, 5, "x", [], {}, {"symbol": 7}, {"symbol": ""}])
def test_a_record_that_says_nothing_of_itself_is_named_by_its_place(record: object) -> None:
    found, refused = symbols(DAY | {"symbol": "BTCUSDT"}, record)
    assert (found, list(refused)) == (["BTCUSDT"], ["7" if record == {"symbol": 7} else "record 2"])


def test_a_symbol_that_nobody_asked_for_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        found, refused = symbols(DAY | {"symbol": "BTCUSDT"}, DAY | {"symbol": "ODDUSDT"})
    assert (found, refused, "ODDUSDT" in caplog.text) == (["BTCUSDT"], {}, True)


def test_an_answer_of_nothing_that_was_asked_for_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="ODDUSDT"):
        symbols(DAY | {"symbol": "ODDUSDT"})
    with pytest.raises(Unreadable, match="AAAUSDT"):
        symbols(DAY | {"symbol": "AAAUSDT", "lastPrice": ""})


def bars(*rows: object) -> tuple[list[int], RefusedRecords]:
    refused: RefusedRecords = {}
    found = binance.parse_candles(json.dumps(rows).encode(), "BTCUSDT", "1h", refused)
    return [int(bar.open_time.timestamp() * 1000) for bar in found], refused


@pytest.mark.parametrize("more", [["x"], [None, {}], ["1", "2", "3"]])
def test_columns_behind_the_last_are_ignored(more: list[Any]) -> None:
    assert bars([*KLINE, *more]) == ([KLINE[0]], {})


@pytest.mark.parametrize(
    "row",
    [
        KLINE[:11], KLINE[:3], [], None, {}, "x",
        *([*KLINE[:at], wrong, *KLINE[at + 1 :]] for at in (0, 1, 4, 6, 8) for wrong in ("", None, "n/a")),
    ],
)  # fmt: skip
def test_one_candle_spoils_no_other(row: object) -> None:
    found, refused = bars(KLINE, row)
    assert (found, len(refused)) == ([KLINE[0]], 1)
    assert next(iter(refused)).startswith("BTCUSDT 1h ")


@pytest.mark.parametrize("wrong", WRONG)
def test_one_coin_of_coingecko_spoils_no_other(wrong: Any) -> None:
    asked = ["bitcoin", "ripple"]
    found, refused = read(
        lambda body, refused: coingecko.parse_prices(body, asked, refused),
        {"bitcoin": COIN, "ripple": COIN | {"last_updated_at": wrong or "x"}, "strange": {}, "status": "x"},
    )
    assert (found, list(refused)) == (["bitcoin"], ["ripple"])


@pytest.mark.parametrize("point", [[1], [None, 5], ["x", 5], [1711846800000, "n/a"], None, {}, [10**30, 5]])
def test_one_point_of_a_chart_spoils_no_other(point: object) -> None:
    good = [1711843200000, 69702.3]
    body = {"prices": [good, point, [*good, "more"]], "more": 1}
    found, refused = read(lambda body, refused: coingecko.parse_chart(body, "bitcoin", refused), body)
    assert (found, len(refused)) == (["bitcoin", "bitcoin"], 1)


@pytest.mark.parametrize(
    "line", [{"id": 5}, None, {"id": "x", "symbol": "x"}, {"id": "x", "symbol": None, "name": "x"}]
)
def test_one_line_of_a_list_spoils_no_other(line: object) -> None:
    good = {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "more": 1}
    refused: RefusedRecords = {}
    body = json.dumps([good, line]).encode()
    assert coingecko.parse_listing(body, body, refused) == [Listed("bitcoin", "BTC", "USD", "Bitcoin", "crypto")]
    assert len(refused) == 1


@pytest.mark.parametrize(
    "broken", [b"<html>", b'{"result":{"index_price":"n/a"},"usOut":1}', b'{"result":{"index_price":5}}', b"[]"]
)
def test_one_index_of_deribit_spoils_no_other(broken: bytes) -> None:
    with respx.mock as web:
        web.get(url__regex=".*btc_usd").respond(content=broken)
        web.get(url__regex=".*eth_usd").respond(content=recorded("deribit", "get_index_price.json"))
        provider = deribit.Deribit("https://bank.example/")
        found = [price.ticker for price in provider.fetch_quotes(["btc_usd", "eth_usd"])]
    assert (found, list(provider.take_refused()), provider.refused) == (["eth_usd"], ["btc_usd"], {})


@pytest.mark.parametrize(
    "more", [{"lastQuote": {"b": "n/a"}}, {"lastQuote": []}, {"lastQuote": {"b": 1, "t": 10**30}}, {"day": "x"}]
)
def test_one_ticker_of_polygon_spoils_no_other(more: dict[str, Any]) -> None:
    body = {"status": "OK", "tickers": [FOREX | {"ticker": "C:GBPUSD"} | more, FOREX | {"new": 1}, {"ticker": "C:ODD"}]}
    asked = ["C:EURUSD", "C:GBPUSD"]
    found, refused = read(lambda body, refused: polygon.parse_snapshots(body, asked, refused), body)
    assert (found, list(refused)) == (["C:EURUSD"], ["C:GBPUSD"])


EXCHANGE = json.loads(recorded("binance", "exchangeInfo.json"))


@pytest.mark.parametrize("odd", [None, {}, {"symbol": "ODD"}, {"symbol": 5, "status": "TRADING"}])
def test_one_symbol_and_one_rule_of_an_exchange_spoil_no_other(odd: object) -> None:
    body = EXCHANGE | {"symbols": [odd, *EXCHANGE["symbols"]], "rateLimits": [odd, *EXCHANGE["rateLimits"]]}
    provider = binance.Binance("https://bank.example/")
    with respx.mock as web:
        web.get(url__regex=".*").respond(json=body)
        assert provider.fetch_tickers() == {"BTCUSDT", "ETHUSDT"}
    assert (provider.allowed, bool(provider.refused)) == (1200, True)


@pytest.mark.parametrize("rules", [[], [{"rateLimitType": "NEW"}]])
def test_without_a_rule_that_is_known_the_list_still_counts(rules: list[Any]) -> None:
    provider = binance.Binance("https://bank.example/")
    with respx.mock as web:
        web.get(url__regex=".*").respond(json=EXCHANGE | {"rateLimits": rules})
        assert (provider.fetch_tickers(), provider.allowed) == ({"BTCUSDT", "ETHUSDT"}, None)


@pytest.fixture
def exchange(db: None, settings: Any) -> Source:
    settings.BINANCE_BASE_URL = "https://bank.example/"
    synced.sync()
    source = Source.objects.get(code="binance")
    Listing.objects.filter(source=source).exclude(ticker__in=["BTCUSDT", "ETHUSDT"]).update(tracked=False)
    return source


def test_a_refused_price_is_named_in_the_job_and_in_the_state_of_its_instrument(exchange: Source) -> None:
    with respx.mock as web:
        web.get(url__regex=".*").respond(
            json=[DAY | {"symbol": "BTCUSDT"}, DAY | {"symbol": "ETHUSDT", "lastPrice": ""}]
        )
        for _ in range(2):
            price_collector.refresh_counted(exchange, price_collector.due(exchange))
    assert list(Quote.objects.filter(source=exchange).values_list("instrument__code", flat=True)) == ["BTCUSDT"]
    job = Job.objects.get(job_type="binance.quotes")
    assert (job.status, job.refused, len(job.notes)) == (Job.Status.SUCCESS, 2, 1)
    assert job.notes[0].startswith("refused: ETHUSDT: ")
    state = SyncStatus.objects.get(listing__ticker="ETHUSDT")
    assert (state.state, state.reason, state.error.startswith("ETHUSDT: ")) == ("failed", "refused", True)
    assert SyncStatus.objects.get(listing__ticker="BTCUSDT").state == "success"


def test_a_refused_candle_is_named_in_the_job_and_the_others_are_stored(exchange: Source) -> None:
    with respx.mock as web:
        web.get(url__regex=".*exchangeInfo").respond(json=EXCHANGE)
        web.get(url__regex=".*klines").respond(json=[[*KLINE, "thirteenth"], ["", *KLINE[1:]]])
        cycle = candles.refresh_counted(exchange, ["1h"])["1h"]
    assert (cycle.bars, cycle.failed) == (2, {})
    job = Job.objects.get(job_type="binance.candles.1h")
    assert job.refused == len(cycle.refused)
    assert sum("record 2" in note for note in job.notes) == 2


def test_a_refused_line_of_a_listing_is_named_in_its_job(exchange: Source) -> None:
    with respx.mock as web:
        web.get(url__regex=".*").respond(json=EXCHANGE | {"symbols": [*EXCHANGE["symbols"], {"symbol": "ODD"}]})
        job = listing.refresh(exchange)
    job.refresh_from_db()
    assert (job.refused, any(note.startswith("refused: ODD: ") for note in job.notes)) == (1, True)
