"""Polygon's replica against its documentation and recorded rules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.replica import Polygon, Server, run

NOW = datetime(2026, 10, 28, 10, 7, 23, tzinfo=UTC)


@pytest.fixture
def polygon(outgoing: set[tuple[str, int]]) -> Iterator[Server[Polygon]]:
    with run(Polygon(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


@pytest.fixture
def client(polygon: Server[Polygon]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=polygon.url, verify=False) as running:
        yield running


SNAPSHOT = "v2/snapshot/locale/global/markets"
MOMENT = int(NOW.timestamp() * 1000)
DAY = 86_400_000
KEY = {"Authorization": "Bearer good"}


@pytest.fixture
def keyed(polygon: Server[Polygon]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=polygon.url, verify=False, headers=KEY) as running:
        yield running


def shot(client: httpx.Client, ticker: str) -> Any:
    market = "forex" if ticker.startswith("C:") else "crypto"
    answer = client.get(f"{SNAPSHOT}/{market}/tickers/{ticker}")
    assert answer.status_code == 200, answer.text
    return answer.json()["ticker"]


def said(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert answer.headers["x-request-id"] == body["request_id"]
    return answer.status_code, body["status"], body.get("error") or body["message"]


@pytest.mark.parametrize("ticker", ["C:EURUSD", "C:XAUUSD", "C:USDJPY"])
def test_a_snapshot_of_forex_has_a_quote_and_its_bid_is_the_last_price(keyed: httpx.Client, ticker: str) -> None:
    one = shot(keyed, ticker)
    assert set(one["lastQuote"]) == {"a", "b", "i", "t", "x"}
    assert one["lastQuote"]["b"] < one["lastQuote"]["a"]
    assert MOMENT - 2000 <= one["lastQuote"]["t"] <= MOMENT
    assert "lastTrade" not in one
    change = one["lastQuote"]["b"] - one["prevDay"]["c"]
    assert one["todaysChange"] == pytest.approx(change, abs=1e-9)
    assert one["todaysChangePerc"] == pytest.approx(change / one["prevDay"]["c"] * 100)
    assert (set(one["day"]), one["prevDay"]["vw"]) == ({"o", "h", "l", "c", "v"}, 0)
    assert set(one["min"]) == {"o", "h", "l", "c", "v", "n", "t"}


def test_a_snapshot_of_crypto_has_a_trade_and_weighted_bars(keyed: httpx.Client) -> None:
    one = shot(keyed, "X:BTCUSD")
    assert set(one["lastTrade"]) == {"p", "s", "t", "x", "c", "i"}
    assert one["todaysChange"] == pytest.approx(one["lastTrade"]["p"] - one["prevDay"]["c"], abs=1e-6)
    assert one["day"]["l"] <= one["day"]["vw"] <= one["day"]["h"]
    assert one["min"]["t"] == MOMENT // 60_000 * 60_000


def test_updated_lies_in_the_future_for_some_and_not_for_others(keyed: httpx.Client) -> None:
    tickers = keyed.get(f"{SNAPSHOT}/forex/tickers?tickers=C:EURUSD,C:GBPUSD,C:USDJPY,C:XAUUSD,C:USDPLN").json()[
        "tickers"
    ]
    stamps = {ticker["updated"] for ticker in tickers}
    midnight_in_new_york = int(datetime(2026, 10, 29, 4, tzinfo=UTC).timestamp() * 1000)
    assert stamps == {MOMENT, midnight_in_new_york + 8999}


def test_many_tickers_come_in_one_call_and_unknown_ones_are_left_out(keyed: httpx.Client) -> None:
    body = keyed.get(f"{SNAPSHOT}/forex/tickers?tickers=C:XAUUSD,C:EURUSD,C:NOPE,X:BTCUSD").json()
    assert set(body) == {"status", "tickers"}
    assert [ticker["ticker"] for ticker in body["tickers"]] == ["C:XAUUSD", "C:EURUSD"]
    assert body["tickers"][1] == shot(keyed, "C:EURUSD")


@pytest.mark.parametrize(("how", "bid"), [("missing", "absent"), ("null", None), ("zero", 0)])
def test_a_bid_may_be_missing(polygon: Server[Polygon], keyed: httpx.Client, how: str, bid: object) -> None:
    polygon.set_script([{"tell": ["bid", "C:XAUUSD", how]}])
    one = shot(keyed, "C:XAUUSD")
    assert one["lastQuote"].get("b", "absent") == bid
    assert one["lastQuote"]["a"] > 0
    assert "b" in shot(keyed, "C:EURUSD")["lastQuote"]


def test_the_universal_snapshot_has_other_names_and_nanoseconds(keyed: httpx.Client) -> None:
    body = keyed.get("v3/snapshot?ticker.any_of=C:EURUSD,X:BTCUSD,C:NOPE&limit=250").json()
    euro, coin, unknown = body["results"]
    assert (euro["type"], coin["type"], euro["market_status"]) == ("fx", "crypto", "open")
    assert euro["last_quote"]["bid"] == shot(keyed, "C:EURUSD")["lastQuote"]["b"]
    assert euro["last_quote"]["last_updated"] // 1_000_000 == shot(keyed, "C:EURUSD")["lastQuote"]["t"]
    assert {"change", "change_percent", "open", "high", "low", "close", "previous_close"} <= set(euro["session"])
    assert coin["last_trade"]["price"] == coin["session"]["price"]
    assert unknown == {"ticker": "C:NOPE", "error": "NOT_FOUND", "message": "Ticker not found."}


def test_the_universal_snapshot_gives_ten_at_once_and_the_next_page(keyed: httpx.Client) -> None:
    body = keyed.get("v3/snapshot?type=fx&sort=ticker").json()
    following = keyed.get(body["next_url"]).json()
    names = [result["ticker"] for result in body["results"] + following["results"]]
    assert len(body["results"]) == 10
    assert len(set(names)) == 20
    assert names == sorted(names)
    assert "good" not in body["next_url"]


def test_the_bar_of_the_day_before_is_that_of_the_snapshot(keyed: httpx.Client) -> None:
    body = keyed.get("v2/aggs/ticker/C:XAUUSD/prev").json()
    (bar,) = body["results"]
    assert (body["status"], body["resultsCount"], body["ticker"], bar["T"]) == ("OK", 1, "C:XAUUSD", "C:XAUUSD")
    assert bar["t"] == MOMENT // DAY * DAY - 1
    assert bar["c"] == shot(keyed, "C:XAUUSD")["prevDay"]["c"]


def test_aggregates_of_a_range_ascend_unless_told_and_end_with_today(keyed: httpx.Client) -> None:
    path = "v2/aggs/ticker/X:BTCUSD/range/1/day/2026-10-20/2026-10-28"
    body = keyed.get(path).json()
    times = [bar["t"] for bar in body["results"]]
    assert (len(times), times[0], times[-1]) == (9, MOMENT // DAY * DAY - 8 * DAY, MOMENT // DAY * DAY)
    assert [bar["t"] for bar in keyed.get(f"{path}?sort=desc&limit=2").json()["results"]] == times[:-3:-1]
    assert body["results"][-1]["c"] == shot(keyed, "X:BTCUSD")["day"]["c"]


def test_without_aggregates_there_is_no_list_of_them(keyed: httpx.Client) -> None:
    body = keyed.get("v2/aggs/ticker/X:BTCUSD/range/5/minute/2030-01-01/2030-01-02").json()
    assert (body["status"], body["resultsCount"], "results" in body) == ("OK", 0, False)


def test_a_key_is_wanted_and_may_be_wrong(client: httpx.Client) -> None:
    path = "v2/aggs/ticker/C:EURUSD/prev"
    assert said(client.get(path)) == (401, "ERROR", "API Key was not provided")
    assert said(client.get(f"{path}?apiKey=wrong")) == (401, "ERROR", "Unknown API Key")
    assert said(client.get(path, headers={"Authorization": "Bearer wrong"})) == (401, "ERROR", "Unknown API Key")
    assert client.get(f"{path}?apiKey=good").status_code == 200


@pytest.mark.parametrize(
    "path", [f"{SNAPSHOT}/forex/tickers/C:EURUSD", f"{SNAPSHOT}/crypto/tickers?tickers=X:BTCUSD", "v3/snapshot"]
)
def test_a_free_key_gets_no_snapshots(client: httpx.Client, path: str) -> None:
    wanted = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
    assert said(client.get(path, params={"apiKey": "free"})) == (403, "NOT_AUTHORIZED", wanted)


def test_a_free_key_gets_the_days_that_are_over(client: httpx.Client) -> None:
    path = "v2/aggs/ticker/C:EURUSD/range/1/day/2026-10-26/2026-10-28?apiKey=free"
    assert [bar["t"] for bar in client.get(path).json()["results"]] == [
        MOMENT // DAY * DAY - back * DAY for back in (2, 1)
    ]


def test_a_free_key_has_five_calls_a_minute_and_no_word_of_the_wait(
    polygon: Server[Polygon], client: httpx.Client
) -> None:
    path = "v2/aggs/ticker/C:EURUSD/prev?apiKey=free"
    assert [client.get(path).status_code for _ in range(6)] == [200] * 5 + [429]
    limited = client.get(path)
    assert said(limited)[:2] == (429, "ERROR")
    assert said(limited)[2].startswith("You've exceeded the maximum requests per minute")
    assert "retry-after" not in limited.headers
    assert client.get(path.replace("free", "good")).status_code == 200
    polygon.set_now(NOW + timedelta(minutes=1))
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{SNAPSHOT}/forex/tickers/C:NOPE", (404, "NOT_FOUND", "Ticker not found.")),
        (f"{SNAPSHOT}/forex/tickers/C:eurusd", (404, "NOT_FOUND", "Ticker not found.")),
        (f"{SNAPSHOT}/forex/tickers/X:BTCUSD", (404, "NOT_FOUND", "Ticker not found.")),
        (f"{SNAPSHOT}/forex/tickers/EURUSD", (400, "ERROR", "Ticker was incorrectly formatted")),
        ("v2/aggs/ticker/X:NOPE/prev", (404, "NOT_FOUND", "Ticker not found.")),
    ],
)
def test_tickers_that_are_none(keyed: httpx.Client, path: str, answer: tuple[int, str, str]) -> None:
    assert said(keyed.get(path)) == answer


def test_what_is_no_path_is_plain_text(keyed: httpx.Client) -> None:
    answer = keyed.get("v9/nowhere")
    assert (answer.status_code, answer.text) == (404, "404 page not found")


def test_a_ticker_may_vanish_for_a_while(polygon: Server[Polygon], keyed: httpx.Client) -> None:
    polygon.service.remove("C:EURUSD")
    assert keyed.get(f"{SNAPSHOT}/forex/tickers/C:EURUSD").status_code == 404
    assert keyed.get(f"{SNAPSHOT}/forex/tickers?tickers=C:EURUSD").json()["tickers"] == []
    polygon.service.restore("C:EURUSD")
    assert shot(keyed, "C:EURUSD")["ticker"] == "C:EURUSD"
