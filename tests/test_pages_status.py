"""The page of what works, /health beside it, and what went through Redis."""

import html
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import fakeredis
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags
from django_q.models import Schedule
from django_q.tasks import async_task

from charon import status_metrics
from charon.backoffice import front
from charon.processes import queue_heartbeat
from markets import problems
from markets.models import Job, Publication, Source
from markets.redis import client as redis_client
from markets.redis import pubsub
from markets.redis.pubsub import Entry
from miner import source_states
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


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/status/{query}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(strip_tags(response.content.decode().replace("<", " <"))))


def end(source: Source, status: str, minutes: int, **more: Any) -> None:
    moment = NOON - timedelta(minutes=minutes)
    Job.objects.create(
        job_type=f"{source.code}.A", source=source, status=status, started_at=moment, finished_at=moment, **more
    )


def test_the_database_is_told_of_with_its_newest_table(client: Client, nbp: Source) -> None:
    assert "Baza danych działa nie ma jeszcze żadnej tabeli A" in page(client)
    table(nbp, "A")
    assert "Baza danych działa najnowsza tabela A z 20.11.2026" in page(client)


@pytest.mark.slow
def test_redis_is_off_connected_or_away_since_when(
    client: Client, nbp: Source, settings: Any, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    settings.REDIS_URL = ""
    assert "Redis wyłączony wszystko działa bez niego" in page(client)
    assert "Dziennik wiadomości działa tylko z Redisem, a ten jest wyłączony." in page(client)
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
        assert "Dziennik wiadomości działa tylko z Redisem, a ten jest nieosiągalny." in shown
        assert server.ping()
        redis_client.connection.cooling_until = 0
        assert client.get("/health").json() == client.get("/health").json() | {"status": "ok", "redis": "ok"}


def test_health_keeps_what_it_told_before(client: Client, nbp: Source) -> None:
    told = client.get("/health").json()
    assert set(told) == {"status", "version", "database", "redis", "newest_table_a", "sources", "problems"}
    assert {"code", "enabled", "last_success_at"} < set(told["sources"][0])


def test_a_queue_is_known_by_its_beat_and_by_what_waits(client: Client, nbp: Source, settings: Any) -> None:
    settings.MINER_QUEUE, settings.BRAIN_QUEUE = "miner", "brain"
    assert "Kolejka pobierania brak pomiaru na tej maszynie nic nie czeka" in page(client)
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
    assert "Kolejka zadań brak pomiaru na tej maszynie" in page(client)


def source_card(client: Client, code: str = "nbp") -> str:
    """The words of one source."""
    content = client.get("/status/").content.decode()
    found = content.split(f'id="zrodlo-{code}"')[1].split("</li>")[0]
    return re.sub(r"\s+", " ", html.unescape(strip_tags(found.replace("<", " <"))))


def table(source: Source, name: str, day: str = "2026-11-20", minutes: int = 0) -> None:
    at = NOON - timedelta(minutes=minutes)
    Publication.objects.create(source=source, table=name, effective_date=date.fromisoformat(day), fetched_at=at)


def test_a_source_tells_its_last_answer_and_its_last_failure(client: Client, nbp: Source) -> None:
    assert "jeszcze nie pytano Ostatnia publikacja brak danych Ostatnie pobranie – " in source_card(client)
    end(nbp, "success", 68)
    for name in ("A", "B", "C", "gold"):
        table(nbp, name)
    assert "działa Ostatnia publikacja tabela A, 20.11.2026" in source_card(client)
    assert "Ostatnie pobranie 20.11.2026, 10:52 Następna" in source_card(client)
    end(nbp, "failed", 8, error=SECRET, reason="unreachable")
    shown = source_card(client)
    assert "nie odpowiada" in shown
    assert "Ostatnie pobranie 20.11.2026, 10:52 Ostatnie niepowodzenie 20.11.2026, 11:52" in shown
    assert "Następna próba 20.11.2026, 12:05" in shown
    assert SECRET not in page(client)
    end(nbp, "skipped", 2, requests=1)
    assert "działa" in source_card(client)
    assert "Ostatnie pobranie 20.11.2026, 11:58" in source_card(client)


@pytest.mark.slow
def test_a_publication_tells_its_delay_and_the_next_its_hour(client: Client, nbp: Source) -> None:
    table(nbp, "A", minutes=8)
    table(nbp, "C", minutes=240)
    table(nbp, "B", "2026-11-18")
    shown = source_card(client)
    assert "tabela A, 20.11.2026 Opóźnienie od publikacji 7 min" in shown
    assert "Następna publikacja złoto, 20.11.2026" in shown
    table(nbp, "gold")
    assert "Następna publikacja tabela C, 23.11.2026, 07:45" in source_card(client)
    assert '<time datetime="2026-11-23T06:45:00Z" data-rel>' in client.get("/status/").content.decode()
    Publication.objects.filter(table="A").update(effective_date=date(2026, 11, 19))
    shown = source_card(client)
    assert "Następna publikacja tabela A, lada chwila, najpóźniej 20.11.2026, 12:45" in shown
    Publication.objects.exclude(table="A").delete()
    assert "tabela A, 19.11.2026 Opóźnienie od publikacji 24 h" in source_card(client)
    Publication.objects.update(effective_date=date(2026, 11, 5))
    assert "tabela A, 05.11.2026 Ostatnie pobranie" in source_card(client)


def test_ninety_days_are_drawn_and_said(client: Client, nbp: Source) -> None:
    """A run that the system broke off, one that goes on and a day without any job count for nothing."""
    assert "90 dni: brak zapisów z ostatnich 90 dni" in source_card(client)
    for day in range(3):
        for number in range(4):
            end(nbp, "failed" if day == 1 and number == 0 else "success", 60 * 24 * day + number, requests=2)
    end(nbp, "failed", 30, reason="stopped")
    end(nbp, "running", 1)
    end(nbp, "failed", 60 * 24 * 90, reason="unreachable")
    shown = source_card(client)
    assert "90 dni: 91,6% udanych z 12 zadań; najsłabszy dzień 19.11.2026: 75,0%; brak zapisów: 87 dni" in shown
    assert "Zapytania dziś 8 zapytań" in shown
    content = client.get("/status/").content.decode().split('id="zrodlo-nbp"')[1].split("</svg>")[0]
    paths = dict(re.findall(r'<path class="(\w+)" d="([^"]*)"', content))
    assert {name: path.count("M") for name, path in paths.items()} == {"full": 2, "part": 1, "gone": 87}


def test_a_source_that_nobody_asks_is_no_failure(client: Client, nbp: Source) -> None:
    end(nbp, "failed", 8, reason="unreachable")
    Source.objects.filter(pk=nbp.pk).update(paused_until=NOON + timedelta(hours=1))
    assert "wstrzymane do 20.11.2026, 13:00" in source_card(client)
    assert "Wszystko działa Nie ma otwartych problemów." in page(client)
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert "wyłączone" in source_card(client)


def lights(client: Client) -> dict[str, str]:
    """What the page shows of each source: the colour of its light, never without words."""
    content = client.get("/status/").content.decode()
    return dict(re.findall(r'id="zrodlo-(\w+)">\s*<h3>[^<]*</h3>\s*<p class="state (\w+)">', content))


@pytest.mark.slow
def test_page_json_text_admin_and_metrics_judge_alike(client: Client, staff: Client, nbp: Source) -> None:
    """In every state that a source can be in; the six states of the JSON are those of a job monitor."""
    visitor, seen = Client(), set[str]()

    def agree(state: str, detail: str, status: str) -> None:
        told = visitor.get("/status.json").json()
        row = next(one for one in told["sources"] if one["code"] == "nbp")
        assert (row["state"], row["detail"], told["status"]) == (state, detail, status)
        text = visitor.get("/status.txt").content.decode().splitlines()
        assert text[0] == status
        assert f"source nbp {state}" in text
        assert ("Coś nie działa" in page(visitor)) == (status == "NOT_OK")
        health = visitor.get("/health?strict=1")
        assert (health.status_code == 503) == (status == "NOT_OK")
        assert next(one["state"] for one in health.json()["sources"] if one["code"] == "nbp") == detail
        found = {(one["kind"], one["subject"]) for one in health.json()["problems"]}
        assert {(one["kind"], one["subject"]) for one in told["problems"]} == found
        gauge = status_metrics.state_gauge(source_states.states())
        assert {s.labels["state"] for s in gauge.samples if s.labels["source"] == "nbp" and s.value} == {detail}
        office = {row["code"]: row["light"] for row in states_of(front.context(request_of(staff)))}
        assert lights(visitor) == office
        seen.add(state)

    Schedule.objects.update(next_run=NOON)
    agree("late", "pending", "OK")
    for name, day in {"A": "2026-11-20", "B": "2026-11-18", "C": "2026-11-20", "gold": "2026-11-20"}.items():
        table(nbp, name, day)
    end(nbp, "success", 60)
    agree("ok", "ok", "OK")
    end(nbp, "failed", 8, reason="unreachable")
    agree("failed", "failed", "OK")
    end(nbp, "success", 5)
    Publication.objects.filter(table="C").update(effective_date=date(2026, 11, 18))
    agree("stale", "stale", "NOT_OK")
    Publication.objects.filter(table="C").update(effective_date=date(2026, 11, 20))
    Job.objects.create(job_type="nbp.A", source=nbp, status="running", started_at=NOON, windows=98)
    agree("running", "filling", "OK")
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    agree("skipped", "off", "OK")
    assert seen == {"ok", "running", "late", "failed", "skipped", "stale"}


def states_of(office: dict[str, Any]) -> list[dict[str, Any]]:
    return list(office["states"])


def request_of(client: Client) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="operator")
    return request


