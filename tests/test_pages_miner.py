"""The page of the miner: jobs, tables, timetable and a back-fill under way."""

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.html import strip_tags
from django_q.models import Schedule

from markets import admin_base, messages
from markets.messages import Message
from markets.models import Job, Source
from miner.job_names import label
from signals import schedule as brain
from signals.alerts import schedule as alerts_schedule
from signals.outcomes import schedule as outcomes_schedule

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00")


def add(source: Source | None, job_type: str = "nbp.A", status: str = "success", **more: Any) -> Job:
    times = {"started_at": NOON - timedelta(minutes=8), "finished_at": NOON - timedelta(minutes=5)}
    return Job.objects.create(**{"job_type": job_type, "source": source, "status": status, **times, **more})


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", html.unescape(strip_tags(content.decode().replace("<", " <"))))


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/miner/{query}")
    assert response.status_code == 200
    return text_of(response.content)


def journal_of(client: Client, query: str = "") -> str:
    return page(client, query).split("Dziennik zadań")[1]


def test_a_job_tells_what_it_did(client: Client, nbp: Source) -> None:
    add(nbp, rows_written=98_123, revised=2, refused=1, requests=37, retries=3, trigger="start")
    assert (
        "Narodowy Bank Polski: tabela A ✓ udane start systemu 20.11.2026, 11:52 3 min 0 s 98 123 2 1 37 3"
    ) in journal_of(client)


def test_a_skip_says_why_and_how_often(client: Client, nbp: Source) -> None:
    add(nbp, "nbp.C", "skipped", reason="holiday", repeats=6)
    assert "Narodowy Bank Polski: tabela C – pominięte: dzień wolny, brak notowań ×7" in journal_of(client)


def test_a_job_that_ran_once_has_no_count(client: Client, nbp: Source) -> None:
    add(nbp, "nbp.C", "skipped", reason="holiday")
    assert "×" not in journal_of(client)


def test_a_failure_shows_its_error_and_the_refused_figures_by_name(client: Client, nbp: Source) -> None:
    add(nbp, status="failed", reason="unreachable", error="ConnectError: refused")
    add(nbp, "nbp.gold", notes=["refused: A 2009-02-11 ZWR: 0: not above zero"], refused=1)
    shown = journal_of(client)
    assert "✕ nieudane: źródło nieosiągalne Szczegóły Narodowy Bank Polski: tabela A ConnectError: refused" in shown
    assert "złoto ✓ udane Szczegóły Narodowy Bank Polski: złoto refused: A 2009-02-11 ZWR: 0: not above zero" in shown


def test_markup_in_an_error_is_shown_and_not_obeyed(client: Client, nbp: Source) -> None:
    add(nbp, status="failed", error="<script>alert(1)</script>", notes=["<img src=x onerror=alert(2)>"])
    content = client.get("/miner/").content.decode()
    assert "<script>alert" not in content
    assert "<img src=x" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


def test_a_running_backfill_shows_its_progress(client: Client, nbp: Source) -> None:
    more: dict[str, Any] = {"windows": 98, "windows_done": 37, "reached": date(2012, 5, 31), "rows_written": 98_123}
    add(nbp, status="running", finished_at=None, **more)
    response = client.get("/miner/")
    assert "Wczytano 37 z 98 zakresów dat, zapisane wiersze: 98 123. Dane do 31.05.2012." in text_of(response.content)
    assert b'<progress value="37" max="98"' in response.content
    assert b'data-every="15"' in response.content
    assert "↻ w toku okno publikacji" not in journal_of(client)
    assert "↻ w toku harmonogram 20.11.2026, 11:52 – 98 123" in journal_of(client)


def test_without_a_running_job_the_page_rests_a_minute(client: Client, nbp: Source) -> None:
    add(nbp)
    assert b'data-every="60"' in client.get("/miner/").content


def test_each_table_has_its_line(client: Client, nbp: Source, archive: Source) -> None:
    add(nbp, rows_written=30, refused=1, finished_at=NOON - timedelta(hours=2))
    add(nbp, status="skipped", finished_at=NOON - timedelta(hours=1))
    add(nbp, status="failed", finished_at=NOON)
    add(archive, "nbp_archive.mid", rows_written=395_293)
    tables = page(client).split("Harmonogram")[0]
    assert "Narodowy Bank Polski: tabela A 20.11.2026, 11:00 20.11.2026, 10:00 30 1" in tables
    assert f"{archive.name}: kursy średnie 20.11.2026, 11:55" in tables


