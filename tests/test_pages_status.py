"""The page of what works, /health beside it, and what went through Redis."""

import html
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import fakeredis
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags
from django_q.tasks import async_task

from charon.processes import queue_heartbeat
from markets.models import Job, Publication, Source
from markets.records import RateRecord, Table
from markets.redis import client as redis_client
from markets.redis import pubsub
from markets.redis.pubsub import Entry
from markets.store.publish import publish
from tests.own_redis import imitated

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
SECRET = "BrokenPipeError in /srv/inside"


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")


@pytest.fixture
def redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    with imitated(settings, monkeypatch) as client:
        yield client


@pytest.fixture
def logged(redis: fakeredis.FakeRedis) -> None:
    pubsub.note(
        *[Entry("publish", "rates.ingested", "market-data", "type=currency asset=USD", 91)] * 3,
        Entry("cache_read", "cache:rates:USD:2020-01-01:2020-12-31", "dashboard", "hit", 12_000),
        Entry("error", "nbp.A", "market-data", SECRET, 30),
        Entry("signal", "signals.updated", "ta-service", "asset=USD signal=BUY", 121),
    )


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def page(client: Client) -> str:
    response = client.get("/status/")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(strip_tags(response.content.decode().replace("<", " <"))))


def end(source: Source, status: str, minutes: int, **more: Any) -> None:
    moment = NOON - timedelta(minutes=minutes)
    Job.objects.create(
        job_type=f"{source.code}.A", source=source, status=status, started_at=moment, finished_at=moment, **more
    )


def test_the_database_is_told_of_with_its_newest_table(client: Client, nbp: Source, job: Job) -> None:
    assert "Baza danych działa nie ma jeszcze żadnej tabeli A" in page(client)
    publish([Table("A", NOON.date(), [RateRecord("USD", mid=Decimal("3.9432"))])], nbp, job)
    assert "Baza danych działa najnowsza tabela A z 20.11.2026" in page(client)


