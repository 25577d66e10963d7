"""What `live` sends to those who listen, and what it does when Redis or a client is away."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import fakeredis
import pytest
import redis
from django.test import Client

from charon.api import sse_hub
from charon.api.sse import STREAM, Live
from charon.api.sse_hub import Hub, frame

RATES, SIGNALS = "rates.ingested", "signals.updated"
BODY = b'{"type": "currency", "asset": "USD", "rows": 1}'
EVENT = b'event: rates.ingested\ndata: {"type": "currency", "asset": "USD", "rows": 1}\n\n'


class Radio:
    """In the place of the subscription: it says what the test puts in, and breaks when that is an error."""

    def __init__(self) -> None:
        self.subscriptions = 0
        self.words: asyncio.Queue[tuple[str, bytes] | Exception | None] = asyncio.Queue()

    async def __call__(self) -> AsyncGenerator[tuple[str, bytes] | None, None]:
        self.subscriptions += 1
        while True:
            word = await self.words.get()
            if isinstance(word, Exception):
                raise word
            yield word


class Call:
    """One request to the application, as a server would make it."""

    def __init__(
        self, hub: Hub, path: str = STREAM, method: str = "GET", request_id: str = "", last_id: str = ""
    ) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.left = asyncio.Event()
        given = {b"x-request-id": request_id.encode(), b"last-event-id": last_id.encode()}
        headers = [(name, value) for name, value in given.items() if value]
        scope = {"type": "http", "path": path, "method": method, "headers": headers}
        self.task = asyncio.create_task(Live(hub)(scope, self.receive, self.sent.put))

    async def receive(self) -> dict[str, str]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def begin(self) -> tuple[int, dict[str, str]]:
        start = await self.sent.get()
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}

    async def text(self) -> bytes:
        return bytes((await self.sent.get()).get("body", b""))

    async def opened(self) -> "Call":
        assert (await self.begin())[0] == 200
        assert await self.text() == b"retry: 3000\nid: 1\n\n"
        return self


@pytest.fixture(autouse=True)
def with_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL, settings.REDIS_PREFIX = "redis://127.0.0.1:9/0", ""
    monkeypatch.setattr(sse_hub, "WAITS", (0.001, 0.01))


def play(scene: Callable[[Hub, Radio], Coroutine[Any, Any, None]], up: bool = True) -> None:
    """A scene with a hub that follows its radio; it may take 10 s."""

    async def act() -> None:
        radio = Radio()
        hub = Hub(radio)
        follower = asyncio.create_task(hub.follow())
        if up:
            await radio.words.put(None)
            await eventually(lambda: hub.up)
        try:
            await scene(hub, radio)
        finally:
            hub.close()
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)

    asyncio.run(asyncio.wait_for(act(), 10))


async def eventually(question: Callable[[], Any]) -> None:
    while not question():
        await asyncio.sleep(0)


# The messages


def test_what_is_published_goes_out_under_the_name_of_its_channel() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub)
        status, headers = await call.begin()
        assert (status, headers) == (
            200,
            {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-store",
                "x-accel-buffering": "no",
            },
        )
        assert await call.text() == b"retry: 3000\nid: 1\n\n"
        await radio.words.put((RATES, BODY))
        assert await call.text() == EVENT
        await radio.words.put((SIGNALS, b'{"asset": "USD"}'))
        assert await call.text() == b'event: signals.updated\ndata: {"asset": "USD"}\n\n'

    play(scene)


def test_a_message_of_many_lines_stays_one_event() -> None:
    assert frame("x", b"a\r\nb\nc \xe2\x80\xa8 d") == "event: x\ndata: a\ndata: b\ndata: c \u2028 d\n\n".encode()
    assert frame("x", b"\xff") == "event: x\ndata: \ufffd\n\n".encode()


def test_one_subscription_serves_all_who_listen() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        calls = [await Call(hub).opened() for _ in range(50)]
        await radio.words.put((RATES, BODY))
        assert [await call.text() for call in calls] == [EVENT] * 50
        assert radio.subscriptions == 1

    play(scene)


def test_silence_is_filled_with_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sse_hub.PING_SECONDS == 15
    monkeypatch.setattr(sse_hub, "PING_SECONDS", 0.01)

    async def scene(hub: Hub, radio: Radio) -> None:
        call = await Call(hub).opened()
        assert [await call.text(), await call.text()] == [b": ping\n\n"] * 2

    play(scene)


def test_a_slow_client_loses_the_oldest_is_told_so_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_hub, "WAITING", 3)

    async def scene(hub: Hub, radio: Radio) -> None:
        slow, quick = await Call(hub).opened(), await Call(hub).opened()
        slow.sent = asyncio.Queue(1)  # nothing more is taken
        app = Live(hub)
        jam: asyncio.Queue[Any] = asyncio.Queue(1)
        scope = {"type": "http", "path": STREAM, "method": "GET", "headers": []}
        task = asyncio.create_task(app(scope, slow.receive, jam.put))
        await eventually(lambda: len(hub.listeners) == 3 and jam.full())
        for number in range(9):
            await radio.words.put((RATES, str(number).encode()))
            assert await quick.text() == b"event: rates.ingested\ndata: %d\n\n" % number
        assert max(len(listener.frames) for listener in hub.listeners) == 3
        await jam.get()  # the beginning
        await jam.get()  # the greeting
        kept = b"".join(b"event: rates.ingested\ndata: %d\n\n" % number for number in (6, 7, 8))
        assert (await jam.get())["body"] == b"event: lost\ndata: {}\n\n" + kept
        task.cancel()

    play(scene)


# Those who listen


def test_a_client_that_leaves_is_forgotten() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = await Call(hub).opened()
        assert len(hub.listeners) == 1
        call.left.set()
        await call.task
        assert hub.listeners == set()

    play(scene)


def test_the_end_sends_everybody_home() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        calls = [await Call(hub).opened() for _ in range(3)]
        hub.close()
        await asyncio.gather(*(call.task for call in calls))
        assert hub.listeners == set()
        assert (await Call(hub).begin())[0] == 503

    play(scene)


def test_no_more_may_listen_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_hub, "LISTENERS", 2)

    async def scene(hub: Hub, radio: Radio) -> None:
        first = await Call(hub).opened()
        await Call(hub).opened()
        late = Call(hub)
        assert (await late.begin())[0] == 503
        assert json.loads(await late.text())["error"]["message"] == "Too many listen already"
        first.left.set()
        await first.task
        await Call(hub).opened()

    play(scene)


# Redis


def test_before_redis_is_there_the_answer_is_an_envelope() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, request_id="known-to-the-proxy")
        status, headers = await call.begin()
        assert (status, headers["retry-after"], headers["cache-control"]) == (503, "5", "no-store")
        assert headers["x-request-id"] == "known-to-the-proxy"
        assert json.loads(await call.text()) == {
            "error": {
                "code": "unavailable",
                "message": "Redis cannot be listened to at the moment",
                "detail": None,
                "id": "known-to-the-proxy",
            }
        }

    play(scene, up=False)


def test_without_a_redis_the_answer_says_what_to_ask_instead(settings: Any) -> None:
    settings.REDIS_URL = ""

    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub)
        status, headers = await call.begin()
        assert (status, "retry-after" in headers, radio.subscriptions) == (503, False, 0)
        assert "ask /rates and /signals instead" in json.loads(await call.text())["error"]["message"]

    play(scene, up=False)


def test_who_listens_stays_while_redis_is_away_and_is_told_that_something_may_be_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="charon.api.sse_hub")

    async def scene(hub: Hub, radio: Radio) -> None:
        call = await Call(hub).opened()
        for _ in range(4):
            await radio.words.put(redis.ConnectionError("redis://:hunter2@127.0.0.1"))
        await eventually(lambda: radio.subscriptions == 5)
        assert (await Call(hub).begin())[0] == 503
        assert call.sent.empty()
        await radio.words.put(None)
        assert await call.text() == b"event: lost\ndata: {}\n\n"
        await radio.words.put((RATES, BODY))
        assert await call.text() == EVENT
        assert (await Call(hub).begin())[0] == 200

    play(scene)
    words = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert words == [
        ("WARNING", "Redis cannot be listened to, trying again: ConnectionError"),
        ("INFO", "Redis answers again"),
    ]


def test_a_redis_that_is_away_for_a_weekend_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand tries take less than an hour."""
    monkeypatch.setattr(sse_hub, "WAITS", (0.0,))

    async def scene(hub: Hub, radio: Radio) -> None:
        for _ in range(1500):
            await radio.words.put(redis.ConnectionError())
        await radio.words.put(None)
        await eventually(lambda: hub.up)

    play(scene, up=False)


