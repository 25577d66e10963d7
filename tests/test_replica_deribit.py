"""Deribit's replica against its documentation and recorded answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from tests.replica import Deribit, Server, run

NOW = datetime(2026, 10, 28, 10, 7, 23, tzinfo=UTC)


@pytest.fixture
def deribit(outgoing: set[tuple[str, int]]) -> Iterator[Server[Deribit]]:
    with run(Deribit(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


@pytest.fixture
def client(deribit: Server[Deribit]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=deribit.url, verify=False) as running:
        yield running


MOMENT = int(NOW.timestamp() * 1000)


def asked(client: httpx.Client, method: str, **params: str | int) -> httpx.Response:
    return client.get(f"public/{method}", params=params)


def refused(answer: httpx.Response) -> tuple[int, int, dict]:
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"].get("data", {})


def test_an_index_has_two_prices_and_the_time_stands_in_the_envelope(client: httpx.Client) -> None:
    body = asked(client, "get_index_price", index_name="btc_usd").json()
    assert set(body) == {"jsonrpc", "result", "usIn", "usOut", "usDiff", "testnet"}
    assert (body["jsonrpc"], body["testnet"]) == ("2.0", False)
    assert body["usIn"] == MOMENT * 1000
    assert body["usOut"] - body["usIn"] == body["usDiff"] > 0
    assert set(body["result"]) == {"index_price", "estimated_delivery_price"}
    assert 50_000 < body["result"]["index_price"] < 200_000


def test_a_post_is_json_rpc_and_gets_its_id_back(client: httpx.Client) -> None:
    call = {"jsonrpc": "2.0", "id": 42, "method": "public/get_index_price", "params": {"index_name": "eth_usd"}}
    body = client.post("", json=call).json()
    assert body["id"] == 42
    assert body["result"] == asked(client, "get_index_price", index_name="eth_usd").json()["result"]
    assert client.post("", content=b"{").status_code == 400


def test_names_are_texts_or_objects(client: httpx.Client) -> None:
    names = asked(client, "get_index_price_names").json()["result"]
    assert {"btc_usd", "eth_usd", "btc_eth", "sol_usdc", "paxg_usdc", "btc_usdt"} <= set(names)
    extended = asked(client, "get_index_price_names", extended="true").json()["result"]
    assert [name["name"] for name in extended] == names


@pytest.mark.parametrize(
    ("asked_for", "length", "step"),
    [("1h", 3600, 60), ("1d", 86_400, 300), ("2d", 172_800, 600), ("1m", 2_592_000, 7200), ("1y", 31_536_000, 86_400)],
)
def test_a_chart_of_an_index_ascends_to_now(client: httpx.Client, asked_for: str, length: int, step: int) -> None:
    pairs = asked(client, "get_index_chart_data", index_name="btc_usd", range=asked_for).json()["result"]
    times = [time for time, _ in pairs]
    assert {after - before for before, after in pairwise(times)} == {step * 1000}
    assert MOMENT - step * 1000 < times[-1] <= MOMENT
    assert times[0] == pytest.approx(MOMENT - length * 1000, abs=step * 1000)
    price = asked(client, "get_index_price", index_name="btc_usd").json()["result"]["index_price"]
    assert pairs[-1][1] == pytest.approx(price, rel=0.05)


def test_the_whole_history_is_by_day(client: httpx.Client) -> None:
    pairs = asked(client, "get_index_chart_data", index_name="btc_usd", range="all").json()["result"]
    assert len(pairs) > 2800


def candles(client: httpx.Client, **changed: str | int) -> httpx.Response:
    whole: dict[str, str | int] = {
        "instrument_name": "BTC-PERPETUAL",
        "start_timestamp": MOMENT - 3 * 3_600_000,
        "end_timestamp": MOMENT,
        "resolution": "60",
    }
    return asked(client, "get_tradingview_chart_data", **{**whole, **changed})


def test_candles_are_parallel_lists(client: httpx.Client) -> None:
    result = candles(client).json()["result"]
    assert set(result) == {"ticks", "open", "high", "low", "close", "volume", "cost", "status"}
    assert result["ticks"] == [MOMENT // 3_600_000 * 3_600_000 - back * 3_600_000 for back in (2, 1, 0)]
    assert {len(values) for name, values in result.items() if name != "status"} == {3}
    assert all(cost % 10 == 0 for cost in result["cost"])
    assert all(
        low <= close <= high for low, close, high in zip(result["low"], result["close"], result["high"], strict=True)
    )
    assert result["status"] == "ok"


def test_a_time_without_candles_says_so(client: httpx.Client) -> None:
    result = candles(client, start_timestamp=MOMENT + 3_600_000, end_timestamp=MOMENT + 7_200_000).json()["result"]
    assert (result["status"], result["ticks"]) == ("no_data", [])


@pytest.mark.parametrize(
    "changed", [{"instrument_name": "btc_usd"}, {"resolution": "7"}, {"start_timestamp": "x"}, {"end_timestamp": ""}]
)
def test_candles_want_all_four_parameters(client: httpx.Client, changed: dict) -> None:
    wanted = {"reason": "wrong format", "param": next(iter(changed))}
    assert refused(candles(client, **changed)) == (400, -32602, wanted)


@pytest.mark.parametrize("name", ["btc", "BTC_USD", ""])
def test_a_wrong_index_is_an_invalid_parameter(client: httpx.Client, name: str) -> None:
    answer = asked(client, "get_index_price", index_name=name)
    assert refused(answer) == (400, -32602, {"reason": "wrong format", "param": "index_name"})
    assert {"usIn", "usOut", "usDiff", "testnet"} <= set(answer.json())


def test_a_method_that_does_not_exist_has_its_own_code(client: httpx.Client) -> None:
    assert refused(asked(client, "get_weather"))[:2] == (400, -32601)


def test_maintenance_and_too_many_come_by_script(deribit: Server[Deribit], client: httpx.Client) -> None:
    deribit.set_script([{"at": 1, "fault": "maintenance"}, {"at": 2, "fault": "too-many"}])
    down = asked(client, "get_index_price", index_name="btc_usd")
    assert (down.status_code, down.text) == (503, '{"error":{"code":11051,"message":"system_maintenance"}}')
    assert refused(asked(client, "get_index_price", index_name="btc_usd"))[:2] == (429, 10028)
    assert asked(client, "get_index_price", index_name="btc_usd").status_code == 200


def test_it_may_say_that_it_is_the_testnet(deribit: Server[Deribit], client: httpx.Client) -> None:
    deribit.set_script([{"tell": ["testnet", True]}])
    assert asked(client, "get_index_price", index_name="btc_usd").json()["testnet"] is True


def test_prices_move_with_time(deribit: Server[Deribit], client: httpx.Client) -> None:
    first = asked(client, "get_index_price", index_name="btc_usd").json()["result"]
    deribit.set_now(NOW + timedelta(seconds=20))
    assert asked(client, "get_index_price", index_name="btc_usd").json()["result"] != first
