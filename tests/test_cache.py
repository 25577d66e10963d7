"""Answers that are kept: their headers, what makes them old, and the memory of a process without Redis."""

import gzip
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.test import Client

from charon import ready
from markets import cache, catalogue, store, tally
from markets.models import Alias, Generation, Instrument, Job, Source
from markets.records import Figure, Table
from signals import brain, rules
from tests.processes import until
from tests.test_api_rates import JAN_2, JAN_3, JANUARY, fill, gold_of, mids
from tests.test_brain import wave

pytestmark = pytest.mark.django_db

USD = {"code": "USD", **JANUARY}


@pytest.fixture(autouse=True)
def without_redis(settings: Any) -> None:
    settings.REDIS_URL = ""


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of what was computed, in order."""
    keys: list[str] = []
    answer = cache.answer

    def watched(question: cache.Question, compute: Callable[[], bytes], number: int | None = None) -> cache.Kept:
        def noted() -> bytes:
            keys.append(question.key)
            return compute()

        return answer(question, noted, number)

    monkeypatch.setattr(cache, "answer", watched)
    return keys


@pytest.fixture
def dollar(nbp: Source, job: Job) -> None:
    store.save([mids(JAN_2, USD="3.9432")], nbp, job)


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
    store.save([mids(JAN_3, USD="3.9909")], nbp, job)
    assert mid(client) == "3.9909"
    store.save([mids(JAN_3, USD="3.9910")], nbp, job)
    assert mid(client) == "3.9910"


def test_a_change_makes_only_the_answers_about_its_own_instrument_old(
    client: Client, nbp: Source, job: Job, dollar: None, computed: list[str]
) -> None:
    paths = ["/rates?code=USD&to=2024-01-31", "/gold?to=2024-01-31", "/signals?code=XAU", "/currencies"]
    store.save([gold_of(JAN_2, "262.18")], nbp, job)
    for path in paths * 2:
        client.get(path)
    assert len(computed) == 4
    computed.clear()
    store.save([gold_of(JAN_3, "262.10")], nbp, job)
    assert [item["price"] for item in client.get(paths[1]).json()["items"]] == ["262.18", "262.10"]
    for path in paths:
        client.get(path)
    assert [key.split(":")[1] for key in computed] == ["gold", "signals", "currencies"]


def test_new_decisions_are_answered_at_once(client: Client, nbp: Source, job: Job) -> None:
    usd = catalogue.find_or_create({"USD"}, "currency")[0]["USD"]
    store.save([Table("A", day, [Figure("USD", mid=value)]) for day, value in wave(260)], nbp, job)
    assert [client.get(path).json()["count"] for path in ("/signals?code=USD", "/signals")] == [0, 0]
    assert status_of(client, "USD") == "pending"
    written = brain.decide(usd, rules.macd_cross())
    assert [client.get(path).json()["count"] for path in ("/signals?code=USD", "/signals")] == [written, written]
    assert status_of(client, "USD") == "ok"


def status_of(client: Client, code: str) -> str:
    [state] = [item for item in client.get("/signals/current?limit=1000").json()["items"] if item["code"] == code]
    return str(state["status"])


def test_a_new_instrument_is_listed_at_once(client: Client, nbp: Source) -> None:
    before = client.get("/currencies").json()["count"]
    catalogue.find_or_create({"ZZZ"}, "currency")
    assert client.get("/currencies").json()["count"] == before + 1


def test_a_name_that_changes_without_a_figure_is_shown_at_once(client: Client, nbp: Source, job: Job) -> None:
    def save(name: str) -> int:
        return store.save([Table("A", JAN_2, [Figure("THB", mid=Decimal("0.1146"), name=name)])], nbp, job).written

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
    store.save([mids(JAN_2, USD="3.9432")], nbp, job)
    client.get("/rates", USD)
    assert len(computed) == 1


def test_a_table_published_again_under_another_number_is_answered_with_it(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    client.get("/rates", USD)
    line = Figure("USD", mid=Decimal("3.9432"))
    store.save([Table("A", JAN_2, [line], number="2a/A/NBP/2024", sha256="other")], nbp, job)
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
        cache.changed([usd.pk])
        raise RuntimeError("the writer dies")
    assert Generation.objects.get(instrument=usd).number == before


@pytest.mark.skipif(settings.SQLITE, reason="SQLite lets one writer in at a time")
def test_writers_of_the_same_instruments_wait_for_each_other_and_lose_no_count(transactional_db: None) -> None:
    instruments, _ = catalogue.find_or_create({"AUD", "CHF", "EUR", "GBP", "USD"}, "currency")
    ids = [row.pk for row in instruments.values()]
    before = Generation.objects.get(instrument=ids[0]).number

    def write(order: int) -> None:
        try:
            for turn in range(20):
                with transaction.atomic():
                    cache.changed(ids[turn % 3 :: order] + ids[: turn % 4 + 1])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(write, order) for order in (1, -1, 1, -1)]:
            done.result(60)
    assert Generation.objects.get(instrument=ids[0]).number == before + 80


def test_an_alias_may_mean_another_instrument_from_one_moment_to_the_next(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    store.save([mids(JAN_2, EUR="4.3434")], nbp, job)
    alias = Alias.objects.create(name="GREENBACK", instrument=Instrument.objects.get(code="USD"))
    assert mid(client, code="greenback") == mid(client, code="greenback") == "3.9432"
    alias.instrument = Instrument.objects.get(code="EUR")
    alias.save()
    assert mid(client, code="greenback") == "4.3434"


def test_today_moves_on_and_the_same_words_mean_another_period(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    fill("USD", nbp, [date(2026, 10, 26), date(2026, 10, 27)])
    at("2026-10-26 23:59")
    assert client.get("/rates?code=USD").json()["count"] == 1
    assert client.get("/rates?code=USD").json()["count"] == 1
    at("2026-10-27 00:00")
    assert client.get("/rates?code=USD").json()["count"] == 2


def test_a_question_of_last_midnight_is_not_taken_for_one_of_today(
    client: Client, nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked before midnight, understood before midnight, remembered after it."""
    fill("USD", nbp, [date(2026, 10, 26), date(2026, 10, 27)])
    at("2026-10-26 23:59")
    answer = cache.answer

    def slow(*words: Any) -> cache.Kept:
        at("2026-10-27 00:00")
        return answer(*words)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "answer", slow)
        client.get("/rates?code=USD")
    assert client.get("/rates?code=USD").json()["count"] == 2