def test_what_is_for_programs_has_no_language_and_names_its_reasons(client: Client, nbp: Source) -> None:
    problems.report("queue", "miner")
    problems.report("channel_broken", "hook of a person")
    for path, kind in (("/status.json", "application/json"), ("/status.txt", "text/plain; charset=utf-8")):
        answer = client.get(path, headers={"Accept-Language": "pl"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "hook of a person" not in answer.content.decode()
    assert client.get("/en/status.json").status_code == 404
    assert client.get("/status.txt").content.decode().startswith("NOT_OK\nproblem queue miner 2026-11-20T11:00:00Z\n")
    assert [row["kind"] for row in client.get("/status.json").json()["reasons"]] == ["queue"]


def test_everybody_sees_counts_and_nobody_else_sees_words(client: Client, nbp: Source, logged: None) -> None:
    shown = page(client)
    assert "Policzono 6 wpisów dziennika; najnowszy: 20.11.2026, 12:00" in shown
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
    assert 'data-every="15"' in region


def test_an_unchanged_page_costs_no_bytes_and_stays_with_its_reader(client: Client, nbp: Source, logged: None) -> None:
    first = client.get("/status/")
    assert first.headers["Cache-Control"] == "no-cache"
    assert "Cookie" in first.headers["Vary"]
    again = client.get("/status/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.force_login(User.objects.create_superuser("operator"))
    other = client.get("/status/", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    assert set(other.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}


@pytest.mark.slow
def test_the_page_takes_at_most_eight_queries_and_is_only_read(
    client: Client, staff: Client, nbp: Source, logged: None
) -> None:
    """With everything that costs one: failures, tables, problems, waiting tasks; no model object of a job is made."""
    table(nbp, "A")
    problems.report("queue", "miner")
    for minute in range(20):
        end(nbp, "failed", minute, reason="unreachable")
    for path, most in (("/status/", 8 + 2), ("/status.json", 8), ("/status.txt", 8)):  # two for who is signed in
        staff.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(path).status_code == 200
        assert len(queries) <= most, path
        assert staff.post(path).status_code == 405


@pytest.mark.slow
def test_the_filter_of_the_log_stands_in_the_address(client: Client, staff: Client, logged: None) -> None:
    """The public's text is not looked for in summaries: what it finds would give them away."""
    region = staff.get("/status/?rodzaj=error&tekst=brokenpipe").content.decode()
    assert 'hx-get="/status/?rodzaj=error&amp;tekst=brokenpipe"' in region
    assert "Policzono 1 wpis dziennika" in page(staff, "?rodzaj=error&tekst=brokenpipe")
    assert SECRET in region
    assert '<option value="error" selected>' in region
    visitor = Client()
    assert "Żaden wpis nie spełnia tych warunków." in page(visitor, "?tekst=brokenpipe")
    shown = page(visitor, "?tekst=RATES&rodzaj=publish")
    assert "wiadomość rates.ingested 3" in shown
    assert "signals.updated 1" not in shown
    assert "sygnał signals.updated 1" in page(visitor, "?kanal=signals.updated")
    for strange in ("?rodzaj=x", "?rodzaj=trade&strona=2", "?kanal=&tekst=", "?tekst=%00"):
        assert visitor.get(f"/status/{strange}").status_code == 200


def test_the_menu_leads_there(client: Client, nbp: Source) -> None:
    assert '<a href="/status/" aria-current="page">Status</a>' in client.get("/status/").content.decode()
    assert '<a href="/status/">Status</a>' in client.get("/").content.decode()