def test_redis_is_off_connected_or_away_since_when(
    client: Client, nbp: Source, settings: Any, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    settings.REDIS_URL = ""
    assert "Redis wyłączony wszystko działa bez niego" in page(client)
    assert client.get("/health").json()["redis"] == "off"
    with imitated(settings, monkeypatch) as server:
        assert "Redis połączony" in page(client)
        assert client.get("/health").json()["redis"] == "ok"

        def gone(_alias: str) -> None:
            raise ConnectionRefusedError

        with monkeypatch.context() as patch:
            patch.setattr(redis_client, "get_redis_connection", gone)
            assert client.get("/health").json()["redis"] == "unreachable"
            at("2026-11-20 12:07")
            shown = page(client)
        assert "Redis nieosiągalny od 20.11.2026, 12:00 wszystko działa bez niego" in shown
        assert "Dziennik wiadomości jest w Redis, a tego teraz nie ma." in shown
        assert server.ping()
        redis_client.connection.cooling_until = 0
        assert client.get("/health").json() == client.get("/health").json() | {"status": "ok", "redis": "ok"}


def test_health_keeps_what_it_told_before(client: Client, nbp: Source) -> None:
    told = client.get("/health").json()
    assert set(told) == {"status", "version", "database", "redis", "newest_table_a", "sources", "problems"}
    assert {"code", "enabled", "last_success_at"} < set(told["sources"][0])


def test_a_queue_is_known_by_its_beat_and_by_what_waits(client: Client, nbp: Source, settings: Any) -> None:
    settings.MINER_QUEUE, settings.BRAIN_QUEUE = "miner", "brain"
    assert "Kolejka pobierania na tej maszynie nie mierzona nic nie czeka" in page(client)
    queue_heartbeat.sign("miner")
    queue_heartbeat.sign("brain")
    for queue, age in (("miner", 30), ("brain", 600)):
        moment = NOON.timestamp() - age
        os.utime(queue_heartbeat.path(queue), (moment, moment))
    try:
        async_task("a.b", cluster="miner")
        async_task("a.b", cluster="miner")
        shown = page(client)
    finally:
        queue_heartbeat.path("miner").unlink()
        queue_heartbeat.path("brain").unlink()
    assert "Kolejka pobierania działa czeka: 2 zadania" in shown
    assert "Kolejka sygnałów nie bierze zadań od 20.11.2026, 11:50 nic nie czeka" in shown


def test_on_one_machine_there_is_one_queue(client: Client, nbp: Source, settings: Any) -> None:
    settings.MINER_QUEUE = settings.BRAIN_QUEUE = "charon"
    assert page(client).count("Kolejka") == 1
    assert "Kolejka zadań na tej maszynie" in page(client)


def source_line(client: Client) -> str:
    found = re.search(
        r"Narodowy Bank Polski ((?:działa|nie|wył|wst|jeszcze).*?) (?:[A-ZŹ]\w+ |Zadania i)", page(client)
    )
    assert found
    return found[1]


def test_a_source_tells_its_last_answer_and_its_last_failure(client: Client, nbp: Source) -> None:
    assert source_line(client) == "jeszcze nie pytano – – 13:00"
    end(nbp, "success", 68)
    assert source_line(client) == "jeszcze nie pytano 20.11.2026, 10:52 (1 h temu) – 13:00"
    for table in ("A", "B", "C", "gold"):
        Publication.objects.create(source=nbp, table=table, effective_date=NOON.date(), fetched_at=NOON)
    assert source_line(client) == "działa 20.11.2026, 10:52 (1 h temu) – 13:00"
    end(nbp, "failed", 8, error=SECRET, reason="unreachable")
    assert source_line(client).startswith("nie odpowiada 20.11.2026, 10:52")
    assert "20.11.2026, 11:52" in source_line(client)
    assert SECRET not in page(client)
    end(nbp, "skipped", 2, requests=1)
    assert source_line(client).startswith("działa 20.11.2026, 11:58")


def test_a_source_that_nobody_asks_is_no_failure(client: Client, nbp: Source) -> None:
    end(nbp, "failed", 8)
    Source.objects.filter(pk=nbp.pk).update(paused_until=NOON + timedelta(hours=1))
    assert source_line(client).startswith("wstrzymane do 20.11.2026, 13:00")
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert source_line(client).startswith("wyłączone")


def test_everybody_sees_counts_and_nobody_else_sees_words(client: Client, nbp: Source, logged: None) -> None:
    shown = page(client)
    assert "Z ostatnich 6 wpisów dziennika; najnowszy: 20.11.2026, 12:00" in shown
    assert "wiadomość rates.ingested 3" in shown
    assert "błąd nbp.A 1" in shown
    assert "sygnał signals.updated 1" in shown
    assert "odczyt pamięci podręcznej cache:rates 1" in shown
    for inside in (SECRET, "asset=USD", "2020-12-31", "Ostatnie wpisy", "12 000"):
        assert inside not in shown


def test_channels_of_one_family_are_one_line_when_they_are_many(client: Client, nbp: Source, redis: Any) -> None:
    codes = ["BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD", "ADAUSD"]
    for step in ("5m", "1h"):
        pubsub.note(Entry("publish", f"market:update:{step}", "market-data", "", 1))
    pubsub.note(*[Entry("publish", f"asset:update:{code}", "market-data", "", 1) for code in codes])
    assert "wiadomość asset:update:SOLUSD 1" in page(client)
    codes = ["LTCUSD", "BTCUSD"]
    pubsub.note(*[Entry("publish", f"asset:update:{code}", "market-data", "", 1) for code in codes])
    shown = page(client)
    assert "wiadomość asset:update:* 7" in shown
    assert "asset:update:SOLUSD" not in shown
    assert "wiadomość market:update:5m 1" in shown
    assert "wiadomość market:update:1h 1" in shown


def test_an_account_that_is_not_staff_sees_what_everybody_sees(client: Client, nbp: Source, logged: None) -> None:
    client.force_login(User.objects.create_user("visitor"))
    assert SECRET not in page(client)


def test_operators_read_the_newest_lines(staff: Client, nbp: Source, logged: None) -> None:
    shown = page(staff).split("Ostatnie wpisy")[1]
    assert "20.11.2026, 12:00:00 sygnał signals.updated ta-service asset=USD signal=BUY 121" in shown
    assert f"✕ błąd nbp.A market-data {SECRET} 30" in shown
    pubsub.note(*[Entry("publish", "x", "market-data", "many", 1)] * 60)
    assert page(staff).count(" many ") == 50


def test_what_stands_in_a_line_is_shown_and_not_obeyed(staff: Client, nbp: Source, redis: Any) -> None:
    pubsub.note_error("<b>x</b>", "market-data", "<script>alert(1)</script>")
    content = staff.get("/status/").content.decode()
    assert "<script>alert" not in content
    assert "<b>x" not in content
    assert "&lt;script&gt;alert(1)" in content


def test_an_empty_log_says_that_nothing_was_told_yet(client: Client, nbp: Source, redis: Any) -> None:
    assert "Dziennik jest pusty" in page(client)


def test_without_sources_the_page_says_so(client: Client, db: None) -> None:
    assert "Nie ma jeszcze żadnego źródła" in page(client)


def test_htmx_gets_the_region_alone_and_a_browser_the_page(client: Client, nbp: Source) -> None:
    whole = client.get("/status/").content.decode()
    region = client.get("/status/", headers={"HX-Request": "true"}).content.decode()
    assert region.startswith('<div id="stan" hx-get="/status/"')
    assert region.strip() in whole
    assert "<html" not in region
    assert 'data-every="60"' in region


def test_an_unchanged_page_costs_no_bytes_and_stays_with_its_reader(client: Client, nbp: Source, logged: None) -> None:
    first = client.get("/status/")
    assert set(first.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert "Cookie" in first.headers["Vary"]
    again = client.get("/status/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.force_login(User.objects.create_superuser("operator"))
    assert client.get("/status/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_page_takes_at_most_eight_queries_and_is_only_read(staff: Client, nbp: Source, logged: None) -> None:
    for minute in range(20):
        end(nbp, "failed", minute)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(staff)
    assert len(queries) <= 8 + 2  # two for who is signed in
    assert staff.post("/status/").status_code == 405


def test_the_menu_leads_there(client: Client, nbp: Source) -> None:
    assert '<a href="/status/" aria-current="page">Status</a>' in client.get("/status/").content.decode()
    assert '<a href="/status/">Status</a>' in client.get("/").content.decode()
