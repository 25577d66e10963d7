"""Answers in a Redis of this process's memory: their keys, one round trip, and rubbish under a key."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fakeredis
import msgspec
import pytest
from django.db import transaction
from django.test import Client

from charon.api.message_log import activity, read
from markets.models import Instrument, Job, Source
from markets.redis import cache_stats, generations, market_keys, memory_cache, pubsub, response_cache
from markets.redis import client as redis_client
from markets.store.publish import publish
from tests.market import price
from tests.processes import environment, manage, until
from tests.test_api_rates import JAN_2, JAN_3, JANUARY, gold_of, mids

USD = {"code": "USD", **JANUARY}
KEY = "cache:rates:USD:2024-01-01:2024-01-31"
STAMP = "cache:generation:USD"
WRITTEN = b"cache:written:rates"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    """What Charon reaches under REDIS_URL; nothing that listens anywhere."""
    settings.REDIS_URL = "redis://redis:6379/0"
    with fakeredis.FakeRedis(server=fakeredis.FakeServer()) as client:
        monkeypatch.setattr(redis_client, "get_redis_connection", lambda _: client)
        yield client


@pytest.fixture
def committed(transactional_db: None, fake: Any, nbp: Source, job: Job) -> None:
    """The dollar of one day; what is written from here on is committed, and Redis hears of it."""
    publish([mids(JAN_2, USD="3.9432")], nbp, job)


def mid(client: Client, **asked: str) -> str:
    response = client.get("/rates", USD | asked)
    assert response.status_code == 200, response.content
    return str(response.json()["items"][-1]["mid"])


def stamps(fake: Any) -> set[bytes]:
    return {key for key in fake.scan_iter() if key.startswith(b"cache:generation:")}


def test_an_answer_stands_under_its_plain_key_for_the_time_of_the_setting(
    client: Client, committed: None, fake: Any, settings: Any
) -> None:
    settings.REDIS_CACHE_TTL = 77
    response = client.get("/rates", USD)
    kept = set(fake.keys()) - {pubsub.LOG.encode(), WRITTEN}  # a line a minute, whenever the minute is over
    assert kept == {KEY.encode(), STAMP.encode()}, "no lock stays behind"
    kept = msgspec.msgpack.decode(fake.get(KEY), type=memory_cache.Cached)
    assert (kept.body, kept.stamp) == (response.content, fake.get(STAMP))
    assert response.headers["ETag"] == f'"{kept.etag}"'
    assert 0 < fake.ttl(KEY) <= 77


def test_a_prefix_stands_before_every_key(client: Client, committed: None, fake: Any, settings: Any) -> None:
    settings.REDIS_PREFIX = "second:"
    client.get("/rates", USD)
    assert set(fake.keys()) == {b"second:" + key for key in (KEY.encode(), STAMP.encode(), WRITTEN)}


def test_a_known_question_costs_one_command_and_no_query(
    client: Client, committed: None, fake: Any, django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first = client.get("/rates", USD)
    commands: list[str] = []
    execute = fake.execute_command

    def watched(name: str, *words: Any, **options: Any) -> Any:
        commands.append(name)
        return execute(name, *words, **options)

    monkeypatch.setattr(fake, "execute_command", watched)
    with django_assert_num_queries(0):
        again = client.get("/rates", USD)
    assert again.content == first.content
    assert commands == ["MGET"]


def test_new_figures_are_answered_after_the_commit_and_others_stay(
    client: Client, committed: None, fake: Any, nbp: Source, job: Job
) -> None:
    publish([mids(JAN_2, EUR="4.3434")], nbp, job)
    for path in ("/rates?code=USD", "/rates?code=EUR", "/gold", "/signals", "/currencies", "/signals/current"):
        assert client.get(path).status_code == 200
    assert stamps(fake) == {b"cache:generation:" + scope for scope in (b"USD", b"EUR", b"XAU", b"*")}
    assert mid(client) == "3.9432"
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert stamps(fake) == {b"cache:generation:" + scope for scope in (b"EUR", b"XAU")}
    assert mid(client) == "3.9909"
    assert client.get("/currencies").json()["items"][1]["value"] == "3.9909"


def test_a_stamp_is_removed_after_the_commit_and_not_before(client: Client, committed: None, fake: Any) -> None:
    """A reader between the two would draw a new one and keep the old figures under it."""
    mid(client)
    with transaction.atomic():
        generations.changed([Instrument.objects.get(code="USD").pk])
        assert fake.exists(STAMP)
    assert not fake.exists(STAMP)


def test_gold_is_invalidated_too(client: Client, committed: None, nbp: Source, job: Job) -> None:
    publish([gold_of(JAN_2, "262.18")], nbp, job)
    assert client.get("/gold", JANUARY).json()["count"] == 1
    publish([gold_of(JAN_3, "262.10")], nbp, job)
    assert client.get("/gold", JANUARY).json()["count"] == 2


def test_a_source_that_is_switched_off_is_not_answered_from_redis(client: Client, committed: None, nbp: Source) -> None:
    assert mid(client) == "3.9432"
    nbp.public_display = nbp.public_api = False
    nbp.save()
    assert client.get("/rates", USD).json() == {"items": [], "count": 0}


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"rubbish", b"\xff\xfe\xfd", msgspec.msgpack.encode(["one"]), msgspec.msgpack.encode({"stamp": 1}),
     msgspec.msgpack.encode([1, 2, 3, 4]), msgspec.msgpack.encode([b"x", "tag", b"stolen", b""]),
     b"\x95\xc4\x01x\xa1t\xc4\x00\xc4\x00" + b"\x91" * 200_000],
)  # fmt: skip
def test_rubbish_under_a_key_is_a_miss_and_overwritten(
    client: Client, committed: None, fake: Any, rubbish: bytes
) -> None:
    right = client.get("/rates", USD).content
    fake.set(KEY, rubbish)
    assert client.get("/rates", USD).content == right
    assert msgspec.msgpack.decode(fake.get(KEY), type=memory_cache.Cached).body == right


def test_an_answer_that_was_cut_short_is_a_miss(client: Client, committed: None, fake: Any) -> None:
    right = client.get("/rates", USD).content
    fake.set(KEY, fake.get(KEY)[:-9])
    assert client.get("/rates", USD).content == right


def test_things_of_another_kind_under_our_keys_are_no_fault(client: Client, committed: None, fake: Any) -> None:
    for key in (KEY, STAMP):
        fake.delete(key)
        fake.rpush(key, "a", "list")
        assert [mid(client), mid(client)] == ["3.9432"] * 2
    assert fake.type(KEY) == b"string", "overwritten"


def test_figures_that_change_while_an_answer_is_computed_do_not_leave_old_bytes_behind(
    committed: None, fake: Any
) -> None:
    usd = Instrument.objects.get(code="USD")
    question = response_cache.Question.of("rates", "USD", "race")

    def overtaken() -> bytes:
        generations.changed([usd.pk])
        return b"old"

    assert response_cache.answer(question, overtaken).body == b"old"
    assert response_cache.look(question) is None
    assert response_cache.answer(question, lambda: b"new").body == b"new"
    assert response_cache.answer(question, lambda: b"never asked").body == b"new"


@pytest.mark.slow
def test_a_change_that_redis_did_not_hear_of_is_answered_when_the_old_answer_runs_out(
    client: Client, committed: None, fake: Any, nbp: Source, job: Job, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.REDIS_CACHE_TTL = 2
    assert mid(client) == "3.9432"
    monkeypatch.setattr(generations, "remove_stamps", lambda _: None)
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert mid(client) == "3.9432"
    until(lambda: mid(client) == "3.9909")


def test_an_answer_that_fails_leaves_no_lock(fake: Any) -> None:
    question = response_cache.Question.of("rates", "USD", "fails")

    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        response_cache.answer(question, fail)
    assert fake.keys() == [STAMP.encode()]


def test_who_waits_for_one_that_died_computes_after_a_while(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "PATIENCE_SECONDS", 0.02)
    question = response_cache.Question.of("rates", "USD", "dead")
    fake.set(f"{question.key}:lock", 1)
    assert response_cache.answer(question, lambda: b"mine").body == b"mine"
    assert response_cache.answer(question, lambda: b"never asked").body == b"mine"


def test_equal_pages_under_many_limits_are_one_key(client: Client, committed: None, fake: Any) -> None:
    bodies = {client.get("/rates", USD | {"limit": limit}).content for limit in range(9976, 10_001)}
    assert (len(bodies), len(fake.keys("cache:rates:*"))) == (1, 1)
    client.get("/rates", USD | {"limit": "57"})
    assert len(fake.keys("cache:rates:*")) == 2
    assert fake.exists(KEY), "that of the plain question"


@pytest.mark.slow
def test_a_kind_that_has_written_its_share_is_computed_and_others_are_kept(
    client: Client, committed: None, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "REDIS_BYTES", 12_000)
    answers = [client.get("/rates", USD | {"offset": offset}) for offset in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    kept = fake.keys("cache:rates:*")
    assert 0 < sum(fake.strlen(key) + memory_cache.ROW_BYTES for key in kept) <= 12_000 / 2
    assert 0 < fake.ttl(WRITTEN) <= 300
    assert client.get("/rates", USD | {"offset": "19"}).content == answers[19].content
    assert not fake.keys("*:lock")
    client.get("/currencies")
    assert fake.keys("cache:currencies:*")


def test_the_message_log_gets_one_line_of_writes_a_minute_and_samples_of_reads(
    client: Client, committed: None, fake: Any, nbp: Source, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cache_stats, "counts", cache_stats.CacheStats())
    now = cache_stats.counts.due - 60
    monkeypatch.setattr("markets.redis.cache_stats.time", SimpleNamespace(monotonic=lambda: now))
    client.get("/rates", USD)
    client.get("/rates", USD | {"table": "A"})
    client.get("/rates", USD)
    assert lines(fake, "cache_write") == lines(fake, "cache_read") == []
    now += 61
    client.get("/rates", USD)
    [line] = lines(fake, "cache_write")
    size = sum(fake.strlen(key) for key in fake.keys("cache:rates:*"))
    assert (line["source"], line["channel"]) == ("dashboard", "cache")
    assert (line["summary"], line["payload_size"]) == (f"answers=2 bytes={size}", str(size))
    settings.REDIS_LOG_READS = 1.0
    body = client.get("/rates", USD).content
    [line] = lines(fake, "cache_read")
    assert (line["source"], line["channel"], line["summary"]) == ("dashboard", KEY, "hit")
    assert line["payload_size"] == str(len(body))


def test_with_keys_each_write_stands_in_the_message_log_with_its_lifetime(
    client: Client, committed: None, fake: Any, settings: Any
) -> None:
    settings.MESSAGE_LOG_DETAIL, settings.REDIS_CACHE_TTL, settings.MARKET_PRICE_TTL = "keys", 77, 60
    client.get("/rates", USD)
    client.get("/rates", USD)
    market_keys.keep_prices([("BTCUSDT", price("67321.50")), ("ETHUSDT", price("1900"))])
    told = [(line["source"], line["channel"], line["summary"]) for line in lines(fake, "cache_write")]
    assert told == [
        ("dashboard", KEY, "ttl=77"),
        ("market-data", "market:price:BTCUSDT", "ttl=60"),
        ("market-data", "market:price:ETHUSDT", "ttl=60"),
    ]
    assert [line["payload_size"] for line in lines(fake, "cache_write")] == [
        str(fake.strlen(line["channel"])) for line in lines(fake, "cache_write")
    ]
    assert lines(fake, "cache_read") == []
    counts = {(kind, place): number for kind, place, number in activity(read(100) or []).counts}
    assert counts[("cache_write", "market:price")] == 2, "whoever is no operator sees no key"


def test_with_reads_each_read_stands_there_too(client: Client, committed: None, fake: Any, settings: Any) -> None:
    settings.MESSAGE_LOG_DETAIL = "reads"
    for _ in range(3):
        client.get("/rates", USD)
    told = [(line["channel"], line["summary"]) for line in lines(fake, "cache_read")]
    assert told == [(KEY, "miss"), (KEY, "hit"), (KEY, "hit")]
    assert len(lines(fake, "cache_write")) == 1


def test_by_default_the_keys_of_a_poll_have_one_line(committed: None, fake: Any) -> None:
    market_keys.keep_prices([("BTCUSDT", price("67321.50")), ("ETHUSDT", price("1900"))])
    assert [line["channel"] for line in lines(fake, "cache_write")] == ["market:price:*"]


@pytest.mark.processes
def test_another_detail_than_these_is_refused_at_the_start_in_one_line(tmp_path: Path) -> None:
    said = manage("check", env=environment(tmp_path) | {"MESSAGE_LOG_DETAIL": "everything"})
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert all(word in said.stderr for word in ("MESSAGE_LOG_DETAIL", "cycles", "keys", "reads"))


def lines(fake: Any, kind: str) -> list[dict[str, str]]:
    rows = [{name.decode(): value.decode() for name, value in row.items()} for _, row in fake.xrange(pubsub.LOG)]
    return [row for row in rows if row["type"] == kind]
