"""Binance.US's replica against its documentation."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.replica import Binance, Server, run

NOW = datetime(2026, 10, 28, 10, 7, 23, tzinfo=UTC)


@pytest.fixture
def binance(outgoing: set[tuple[str, int]]) -> Iterator[Server[Binance]]:
    with run(Binance(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


@pytest.fixture
def client(binance: Server[Binance]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=binance.url, verify=False) as running:
        yield running


MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MOMENT = int(NOW.timestamp() * 1000)


def klines(client: httpx.Client, symbol: str = "BTCUSDT", interval: str = "5m", **params: int) -> Any:
    answer = client.get("api/v3/klines", params={"symbol": symbol, "interval": interval, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: httpx.Response) -> tuple[int, int, str]:
    return answer.status_code, answer.json()["code"], answer.json()["msg"]


def test_ping_and_time(client: httpx.Client) -> None:
    assert client.get("api/v3/ping").text == "{}"
    assert client.get("api/v3/time").json() == {"serverTime": MOMENT}


def test_a_candle_has_twelve_elements_and_texts_of_eight_decimals(client: httpx.Client) -> None:
    candle = klines(client, interval="1h", limit=1)[0]
    assert [type(cell) for cell in candle] == [int, str, str, str, str, str, int, str, int, str, str, str]
    assert all(re.fullmatch(r"\d+\.\d{8}", candle[at]) for at in (1, 2, 3, 4, 5, 7, 9, 10))
    assert (candle[6] - candle[0], candle[11]) == (HOUR - 1, "0")
    assert float(candle[9]) < float(candle[5])
    assert float(candle[7]) / float(candle[5]) == pytest.approx(float(candle[4]), rel=0.01)


def test_without_times_the_newest_candles_come_and_the_last_is_unfinished(client: httpx.Client) -> None:
    candles = klines(client)
    assert len(candles) == 500
    assert [after[0] - before[0] for before, after in pairwise(candles)] == [5 * MINUTE] * 499
    assert candles[-1][0] < MOMENT < candles[-1][6]
    assert len(klines(client, limit=1000)) == 1000 == len(klines(client, limit=5000))


def test_an_unfinished_candle_grows_into_the_finished_one(binance: Server[Binance], client: httpx.Client) -> None:
    open_one = klines(client, limit=1)[0]
    binance.set_now(NOW + timedelta(minutes=5))
    closed, following = klines(client, limit=2)
    assert (closed[0], closed[1]) == (open_one[0], open_one[1])
    assert float(closed[2]) >= float(open_one[2])
    assert float(closed[3]) <= float(open_one[3])
    assert float(closed[5]) > float(open_one[5])
    assert following[1] == closed[4]
    binance.set_now(NOW + timedelta(minutes=50))
    assert klines(client, startTime=closed[0], limit=1)[0] == closed


def test_candles_are_what_the_intervals_below_add_up_to(client: httpx.Client) -> None:
    start = MOMENT // DAY * DAY - DAY
    (hour,) = klines(client, interval="1h", startTime=start, limit=1)
    parts = klines(client, interval="5m", startTime=start, limit=12)
    assert (hour[1], hour[4]) == (parts[0][1], parts[-1][4])
    assert float(hour[2]) == max(float(part[2]) for part in parts)
    assert float(hour[3]) == min(float(part[3]) for part in parts)
    assert float(hour[5]) == pytest.approx(sum(float(part[5]) for part in parts), abs=1e-6)
    assert hour[8] == sum(part[8] for part in parts)


@pytest.mark.parametrize("interval", ["1m", "5m", "1h", "4h"])
def test_candles_hold_together(client: httpx.Client, interval: str) -> None:
    candles = [[float(cell) for cell in candle] for candle in klines(client, interval=interval, limit=300)]
    assert all(low <= min(first, last) and max(first, last) <= high for _, first, high, low, last, *_ in candles)
    assert all(after[1] == before[4] for before, after in pairwise(candles))
    assert all(candle[5] > 0 for candle in candles)


def test_bounds_are_inclusive_and_a_start_wins_the_first_candles(client: httpx.Client) -> None:
    start = MOMENT // HOUR * HOUR - 50 * HOUR
    opens = [candle[0] for candle in klines(client, interval="1h", startTime=start, endTime=start + 2 * HOUR)]
    assert opens == [start, start + HOUR, start + 2 * HOUR]
    assert [candle[0] for candle in klines(client, interval="1h", startTime=start + 1, limit=1)] == [start + HOUR]
    assert [candle[0] for candle in klines(client, interval="1h", startTime=start, endTime=start)] == [start]
    assert [candle[0] for candle in klines(client, interval="1h", endTime=start, limit=2)] == [start - HOUR, start]


def test_a_range_without_candles_is_an_empty_list(client: httpx.Client) -> None:
    assert klines(client, startTime=MOMENT + DAY) == []
    assert klines(client, endTime=1_500_000_000_000) == []


def test_weeks_begin_on_monday_and_months_on_the_first(client: httpx.Client) -> None:
    week, month = klines(client, interval="1w", limit=1)[0], klines(client, interval="1M", limit=1)[0]
    assert datetime.fromtimestamp(week[0] / 1000, UTC) == datetime(2026, 10, 26, tzinfo=UTC)
    assert datetime.fromtimestamp(month[0] / 1000, UTC) == datetime(2026, 10, 1, tzinfo=UTC)
    assert datetime.fromtimestamp((month[6] + 1) / 1000, UTC) == datetime(2026, 11, 1, tzinfo=UTC)


def test_a_thin_pair_has_flat_candles_without_volume(client: httpx.Client) -> None:
    candles = klines(client, symbol="MKRUSDT", limit=500)
    still = [candle for candle in candles if float(candle[5]) == 0]
    assert 300 < len(still) < 500
    assert all(len(set(candle[1:5])) == 1 and candle[8] == 0 for candle in still)
    at = candles.index(still[5])
    assert candles[at][1] == candles[at - 1][4]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("klines?interval=1h", -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ("klines?symbol=BTCUSDT", -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."),
        ("klines?symbol=NOPEUSDT&interval=1h", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=1s", -1120, "Invalid interval."),
        ("klines?symbol=BTCUSDT&interval=", -1105, "Parameter 'interval' was empty."),
        ("klines?symbol=BTCUSDT&interval=1h&limit=0", -1130, "Data sent for parameter 'limit' is not valid."),
        (
            "klines?symbol=btcusdt&interval=1h",
            -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        ),
        (
            "klines?symbol=BTCUSDT&interval=1h&limit=ten",
            -1100,
            "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.",
        ),
        (
            "klines?symbol=BTCUSDT&interval=1h&depth=5",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
        ('ticker/price?symbol=BTCUSDT&symbols=["ETHUSDT"]', -1128, "Combination of optional parameters invalid."),
        ('exchangeInfo?symbols=["BTCUSDT","NOPE"]', -1121, "Invalid symbol."),
        ('ticker/24hr?symbols=["BTCUSDT","NOPE"]', -1121, "Invalid symbol."),
    ],
)
def test_each_mistake_has_its_code(client: httpx.Client, query: str, code: int, message: str) -> None:
    assert told(client.get(f"api/v3/{query}")) == (400, code, message)


def test_symbols_that_are_no_list_are_illegal(client: httpx.Client) -> None:
    answer = client.get("api/v3/ticker/24hr", params={"symbols": "BTCUSDT"})
    assert told(answer)[:2] == (400, -1100)


def test_exchange_info_names_the_limits_and_every_symbol(client: httpx.Client) -> None:
    info = client.get("api/v3/exchangeInfo").json()
    assert {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200} in info[
        "rateLimits"
    ]
    symbols = {symbol["symbol"]: symbol for symbol in info["symbols"]}
    assert (symbols["BTCUSDT"]["status"], symbols["BTCUSDT"]["quoteAsset"]) == ("TRADING", "USDT")
    assert sum(symbol.endswith("USDT") for symbol in symbols) >= 29


@pytest.mark.slow
def test_one_price_is_an_object_and_several_are_a_list(client: httpx.Client) -> None:
    one = client.get("api/v3/ticker/price", params={"symbol": "BTCUSDT"}).json()
    two = client.get("api/v3/ticker/price", params={"symbols": '["BTCUSDT","ETHUSDT"]'}).json()
    assert (one["symbol"], [price["symbol"] for price in two]) == ("BTCUSDT", ["BTCUSDT", "ETHUSDT"])
    assert one == two[0]
    assert one["price"] == klines(client, interval="1m", limit=1)[0][4]
    assert len(client.get("api/v3/ticker/price").json()) > 100


def test_a_day_is_the_last_24_hours(client: httpx.Client) -> None:
    day = client.get("api/v3/ticker/24hr", params={"symbol": "BTCUSDT"}).json()
    assert (day["closeTime"], day["closeTime"] - day["openTime"]) == (MOMENT, DAY)
    assert re.fullmatch(r"-?\d+\.\d{3}", day["priceChangePercent"])
    change = (float(day["lastPrice"]) / float(day["openPrice"]) - 1) * 100
    assert float(day["priceChangePercent"]) == pytest.approx(change, abs=0.001)
    assert float(day["bidPrice"]) < float(day["lastPrice"]) < float(day["askPrice"])
    assert day["lastId"] - day["firstId"] + 1 == day["count"]
    assert {type(day[name]) for name in ("openTime", "closeTime", "firstId", "lastId", "count")} == {int}
    mini = client.get("api/v3/ticker/24hr", params={"symbol": "BTCUSDT", "type": "MINI"}).json()
    assert set(day) - set(mini) >= {"bidPrice", "priceChangePercent", "weightedAvgPrice"}
    assert {name: day[name] for name in mini} == mini


@pytest.mark.parametrize(
    ("query", "weight"),
    [
        ("ping", 1),
        ("exchangeInfo", 10),
        ("klines?symbol=BTCUSDT&interval=1h&limit=1", 1),
        ("ticker/price", 2),
        ("ticker/price?symbol=BTCUSDT", 1),
        ("ticker/24hr?symbol=BTCUSDT", 1),
        ('ticker/24hr?symbols=["BTCUSDT","ETHUSDT"]', 1),
        ("ticker/24hr", 40),
    ],
)
def test_every_answer_says_the_weight_that_is_used(client: httpx.Client, query: str, weight: int) -> None:
    used = [int(client.get(f"api/v3/{query}").headers["x-mbx-used-weight-1m"]) for _ in range(2)]
    assert used == [weight, 2 * weight]


def test_more_than_twenty_symbols_weigh_twenty(binance: Server[Binance], client: httpx.Client) -> None:
    names = json.dumps(list(binance.service.markets)[:21], separators=(",", ":"))
    assert client.get("api/v3/ticker/24hr", params={"symbols": names}).headers["x-mbx-used-weight-1m"] == "20"


def test_too_much_weight_is_429_until_the_minute_is_over(binance: Server[Binance], client: httpx.Client) -> None:
    for _ in range(30):
        assert client.get("api/v3/ticker/24hr?type=MINI&symbol=NOPE").status_code == 400
    binance.service.weight.take(NOW.timestamp(), 1170)
    answer = client.get("api/v3/ping")
    assert told(answer)[:2] == (429, -1003)
    assert answer.json()["msg"].startswith(
        "Too much request weight used; current limit is 1200 request weight per 1 MINUTE."
    )
    assert (answer.headers["retry-after"], answer.headers["x-mbx-used-weight-1m"]) == ("37", "1201")
    binance.set_now(NOW + timedelta(seconds=37))
    assert client.get("api/v3/ping").status_code == 200


def test_who_ignores_429_is_banned_and_longer_the_second_time(binance: Server[Binance], client: httpx.Client) -> None:
    binance.service.weight.take(NOW.timestamp(), 1200)
    assert [client.get("api/v3/ping").status_code for _ in range(4)] == [429, 429, 429, 418]
    banned = client.get("api/v3/ping")
    until = MOMENT + 120_000
    assert told(banned)[:2] == (418, -1003)
    assert banned.json()["msg"].startswith(f"Way too much request weight used; IP banned until {until}.")
    assert banned.headers["retry-after"] == "120"
    later = NOW + timedelta(seconds=121)
    binance.set_now(later)
    assert client.get("api/v3/ping").status_code == 200
    binance.service.weight.take(later.timestamp(), 1200)
    assert [client.get("api/v3/ping").status_code for _ in range(4)][-1] == 418
    assert client.get("api/v3/ping").headers["retry-after"] == "240"


def test_a_delisted_symbol_is_unknown_and_fails_the_call(binance: Server[Binance], client: httpx.Client) -> None:
    binance.set_script([{"tell": ["delist", "XRPUSDT"], "at": 2}])
    query = "api/v3/klines?symbol=XRPUSDT&interval=1h&limit=1"
    assert [client.get(query).status_code for _ in range(2)] == [200, 400]
    assert client.get('api/v3/ticker/24hr?symbols=["BTCUSDT","XRPUSDT"]').json()["code"] == -1121
    assert "XRPUSDT" not in client.get("api/v3/exchangeInfo").text
    binance.service.relist("XRPUSDT")
    assert client.get(query).status_code == 200


def test_a_halted_symbol_is_known_but_not_traded(binance: Server[Binance], client: httpx.Client) -> None:
    binance.service.halt("XRPUSDT")
    assert client.get("api/v3/exchangeInfo?symbol=XRPUSDT").json()["symbols"][0]["status"] == "BREAK"
    assert len(klines(client, symbol="XRPUSDT", limit=3)) == 3


@pytest.mark.parametrize(("fault", "status"), [("firewall", 403), ("blocked", 451), ("busy", 503)])
def test_its_other_faults_come_by_script(
    binance: Server[Binance], client: httpx.Client, fault: str, status: int
) -> None:
    binance.set_script([{"at": 1, "fault": fault}])
    assert [client.get("api/v3/ping").status_code for _ in range(2)] == [status, 200]
