"""Limits towards callers: what counts for whom, where it is counted, and how a refusal looks."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakeredis
import psycopg
import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from pytest_django import DjangoDbBlocker

from charon.api import limits
from charon.api.addresses import API, NAMES
from charon.api.client_address import address_of, client_address
from charon.api.limited import kind_of
from charon.api.limits import KEPT, MAX_CALLERS, Counts, Kind, check
from markets import api_tokens, clock
from markets.models import ApiToken, CallerCount, Source
from markets.redis import client as redis_client
from markets.store import caller_counts, retention
from tests.databases import file_database, needs_postgres, needs_sqlite
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
PRIVATE = ("10.0.0.0/8", "2001:db8:ff::/48")


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], without_redis: None) -> None:
    at("2026-10-26 12:00:20")
    limits.counts.forget()


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch, settings: Any) -> fakeredis.FakeRedis:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.REDIS_PREFIX = "house:"
    server = fakeredis.FakeRedis()
    monkeypatch.setattr(redis_client, "get_redis_connection", lambda _alias: server)
    return server


def left(response: Any) -> str:
    return str(response.headers["RateLimit"])


# How much


def test_a_caller_is_refused_until_the_minute_is_over(
    client: Client, at: Callable[[str], None], settings: Any, nbp: Source
) -> None:
    settings.LIMIT_READS = 3
    answers = [client.get("/jobs") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [left(answer) for answer in answers] == [f'"reads";r={count};t=40' for count in (2, 1, 0, 0)]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"reads";q=3;w=60'}
    told = error(answers[3], 429)
    assert (told["code"], told["detail"]) == ("too_many_requests", {"limit": "reads", "quota": 3})
    assert answers[3].headers["Retry-After"] == "40"
    assert client.get("/jobs", REMOTE_ADDR="192.0.2.9").status_code == 200, "another address has its own"
    at("2026-10-26 12:01:00")
    assert client.get("/jobs").status_code == 200


def test_an_answer_that_was_kept_counts_a_tenth(client: Client, settings: Any, nbp: Source) -> None:
    settings.LIMIT_READS = 2
    first = client.get("/currencies")
    answers = [client.get("/currencies") for _ in range(10)]
    assert [answer.status_code for answer in [first, *answers]] == [200] * 11
    assert client.get("/currencies").status_code == 429


def test_an_answer_that_the_client_has_counts_a_tenth(client: Client, settings: Any, nbp: Source) -> None:
    settings.LIMIT_READS = 2
    tag = client.get("/jobs").headers["ETag"]
    again = [client.get("/jobs", headers={"If-None-Match": tag}).status_code for _ in range(11)]
    assert again == [304] * 10 + [429]


def test_people_are_told_calmly(client: Client, settings: Any, nbp: Source) -> None:
    settings.LIMIT_READS = 1
    assert client.get("/status/").status_code == 200
    page = client.get("/status/")
    assert (page.status_code, page.headers["Retry-After"], page.headers["Cache-Control"]) == (429, "40", "no-store")
    assert "odczekaj chwilę i spróbuj ponownie" in page.content.decode()
    assert page.headers["X-Request-ID"] in page.content.decode()


@pytest.mark.parametrize("path", ["/health", "/health/", "/api/health", "/api/v1/health", "/health?strict=1"])
def test_health_is_never_limited(client: Client, settings: Any, nbp: Source, path: str) -> None:
    settings.LIMIT_READS = settings.LIMIT_WRITES = settings.LIMIT_HEAVY = 1
    for _ in range(3):
        answer = client.get(path)
        assert answer.status_code in {200, 503}
        assert "RateLimit" not in answer.headers


@pytest.mark.parametrize("name", sorted(NAMES - {"health"}))
def test_every_other_address_has_a_limit_at_each_spelling(client: Client, settings: Any, name: str) -> None:
    settings.LIMIT_READS = 1
    client.get(f"/{name}")
    for path in (f"/{name}", f"/api/{name}/", f"{API}{name}"):
        error(client.get(path), 429)


def test_nothing_is_limited_or_counted_when_a_limit_is_0(client: Client, settings: Any, nbp: Source) -> None:
    answer = client.get("/signals?limit=10000")
    assert "RateLimit" not in answer.headers
    assert not limits.counts.page
    assert not CallerCount.objects.exists()
    assert check("192.0.2.1", "", Kind.HEAVY) is None


# Which kind

HEAVY = [
    "/signals?limit=10000&offset=5", "/signals?limit=1001", "/rates?code=USD&offset=1001",
    "/rates?code=USD&from=2000-01-01&to=2026-01-01", "/rates?code=USD,EUR&from=2025-01-01&to=2026-01-01&limit=1001",
    "/rates?code=USD&from=2022-01-01&to=2025-01-01&limit=1001", "/rates?code=USD&from=2025-01-01&limit=10000",
    "/candles?symbol=USD&from=2025-01-01&to=2026-01-01&limit=1001",
]  # fmt: skip
LIGHT = [
    "/signals?limit=1000&offset=1000", "/rates?code=USD&from=2025-01-01&to=2026-01-01", "/jobs?limit=abc",
    "/rates?code=USD&from=2000-01-01", "/rates?code=USD&from=x&to=y",
    "/rates?code=USD&from=2025-01-01&to=2025-12-31&limit=10000", "/gold?from=2025-01-01&to=2025-12-31&limit=10000",
]  # fmt: skip


@pytest.mark.parametrize("path", HEAVY)
def test_heavy_questions_have_a_limit_of_their_own(client: Client, settings: Any, nbp: Source, path: str) -> None:
    settings.LIMIT_HEAVY = 1
    first = client.get(path)
    assert first.headers["RateLimit"] == '"heavy";r=0;t=40'
    assert first.headers["RateLimit-Policy"] == '"heavy";q=1;w=60'
    assert error(client.get(f"{path}&table=A"), 429)["detail"] == {"limit": "heavy", "quota": 1}


@pytest.mark.parametrize("path", LIGHT)
def test_other_questions_are_reads(client: Client, settings: Any, nbp: Source, path: str) -> None:
    settings.LIMIT_HEAVY, settings.LIMIT_READS = 1, 100
    assert client.get(path).headers["RateLimit"].startswith('"reads"')


def test_writes_have_a_limit_of_their_own(client: Client, settings: Any) -> None:
    settings.LIMIT_WRITES = 2
    answers = [client.post("/assets", "{}", content_type="application/json") for _ in range(2)]
    answers.append(client.delete("/assets/BTC"))
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert client.post(LOGIN).status_code == 429, "a form counts like the API"
    assert client.get("/jobs").status_code == 200


# Who


def test_a_token_has_a_count_of_its_own_wherever_it_comes_from(client: Client, settings: Any, nbp: Source) -> None:
    settings.LIMIT_READS, settings.API_TOKEN = 1, "of-the-environment"
    _, token = api_tokens.create("a program", ["read"])
    for name in (token, "of-the-environment"):
        headers = {"Authorization": f"Bearer {name}"}
        codes = [client.get("/jobs", headers=headers, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in (1, 2)]
        assert codes == [200, 429]
    assert client.get("/jobs", REMOTE_ADDR="192.0.2.1").status_code == 200
    assert not any(token in caller for caller in limits.counts.page)


def test_who_guesses_tokens_is_counted_by_address(client: Client, settings: Any) -> None:
    settings.LIMIT_READS = 1
    codes = [client.get("/jobs", headers={"Authorization": f"Bearer {guess}"}).status_code for guess in range(2)]
    assert codes == [401, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.1.1.1", "198.51.100.7", "198.51.100.7"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.1.1.1", "203.0.113.9, 198.51.100.7, 10.2.2.2", "198.51.100.7"),
        ("10.1.1.1", "10.3.3.3,10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.7, nonsense", "10.1.1.1"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        ("2001:db8:ff::1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::"),
        ("fe80::1%eth0", "", "fe80::"),
        ("", "198.51.100.7", "unknown"),
    ],
)
def test_the_right_most_address_that_is_no_trusted_proxy_counts(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, PRIVATE) == client


def test_a_proxy_on_this_machine_is_believed_and_a_strangers_header_is_not(
    client: Client, settings: Any, nbp: Source
) -> None:
    settings.LIMIT_READS = 1

    def code(peer: str, forwarded: str) -> int:
        return client.get("/jobs", REMOTE_ADDR=peer, headers={"X-Forwarded-For": forwarded}).status_code

    assert [code("127.0.0.1", f"192.0.2.{number}") for number in (1, 2, 2)] == [200, 200, 429]
    assert [code("198.51.100.7", f"192.0.2.{number}") for number in (3, 4)] == [200, 429]


# Where it is counted


def test_without_redis_writes_are_counted_in_rows_that_the_next_window_deletes(
    at: Callable[[str], None], settings: Any
) -> None:
    settings.LIMIT_WRITES = settings.LIMIT_HEAVY = 2
    verdicts = [check("192.0.2.1", "", Kind.WRITES) for _ in range(3)]
    assert [verdict and (verdict.allowed, verdict.left) for verdict in verdicts] == [(True, 1), (True, 0), (False, 0)]
    check("192.0.2.2", "", Kind.HEAVY)
    assert dict(CallerCount.objects.values_list("caller", "count")) == {"writes:192.0.2.1": 30, "heavy:192.0.2.2": 10}
    at("2026-10-26 12:01:00")
    check("192.0.2.2", "", Kind.HEAVY)
    assert list(CallerCount.objects.values_list("caller", "count")) == [("heavy:192.0.2.2", 10)]
    assert not limits.counts.page


def test_with_redis_they_are_counted_there_and_expire(redis: fakeredis.FakeRedis, settings: Any) -> None:
    settings.LIMIT_WRITES = 1
    assert [bool((one := check("192.0.2.1", "", Kind.WRITES)) and one.allowed) for _ in range(2)] == [True, False]
    key: Any
    (key,) = redis.keys()
    assert key.startswith(b"house:limit:writes:192.0.2.1:")
    assert 60 < redis.ttl(key) <= 120
    assert not CallerCount.objects.exists()


def test_a_redis_that_is_away_hands_the_count_to_the_database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_alias: str) -> None:
        raise ConnectionRefusedError

    settings.REDIS_URL, settings.LIMIT_WRITES = "redis://127.0.0.1:1/0", 1
    monkeypatch.setattr(redis_client, "get_redis_connection", gone)
    check("192.0.2.1", "", Kind.WRITES)
    assert CallerCount.objects.get().count == 10


def test_a_database_that_takes_no_count_costs_no_answer_and_the_process_counts(
    client: Client, settings: Any, nbp: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked() -> None:
        raise OperationalError("database is locked")

    settings.LIMIT_HEAVY = 1
    monkeypatch.setattr(caller_counts, "brief_write", locked)
    assert [client.get(f"/jobs?limit={limit}").status_code for limit in (1001, 1002)] == [200, 429]
    assert "this process counts alone: OperationalError" in caplog.text


@pytest.mark.slow
@needs_sqlite
def test_a_file_that_another_has_locked_costs_no_answer(
    client: Client, settings: Any, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    settings.LIMIT_HEAVY = 1
    with file_database(tmp_path / "locked.sqlite3", django_db_blocker) as path, sqlite3.connect(path) as holder:
        _, token = api_tokens.create("a program", ["read"])
        holder.execute("BEGIN IMMEDIATE")
        headers = {"Authorization": f"Bearer {token}"}
        assert [client.get(f"/jobs?limit={limit}", headers=headers).status_code for limit in (1001, 1002)] == [200, 429]
        holder.rollback()
        assert not CallerCount.objects.exists()
        assert ApiToken.objects.get().last_used_at is None
        assert client.get("/jobs", headers=headers).status_code == 200
        assert ApiToken.objects.get().last_used_at


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_has_locked_costs_no_answer() -> None:
    assert caller_counts.add("heavy:192.0.2.1", 60, 10) == 10
    with psycopg.connect(**connection.get_connection_params()) as holder:
        holder.execute("SELECT * FROM markets_callercount FOR UPDATE")
        assert caller_counts.add("heavy:192.0.2.1", 60, 10) is None
        holder.rollback()
        assert caller_counts.add("heavy:192.0.2.1", 60, 10) == 20


def test_reads_touch_neither_redis_nor_the_database(settings: Any, django_assert_num_queries: Any) -> None:
    settings.LIMIT_READS = 5
    with django_assert_num_queries(0):
        assert check("192.0.2.1", "", Kind.READS, KEPT)


def test_a_process_counts_a_bounded_number_of_callers_and_forgets_them_with_the_window() -> None:
    counts = Counts()
    for number in range(MAX_CALLERS + 10):
        counts.add(str(number), 60, 1)
    assert len(counts.page) == MAX_CALLERS
    assert (counts.add("0", 60, 1), counts.add("beyond", 60, 1), counts.add("beyond", 60, 1)) == (2, 1, 1)
    assert (counts.add("0", 120, 1), len(counts.page)) == (1, 1)


def test_a_question_that_waited_over_the_turn_of_a_window_leaves_the_counts_of_others() -> None:
    counts = Counts()
    counts.add("others", 120, 600)
    counts.add("late", 60, 1)
    assert counts.add("others", 120, 1) == 601
    assert counts.add("others", 3600, 1) == 1
    assert counts.add("others", 120, 1) == 1, "a clock that was set back begins a window"


# Logins


@pytest.fixture
def ten(settings: Any) -> None:
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 10


def log_in(client: Client, password: str = "wrong", **extra: Any) -> Any:
    return client.post(LOGIN, {"username": "operator", "password": password}, **extra)


@pytest.mark.slow
def test_ten_failed_logins_lock_the_address_for_a_quarter_of_an_hour(client: Client, ten: None, settings: Any) -> None:
    User.objects.create_superuser("operator", password="right")
    codes = [log_in(client, headers={"User-Agent": f"browser {number}"}).status_code for number in range(10)]
    assert codes == [200] * 9 + [429]
    page = log_in(client, "right")
    assert (page.status_code, page.headers["Retry-After"]) == (429, "900")
    assert "odczekaj chwilę" in page.content.decode()
    assert log_in(Client(), "right", REMOTE_ADDR="192.0.2.8").status_code == 302, "the account is not locked"
    for row in AccessAttempt.objects.all():
        AccessAttempt.objects.filter(pk=row.pk).update(
            attempt_time=row.attempt_time - settings.AXES_COOLOFF_TIME * 1.01
        )
    assert log_in(client, "right").status_code == 302


def test_a_login_counts_for_the_address_behind_the_proxy(client: Client, ten: None) -> None:
    for _ in range(10):
        log_in(client, headers={"X-Forwarded-For": "2001:db8:1:2::7"})
    assert log_in(client, headers={"X-Forwarded-For": "2001:db8:1:2::8"}).status_code == 429
    assert log_in(client, headers={"X-Forwarded-For": "2001:db8:1:3::8"}).status_code == 200
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"2001:db8:1:2::", "2001:db8:1:3::"}


def test_addresses_are_forgotten_by_the_nightly_task(
    client: Client, ten: None, settings: Any, at: Callable[[str], None]
) -> None:
    settings.LIMIT_WRITES = 10
    log_in(client)
    AccessAttempt.objects.update(attempt_time=clock.now())
    assert (CallerCount.objects.count(), AccessAttempt.objects.count()) == (1, 1)
    retention.prune_callers()
    assert (CallerCount.objects.count(), AccessAttempt.objects.count()) == (1, 1)
    at("2026-10-27 13:00")
    retention.prune(30)
    assert (CallerCount.objects.count(), AccessAttempt.objects.count()) == (0, 0)


def test_nothing_of_who_failed_is_kept_or_logged_but_the_address(
    client: Client, ten: None, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {"username": "my-password", "password": "hunter2", "next": "/?token=s3cret"}
    client.post(LOGIN, secrets, headers={"X-Request-ID": "a-known-id"}, REMOTE_ADDR="192.0.2.7")
    stored = str(AccessAttempt.objects.values().get())
    assert "192.0.2.7" in stored
    lines = [row.getMessage() for row in caplog.records if row.name == "charon.logins"]
    assert lines == ["A login from 192.0.2.7 failed at /admin/login/"]
    for secret in secrets.values():
        assert secret not in stored + caplog.text


def test_a_long_list_of_proxies_is_not_remembered(rf: RequestFactory) -> None:
    """Only its end is: what stands before it any client can write, as long as it likes."""
    client_address.cache_clear()
    for number in range(3):
        request = rf.get("/", headers={"X-Forwarded-For": f"{number}{'y' * 60_000}, 192.0.2.7"})
        assert address_of(request) == "192.0.2.7"
    assert client_address.cache_info().currsize == 1


def test_the_chart_of_the_whole_history_is_a_heavy_question(rf: RequestFactory) -> None:
    kinds = {name: kind_of(rf.get("/waluty/USD/", {"zakres": name})) for name in ("1R", "Max")}
    assert kinds == {"1R": Kind.READS, "Max": Kind.HEAVY}
