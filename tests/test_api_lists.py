"""GET /currencies, /sources, /jobs, /stats/miner, /stats/upcoming and /health."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django_q.models import Schedule

from charon.api import health
from markets.models import Instrument, Job, Source
from markets.store.publish import publish
from miner.providers import PROVIDERS
from tests.cases import walk
from tests.test_api_rates import JAN_2, JAN_3, get, gold_of, mids

NOON = datetime(2026, 10, 26, 11, 0, tzinfo=UTC)


def run(job_type: str, source: Source, minutes: float, status: str = "success", **values: Any) -> Job:
    """A job that started so many minutes after noon and took 1.5 s."""
    started = NOON + timedelta(minutes=minutes)
    end = None if status == "running" else started + timedelta(seconds=1.5)
    values = {"finished_at": end} | values
    return Job.objects.create(job_type=job_type, source=source, status=status, started_at=started, **values)


def test_a_currency_shows_its_newest_value_and_the_change_since_the_one_before(
    client: Client, nbp: Source, job: Job
) -> None:
    publish([mids(JAN_2, USD="3.9909", IDR="0.00025526"), mids(JAN_3, USD="3.9432", AUD="2.6410")], nbp, job)
    publish([gold_of(JAN_2, "262.18")], nbp, job)
    Instrument.objects.filter(code="USD").update(name_pl="dolar amerykański", name_en="US Dollar")
    answer = get(client, "/currencies")
    assert ([item["code"] for item in answer["items"]], answer["count"]) == (["AUD", "IDR", "USD"], 3)
    assert answer["items"][2] == {
        "code": "USD", "name_pl": "dolar amerykański", "name_en": "US Dollar", "unit": 1, "value": "3.9432",
        "table": "A", "effective_date": "2024-01-03", "previous": "3.9909", "previous_date": "2024-01-02",
        "change": "-0.0477", "source": "nbp",
    }  # fmt: skip
    assert (answer["items"][0]["value"], answer["items"][0]["change"]) == ("2.6410", None)


def test_a_change_has_the_digits_of_the_finer_value(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, JPY="0.0279"), mids(JAN_3, JPY="0.027900")], nbp, job)
    assert get(client, "/currencies")["items"][0]["change"] == "0.000000"


def test_a_currency_without_figures_has_nulls(client: Client, nbp: Source) -> None:
    Instrument.objects.create(code="XYZ", base="XYZ", kind="currency", name_pl="XYZ", name_en="XYZ")
    [item] = get(client, "/currencies")["items"]
    assert (item["code"], item["value"], item["source"]) == ("XYZ", None, None)


def test_currencies_take_at_most_three_queries_however_many_they_are(
    client: Client, nbp: Source, job: Job, django_assert_max_num_queries: Any
) -> None:
    publish([mids(JAN_2, **{f"X{first}{second}": "1.2345" for first in "ABCDE" for second in "FGHIJ"})], nbp, job)
    with django_assert_max_num_queries(3):
        assert len(get(client, "/currencies")["items"]) == 25
    assert [item["code"] for item in get(client, "/currencies", limit=2, offset=3)["items"]] == ["XAI", "XAJ"]


def test_a_source_shows_its_facts_the_operators_choices_and_how_it_was_reached(client: Client, nbp: Source) -> None:
    run("nbp.A", nbp, 1)
    run("nbp.B", nbp, 2, "skipped", requests=1)
    run("nbp.C", nbp, 3, "skipped", reason="weekend")
    run("nbp.gold", nbp, 4, "failed", error="Unreachable: first")
    run("nbp.gold", nbp, 5, "failed", error="Unreachable: second")
    Source.objects.filter(pk=nbp.pk).update(paused_until=NOON, base_url="https://secret.example/", polling_interval=600)
    answer = get(client, "/sources")
    sources = {item["code"]: item for item in answer["items"]}
    assert list(sources) == sorted(PROVIDERS)
    assert answer["count"] == len(PROVIDERS)
    shown = sources["nbp"]
    assert (shown["last_success_at"], shown["last_failure_at"], shown["last_error"]) == (
        "2026-10-26T11:02:01.500000Z", "2026-10-26T11:05:01.500000Z", "Unreachable: second",
    )  # fmt: skip
    assert (shown["enabled"], shown["paused_until"], shown["cadence_seconds"]) == (True, "2026-10-26T11:00:00Z", 600)
    assert [series["table"] for series in shown["tables"]] == ["A", "B", "C", "gold"]
    assert shown["tables"][0] == {"table": "A", "kind": "currency", "since": "2002-01-02"}
    assert (sources["nbp_archive"]["stands_in_for"], shown["stands_in_for"]) == ("nbp", None)
    assert sources["nbp_archive"]["last_success_at"] is None
    assert "secret" not in str(answer)


def test_jobs_come_newest_first_with_their_figures(client: Client, nbp: Source) -> None:
    run("nbp.A", nbp, 1, rows_written=33, requests=1, trigger="window")
    run("nbp.B", nbp, 2, "running", windows=98, windows_done=37, reached=JAN_2, worker="host:1")
    answer = get(client, "/jobs")
    assert [item["job_type"] for item in answer["items"]] == ["nbp.B", "nbp.A"]
    running, done = answer["items"]
    assert (running["finished_at"], running["duration_seconds"]) == (None, None)
    assert (running["windows_done"], running["windows"], running["reached"]) == (37, 98, "2024-01-02")
    assert done == {
        "id": done["id"], "job_type": "nbp.A", "source": "nbp", "status": "success", "trigger": "window", "reason": "",
        "started_at": "2026-10-26T11:01:00Z", "finished_at": "2026-10-26T11:01:01.500000Z", "duration_seconds": 1.5,
        "rows_written": 33, "revised": 0, "refused": 0, "requests": 1, "retries": 0, "waited_seconds": 0.0,
        "windows": 0, "windows_done": 0, "reached": None, "repeats": 0, "notes": [], "error": "",
    }  # fmt: skip


@walk(
    ("asked", "found"),
    [
        ({}, ["nbp_archive.mid", "nbp.B", "nbp.A", "nbp.A"]),
        ({"type": "nbp.A"}, ["nbp.A", "nbp.A"]),
        ({"type": "nbp.A", "status": "failed"}, ["nbp.A"]),
        ({"source": "nbp_archive"}, ["nbp_archive.mid"]),
        ({"type": "nbp.C"}, []),
    ],
)
def test_jobs_are_filtered_and_counted(
    client: Client, nbp: Source, archive: Source, asked: dict[str, str], found: list[str]
) -> None:
    run("nbp.A", nbp, 1)
    run("nbp.A", nbp, 2, "failed")
    run("nbp.B", nbp, 3)
    run("nbp_archive.mid", archive, 4)
    answer = get(client, "/jobs", **asked)
    assert ([item["job_type"] for item in answer["items"]], answer["count"]) == (found, len(found))
    assert get(client, "/jobs", limit=1, offset=1, **asked)["count"] == len(found)


def test_the_miners_stats_show_last_jobs_mean_duration_and_rows(
    client: Client, nbp: Source, django_assert_num_queries: Any
) -> None:
    run("nbp.A", nbp, 1, rows_written=33)
    run("nbp.A", nbp, 2, rows_written=2, finished_at=NOON + timedelta(minutes=2, seconds=4))
    run("nbp.A", nbp, 3, "skipped", finished_at=NOON + timedelta(hours=1))
    run("nbp.B", nbp, 4, "failed", rows_written=1)
    run("nbp.C", nbp, 5, "running")
    with django_assert_num_queries(4):
        answer = get(client, "/stats/miner", limit=2)
    assert [item["job_type"] for item in answer.pop("jobs")] == ["nbp.C", "nbp.B"]
    assert answer == {
        "count": 5,
        "mean_duration_seconds": 2.75,
        "rows_written": 36,
        "counts": {"running": 1, "success": 2, "skipped": 1, "failed": 1},
        "types": [
            {
                "job_type": "nbp.A", "last_success_at": "2026-10-26T11:02:04Z",
                "last_run_at": "2026-10-26T11:03:00Z", "last_status": "skipped",
            },
            {
                "job_type": "nbp.B", "last_success_at": None,
                "last_run_at": "2026-10-26T11:04:00Z", "last_status": "failed",
            },
            {
                "job_type": "nbp.C", "last_success_at": None,
                "last_run_at": "2026-10-26T11:05:00Z", "last_status": "running",
            },
        ],
    }  # fmt: skip


def test_before_the_first_job_the_miners_stats_are_empty(client: Client, db: None) -> None:
    assert get(client, "/stats/miner") == {
        "jobs": [], "count": 0, "mean_duration_seconds": None, "rows_written": 0,
        "counts": {"running": 0, "success": 0, "skipped": 0, "failed": 0}, "types": [],
    }  # fmt: skip


def entry(name: str, after: int, settings: Any, **values: Any) -> None:
    """Saving would work out the next run of a cron line anew."""
    row = {"cluster": settings.MINER_QUEUE, "schedule_type": "I", "minutes": 60} | values
    next_run = NOON + timedelta(minutes=after)
    Schedule.objects.bulk_create([Schedule(name=name, func="miner.tasks.mine", next_run=next_run, **row)])


def test_the_timetable_shows_what_runs_next_the_soonest_first(
    client: Client, nbp: Source, settings: Any, at: Callable[[str], None]
) -> None:
    at("2026-10-26 12:00")
    Schedule.objects.all().delete()
    Source.objects.exclude(code="nbp").update(enabled=False)
    entry("nbp", 30, settings)
    entry("nbp.A.window.11", 10, settings, schedule_type="C", cron="45,55 11 * * 1-5", minutes=None)
    entry("housekeeping", 20, settings, schedule_type="D", minutes=None)
    entry("somebody.elses", 5, settings, cluster="another")
    items = get(client, "/stats/upcoming")["items"]
    assert items == [
        {
            "name": "nbp.A.window.11", "task": "miner.tasks.mine", "source": "nbp", "next_run": "2026-10-26T11:10:00Z",
            "cron": "45,55 11 * * 1-5", "minutes": None, "every_seconds": None, "state": "active",
        },
        {
            "name": "housekeeping", "task": "miner.tasks.mine", "source": None, "next_run": "2026-10-26T11:20:00Z",
            "cron": None, "minutes": 1440, "every_seconds": 86_400, "state": "active",
        },
        {
            "name": "nbp", "task": "miner.tasks.mine", "source": "nbp", "next_run": "2026-10-26T11:30:00Z",
            "cron": None, "minutes": 60, "every_seconds": 3600, "state": "active",
        },
    ]  # fmt: skip


@walk(
    ("choices", "state"),
    [
        ({"paused_until": NOON + timedelta(hours=1)}, "paused"),
        ({"paused_until": NOON - timedelta(hours=1)}, "active"),
        ({"enabled": False}, "disabled"),
    ],
)
def test_the_timetable_marks_what_the_operator_stopped(
    client: Client, nbp: Source, settings: Any, at: Callable[[str], None], choices: dict[str, Any], state: str
) -> None:
    at("2026-10-26 12:00")
    Schedule.objects.all().delete()
    Source.objects.exclude(code="nbp").update(enabled=False)
    entry("nbp", 30, settings)
    Source.objects.filter(pk=nbp.pk).update(**choices)
    answer = get(client, "/stats/upcoming")
    assert ([item["state"] for item in answer["items"]], answer["count"]) == ([state], 1)


def test_health_is_ok_and_tells_how_fresh_the_figures_are(
    client: Client, nbp: Source, job: Job, settings: Any, without_redis: None, django_assert_num_queries: Any
) -> None:
    publish([mids(JAN_2, USD="3.9432"), mids(JAN_3, "B", AFN="0.0551")], nbp, job)
    run("nbp.B", nbp, 1)
    with django_assert_num_queries(16):
        answer = get(client, "/health")
    told = {row["code"]: row for row in answer.pop("sources")}
    assert [row["kind"] for row in answer.pop("problems")] == ["source_stale"]
    assert answer == {
        "status": "ok",
        "version": settings.VERSION,
        "database": "ok",
        "redis": "off",
        "newest_table_a": "2024-01-02",
    }
    assert list(told) == sorted(PROVIDERS)
    nbp_row = {name: told["nbp"][name] for name in ("code", "enabled", "last_success_at", "state", "behind")}
    assert nbp_row == {
        "code": "nbp",
        "enabled": True,
        "last_success_at": "2026-10-26T11:01:01.500000Z",
        "state": "stale",
        "behind": ["nbp.A", "nbp.B"],
    }
    archive = {name: told["nbp_archive"][name] for name in ("code", "enabled", "last_success_at")}
    assert archive == {"code": "nbp_archive", "enabled": True, "last_success_at": None}
    assert told["polygon"]["enabled"] is False


def test_health_is_ok_on_an_empty_database(client: Client, db: None) -> None:
    answer = get(client, "/health")
    assert (answer["status"], answer["newest_table_a"], answer["sources"]) == ("ok", None, [])


def test_health_is_503_without_internals_when_the_database_does_not_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("could not connect to postgres://charon:hunter2@db")

    monkeypatch.setattr("charon.api.health.health", gone)
    response = client.get("/health")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert b"hunter2" not in response.content
    assert response.headers["Cache-Control"] == "no-store"


def test_health_is_found_once_a_second_and_a_fault_shows_within_it(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def gone() -> None:
        raise OperationalError("no database")

    moment = [5000.0]
    monkeypatch.setattr(health, "KEPT_SECONDS", 1.0)
    monkeypatch.setattr(health, "kept", health.Kept())
    monkeypatch.setattr("charon.api.health.time.monotonic", lambda: moment[0])
    first = client.get("/health").json()
    monkeypatch.setattr(health, "found", gone)
    moment[0] += 0.9
    with django_assert_num_queries(0):
        assert client.get("/health").json() == first
    moment[0] += 0.1
    for _ in range(2):
        assert client.get("/health").json()["error"]["code"] == "unavailable"
    monkeypatch.undo()
    assert client.get("/health").status_code == 200
