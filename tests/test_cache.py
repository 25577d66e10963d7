"""Answers that are kept: their keys, what makes them old, and the memory of a process without Redis."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from markets.instruments import create
from markets.models import Alias, Generation, Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.redis import cache_stats, generations, memory_cache, response_cache
from markets.redis.response_cache import Question
from markets.store.publish import publish
from signals import engine, rules
from tests.processes import until
from tests.test_api_rates import JAN_2, JAN_3, JANUARY, gold_of, mids
from tests.test_engine import wave

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

USD = {"code": "USD", **JANUARY}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of what was computed, in order."""
    keys: list[str] = []
    answer = response_cache.answer

    def watched(question: Question, compute: Callable[[], bytes], number: int | None = None) -> memory_cache.Cached:
        def noted() -> bytes:
            keys.append(question.key)
            return compute()

        return answer(question, noted, number)

    monkeypatch.setattr(response_cache, "answer", watched)
    return keys


@pytest.fixture
def dollar(nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9432")], nbp, job)


def mid(client: Client, **asked: str) -> str:
    response = client.get("/rates", USD | asked)
    assert response.status_code == 200, response.content
    return str(response.json()["items"][-1]["mid"])


def test_the_same_question_is_computed_once(client: Client, dollar: None, computed: list[str]) -> None:
    answers = [client.get("/rates", USD) for _ in range(3)]
    assert computed == ["cache:rates:USD:2024-01-01:2024-01-31"]
    assert len({answer.content for answer in answers}) == 1
    assert len({(*answer.headers.items(),) for answer in map(without_id, answers)}) == 1


def without_id(response: Any) -> Any:
    del response.headers["X-Request-ID"]
    return response


def test_a_known_question_costs_one_small_query(client: Client, dollar: None, django_assert_num_queries: Any) -> None:
    client.get("/rates", USD)
    with django_assert_num_queries(1) as queries:
        client.get("/rates", USD)
    assert "markets_generation" in queries[0]["sql"]


@pytest.mark.parametrize(
    ("path", "asked", "key"),
    [
        ("/rates", USD, "cache:rates:USD:2024-01-01:2024-01-31"),
        ("/rates", {"code": "USD"}, "cache:rates:USD:2026-07-26:2026-10-26"),
        ("/rates", {"code": "usd/pln", "limit": "100", "offset": "0"}, "cache:rates:USD:2026-07-26:2026-10-26"),
        ("/gold", JANUARY, "cache:gold:2024-01-01:2024-01-31"),
        ("/signals", {"code": "USD", "limit": "1"}, "cache:signals:USD:1"),
        ("/signals", {}, "cache:signals:*:100"),
        ("/currencies", {}, "cache:currencies:100"),
    ],
)
def test_the_key_names_the_code_the_days_and_the_limit(
    client: Client, dollar: None, computed: list[str], at: Callable[[str], None], path: str, asked: Any, key: str
) -> None:
    at("2026-10-26 12:00")
    assert client.get(path, asked).status_code == 200
    assert computed == [key]


def test_whatever_else_is_asked_stands_in_the_key_as_a_hash(client: Client, dollar: None, computed: list[str]) -> None:
    for rest in ({"table": "A"}, {"limit": "5"}, {"offset": "1"}, {"source": "nbp"}, {"source": "NBP"}):
        client.get("/rates", USD | rest)
    base = "cache:rates:USD:2024-01-01:2024-01-31"
    assert all(key.startswith(f"{base}:") and len(key) == len(base) + 17 for key in computed)
    assert len(computed) == len(set(computed)) == 4, "nbp and NBP are one question"


def test_new_and_corrected_figures_are_answered_at_once(client: Client, nbp: Source, job: Job, dollar: None) -> None:
    assert mid(client) == "3.9432"
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert mid(client) == "3.9909"
    publish([mids(JAN_3, USD="3.9910")], nbp, job)
    assert mid(client) == "3.9910"


def test_a_change_makes_only_the_answers_about_its_own_instrument_old(
    client: Client, nbp: Source, job: Job, dollar: None, computed: list[str]
) -> None:
    paths = ["/rates?code=USD&to=2024-01-31", "/gold?to=2024-01-31", "/signals?code=XAU", "/currencies"]
    publish([gold_of(JAN_2, "262.18")], nbp, job)
    for path in paths * 2:
        client.get(path)
    assert len(computed) == 4
    computed.clear()
    publish([gold_of(JAN_3, "262.10")], nbp, job)
    assert [item["price"] for item in client.get(paths[1]).json()["items"]] == ["262.18", "262.10"]
    for path in paths:
        client.get(path)
    assert [key.split(":")[1] for key in computed] == ["gold", "signals", "currencies"]


def test_new_decisions_are_answered_at_once(client: Client, nbp: Source, job: Job) -> None:
    usd = create.find_or_create({"USD"}, "currency")[0]["USD"]
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(260)], nbp, job)
    assert [client.get(path).json()["count"] for path in ("/signals?code=USD", "/signals")] == [0, 0]
    assert status_of(client, "USD") == "pending"
    written = engine.decide(usd)
    assert [client.get(path).json()["count"] for path in ("/signals?code=USD", "/signals")] == [written, written]
    assert status_of(client, "USD") == "ok"


