"""CoinGecko's replica against its documentation and recorded errors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.replica import CoinGecko, Server, run

NOW = datetime(2026, 10, 28, 10, 7, 23, tzinfo=UTC)


@pytest.fixture
def coingecko(outgoing: set[tuple[str, int]]) -> Iterator[Server[CoinGecko]]:
    with run(CoinGecko(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


@pytest.fixture
def client(coingecko: Server[CoinGecko]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=coingecko.url, verify=False) as running:
        yield running


OPTIONS = {
    "include_market_cap": "true",
    "include_24hr_vol": "true",
    "include_24hr_change": "true",
    "include_last_updated_at": "true",
}
MOMENT = int(NOW.timestamp())
DAY = 86_400


def simple(client: httpx.Client, ids: str = "bitcoin", quotes: str = "usd", **more: str) -> Any:
    answer = client.get("simple/price", params={"ids": ids, "vs_currencies": quotes, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def chart(client: httpx.Client, **params: str | int) -> Any:
    answer = client.get("coins/bitcoin/market_chart", params={"vs_currency": "usd", **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_one_call_prices_many_coins_with_the_keys_of_the_service(client: httpx.Client) -> None:
    coins = simple(client, "bitcoin,ripple", "usd,pln", **OPTIONS)
    names = [f"{quote}{part}" for quote in ("usd", "pln") for part in ("", "_market_cap", "_24h_vol", "_24h_change")]
    assert list(coins) == ["bitcoin", "ripple"]
    assert list(coins["ripple"]) == [*names, "last_updated_at"]
    assert list(simple(client)["bitcoin"]) == ["usd"]
    assert coins["bitcoin"]["last_updated_at"] == MOMENT // 60 * 60


def test_large_prices_are_whole_numbers_and_tiny_ones_have_an_exponent(client: httpx.Client) -> None:
    answer = client.get("simple/price?ids=bitcoin,pepe,ripple&vs_currencies=usd")
    prices = {coin: row["usd"] for coin, row in answer.json().items()}
    assert type(prices["bitcoin"]) is int
    assert type(prices["ripple"]) is float
    assert "e-06" in answer.text
    assert type(simple(client, precision="full")["bitcoin"]["usd"]) is float
    assert simple(client, "ripple", precision="2")["ripple"]["usd"] == round(prices["ripple"], 2)


def test_unknown_ids_are_left_out_even_when_all_are(client: httpx.Client) -> None:
    assert list(simple(client, "bitcoin,btc")) == ["bitcoin"]
    assert simple(client, "btc") == {}


def test_coins_are_found_by_symbol_and_name_too(client: httpx.Client) -> None:
    assert list(client.get("simple/price?symbols=btc,xrp&vs_currencies=usd").json()) == ["bitcoin", "ripple"]
    assert list(client.get("simple/price?names=Bitcoin&vs_currencies=usd").json()) == ["bitcoin"]
    assert {"id": "ripple", "symbol": "xrp", "name": "XRP"} in client.get("coins/list").json()


def test_the_price_stays_for_a_minute_and_then_moves(coingecko: Server[CoinGecko], client: httpx.Client) -> None:
    first = simple(client, precision="full")
    coingecko.set_now(NOW.replace(second=59))
    assert simple(client, precision="full") == first
    coingecko.set_now(NOW + timedelta(minutes=1))
    assert simple(client, precision="full") != first


def test_a_coin_that_went_stale_has_no_change_and_an_old_stamp(
    coingecko: Server[CoinGecko], client: httpx.Client
) -> None:
    coingecko.set_script([{"tell": ["stale", "ripple"]}])
    coin = simple(client, "ripple", **OPTIONS)["ripple"]
    assert coin["usd_24h_change"] is None
    assert coin["last_updated_at"] < MOMENT - 30 * DAY


@pytest.mark.slow
def test_markets_are_a_list_by_market_value(client: httpx.Client) -> None:
    coins = client.get("coins/markets?vs_currency=usd&per_page=3&price_change_percentage=1h,7d&sparkline=true").json()
    assert [coin["market_cap_rank"] for coin in coins] == [1, 2, 3]
    assert (coins[0]["id"], coins[0]["current_price"]) == ("bitcoin", simple(client)["bitcoin"]["usd"])
    assert coins[0]["last_updated"] == "2026-10-28T10:07:00.000Z"
    assert coins[0]["low_24h"] < coins[0]["high_24h"]
    assert "price_change_percentage_7d_in_currency" in coins[0]
    assert "price_change_percentage_24h_in_currency" not in coins[0]
    assert len(coins[0]["sparkline_in_7d"]["price"]) == 169
    second = client.get("coins/markets?vs_currency=usd&per_page=1&page=2").json()
    assert [coin["id"] for coin in second] == [coins[1]["id"]]
    names = [coin["id"] for coin in client.get("coins/markets?vs_currency=usd&order=id_asc").json()]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("days", "step", "count"), [(1, 300, 288), (2, 3600, 48), (90, 3600, 90 * 24), (91, DAY, 91), (365, DAY, 365)]
)
def test_a_chart_has_the_automatic_step_and_a_last_pair_of_now(
    client: httpx.Client, days: int, step: int, count: int
) -> None:
    found = chart(client, days=days)
    times = [time for time, _ in found["prices"]]
    assert times == sorted(times) == [time for time, _ in found["total_volumes"]]
    assert times == [time for time, _ in found["market_caps"]]
    assert times[-1] == MOMENT * 1000
    assert abs(len(times) - 1 - count) <= 1
    assert times[0] >= (MOMENT - days * DAY) * 1000
    apart = [after - before for before, after in pairwise(times[:-1])]
    assert sum(apart) / len(apart) == pytest.approx(step * 1000, rel=0.02)
    assert all(time % (DAY * 1000) == 0 for time in times[:-1]) == (step == DAY)


def test_the_day_that_has_ended_appears_35_minutes_later(coingecko: Server[CoinGecko], client: httpx.Client) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0)
    coingecko.set_now(midnight + timedelta(minutes=34))
    assert chart(client, days=100)["prices"][-2][0] == (midnight.timestamp() - DAY) * 1000
    coingecko.set_now(midnight + timedelta(minutes=35))
    assert chart(client, days=100)["prices"][-2][0] == midnight.timestamp() * 1000


def test_what_was_charted_once_is_charted_again(coingecko: Server[CoinGecko], client: httpx.Client) -> None:
    first = chart(client, days=100)["prices"][:-1]
    coingecko.set_now(NOW + timedelta(days=1))
    assert chart(client, days=100)["prices"][: len(first) - 1] == first[1:]


def test_a_range_is_between_its_ends(client: httpx.Client) -> None:
    start, end = MOMENT - 10 * DAY, MOMENT - 5 * DAY
    query = f"vs_currency=usd&from={start}&to={end}"
    times = [time for time, _ in client.get(f"coins/bitcoin/market_chart/range?{query}").json()["prices"]]
    assert len(times) == pytest.approx(120, abs=2)
    assert start * 1000 <= times[0] < times[-1] <= end * 1000
    assert client.get("coins/bitcoin/market_chart/range?vs_currency=usd&from=1").status_code == 422


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("coins/nope/market_chart?vs_currency=usd&days=1", 404, {"error": "coin not found"}),
        ("coins/bitcoin/market_chart?vs_currency=usdt&days=1", 400, {"error": "invalid vs_currency"}),
        ("simple/price?ids=bitcoin&vs_currencies=usdt", 400, {"error": "invalid vs_currency"}),
        ("simple/price?ids=bitcoin", 422, {"error": "Missing parameter vs_currencies"}),
        ("coins/markets", 422, {"error": "Missing parameter vs_currency"}),
        ("coins/bitcoin/market_chart?days=1", 422, {"error": "Missing parameter vs_currency"}),
    ],
)
def test_most_errors_are_one_text(client: httpx.Client, query: str, status: int, body: dict) -> None:
    answer = client.get(query)
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    "path", ["market_chart?days=max", "market_chart?days=366", "market_chart/range?from=1700000000&to=1700009999"]
)
def test_more_than_365_days_back_is_401_with_a_nested_error(client: httpx.Client, path: str) -> None:
    answer = client.get(f"coins/bitcoin/{path}&vs_currency=usd")
    status = answer.json()["error"]["status"]
    assert (answer.status_code, status["error_code"]) == (401, 10012)
    assert status["error_message"].startswith("Your request exceeds the allowed time range.")
    assert status["timestamp"].startswith("2026-10-28T10:07:23.000")


def test_keys_are_a_header_or_a_parameter_and_may_be_wrong(client: httpx.Client) -> None:
    query = "simple/price?ids=bitcoin&vs_currencies=usd"
    assert client.get(query, headers={"x-cg-demo-api-key": "CG-good"}).status_code == 200
    wrong = client.get(query, headers={"x-cg-demo-api-key": "wrong"})
    assert (wrong.status_code, wrong.json()["status"]["error_code"]) == (401, 10002)
    assert client.get(f"{query}&x_cg_demo_api_key=wrong").status_code == 401
    pro = client.get(query, headers={"x-cg-pro-api-key": "CG-pro"})
    assert (pro.status_code, pro.json()["status"]["error_code"]) == (400, 10010)


def test_too_many_calls_are_429_with_a_wait_and_a_key_allows_more(
    coingecko: Server[CoinGecko], client: httpx.Client
) -> None:
    assert [client.get("ping").status_code for _ in range(31)] == [200] * 30 + [429]
    limited = client.get("ping")
    assert limited.headers["retry-after"] == "37"
    assert limited.json()["status"]["error_code"] == 429
    assert len(limited.content) == 187
    keyed = [client.get("ping", headers={"x-cg-demo-api-key": "CG-good"}).status_code for _ in range(101)]
    assert keyed == [200] * 100 + [429]
    coingecko.set_now(NOW + timedelta(seconds=37))
    assert client.get("ping").status_code == 200


def test_wrong_calls_count_as_well(client: httpx.Client) -> None:
    assert [client.get("nowhere").status_code for _ in range(31)] == [404] * 30 + [429]


def test_an_error_may_have_a_good_status(coingecko: Server[CoinGecko], client: httpx.Client) -> None:
    coingecko.set_script([{"fault": "error-200"}])
    answer = client.get("ping")
    assert (answer.status_code, list(answer.json())) == (200, ["error"])


def test_a_ban_of_cloudflare_is_plain_text(coingecko: Server[CoinGecko], client: httpx.Client) -> None:
    coingecko.set_script([{"at": 1, "fault": "cloudflare"}])
    answer = client.get("ping")
    assert (answer.status_code, answer.text) == (429, "error code: 1015")
    assert answer.headers["content-type"].startswith("text/plain")
    assert client.get("ping").status_code == 200
