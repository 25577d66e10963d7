"""A running installation: one scripted move of Bitcoin is one event and one message at the receiver."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import Up, environment, manage, until
from tests.replica import Deribit, Server, walk
from tests.replica.receiver import SECRET, Message, Receiver

pytestmark = pytest.mark.processes

TOKEN = "an-operator-s-program"
RULE = {"asset": "BTCUSD", "window_minutes": 60, "threshold_pct": "5", "direction": "both", "cooldown_minutes": 0}
NOBODY_ELSE = {"window_minutes": 60, "threshold_pct": "5", "direction": "both", "enabled": False}

CHANNEL = "from charon.management.commands.demo import make_channel; make_channel()"


class House:
    """An installation that asks a replica of Deribit, and tells a receiver."""

    def __init__(self, up: Up, receiver: Receiver, market: Server[Deribit]) -> None:
        self.up, self.receiver, self.market = up, receiver, market

    def asked(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.request(method, f"{self.up.url}/api/v1{path}", json=body, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def newest_price(self) -> float:
        rows = self.asked("GET", "/prices/latest")["items"]
        return max((float(row["price"]) for row in rows if row["asset"] == "BTCUSD"), default=0.0)

    def moves_to(self, times: float) -> None:
        """The price is so many times the walk's from now on; until it is stored."""
        walk.moves[:] = [walk.Move("BTC", 0, time.time() + 3600, times)]
        wanted = walk.usd("BTC", time.time())

        def is_stored() -> bool:
            httpx.post(f"{self.up.url}/api/v1/batch/run", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
            return abs(self.newest_price() / wanted - 1) < 0.002

        until(is_stored)

    def events(self) -> list[dict[str, Any]]:
        return list(self.asked("GET", "/alerts?asset=BTC&limit=20"))

    def messages(self) -> list[Message]:
        return list(self.receiver.received.messages.values())


@pytest.fixture
def house(tmp_path: Path, outgoing: set[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(walk, "moves", [])
    with ExitStack() as stack:
        market = stack.enter_context(Server(Deribit()))
        told = stack.enter_context(Server(Receiver()))
        given = {
            "SOURCES": "deribit", "DERIBIT_BASE_URL": market.url, "DERIBIT_INDEXES": "btc_usd", "API_TOKEN": TOKEN,
            "CHANNEL_ALLOWED_HOSTS": "127.0.0.1", "RECEIVER_BASE_URL": told.url, "RECEIVER_SECRET": SECRET,
        }  # fmt: skip
        env = environment(tmp_path / "data", **given)
        for words in (["prepare"], ["shell", "-c", CHANNEL]):
            done = manage(*words, env=env)
            assert done.returncode == 0, done.stderr
        up = Up(tmp_path / "data", None, **given)
        stack.callback(up.end)
        outgoing.add(("127.0.0.1", up.port))
        yield House(up.ready(), told.service, market)


def test_a_move_of_5_percent_is_one_event_and_one_message_and_one_inside_the_hysteresis_is_none(house: House) -> None:
    house.moves_to(1.0)
    house.asked("PUT", "/config/alerts-defaults", NOBODY_ELSE)
    rule = house.asked("POST", "/alerts", RULE)
    house.moves_to(1.001)  # the first price that the rule sees arms it
    house.moves_to(1.055)
    until(house.messages)
    (event,), (message,) = house.events(), house.messages()
    assert (event["rule_id"], event["direction"], event["state"]) == (rule["id"], "up", "open")
    assert 5 <= float(event["change_pct"]) < 6
    told = message.row()["body"]
    assert (told["type"], told["data"]["id"], told["data"]["asset"]) == ("alert.fired", event["id"], "BTCUSD")
    waited = (message.at - datetime.fromisoformat(event["observed_at"])).total_seconds()
    stored = (message.at - datetime.fromisoformat(event["created_at"])).total_seconds()
    print(f"{waited:.2f} s from the tick to the receiver, {stored:.2f} s from the event")  # noqa: T201
    for times in (1.045, 1.058, 1.044):
        house.moves_to(times)
    assert [one["id"] for one in house.events()] == [event["id"]]
    assert [one.key for one in house.messages()] == [message.key]