def status_of(client: Client, code: str) -> str:
    [state] = [item for item in client.get("/signals/current?limit=1000").json()["items"] if item["code"] == code]
    return str(state["status"])


def test_a_new_instrument_is_listed_at_once(client: Client, nbp: Source) -> None:
    before = client.get("/currencies").json()["count"]
    create.find_or_create({"ZZZ"}, "currency")
    assert client.get("/currencies").json()["count"] == before + 1


def test_a_name_that_changes_without_a_figure_is_shown_at_once(client: Client, nbp: Source, job: Job) -> None:
    def save(name: str) -> int:
        return publish([Table("A", JAN_2, [RateRecord("THB", mid=Decimal("0.1146"), name=name)])], nbp, job).written

    def shown() -> str:
        items = client.get("/currencies").json()["items"]
        return str(next(item["name_pl"] for item in items if item["code"] == "THB"))

    save("bat (Tajlandia)")
    assert shown() == "bat (Tajlandia)"
    assert save("bat") == 0
    assert shown() == "bat"


def test_what_another_process_wrote_is_seen_by_its_number(client: Client, dollar: None, computed: list[str]) -> None:
    client.get("/rates", USD)
    Generation.objects.filter(instrument__code="USD").update(number=F("number") + 1)
    client.get("/rates", USD)
    assert len(computed) == 2


def test_a_save_that_changes_nothing_leaves_the_answers_alone(
    client: Client, nbp: Source, job: Job, dollar: None, computed: list[str]
) -> None:
    client.get("/rates", USD)
    publish([mids(JAN_2, USD="3.9432")], nbp, job)
    client.get("/rates", USD)
    assert len(computed) == 1


def test_a_table_published_again_under_another_number_is_answered_with_it(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    client.get("/rates", USD)
    line = RateRecord("USD", mid=Decimal("3.9432"))
    publish([Table("A", JAN_2, [line], number="2a/A/NBP/2024", sha256="other")], nbp, job)
    assert client.get("/rates", USD).json()["items"][0]["table_no"] == "2a/A/NBP/2024"


def test_figures_of_a_source_that_is_switched_off_go_at_once(client: Client, nbp: Source, dollar: None) -> None:
    assert mid(client) == "3.9432"
    nbp.public_display = nbp.public_api = False
    nbp.save()
    assert client.get("/rates", USD).json() == {"items": [], "count": 0}
    assert client.get("/currencies").json()["items"][0]["value"] is None


def test_a_write_that_is_rolled_back_leaves_the_number_alone(dollar: None) -> None:
    usd = Instrument.objects.get(code="USD")
    before = Generation.objects.get(instrument=usd).number
    with pytest.raises(RuntimeError), transaction.atomic():
        generations.changed([usd.pk])
        raise RuntimeError("the writer dies")
    assert Generation.objects.get(instrument=usd).number == before


@pytest.mark.skipif(settings.SQLITE, reason="SQLite lets one writer in at a time")
def test_writers_of_the_same_instruments_wait_for_each_other_and_lose_no_count(transactional_db: None) -> None:
    instruments, _ = create.find_or_create({"AUD", "CHF", "EUR", "GBP", "USD"}, "currency")
    ids = [row.pk for row in instruments.values()]
    before = Generation.objects.get(instrument=ids[0]).number

    def write(order: int) -> None:
        try:
            for turn in range(20):
                with transaction.atomic():
                    generations.changed(ids[turn % 3 :: order] + ids[: turn % 4 + 1])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(write, order) for order in (1, -1, 1, -1)]:
            done.result(60)
    assert Generation.objects.get(instrument=ids[0]).number == before + 80