def test_the_timetable_is_in_polish_time(client: Client, nbp: Source) -> None:
    Schedule.objects.exclude(name__in=["nbp", "nbp.A.window.11", "nbp.B.window.12"]).delete()
    Source.objects.exclude(code="nbp").update(enabled=False)
    Schedule.objects.filter(name="nbp").update(next_run=NOON + timedelta(minutes=25))
    Schedule.objects.filter(name="nbp.A.window.11").update(next_run=datetime(2026, 11, 23, 10, 45, tzinfo=UTC))
    Schedule.objects.filter(name="nbp.B.window.12").update(next_run=NOON - timedelta(seconds=20))
    runs = page(client).split("Najbliższe uruchomienia")[1].split("Dziennik zadań")[0]
    lines = (
        "Narodowy Bank Polski: tabela B, okno publikacji lada chwila o stałych porach czynne",
        "Narodowy Bank Polski: wszystkie tabele 20.11.2026, 12:25 co 1 h czynne",
        "Narodowy Bank Polski: tabela A, okno publikacji 23.11.2026, 11:45 o stałych porach czynne",
    )
    assert " ".join(lines) in runs


@pytest.mark.django_db
def test_an_empty_journal_says_so(client: Client) -> None:
    shown = page(client)
    assert "Nic jeszcze nie pobrano. Pierwsze zadanie zacznie się samo po starcie systemu." in shown
    assert "Harmonogram jest pusty: żadne źródło nie jest włączone." in shown
    assert "Dziennik jest pusty." in shown


@pytest.mark.django_db
def test_a_job_of_an_unknown_kind_keeps_its_own_name(client: Client) -> None:
    add(None, "gone.X")
    assert "gone.X ✓ udane" in journal_of(client)


@pytest.mark.slow
def test_pages_of_the_journal_forgive_a_bad_number(client: Client, nbp: Source) -> None:
    jobs = [Job(job_type="nbp.A", source=nbp, status="success", started_at=NOON, rows_written=n) for n in range(101)]
    Job.objects.bulk_create(jobs)
    firsts = ("", "1", "abc", "0", "-1", "9" * 20, "²", "9" * 5000)
    for asked, number in [("2", 2), ("3", 3), ("4", 3), *((first, 1) for first in firsts)]:
        shown = journal_of(client, f"?strona={asked}")
        assert f"strona {number} z 3" in shown, asked
        assert ("Nowsze" in shown, "Starsze" in shown) == (number > 1, number < 3), asked


@pytest.mark.slow
def test_the_journal_is_filtered_by_source_and_state_in_the_address(
    client: Client, nbp: Source, archive: Source
) -> None:
    Job.objects.bulk_create(
        Job(job_type="nbp.A", source=nbp, status="failed", started_at=NOON, finished_at=NOON) for _ in range(51)
    )
    add(nbp)
    add(archive, "nbp_archive.mid")
    shown = journal_of(client, "?zrodlo=nbp_archive")
    assert f"{archive.name}: kursy średnie ✓ udane" in shown
    assert "tabela A" not in shown
    content = client.get("/miner/?zrodlo=nbp&stan=failed").content.decode()
    assert 'href="/miner/?zrodlo=nbp&amp;stan=failed&amp;strona=2#dziennik"' in content
    assert 'hx-get="/miner/?zrodlo=nbp&amp;stan=failed"' in content
    assert '<option value="failed" selected>' in content
    assert "Żadne zadanie nie spełnia tych warunków." in journal_of(client, "?zrodlo=ecb&stan=running")
    for strange in ("?zrodlo=x&stan=y", "?zrodlo=%00", "?stan=success&stan=z"):
        assert "strona 1 z 2" in journal_of(client, strange), strange