def test_a_straggler_of_yesterday_does_not_write_into_the_new_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads at midnight: what one puts down meanwhile for its own day is not asked for on the other's."""
    asked, question = ready.Asked(), cache.Question.of("rates", "USD", "2024-01-02")

    class Overtaken(int):
        """Between the look at the day and the note, another thread begins the new day."""

        def __ge__(self, other: int) -> bool:
            monkeypatch.undo()
            asked.remember(("/gold", ""), question, JAN_3)
            return super().__ge__(other)

    monkeypatch.setattr(ready, "LONGEST", Overtaken(300))
    asked.remember(("/rates", "code=USD"), question, JAN_2)
    assert asked.find(("/gold", ""), JAN_3)
    assert asked.find(("/rates", "code=USD"), JAN_3) is None


def test_a_tag_that_is_known_is_answered_with_304_and_no_body(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    first = client.get("/rates", USD)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        for _ in range(2):
            again = client.get("/rates", USD, headers={"if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == tag
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
            assert again.headers["Vary"] == "Accept-Encoding"
    store.save([mids(JAN_3, USD="3.9909")], nbp, job)
    changed = client.get("/rates", USD, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["count"]) == (200, 2)
    assert changed.headers["ETag"] != tag


def test_a_body_that_somebody_else_changed_first_is_412_in_the_envelope(client: Client, dollar: None) -> None:
    for _ in range(2):
        refused = client.get("/rates", USD, headers={"if-match": '"other"'})
        assert (refused.status_code, refused.json()["error"]["code"]) == (412, "error")
        assert refused.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/rates?code=USD", "/gold", "/signals", "/signals/current", "/currencies"])
def test_answers_may_be_kept_for_a_minute_and_stale_ones_shown_for_a_day_when_we_cannot_be_reached(
    client: Client, dollar: None, path: str
) -> None:
    for _ in range(2):
        response = client.get(path)
        assert response.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["Content-Length"] == str(len(response.content))
        assert "Content-Language" not in response.headers


def test_head_tells_the_same_without_the_body(client: Client, dollar: None) -> None:
    full = client.get("/rates", USD)
    for _ in range(2):
        head = client.head("/rates", USD)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["ETag"] == full.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(full.content))


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [("gzip", True), ("gzip, deflate, br", True), ("br;q=1, gzip;q=0.5", True), ("gzip;q=0", False),
     ("gzip; q=0.0, identity", False), ("br", False), ("", False)],
)  # fmt: skip
def test_a_long_answer_is_packed_for_whoever_takes_gzip(
    client: Client, nbp: Source, accepts: str, packed: bool
) -> None:
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 32)])
    plain = client.get("/rates", USD)
    for _ in range(2):
        answer = client.get("/rates", USD, headers={"accept-encoding": accepts})
        assert answer.headers.get("Content-Encoding", "") == ("gzip" if packed else "")
        assert (gzip.decompress(answer.content) if packed else answer.content) == plain.content
        assert (len(answer.content) < len(plain.content) / 5) == packed
        assert (answer.headers["ETag"] == plain.headers["ETag"]) == (not packed)
        tag = {"accept-encoding": accepts, "if-none-match": answer.headers["ETag"]}
        assert client.get("/rates", USD, headers=tag).status_code == 304