def test_an_alias_may_mean_another_instrument_from_one_moment_to_the_next(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    publish([mids(JAN_2, EUR="4.3434")], nbp, job)
    alias = Alias.objects.create(name="GREENBACK", instrument=Instrument.objects.get(code="USD"))
    assert mid(client, code="greenback") == mid(client, code="greenback") == "3.9432"
    alias.instrument = Instrument.objects.get(code="EUR")
    alias.save()
    assert mid(client, code="greenback") == "4.3434"


def put(memory: memory_cache.Memory, *keys: str, size: int = 800) -> None:
    for key in keys:
        memory.put(f"cache:gold:{key}", memory_cache.Cached.of(b"1", key[:1].encode() * size))


def held(memory: memory_cache.Memory, *keys: str) -> list[str]:
    return [key for key in keys if memory.get(f"cache:gold:{key}", b"1")]


def test_of_a_kind_what_was_not_asked_for_longest_goes() -> None:
    memory = memory_cache.Memory(limit=8 * 3 * 1400)
    put(memory, "a", "b", "c")
    assert held(memory, "a"), "asked for all the time"
    put(memory, "d")
    assert held(memory, "a", "b", "c", "d") == ["a", "c", "d"]
    assert memory.shelves["gold"].size == 3 * (800 + memory_cache.ROW_BYTES)
    put(memory, "e", size=100_000)
    assert held(memory, "a", "c", "d", "e") == ["a", "c", "d"], "one that is too large drives nobody out"


def test_one_kind_of_answer_drives_out_no_other() -> None:
    memory = memory_cache.Memory(limit=8 * 3 * 1400)
    memory.put("cache:signals:USD:100", memory_cache.Cached.of(b"1", b"{}"))
    put(memory, *map(str, range(100)))
    assert memory.get("cache:signals:USD:100", b"1")
    assert len(memory.shelves["gold"].rows) == 3


def test_a_million_empty_answers_take_no_more_than_their_share() -> None:
    memory = memory_cache.Memory(limit=8 * 10_000)
    put(memory, *map(str, range(1000)), size=1)
    assert len(memory.shelves["gold"].rows) * memory_cache.ROW_BYTES <= 10_000


@pytest.fixture
def sixty(nbp: Source, job: Job) -> None:
    """Sixty days of the dollar."""
    publish([mids(JAN_2 + timedelta(days=number), USD=f"3.{number:04}") for number in range(60)], nbp, job)


def test_equal_answers_under_different_words_are_computed_and_kept_once(
    client: Client, sixty: None, computed: list[str]
) -> None:
    days = {"from": "2024-01-01", "to": "2024-12-31"}
    bodies = {client.get("/rates", {"code": "USD"} | days | {"limit": limit}).content for limit in range(9976, 10_001)}
    assert (len(bodies), len(kept_answers("rates"))) == (1, 1)
    words = [
        "code=usd&from=2024-01-01&to=2024-12-31", "to=2024-12-31&from=2024-01-01&code=USD/PLN",
        "offset=0&limit=100&code=USD&to=2024-12-31&from=2024-01-01", "code=USD&from=2024-01-01&to=2024-12-31&limit=61",
        "code=%20Usd%20&from=2024-01-01&to=2024-12-31&limit=99",
    ]  # fmt: skip
    assert {client.get(f"/rates?{one}").content for one in words} == bodies
    assert len(kept_answers("rates")) == 2, "of a limit up to 100, and of one up to 10,000"


def kept_answers(kind: str) -> set[str]:
    return set(memory_cache.memory.shelves[kind].rows)


def test_a_page_that_is_full_is_of_its_own_limit_alone(client: Client, sixty: None) -> None:
    asked = {"code": "USD", "from": "2024-01-01", "to": "2024-12-31"}
    for _ in range(2):
        lengths = [
            len(client.get("/rates", asked | {"limit": limit}).json()["items"]) for limit in (10, 70, 59, 60, 61)
        ]
        assert lengths == [10, 60, 59, 60, 60]


def test_new_figures_of_a_page_that_was_not_full_are_answered_at_once(
    client: Client, sixty: None, nbp: Source, job: Job
) -> None:
    asked = {"code": "USD", "from": "2024-01-01", "to": "2024-12-31", "limit": "60"}
    assert len(client.get("/rates", asked | {"limit": "61"}).json()["items"]) == 60
    publish([mids(JAN_2 + timedelta(days=60), USD="4.0000")], nbp, job)
    told = client.get("/rates", asked).json()
    assert (len(told["items"]), told["count"]) == (60, 61)


def test_a_default_that_is_given_and_another_name_of_a_source_are_the_same_question(
    client: Client, sixty: None, computed: list[str]
) -> None:
    named = {"code": "USD", "from": "2024-01-01", "to": "2024-12-31"}
    Source.objects.filter(code="nbp").update(other_names=["bank"])
    for name in ("nbp", "NBP", "bank", "Bank"):
        assert client.get("/rates", named | {"source": name}).json()["count"] == 60
    assert len(set(computed)) == 1
    computed.clear()
    for rule in ({}, {"rule": "macd_cross"}, {"rule": "MACD_CROSS"}, {"rule": rules.primary().name}):
        client.get("/signals", {"code": "USD"} | rule)
        client.get("/signals/current", rule)
    assert len(set(computed)) == 4, "without a name the primary rule on days, with each of its names on candles as well"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/signals?rule=gossip", 404), ("/signals/current?rule=gossip", 404), ("/rates?code=USD&source=gossip", 404),
        ("/rates?code=USD&table=Z", 422), ("/gold?source=gossip", 404), ("/signals?signal=MAYBE", 422),
        ("/jobs?type=gossip", 404), ("/jobs?status=gossip", 422), ("/rates?code=gossip", 404),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_refused_and_kept_nowhere(client: Client, nbp: Source, path: str, status: int) -> None:
    assert client.get(path).status_code == status
    assert not any(shelf.rows for shelf in memory_cache.memory.shelves.values())


def test_the_memory_gives_nothing_for_longer_than_the_setting_says(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_CACHE_TTL = 7
    now = 1000.0
    monkeypatch.setattr("markets.redis.memory_cache.time", SimpleNamespace(monotonic=lambda: now))
    memory_cache.memory.put("key", memory_cache.Cached.of(b"1", b"body"))
    now = 1007.0
    assert memory_cache.memory.get("key", b"1")
    now = 1007.1
    assert memory_cache.memory.get("key", b"1") is None


def test_of_many_threads_that_ask_at_once_one_computes() -> None:
    question = response_cache.Question.of("gold", "XAU", "at once")
    started, go, computed = threading.Event(), threading.Event(), []

    def compute() -> bytes:
        computed.append(1)
        started.set()
        assert go.wait(10)
        return b"[]"

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(response_cache.answer, question, compute, 1)
        assert started.wait(10)
        others = [threads.submit(response_cache.answer, question, compute, 1) for _ in range(7)]
        until(lambda: all(other.running() for other in others))
        go.set()
        answers = {first.result(10), *(other.result(10) for other in others)}
    assert len(computed) == 1
    assert {answer.body for answer in answers} == {b"[]"}


def test_who_waits_too_long_computes_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "PATIENCE_SECONDS", 0.01)
    question = response_cache.Question.of("gold", "XAU", "too long")
    lock = response_cache.stripes[hash(question.key) % response_cache.STRIPES]
    with lock:
        assert response_cache.answer(question, lambda: b"[]", 1).body == b"[]"
    assert not lock.locked()


def test_figures_that_change_while_an_answer_is_computed_do_not_leave_old_bytes_behind(dollar: None) -> None:
    usd = Instrument.objects.get(code="USD")
    question = response_cache.Question.of("rates", "USD", "race")

    def overtaken() -> bytes:
        generations.changed([usd.pk])
        return b"old"

    assert response_cache.answer(question, overtaken).body == b"old"
    assert response_cache.look(question) is None
    assert response_cache.answer(question, lambda: b"new").body == b"new"
    kept = response_cache.look(question)
    assert kept
    assert kept.body == b"new"


def test_the_log_says_once_a_minute_how_many_answers_came_from_the_cache(
    client: Client, dollar: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_stats, "counts", cache_stats.CacheStats())
    cache_stats.ANSWERS.clear()
    now = cache_stats.counts.due - 60
    monkeypatch.setattr("markets.redis.cache_stats.time", SimpleNamespace(monotonic=lambda: now))
    caplog.set_level("INFO", "markets.redis.cache_stats")
    for _ in range(3):
        client.get("/rates", USD)
    assert not caplog.messages
    now += 61
    client.get("/rates", USD)
    client.get("/rates", USD)
    assert caplog.messages == ["cache: 3 of 4 answers from the cache (75 %)"]
    now += 61
    client.get("/rates", USD)
    assert caplog.messages[1:] == ["cache: 2 of 2 answers from the cache (100 %)"]
    totals = {result: cache_stats.ANSWERS.labels("rates", result)._value.get() for result in ("hit", "miss")}
    assert totals == {"hit": 5, "miss": 1}
