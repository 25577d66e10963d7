"""What `live` sends to those who listen, and what it does when Redis or a client is away."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import fakeredis
import msgspec
import pytest
import redis
from django.test import Client

from charon.api import sse, sse_hub
from charon.api.addresses import STREAM
from charon.api.sse import Live
from charon.api.sse_hub import Hub, frame
from markets.redis.live_events import Kind, LiveEvent

RATES, SIGNALS = "rates.ingested", "signals.updated"
NAMES = ("sse", "stream", "sse/", "stream/")
ADDRESSES = [f"{folder}{name}" for folder in ("/", "/api/", "/api/v1/") for name in NAMES]
LOST = b"event: lost\ndata: {}\n\n"


def message(
    data: bytes = b"{}", kind: Kind = "rates", name: str = RATES, code: str = "USD", public: bool = True
) -> bytes:
    return msgspec.json.encode(LiveEvent(kind, name, public, msgspec.Raw(data), code))


def heard(hub: Hub, number: int, data: bytes = b"{}", name: str = RATES) -> bytes:
    return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (hub.run.encode(), number, name.encode(), data)


def begun(hub: Hub, missed: bytes = b"") -> bytes:
    return b"retry: 3000\n\n" + missed + hub.place()


class Radio:
    """In the place of the subscription: it says what the test puts in, and breaks when that is an error."""

    def __init__(self) -> None:
        self.subscriptions = 0
        self.words: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    async def __call__(self) -> AsyncGenerator[bytes | None, None]:
        self.subscriptions += 1
        while True:
            word = await self.words.get()
            if isinstance(word, Exception):
                raise word
            yield word


class Call:
    """One request to the application, as a server would make it."""

    def __init__(
        self,
        hub: Hub,
        path: str = STREAM,
        method: str = "GET",
        request_id: str = "",
        last_id: str = "",
        token: str = "",
        host: str = "127.0.0.1:8001",
        query: str = "",
        origin: str = "",
        asks_for: str = "",
    ) -> None:
        self.hub = hub
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.left = asyncio.Event()
        given = {
            b"x-request-id": request_id.encode(), b"last-event-id": last_id.encode(), b"authorization": token.encode(),
            b"host": host.encode(), b"origin": origin.encode(), b"access-control-request-method": asks_for.encode(),
        }  # fmt: skip
        headers = [(name, value) for name, value in given.items() if value]
        scope = {"type": "http", "path": path, "method": method, "headers": headers, "query_string": query.encode()}
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
        assert await self.text() == begun(self.hub)
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


# Who


def test_a_token_that_is_not_valid_is_401_here_too(settings: Any) -> None:
    settings.API_TOKEN = "of-the-environment"

    async def scene(hub: Hub, radio: Radio) -> None:
        for path in (STREAM, "/health"):
            for token in ("Bearer wrong", "Basic YTpi"):
                status, headers = await Call(hub, path, token=token).begin()
                assert (status, headers["www-authenticate"]) == (401, "Bearer")
            assert (await Call(hub, path, token="Bearer of-the-environment").begin())[0] == 200
            assert (await Call(hub, path).begin())[0] == 200

    play(scene)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "a b", "[::1", "rates.example.org:80x"])
@pytest.mark.parametrize("path", [STREAM, "/health"])
def test_a_name_that_is_not_allowed_is_400_here_too(settings: Any, path: str, host: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "rates.example.org"]

    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, path, host=host)
        status, headers = await call.begin()
        assert (status, headers["x-content-type-options"], headers["cache-control"]) == (400, "nosniff", "no-store")
        assert json.loads(await call.text())["error"]["code"] == "bad_request"
        assert (await Call(hub, path, host="RATES.example.org:443").begin())[0] == 200

    play(scene)


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
                "x-content-type-options": "nosniff",
            },
        )
        assert await call.text() == begun(hub)
        await radio.words.put(message(b'{"rows": 1}'))
        assert await call.text() == heard(hub, 1, b'{"rows": 1}')
        await radio.words.put(message(b'{"asset": "USD"}', "signals", SIGNALS))
        assert await call.text() == heard(hub, 2, b'{"asset": "USD"}', SIGNALS)

    play(scene)


def test_a_message_of_many_lines_stays_one_event() -> None:
    one = LiveEvent("rates", "x\nid: 9", public=True, data=msgspec.Raw('{\r\n"a":1,\n"b":"c \u2028 d"\r}'.encode()))
    lines = ("id: r-1", "event: x id: 9", "data: {", 'data: "a":1,', 'data: "b":"c \u2028 d"', "data: }", "", "")
    assert frame("r-1", one) == "\n".join(lines).encode()


@pytest.mark.parametrize(
    "body", [b"", b"not ours", b"{}", b"\xff", b'{"kind":"gossip","name":"x","public":true,"data":{}}']
)
def test_words_of_another_program_are_no_event(body: bytes) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = await Call(hub).opened()
        await radio.words.put(body)
        await radio.words.put(message())
        assert await call.text() == heard(hub, 1)

    play(scene)


def test_one_subscription_serves_all_who_listen() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        calls = [await Call(hub).opened() for _ in range(50)]
        await radio.words.put(message())
        assert [await call.text() for call in calls] == [heard(hub, 1)] * 50
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
        scope = {"type": "http", "path": STREAM, "method": "GET", "headers": [(b"host", b"localhost")]}
        task = asyncio.create_task(app(scope, slow.receive, jam.put))
        await eventually(lambda: len(hub.listeners) == 3 and jam.full())
        for number in range(9):
            await radio.words.put(message(b"%d" % number))
            assert await quick.text() == heard(hub, number + 1, b"%d" % number)
        assert max(len(listener.frames) for listener in hub.listeners) == 3
        await jam.get()  # the beginning
        await jam.get()  # the greeting
        kept = b"".join(heard(hub, number + 1, b"%d" % number) for number in (6, 7, 8))
        assert (await jam.get())["body"] == LOST + kept
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


def test_without_a_redis_the_answer_says_what_to_add(settings: Any) -> None:
    settings.REDIS_URL = ""

    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub)
        status, headers = await call.begin()
        assert (status, "retry-after" in headers, radio.subscriptions) == (503, False, 0)
        assert "add REDIS_URL" in json.loads(await call.text())["error"]["message"]

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
        assert await call.text() == LOST + hub.place()
        await radio.words.put(message())
        assert await call.text() == heard(hub, 1)
        assert (await Call(hub).begin())[0] == 200

    play(scene)
    words = [(record.levelname, record.getMessage()) for record in caplog.records]
    [refused] = [text for _, text in words if "of live" in text]
    assert refused == "GET of live 503"
    assert [one for one in words if one[1] != refused] == [
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
        assert radio.subscriptions == 1501
        assert (await Call(hub).begin())[0] == 200

    play(scene, up=False)


def test_a_client_that_comes_back_hears_what_it_missed_of_what_it_asked_for() -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        first = await Call(hub, query="kinds=rates").opened()
        await radio.words.put(message(b"1"))
        assert await first.text() == heard(hub, 1, b"1")
        first.left.set()
        await first.task
        for body in (message(b"2"), message(b"3", "signals", SIGNALS), message(b"4", public=False), message(b"5")):
            await radio.words.put(body)
        await eventually(lambda: hub.number == 5)
        again = Call(hub, query="kinds=rates", last_id=f"{hub.run}-1")
        assert (await again.begin())[0] == 200
        assert await again.text() == begun(hub, heard(hub, 2, b"2") + heard(hub, 5, b"5"))
        idle = Call(hub, last_id=f"{hub.run}-5")
        await idle.begin()
        assert await idle.text() == begun(hub)

    play(scene)


@pytest.mark.parametrize("last_id", ["1", "-1", "x-1", "{run}-", "{run}-99", "{run}-x", "{run}-0", "{run}-1\xb2", "0"])
def test_what_nobody_knows_any_more_is_told_as_lost(monkeypatch: pytest.MonkeyPatch, last_id: str) -> None:
    """Of another run, made up, or older than the newest events that are kept."""
    monkeypatch.setattr(sse_hub, "KEPT", 2)

    async def scene(hub: Hub, radio: Radio) -> None:
        for _ in range(4):
            await radio.words.put(message())
        await eventually(lambda: hub.number == 4)
        call = Call(hub, last_id=last_id.replace("{run}", hub.run))
        assert (await call.begin())[0] == 200
        assert await call.text() == begun(hub, LOST)

    play(scene)


# What they ask for, and may know


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]), ("kinds=prices", [1, 2]), ("kinds=rates,jobs", [3, 5]), ("kinds=", [1, 2, 3, 4, 5]),
        ("codes=EUR", [3, 4]), ("codes=btc", [1]), ("codes=BTCUSD,eur", [1, 3, 4]), ("kinds=prices&codes=EUR,BTC", [1]),
        ("codes=E", []), ("kinds=jobs&codes=EUR", []), ("codes=US", []),
    ],
)  # fmt: skip
def test_a_client_hears_what_it_asked_for(query: str, numbers: list[int]) -> None:
    sent = [
        message(b"1", "prices", code="BTCUSD"), message(b"2", "prices", code="ETHUSDT"), message(b"3", code="EUR"),
        message(b"4", "signals", code="EUR"), message(b"5", "jobs", code=""),
    ]  # fmt: skip

    async def scene(hub: Hub, radio: Radio) -> None:
        call, everything = await Call(hub, query=query).opened(), await Call(hub).opened()
        for number, body in enumerate(sent, 1):
            await radio.words.put(body)
            await everything.text()
            if number in numbers:
                assert await call.text() == heard(hub, number, b"%d" % number)
        assert call.sent.empty()

    play(scene)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("kind=rates", ["kind"]), ("kinds=gossip", ["kinds"]), ("kinds=rates&kinds=jobs", ["kinds"]),
        ("codes=" + ",".join(f"A{n}" for n in range(101)), ["codes"]), ("codes=a/b", ["codes"]),
        ("kinds=x&codes=%00&y", ["y", "kinds", "codes"]),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_422_as_in_the_api(query: str, fields: list[str]) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        call = Call(hub, query=query)
        assert (await call.begin())[0] == 422
        error = json.loads(await call.text())["error"]
        assert (error["code"], [fault["field"] for fault in error["detail"]]) == ("invalid_parameters", fields)
        assert hub.listeners == set()

    play(scene)


def test_what_a_licence_closes_reaches_operators_alone(settings: Any) -> None:
    settings.API_TOKEN = "of-the-environment"

    async def scene(hub: Hub, radio: Radio) -> None:
        stranger, operator = await Call(hub).opened(), await Call(hub, token="Bearer of-the-environment").opened()
        await radio.words.put(message(b"1", public=False))
        await radio.words.put(message(b"2"))
        assert await stranger.text() == heard(hub, 2, b"2")
        await eventually(lambda: hub.number == 2)
        told = await operator.text()
        if told == heard(hub, 1, b"1"):
            told += await operator.text()
        assert told == heard(hub, 1, b"1") + heard(hub, 2, b"2")

    play(scene)


def test_a_token_that_is_revoked_meanwhile_hears_no_more(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_TOKEN = "of-the-environment"
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.0)

    async def scene(hub: Hub, radio: Radio) -> None:
        operator = await Call(hub, token="Bearer of-the-environment").opened()
        settings.API_TOKEN = "another-of-the-environment"
        await radio.words.put(message(b"1", public=False))
        assert await operator.text() == b""
        await operator.task
        assert hub.listeners == set()

    play(scene)


def test_the_channel_carries_the_prefix(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_PREFIX = "berlin:"
    server = fakeredis.FakeServer()
    asked: dict[str, Any] = {}

    def from_url(url: str, **options: Any) -> fakeredis.FakeAsyncRedis:
        asked.update(options, url=url)
        return fakeredis.FakeAsyncRedis(server=server)

    monkeypatch.setattr(redis.asyncio.Redis, "from_url", from_url)

    async def listen() -> list[bytes | None]:
        coming = sse_hub.messages()
        told = [await anext(coming)]
        other = fakeredis.FakeAsyncRedis(server=server)
        for channel in (RATES, "live.events", "berlin:live.events"):
            await other.publish(channel, channel)
        told.append(await anext(coming))
        await coming.aclose()
        await other.aclose()
        return told

    told = asyncio.run(asyncio.wait_for(listen(), 10))
    assert told == [None, b"berlin:live.events"]
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
    for path in ADDRESSES:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
        assert "`manage.py live`" in answer.json()["error"]["message"]
        assert client.post(path).json()["error"]["code"] == "method_not_allowed"


def test_the_web_says_what_is_missing_for_events(client: Client, settings: Any) -> None:
    settings.REDIS_URL = ""
    answer = client.get("/sse")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "add REDIS_URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_stream_answers_at_all_its_addresses(path: str) -> None:
    async def scene(hub: Hub, radio: Radio) -> None:
        await Call(hub, path).opened()

    play(scene)