def test_a_proxy_that_takes_its_own_ending_off_a_tag_leaves_ours_alone(client: Client, nbp: Source) -> None:
    """Caddy and Apache end the tags of what they pack in -gzip, and Caddy cuts that off again on the way in."""
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 32)])
    packed = {"accept-encoding": "gzip"}
    answer = client.get("/rates", USD, headers=packed)
    assert answer.headers["Content-Encoding"] == "gzip"
    known = answer.headers["ETag"].replace('-gzip"', '"')
    assert client.get("/rates", USD, headers=packed | {"if-none-match": known}).status_code == 304


def test_a_short_answer_is_sent_as_it_is(client: Client, dollar: None) -> None:
    answer = client.get("/rates", USD, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.json()["count"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [("/rates?code=USB", 404), ("/rates?code=USD&from=x", 422), ("/gold?from=2024-02-01&to=2024-01-01", 400),
     ("/rates?code=USD&source=nobody", 404), ("/signals?code=USB", 404)],
)  # fmt: skip
def test_errors_are_kept_by_nobody(client: Client, dollar: None, path: str, status: int) -> None:
    for _ in range(2):
        response = client.get(path)
        assert response.status_code == status
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
    assert not cache.memory.rows
    assert not ready.asked.page[1]


def test_an_unknown_code_is_found_as_soon_as_there_is_one(client: Client, nbp: Source, job: Job) -> None:
    assert client.get("/rates", {"code": "USD"}).status_code == 404
    store.save([mids(JAN_2, USD="3.9432")], nbp, job)
    assert mid(client) == "3.9432"


@pytest.mark.parametrize("fault", [OperationalError("gone"), InterfaceError("connection already closed")])
def test_a_database_that_is_away_is_503_for_a_known_question_too(
    client: Client, dollar: None, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    client.get("/rates", USD)

    def down(*_: Any) -> Any:
        raise fault

    monkeypatch.setattr(cache, "number_of", down)
    monkeypatch.setattr("markets.answers.series.find_currency", down)
    response = client.get("/rates", USD)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")


def test_a_strangers_host_is_refused_for_a_known_question_too(client: Client, dollar: None) -> None:
    client.get("/rates", USD)
    refused = client.get("/rates", USD, headers={"host": "evil.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")


def test_other_methods_are_refused_for_a_known_question_too(client: Client, dollar: None) -> None:
    path = "/rates?code=USD&from=2024-01-01"
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


def test_endless_words_and_endlessly_many_words_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "MOST", 10)
    question = cache.Question.of("gold", "XAU")
    for number in range(25):
        ready.asked.remember(("/gold", f"limit={number}"), question, JAN_2)
    ready.asked.remember(("/gold", "x" * 301), question, JAN_2)
    assert 0 < len(ready.asked.page[1]) <= 10
    assert ready.asked.find(("/gold", "limit=24"), JAN_2) is question
    assert ready.asked.find(("/gold", "limit=24"), JAN_3) is None
    assert ready.asked.find(("/gold", "x" * 301), JAN_2) is None


def test_the_memory_forgets_what_was_not_asked_for_longest_and_stays_small() -> None:
    memory = cache.Memory(limit=2500)
    for key in "abc":
        memory.put(key, cache.Kept.of(b"1", key.encode() * 800))
        assert memory.get("a", b"1"), "asked for all the time"
    memory.put("d", cache.Kept.of(b"1", b"d" * 800))
    assert (memory.get("b", b"1"), memory.size) == (None, 2400)
    assert [key for key in "acd" if memory.get(key, b"1")] == ["a", "c", "d"]
    memory.put("e", cache.Kept.of(b"1", bytes(range(256)) * 12))
    assert (memory.get("e", b"1"), memory.size) == (None, 2400), "one that is too large drives nobody out"


def test_the_memory_gives_nothing_for_longer_than_the_setting_says(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_CACHE_TTL = 7
    now = 1000.0
    monkeypatch.setattr("markets.cache.time", SimpleNamespace(monotonic=lambda: now))
    cache.memory.put("key", cache.Kept.of(b"1", b"body"))
    now = 1007.0
    assert cache.memory.get("key", b"1")
    now = 1007.1
    assert cache.memory.get("key", b"1") is None


def test_of_many_threads_that_ask_at_once_one_computes() -> None:
    question = cache.Question.of("gold", "XAU", "at once")
    started, go, computed = threading.Event(), threading.Event(), []

    def compute() -> bytes:
        computed.append(1)
        started.set()
        assert go.wait(10)
        return b"[]"

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(cache.answer, question, compute, 1)
        assert started.wait(10)
        others = [threads.submit(cache.answer, question, compute, 1) for _ in range(7)]
        until(lambda: all(other.running() for other in others))
        go.set()
        answers = {first.result(10), *(other.result(10) for other in others)}
    assert len(computed) == 1
    assert {answer.body for answer in answers} == {b"[]"}


def test_who_waits_too_long_computes_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "PATIENCE_SECONDS", 0.01)
    question = cache.Question.of("gold", "XAU", "too long")
    lock = cache.stripes[hash(question.key) % cache.STRIPES]
    with lock:
        assert cache.answer(question, lambda: b"[]", 1).body == b"[]"
    assert not lock.locked()


def test_figures_that_change_while_an_answer_is_computed_do_not_leave_old_bytes_behind(dollar: None) -> None:
    usd = Instrument.objects.get(code="USD")
    question = cache.Question.of("rates", "USD", "race")

    def overtaken() -> bytes:
        cache.changed([usd.pk])
        return b"old"

    assert cache.answer(question, overtaken).body == b"old"
    assert cache.look(question) is None
    assert cache.answer(question, lambda: b"new").body == b"new"
    kept = cache.look(question)
    assert kept
    assert kept.body == b"new"


def test_the_log_says_once_a_minute_how_many_answers_came_from_the_cache(
    client: Client, dollar: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "counts", tally.Tally())
    now = tally.counts.due - 60
    monkeypatch.setattr("markets.tally.time", SimpleNamespace(monotonic=lambda: now))
    caplog.set_level("INFO", "markets.tally")
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
    assert tally.totals() == {("rates", "hit"): 5, ("rates", "miss"): 1}


def test_the_count_of_a_list_is_the_whole_on_every_page(client: Client, nbp: Source) -> None:
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 11)])
    pages = {(3, 0): 3, (10, 0): 10, (11, 0): 10, (4, 8): 2, (4, 6): 4, (4, 10): 0, (4, 99): 0}
    for (limit, offset), length in pages.items():
        answer = json.loads(client.get("/rates", USD | {"limit": limit, "offset": offset}).content)
        assert (len(answer["items"]), answer["count"]) == (length, 10)
