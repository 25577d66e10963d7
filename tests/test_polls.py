"""The beats under a minute: which there are, none is asked for twice, one pulse alone asks, and its health."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django_q.models import OrmQ

from charon.processes.task_broker import GuardedORM
from markets import clock
from markets.models import Source
from miner.fetch import cooldown
from miner.fetch.errors import Refused
from miner.models import Lease, Poll
from miner.pulse import grid, health, polls, results, ticker
from miner.pulse.grid import PollJob
from miner.pulse.ticker import Ticker
from tests.markets_fake import FakeMarket, open_market
from tests.processes import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> Source:
    at("2026-11-20 13:00:10")
    return open_market(monkeypatch)


def names() -> dict[str, int]:
    return {poll.name: poll.every for poll in polls.wanted_polls()}


def test_every_source_that_is_on_has_its_beats(market: Source) -> None:
    assert names() == {"fake.quotes": 30, "fake.candles.5m": 30, "fake.candles.1h": 120, "fake.candles.4h": 300}
    Source.objects.update(polling_interval=200)
    assert names() == {"fake.quotes": 240, "fake.candles.5m": 240, "fake.candles.1h": 240, "fake.candles.4h": 300}


@pytest.mark.parametrize("choice", [{"enabled": False}, {"paused_until": clock.now() + timedelta(days=900)}])
def test_a_source_that_is_off_or_paused_has_none(market: Source, choice: dict[str, Any]) -> None:
    Source.objects.update(**choice)
    assert names() == {}


def test_a_source_that_rests_has_none_until_then(market: Source, at: Callable[[str], None]) -> None:
    cooldown.failed(market)
    assert names() == {}
    at("2026-11-20 13:00:41")
    assert len(names()) == 4


def test_a_source_of_the_queue_has_only_the_queues_beat(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeMarket, "rotating", True)
    monkeypatch.setattr(FakeMarket, "timeframes", {})
    assert names() == {"batch.queue": 15}


def test_beats_lie_on_a_grid_and_do_not_drift() -> None:
    poll = PollJob("x", "y", (), 30)
    now = clock.now().replace(minute=0, second=29, microsecond=999_999)
    moments = []
    for late in (0.4, 1.7, 29.9):
        now = poll.next(now) + timedelta(seconds=late)
        moments.append(poll.next(now).second)
    assert moments == [0, 30, 0]


def test_what_is_still_open_is_not_asked_for_again(market: Source) -> None:
    beats = polls.wanted_polls()
    assert len(grid.enqueue_due(beats)) == 4
    assert grid.enqueue_due(beats) == []
    OrmQ.objects.all().delete()
    assert len(grid.enqueue_due(beats)) == 4


def test_a_beat_whose_worker_was_killed_does_not_hold_up_the_next(market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00:00")
    grid.enqueue_due(polls.wanted_polls())
    at("2026-11-20 13:00:01")
    assert GuardedORM(settings.MINER_QUEUE).dequeue()
    at("2026-11-20 13:02:00")
    assert grid.enqueue_due(polls.wanted_polls()) == []
    at("2026-11-20 13:02:20")
    assert len(grid.enqueue_due(polls.wanted_polls())) == 1


def test_rubbish_in_the_queue_stops_no_beat(market: Source) -> None:
    OrmQ.objects.create(key=settings.MINER_QUEUE, payload="not a task", lock=clock.now())
    assert len(grid.enqueue_due(polls.wanted_polls())) == 4


def test_one_pulse_beats_and_another_follows_when_it_is_gone(market: Source, at: Callable[[str], None]) -> None:
    first, second = Ticker("a:1"), Ticker("b:2")
    first.refresh()
    second.refresh()
    assert (first.holds, second.holds) == (True, False)
    second.tick()
    assert not OrmQ.objects.exists()
    at("2026-11-20 13:00:25")
    first.refresh()
    at("2026-11-20 13:00:44")
    second.refresh()
    assert second.holds is False
    at("2026-11-20 13:00:46")
    second.refresh()
    assert second.holds is True
    first.refresh()
    assert (first.holds, first.polls) == (False, [])


def test_a_pulse_that_ends_lets_go_at_once(market: Source) -> None:
    first, second = Ticker("a:1"), Ticker("b:2")
    first.refresh()
    first.end()
    second.refresh()
    assert second.holds is True


def test_new_beats_begin_at_once_and_then_keep_to_their_grid(market: Source, at: Callable[[str], None]) -> None:
    pulse = Ticker("a:1")
    pulse.refresh()
    pulse.tick()
    assert OrmQ.objects.count() == 2
    OrmQ.objects.all().delete()
    at("2026-11-20 13:00:29")
    pulse.refresh()
    pulse.tick()
    assert OrmQ.objects.count() == 0
    assert 0.9 < pulse.wait() <= 1.0
    at("2026-11-20 13:00:30")
    pulse.tick()
    assert sorted(Poll.objects.filter(asked_at=clock.now()).values_list("name", flat=True)) == [
        "fake.candles.5m",
        "fake.quotes",
    ]


def test_health_tells_every_beat_and_is_late_when_one_is(market: Source, at: Callable[[str], None]) -> None:
    Ticker("a:1").refresh()
    grid.enqueue_due(polls.wanted_polls())
    for name in names():
        results.done(name)
    at("2026-11-20 13:00:40")
    told = health.health()
    assert (told["status"], told["holder"]) == ("ok", "a:1")
    row = next(poll for poll in told["beats"] if poll["name"] == "fake.candles.5m")
    assert (row["lag_seconds"], row["next_refresh"], row["late"]) == (30.0, clock.now() + timedelta(seconds=20), False)
    at("2026-11-20 13:03:00")
    told = health.health()
    assert told["status"] == "late"
    assert {poll["name"] for poll in told["beats"] if poll["late"]} == {"fake.quotes", "fake.candles.5m"}


def test_a_beat_that_was_just_asked_for_is_not_late_and_one_that_fails_from_the_start_is(
    market: Source, at: Callable[[str], None]
) -> None:
    Ticker("a:1").refresh()
    grid.enqueue_due(polls.wanted_polls())
    at("2026-11-20 13:00:40")
    assert health.health()["status"] == "ok"
    results.done("fake.quotes", Refused("GET /x: HTTP 403"))
    assert health.health()["status"] == "late"
    Poll.objects.update(error="")
    at("2026-11-20 13:05:00")
    assert health.health()["status"] == "late"


def test_a_poll_that_failed_without_words_has_not_succeeded(market: Source, at: Callable[[str], None]) -> None:
    grid.enqueue_due(polls.wanted_polls())
    Poll.objects.update(done_at=None)
    results.done("fake.quotes", TimeoutError())
    poll = Poll.objects.get(name="fake.quotes")
    assert (poll.error, poll.done_at) == ("TimeoutError", None)


def test_an_outage_is_late_also_while_its_source_rests(market: Source, at: Callable[[str], None]) -> None:
    grid.enqueue_due(polls.wanted_polls())
    for name in names():
        results.done(name)
    at("2026-11-20 15:00:10")
    assert health.health()["status"] == "late"
    cooldown.failed(market)
    assert names() == {}
    told = health.health()
    assert told["status"] == "late"
    assert {poll["name"] for poll in told["beats"] if poll["late"]} == {
        "fake.quotes", "fake.candles.5m", "fake.candles.1h", "fake.candles.4h",
    }  # fmt: skip
    row = next(poll for poll in told["beats"] if poll["name"] == "fake.quotes")
    assert (row["next_refresh"] - clock.now()).total_seconds() == 50  # a rest of 30 s, then the grid


def test_the_port_answers_health_and_nothing_else() -> None:
    async def ask(line: bytes, health: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return await ticker.reply(line, lambda: health)

    assert asyncio.run(ask(b"GET /health HTTP/1.1", {"status": "ok"})) == ("200 OK", {"status": "ok"})
    assert asyncio.run(ask(b"GET /health HTTP/1.1", {"status": "late"}))[0] == "503 Service Unavailable"
    for line in (b"GET / HTTP/1.1", b"POST /health HTTP/1.1", b"\xff\xfe", b""):
        assert asyncio.run(ask(line, {"status": "ok"}))[0] == "404 Not Found"


def test_health_speaks_of_moments_as_the_api_does() -> None:
    moment = datetime.fromisoformat("2026-11-20 13:00:00+01:00")
    assert json.loads(json.dumps({"at": moment}, default=ticker.written)) == {"at": "2026-11-20T12:00:00Z"}


@pytest.mark.parametrize(
    ("host", "listens"),
    [("0.0.0.0", None), ("::", None), ("127.0.0.1", ["127.0.0.1"]), ("10.0.0.7", ["10.0.0.7", "127.0.0.1"])],
)
def test_the_port_is_where_other_containers_reach_it(host: str, listens: list[str] | None) -> None:
    assert ticker.addresses(host) == listens


def test_the_port_answers_also_at_another_address_of_the_machine(settings: Any, outgoing: set[tuple[str, int]]) -> None:
    settings.HOST, settings.MARKET_DATA_PORT = "0.0.0.0", free_port()
    outgoing.add(("127.0.0.2", settings.MARKET_DATA_PORT))

    async def ask() -> bytes:
        serving = asyncio.create_task(ticker.serve_health(lambda: {"status": "ok", "at": clock.now()}))
        try:
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.2", settings.MARKET_DATA_PORT)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0)
            writer.write(b"GET /health HTTP/1.1\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer
        finally:
            serving.cancel()

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 200 OK")


def test_the_lease_is_a_row(market: Source) -> None:
    Ticker("a:1").refresh()
    row = Lease.objects.get()
    assert (row.name, row.holder) == ("pulse", "a:1")
    assert json.dumps(health.health(), default=str)