def test_a_journal_is_counted_to_its_bound_and_no_further(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a row is read or counted behind it: the list says so, and a filter reaches them."""
    monkeypatch.setattr(admin_base, "MOST_COUNTED", 100)
    Job.objects.bulk_create(Job(job_type="nbp.A", source=nbp, status="success", started_at=NOON) for _ in range(160))
    with CaptureQueriesContext(connection) as queries:
        assert "strona 1 z 3" in journal_of(client)
    counts = [one["sql"] for one in queries.captured_queries if "COUNT(*)" in one["sql"]]
    assert len(counts) == 1
    assert "LIMIT 101" in counts[0]
    assert "Starszych zadań ta lista nie pokazuje; zawęź ją filtrem." in journal_of(client, "?strona=3")


def test_errors_and_notes_are_in_the_language_of_the_page(client: Client, nbp: Source) -> None:
    """What an older release has stored without a code stands as it is."""
    error, note = Message("reason.unreachable"), Message("note_refused", what="A 2009-02-11 ZWR")
    stored: dict[str, Any] = {"error": str(error), "error_message": messages.encoded(error)}
    add(nbp, status="failed", reason="unreachable", **stored)
    add(nbp, "nbp.B", notes=["old words", str(note)], note_messages=[messages.encoded(note)])
    for address, language in (("/miner/", "pl"), ("/en/miner/", "en")):
        content = text_of(client.get(address).content)
        with translation.override(language):
            assert f"tabela A {messages.render(error)}" in content or f"table A {messages.render(error)}" in content
            assert f"old words {messages.render(note)}" in content
    assert str(note) not in text_of(client.get("/miner/").content)


def test_until_a_moment_of_the_timetable_the_page_keeps_its_bytes(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    Schedule.objects.exclude(name="nbp").delete()
    Source.objects.exclude(code="nbp").update(enabled=False)
    Schedule.objects.filter(name="nbp").update(next_run=NOON + timedelta(minutes=25))
    add(nbp, status="running", finished_at=None)
    first = client.get("/miner/")
    assert first.until == NOON + timedelta(minutes=25)  # type: ignore[attr-defined]
    at("2026-11-20 12:24")
    assert client.get("/miner/").content == first.content
    at("2026-11-20 12:26")
    assert "wszystkie tabele lada chwila co 1 h" in page(client)


def test_the_fragment_refreshes_its_own_page(client: Client, nbp: Source) -> None:
    Job.objects.bulk_create(Job(job_type="nbp.A", source=nbp, status="success", started_at=NOON) for _ in range(51))
    part = client.get("/miner/?strona=2", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div id="zadania" hx-get="/miner/?strona=2"')
    assert part.strip() in client.get("/miner/?strona=2").content.decode()


def test_the_page_asks_at_most_eight_questions(
    client: Client, nbp: Source, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    Job.objects.bulk_create(Job(job_type="nbp.A", source=nbp, status="success", started_at=NOON) for _ in range(60))
    add(nbp, status="running", finished_at=None, windows=98)
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        assert client.get("/miner/").status_code == 200


def test_the_brains_own_entry_has_a_name_for_people(client: Client, nbp: Source) -> None:
    brain.write()
    shown = text_of(client.get("/miner/").content)
    assert "Sygnały: sprawdzenie, czy wszystko wyliczono" in shown
    assert "watchdog" not in shown


def test_every_entry_of_the_timetable_has_a_name_for_people(client: Client, nbp: Source) -> None:
    """Whoever adds one names it in miner.job_names. Each app writes its own where it is installed."""
    for module in (brain, alerts_schedule, outcomes_schedule):
        module.write()
    names = dict(Source.objects.values_list("code", "name"))
    bare = [name for name in Schedule.objects.values_list("name", flat=True) if label(name, names) == name]
    assert bare == []
    assert Schedule.objects.count() > 20


def test_the_work_of_the_markets_has_names_of_its_own(client: Client, nbp: Source) -> None:
    market = Source.objects.get(code="binance")
    for name in ("candles.5m", "candles.4h", "quotes", "history", "fill.1h"):
        add(market, f"binance.{name}")
    add(None, "batch.priority")
    add(None, "retention")
    journal = journal_of(client)
    for words in (
        "Binance.US: świece 5m ✓", "Binance.US: świece 4h ✓", "Binance.US: ceny bieżące ✓",
        "Binance.US: historia cen ✓", "Binance.US: historia świec 1h ✓", "Najważniejsze instrumenty: ceny bieżące ✓",
        "Porządki: stare ceny, świece i zadania ✓",
    ):  # fmt: skip
        assert words in journal