def test_a_client_that_comes_back_is_told_that_something_may_be_lost() -> None:
    """A browser that was cut off names the last id it had; nobody kept what was said meanwhile."""

    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, last_id="1")
        assert (await call.begin())[0] == 200
        assert await call.text() == b"retry: 3000\nid: 1\n\nevent: lost\ndata: {}\n\n"
        await radio.words.put((RATES, BODY))
        assert await call.text() == EVENT

    play(scene)


def test_the_channels_carry_the_prefix_and_the_events_do_not(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_PREFIX = "berlin:"
    server = fakeredis.FakeServer()
    asked: dict[str, Any] = {}

    def from_url(url: str, **options: Any) -> fakeredis.FakeAsyncRedis:
        asked.update(options, url=url)
        return fakeredis.FakeAsyncRedis(server=server)

    monkeypatch.setattr(redis.asyncio.Redis, "from_url", from_url)

    async def listen() -> list[tuple[str, bytes] | None]:
        coming = sse_hub.messages()
        heard = [await anext(coming), await anext(coming)]
        other = fakeredis.FakeAsyncRedis(server=server)
        for channel in (RATES, "berlin:rates.ingested", "berlin:signals.updated"):
            await other.publish(channel, channel)
        heard += [await anext(coming), await anext(coming)]
        await coming.aclose()
        await other.aclose()
        return heard

    heard = asyncio.run(asyncio.wait_for(listen(), 10))
    assert heard == [None, None, (RATES, b"berlin:rates.ingested"), (SIGNALS, b"berlin:signals.updated")]
    assert (asked["url"], asked["socket_timeout"]) == ("redis://127.0.0.1:9/0", None)


# The other addresses


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/rates", 404, "not_found"), ("POST", STREAM, 405, "method_not_allowed")],
)
def test_anything_else_is_refused_in_the_envelope(method: str, path: str, status: int, code: str) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, path, method)
        assert (await call.begin())[0] == status
        assert json.loads(await call.text())["error"]["code"] == code

    play(scene)


@pytest.mark.parametrize("path", [STREAM, "/health"])
def test_head_has_no_body_and_does_not_listen(path: str) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, path, "HEAD")
        assert (await call.begin())[0] == 200
        assert await call.text() == b""
        await call.task
        assert hub.listeners == set()

    play(scene)


def test_health_says_how_redis_is_and_how_many_listen() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        async def health() -> tuple[int, str, int]:
            call = Call(hub, "/health/")
            status, _ = await call.begin()
            body = json.loads(await call.text())
            return status, body["redis"], body["listeners"]

        await Call(hub).opened()
        assert await health() == (200, "ok", 1)
        await radio.words.put(OSError())
        await eventually(lambda: not hub.up)
        assert await health() == (200, "away", 1)

    play(scene)


def test_the_web_says_where_events_come_from(client: Client) -> None:
    for path in (STREAM, f"{STREAM}/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
        assert "`manage.py live`" in answer.json()["error"]["message"]
    assert client.post(STREAM).status_code == 405
