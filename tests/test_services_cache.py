"""Answers in a Redis of the test's own: many threads at once, a Redis that stops, hangs, is slow or full."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from markets.models import Job, Source
from markets.redis import client as redis_client
from markets.redis import generations, response_cache
from markets.store.publish import publish
from tests.processes import until
from tests.servers import Redis, redis_server
from tests.test_api_rates import JAN_2, JAN_3, JANUARY, fill, mids
from tests.test_cache_redis import KEY, STAMP, USD, mid


def use(server: Redis, settings: Any, outgoing: set[tuple[str, int]]) -> None:
    outgoing.add(("127.0.0.1", server.port))
    settings.REDIS_URL = server.url
    options = {"SOCKET_CONNECT_TIMEOUT": 0.25, "SOCKET_TIMEOUT": 0.25}
    backend = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url, "OPTIONS": options}
    settings.CACHES = {"default": backend}
    redis_client.forget()


@pytest.fixture
def server(settings: Any, outgoing: set[tuple[str, int]]) -> Iterator[Redis]:
    with redis_server() as there:
        use(there, settings, outgoing)
        yield there
        settings.REDIS_URL = ""


@pytest.fixture
def dollar(transactional_db: None, server: Redis, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9432")], nbp, job)


@pytest.mark.services
def test_redis_cli_finds_the_keys_as_they_are_documented(client: Client, dollar: None, server: Redis) -> None:
    client.get("/rates", USD)
    client.get("/rates", USD | {"table": "A"})
    client.get("/gold", JANUARY)
    client.get("/signals", {"code": "usd", "limit": "5"})
    keys = server.cli("--scan").split()
    # Five are asked for and there is none: the page is not full, and the same as that of a hundred.
    plain = {KEY, "cache:gold:2024-01-01:2024-01-31", "cache:signals:USD:100"}
    assert plain <= set(keys)
    written = {f"cache:written:{kind}" for kind in ("rates", "gold", "signals")}
    [hashed] = set(keys) - plain - written - {STAMP, "cache:generation:XAU"}
    assert hashed.startswith(f"{KEY}:")
    assert "3.9432" in server.cli("--no-raw", "get", KEY)
    assert 0 < int(server.cli("ttl", KEY)) <= 300
    assert server.cli("info", "commandstats").find("cmdstat_keys") == -1


@pytest.mark.services
def test_of_many_threads_on_one_redis_one_computes(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "PATIENCE_SECONDS", 30.0)
    question = response_cache.Question.of("rates", "USD", "at-once")
    started, go = threading.Event(), threading.Event()
    computed: list[int] = []
    waiting: set[int] = set()
    claim = response_cache.claim

    def watched(asked: response_cache.Question) -> Any:
        claimed = claim(asked)
        if claimed and not claimed[2]:
            waiting.add(threading.get_ident())
        return claimed

    def compute() -> bytes:
        computed.append(1)
        started.set()
        assert go.wait(10)
        return b"the answer"

    monkeypatch.setattr(response_cache, "claim", watched)
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(response_cache.answer, question, compute)]
        assert started.wait(10)
        answers += [threads.submit(response_cache.answer, question, compute) for _ in range(7)]
        until(lambda: len(waiting) == 7)
        go.set()
        bodies = [answer.result(10).body for answer in answers]
    assert (bodies, len(computed)) == ([b"the answer"] * 8, 1)
    assert set(server.cli("--scan").split()) == {question.key, STAMP, "cache:written:rates"}


@pytest.mark.services
def test_writers_and_readers_at_once_never_leave_old_bytes(server: Redis) -> None:
    """Each thread writes a number and then asks: what it gets is never older than what it wrote."""
    question = response_cache.Question.of("rates", "USD", "racing")
    truth, lock, stale = [0], threading.Lock(), []

    def compute() -> bytes:
        return str(truth[0]).encode()

    def work() -> None:
        for _ in range(100):
            with lock:
                truth[0] += 1
                written = truth[0]
            generations.remove_stamps(["USD"])
            if int(response_cache.answer(question, compute).body) < written:
                stale.append(written)

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(work) for _ in range(6)]:
            done.result(60)
    assert not stale
    assert int(response_cache.answer(question, compute).body) == truth[0] == 600


@pytest.mark.services
def test_a_redis_that_stops_and_comes_back_is_one_warning_and_no_wrong_answer(
    client: Client, dollar: None, server: Redis, nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    assert mid(client) == "3.9432"
    server.stop()
    assert [mid(client) for _ in range(5)] == ["3.9432"] * 5
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert [mid(client) for _ in range(5)] == ["3.9909"] * 5
    assert sum("cannot be used" in record.message for record in caplog.records) == 1
    server.start()
    monkeypatch.setattr(redis_client.connection, "cooling_until", 0.0)
    assert mid(client) == "3.9909"
    assert server.cli("exists", KEY) == "1"


@pytest.mark.services
def test_a_redis_that_hangs_holds_one_question_up_and_no_more(
    client: Client, dollar: None, server: Redis, nbp: Source, job: Job
) -> None:
    assert mid(client) == "3.9432"
    server.freeze()
    assert took(lambda: mid(client)) < 1.5
    assert took(lambda: [mid(client) for _ in range(20)]) < 1.5
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert mid(client) == "3.9909"


@pytest.mark.services
def test_a_slow_redis_gives_right_answers(client: Client, dollar: None, server: Redis) -> None:
    assert mid(client) == "3.9432"
    server.cli("client", "pause", "500")
    assert [mid(client) for _ in range(5)] == ["3.9432"] * 5


def took(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


@pytest.mark.services
def test_a_full_redis_takes_no_answers_and_forgets_old_ones_all_the_same(
    client: Client, dollar: None, server: Redis, nbp: Source, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    assert mid(client) == "3.9432"
    server.cli("config", "set", "maxmemory", "1")
    assert "OOM" in server.cli("set", "more", "1")
    assert mid(client) == "3.9432", "reading goes on"
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert server.cli("exists", STAMP) == "0"
    assert [mid(client) for _ in range(5)] == ["3.9909"] * 5
    assert sum("Redis refuses" in record.message for record in caplog.records) == 1
    assert not any("cannot be used" in record.message for record in caplog.records)
    server.cli("config", "set", "maxmemory", "0")
    assert mid(client) == "3.9909"
    assert server.cli("exists", KEY) == "1", "and when there is room it is used again"


@pytest.mark.services
def test_a_long_answer_comes_out_as_it_went_in(client: Client, dollar: None, server: Redis, nbp: Source) -> None:
    fill("EUR", nbp, [JAN_2.replace(year=year) for year in range(1990, 2024)])
    whole = {"code": "EUR", "from": "1990-01-01", "to": "2024-12-31"}
    first, second = client.get("/rates", whole), client.get("/rates", whole)
    assert first.content == second.content
    assert first.json()["count"] == 34
