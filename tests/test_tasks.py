"""The tasks of the queue: a run over a source, its continuation, the polls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import respx
from django.db import OperationalError
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task, result

from markets import clock, events
from markets.jobs import runs
from markets.models import Job, Publication, Source
from markets.store import publications
from miner import sources, tasks
from miner.collect import fetch_ahead, one_table
from miner.collect import tables as table_collector
from miner.models import Spent, SyncStatus
from miner.providers.nbp import NBP
from tests.replica import Replica

pytestmark = pytest.mark.django_db


@pytest.fixture
def short_history(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """The bank as if it had begun in October 2026; the clock stands at the end of its figures."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", tuple(replace(series, first=date(2026, 10, 1)) for series in NBP.series))


def rotating() -> list[dict[str, Any]]:
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    mining = [task for task in packages if task["func"] == "miner.tasks.mine"]
    return [{"func": task["func"], "args": task["args"], **task.get("kwargs", {})} for task in mining]


def told() -> dict[str, tuple[str, str, int]]:
    return {job.job_type: (job.status, job.reason, job.rows_written) for job in Job.objects.order_by("pk")}


def test_a_start_enqueues_every_source_that_may_run_the_archive_first_and_alone(
    nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page and every decision wait for it, and the others would share its two cores."""
    monkeypatch.setattr(one_table, "mine_one", lambda *_: Job.Status.SUCCESS)
    tasks.start()
    [archive] = rotating()
    assert archive["args"] == ("nbp_archive",)
    assert tasks.mine("nbp_archive", trigger=archive["trigger"], then=archive["then"]) == "done"
    assert [task["args"] for task in rotating()] == [("nbp_archive",), ("ecb",), ("nbp",)]
    assert {task["trigger"] for task in rotating()} == {"start"}


@pytest.mark.parametrize("archive", ["fails", "is switched off meanwhile"])
def test_an_archive_that_brings_nothing_stops_no_other_source(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, archive: str
) -> None:
    def broken(*_: object) -> str:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(one_table, "mine_one", broken)
    if archive == "fails":
        with pytest.raises(OperationalError):
            tasks.mine("nbp_archive", then=["ecb", "nbp"])
    else:
        Source.objects.filter(code="nbp_archive").update(enabled=False)
        assert "switched off" in tasks.mine("nbp_archive", then=["ecb", "nbp"])
    assert [task["args"] for task in rotating()] == [("ecb",), ("nbp",)]


def test_what_stands_behind_an_archive_waits_for_its_continuation(nbp: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def pause(run: table_collector.Run, series: Any, *_: object) -> str:
        assert run.on_continue is not None
        run.on_continue(series.table, 7)
        return Job.Status.RUNNING

    monkeypatch.setattr(one_table, "mine_one", pause)
    tasks.mine("nbp_archive", trigger="start", then=["ecb", "nbp"])
    [rest] = rotating()
    assert (rest["args"], rest["resume"], rest["then"]) == (("nbp_archive",), 7, ["ecb", "nbp"])


def test_ping_answers_through_the_queue() -> None:
    assert result(async_task("miner.tasks.ping", sync=True)) == "pong"


@pytest.mark.parametrize(
    "choice", [{"enabled": False}, {"paused_until": clock.now() + timedelta(hours=1)}], ids=["switched off", "paused"]
)
def test_a_source_that_is_off_or_paused_is_left_alone(nbp: Source, choice: dict[str, Any]) -> None:
    Source.objects.filter(pk=nbp.pk).update(**choice)
    tasks.start()
    assert [(task["args"], task["then"]) for task in rotating()] == [(("nbp_archive",), ["ecb"])]
    assert "switched off" in tasks.mine("nbp")
    assert not Job.objects.exists()


def test_a_pause_that_is_over_holds_nobody(nbp: Source, replica: Replica, short_history: None) -> None:
    Source.objects.filter(pk=nbp.pk).update(paused_until=clock.now() - timedelta(seconds=1))
    assert tasks.mine("nbp", ["gold"]) == "done"


@pytest.mark.slow
def test_a_run_brings_all_tables_with_one_job_each(nbp: Source, replica: Replica, short_history: None) -> None:
    assert tasks.mine("nbp") == "done"
    assert told() == {
        "nbp.A": ("success", "", 18 * 32),
        "nbp.gold": ("success", "", 18),
        "nbp.C": ("success", "", 18 * 13),
        "nbp.B": ("success", "", told()["nbp.B"][2]),
    }
    assert Job.objects.filter(source=nbp, trigger="schedule").count() == 4
    assert tasks.mine("nbp") == "done"
    newest = {job.job_type: (job.status, job.reason) for job in Job.objects.order_by("pk")}
    assert newest == {"nbp.A": ("skipped", "up_to_date"), "nbp.gold": ("skipped", "up_to_date"),
                      "nbp.C": ("skipped", "up_to_date"), "nbp.B": ("skipped", "not_yet")}  # fmt: skip


@pytest.mark.slow
def test_a_failed_table_stops_no_other_one_and_the_next_run_tries_it_again(
    nbp: Source, replica: Replica, short_history: None
) -> None:
    replica.set_script([{"path": "cenyzlota", "status": 503, "body": "maintenance"}])
    assert tasks.mine("nbp") == "failed"
    assert [(name, status) for name, (status, *_) in sorted(told().items())] == [
        ("nbp.A", "success"), ("nbp.B", "success"), ("nbp.C", "success"), ("nbp.gold", "failed"),
    ]  # fmt: skip
    job = Job.objects.get(job_type="nbp.gold")
    assert (job.requests, job.retries) == (7, 3), "the window, its retries, its halves, and a week"
    replica.set_script([])
    assert tasks.mine("nbp") == "done"
    assert Job.objects.filter(job_type="nbp.gold", status="success").count() == 1


def test_a_source_that_does_not_serve_this_country_is_asked_again_a_day_later(
    nbp: Source, replica: Replica, short_history: None, at: Callable[[str], None]
) -> None:
    replica.set_script([{"status": 451}])
    assert tasks.mine("nbp") == "failed"
    assert told() == {f"nbp.{table}": ("failed", "blocked", 0) for table in ("A", "gold", "C", "B")}
    assert len(replica.requests) == 4, "each table once"
    nbp.refresh_from_db()
    assert nbp.paused_until == clock.now() + timedelta(days=1)
    asked = len(replica.requests)
    assert "paused" in tasks.mine("nbp")
    assert len(replica.requests) == asked
    assert "nbp" not in [source.code for source in sources.runnable()]
    at("2026-10-27 13:00")
    assert "nbp" in [source.code for source in sources.runnable()]


def test_a_refusal_that_is_no_matter_of_the_country_pauses_nobody(
    nbp: Source, replica: Replica, short_history: None
) -> None:
    replica.set_script([{"status": 403}])
    assert tasks.mine("nbp") == "failed"
    nbp.refresh_from_db()
    assert {row[:2] for row in told().values()} == {("failed", "refused")}
    assert (len(told()), nbp.paused_until) == (4, None)
    assert len(replica.requests) == 7, "three windows and a week show that it refuses; then each table once"


@pytest.mark.slow
def test_a_rest_of_a_million_years_is_one_of_three_days(db: None, settings: Any, at: Callable[[str], None]) -> None:
    sources.sync()
    deribit, settings.DERIBIT_BASE_URL = Source.objects.get(code="deribit"), "https://index.example/"
    at("2026-10-26 12:00")
    with respx.mock as web:
        web.get(url__startswith=settings.DERIBIT_BASE_URL).respond(429, headers={"Retry-After": "99999999999999"})
        assert tasks.quotes("deribit") == "failed"
    assert Spent.objects.get(source=deribit).blocked_until == clock.now() + timedelta(days=3)
    assert SyncStatus.objects.filter(listing__source=deribit, state="failed", reason="unreachable").count() == 2
    assert tasks.quotes("deribit") == "off"


def test_a_database_that_refuses_fails_the_job_and_the_process_lives(
    nbp: Source, replica: Replica, short_history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(publications, "save", locked)
    assert tasks.mine("nbp", ["A"]) == "failed"
    job = Job.objects.get()
    assert (job.status, job.reason, job.error) == ("failed", "storage", "OperationalError: database is locked")


@pytest.mark.slow
def test_a_run_out_of_time_enqueues_its_own_continuation(
    nbp: Source, replica: Replica, short_history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NBP, "series", tuple(replace(series, first=date(2026, 1, 2)) for series in NBP.series))
    monkeypatch.setattr(fetch_ahead, "has_come", lambda _: False)  # else written with the first window
    run_of_task = one_table.run_of_task
    with monkeypatch.context() as patch:
        over = Publication.objects.exists  # after the first window
        patch.setattr(one_table, "run_of_task", lambda *args: replace(run_of_task(*args), gives_way=over))
        assert tasks.mine("nbp", ["A", "C"], trigger="start") == "running"
    job = Job.objects.get()
    assert (job.status, job.windows_done, job.windows) == ("running", 1, 4)
    assert rotating() == [
        {"func": "miner.tasks.mine", "args": ("nbp",), "tables": ["A", "C"], "trigger": "start", "resume": job.pk}
    ]
    assert tasks.mine("nbp", ["A", "C"], trigger="start", resume=job.pk) == "done"
    job.refresh_from_db()
    assert (job.status, job.windows_done) == ("success", 4)
    assert Job.objects.count() == 2


def test_a_run_whose_time_ends_between_two_tables_enqueues_the_rest(nbp: Source, settings: Any) -> None:
    settings.TASK_WORK = timedelta(seconds=-1)
    assert tasks.mine("nbp", ["A", "C"]) == "continued"
    assert rotating()[0]["tables"] == ["A", "C"]
    assert not Job.objects.exists()


@pytest.mark.slow
def test_a_poll_asks_until_the_days_table_is_in(nbp: Source, replica: Replica, short_history: None) -> None:
    replica.withhold("A", date(2026, 10, 26))
    tasks.poll("nbp", "A")
    asked = len(replica.requests)
    assert asked == 1
    tasks.poll("nbp", "A")
    assert told()["nbp.A"][:2] == ("skipped", "not_yet")
    replica.publish("A", date(2026, 10, 26))
    tasks.poll("nbp", "A")
    assert Publication.objects.filter(table="A", effective_date=date(2026, 10, 26)).exists()
    asked = len(replica.requests)
    assert tasks.poll("nbp", "A") == "in"
    assert len(replica.requests) == asked
    assert set(Job.objects.values_list("trigger", flat=True)) == {"window"}


def test_what_arrived_is_announced_once_it_is_safe(
    nbp: Source, replica: Replica, short_history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[tuple[str, str]] = []
    monkeypatch.setattr(events, "announce", lambda job: announced.append((job.job_type, job.status)))
    tasks.mine("nbp", ["gold"])
    tasks.mine("nbp", ["gold"])
    assert announced == [("nbp.gold", "success")]


def test_a_source_switched_off_in_the_middle_of_a_backfill_leaves_no_open_job(nbp: Source) -> None:
    with runs.job("nbp.A", nbp) as job:
        raise runs.Pause(lambda _: None)
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    tasks.mine("nbp", ["A"], resume=job.pk)
    job.refresh_from_db()
    assert (job.status, job.reason) == ("failed", "stopped")


@pytest.mark.slow
def test_what_a_failed_run_has_brought_is_announced_as_well(
    nbp: Source, replica: Replica, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", tuple(replace(series, first=date(2026, 1, 2)) for series in NBP.series))
    replica.set_script([{"path": "2026-10-26", "status": 400}])
    announced: list[str] = []
    monkeypatch.setattr(events, "announce", lambda job: announced.append(job.status))
    assert tasks.mine("nbp", ["A"]) == "failed"
    assert announced == ["failed"]


def test_no_request_of_a_task_outlives_its_time(
    nbp: Source, replica: Replica, short_history: None, settings: Any
) -> None:
    settings.TASK_WORK = timedelta(seconds=1)
    table_collector.GRACE, grace = -20, table_collector.GRACE
    try:
        assert tasks.mine("nbp", ["gold"]) == "failed"
    finally:
        table_collector.GRACE = grace
    assert "no time left" in Job.objects.get().error
    assert replica.requests == []
