"""The database file is locked, or the disk is full: the miner waits, or says so and keeps what it had."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage
from pytest_django import DjangoDbBlocker

from markets import clock
from markets.models import Job, Publication, Rate, Source
from markets.store import publish
from miner import schedule, tasks
from miner.collect import fetch_ahead
from miner.collect import tables as table_collector
from miner.providers.nbp import NBP
from miner.providers.nbp_archive import NBPArchive
from tests.databases import file_database, needs_sqlite
from tests.replica import Replica, data

pytestmark = needs_sqlite

LAST = date(2026, 10, 26)


@pytest.fixture
def four_windows(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """Table A as if it had begun in October 2026, in windows from the 1st, 7th, 14th and 20th."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[0], first=date(2026, 10, 1), window=7),))
    monkeypatch.setattr(fetch_ahead, "has_come", lambda _: False)  # one window a save, however slow the machine is


@pytest.fixture
def file(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker) as path:
        yield path


@pytest.fixture
def impatient(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """A database that waits for a lock no longer than a moment."""
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker, lock_timeout=0.05) as path:
        yield path


def bank(end: date = LAST) -> int:
    tables = data.tables("A", 2026).values()
    return sum(len(table.rates) for table in tables if date(2026, 10, 1) <= table.day <= end)


def whole() -> bool:
    """Every figure once, every table with its proof."""
    figures = Rate.objects.values("instrument", "effective_date", "table").distinct().count()
    return figures == Rate.objects.count() == bank() and Publication.objects.count() == 18


def newest() -> Job:
    return Job.objects.order_by("-pk")[0]


class Writer:
    """Another process that has begun a write, as SQLite sees it: a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("BEGIN IMMEDIATE")

    def let_go(self) -> None:
        self.connection.rollback()
        self.connection.close()


@contextmanager
def after_the_first_save(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[None]:
    """Once the first window is stored something happens."""
    save, saved = publish.publish, list[publish.PublishResult]()

    def spy(*args: Any, **kwargs: Any) -> publish.PublishResult:
        outcome = save(*args, **kwargs)
        if not saved:
            happens()
        saved.append(outcome)
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(table_collector, "publish", spy)
        yield


def leave_room_for(pages: int) -> None:
    with connection.cursor() as cursor:
        now = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {now + pages}")


@pytest.mark.slow
def test_a_reader_that_holds_on_does_not_hold_the_miner_up(file: Path, replica: Replica, four_windows: None) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM markets_rate").fetchone() == (0,)
        assert tasks.mine("nbp") == "done"
        assert reader.execute("SELECT count(*) FROM markets_rate").fetchone() == (0,)
    assert newest().status == "success"
    assert whole()


def test_a_transaction_that_has_read_may_write_whoever_else_wants_to(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as other, transaction.atomic():
        assert not Job.objects.exists()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("UPDATE markets_source SET name = 'theirs'")
        Source.objects.update(name="ours")
    assert set(Source.objects.values_list("name", flat=True)) == {"ours"}


@pytest.mark.slow
def test_a_writer_that_holds_on_for_a_while_makes_the_miner_wait(
    file: Path, replica: Replica, four_windows: None
) -> None:
    writer, asked = Writer(file), Event()

    def let_go_later() -> None:
        asked.wait(10)
        Event().wait(0.3)  # the miner stands before the lock by then
        writer.let_go()

    def asking(execute: Callable[..., Any], *args: Any) -> Any:
        asked.set()
        return execute(*args)

    thread = Thread(target=let_go_later)
    thread.start()
    with connection.execute_wrapper(asking):
        assert tasks.mine("nbp") == "done"
    thread.join()
    assert newest().status == "success"
    assert whole()


@pytest.mark.slow
def test_a_writer_that_never_lets_go_fails_the_run_and_the_next_one_works(
    impatient: Path, replica: Replica, four_windows: None
) -> None:
    writer = Writer(impatient)
    assert tasks.mine("nbp") == "failed"
    writer.let_go()
    assert not Job.objects.exists()
    assert tasks.mine("nbp") == "done"
    assert whole()


@pytest.mark.slow
def test_the_command_says_so_when_the_database_is_locked(impatient: Path, replica: Replica, four_windows: None) -> None:
    out = StringIO()
    tasks.mine("nbp")
    Job.objects.all().delete()
    writer = Writer(impatient)
    with pytest.raises(SystemExit):
        call_command("mine", "nbp", stdout=out)
    writer.let_go()
    assert out.getvalue().startswith("A: failed")


@pytest.mark.slow
def test_the_command_does_not_tell_of_an_earlier_job_when_it_could_begin_none(
    impatient: Path, replica: Replica, four_windows: None
) -> None:
    out = StringIO()
    tasks.mine("nbp")
    writer = Writer(impatient)
    with pytest.raises(SystemExit):
        call_command("mine", "nbp", stdout=out)
    writer.let_go()
    assert str(bank()) not in out.getvalue()


@pytest.mark.slow
def test_a_writer_in_the_middle_leaves_whole_windows_and_the_job_is_lost_when_its_lease_ends(
    impatient: Path,
    replica: Replica,
    four_windows: None,
    at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writers: list[Writer] = []
    with after_the_first_save(monkeypatch, lambda: writers.append(Writer(impatient))):
        assert tasks.mine("nbp") == "failed"
    writers[0].let_go()
    assert Rate.objects.count() == bank() - bank(end=date(2026, 10, 19)), "the newest window comes first"
    assert newest().status == "running"

    at("2026-10-26 13:01")
    tasks.mine("nbp")
    assert Job.objects.count() == 1
    at("2026-10-26 13:03")
    tasks.mine("nbp")
    assert list(Job.objects.order_by("pk").values_list("status", "reason")) == [("failed", "lost"), ("success", "")]
    assert whole()


@pytest.mark.slow
@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_a_full_disk_fails_the_job_keeps_whole_windows_and_heals_when_there_is_space(
    file: Path, replica: Replica, four_windows: None, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    with after_the_first_save(monkeypatch, lambda: leave_room_for(pages)):
        assert tasks.mine("nbp") == "failed"
    job = newest()
    assert (job.status, job.reason, job.error) == ("failed", "storage", "OperationalError: database or disk is full")
    assert (job.windows_done, job.reached) == (1, LAST), "the newest window comes first"
    assert Rate.objects.count() == job.rows_written == bank() - bank(end=date(2026, 10, 19))
    assert Publication.objects.count() == 5
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    leave_room_for(10_000)
    assert tasks.mine("nbp") == "done"
    assert newest().status == "success"
    assert whole()


def next_try(client: Client) -> tuple[str, str | None]:
    rows = client.get("/health").json()["sources"]
    return next((row["state"], row["next_try_at"]) for row in rows if row["code"] == "nbp_archive")


@pytest.mark.slow
@pytest.mark.parametrize("pages", [0, 3])
def test_an_archive_that_a_full_disk_stopped_is_continued_by_the_schedule_and_says_when(
    file: Path,
    client: Client,
    at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    without_redis: None,
    pages: int,
) -> None:
    """Without room for a page not even the failure can be recorded: the job is lost with its lease then."""
    at("2026-10-26 13:00")
    series = replace(NBPArchive.series[0], first=date(2026, 3, 2), window=60)
    monkeypatch.setattr(NBPArchive, "series", (series,))
    schedule.write_all()
    Schedule.objects.filter(name=schedule.RESUMES).update(next_run=clock.now() + timedelta(minutes=25))
    with after_the_first_save(monkeypatch, lambda: leave_room_for(pages)):
        assert tasks.mine("nbp_archive", trigger=Job.Trigger.START) == "failed"
    stored = Rate.objects.count()
    at("2026-10-26 13:10")
    assert next_try(client) == ("failed" if pages else "pending", "2026-10-26T12:25:00Z")

    leave_room_for(10_000)
    at("2026-10-26 13:25")
    tasks.reap()
    assert (newest().status, newest().reason) == ("failed", "storage" if pages else "lost")
    resume = Schedule.objects.get(name=schedule.RESUMES)
    assert (import_string(resume.func)(), resume.next_run) == (["nbp_archive"], clock.now())
    task = SignedPackage.loads(OrmQ.objects.filter(key=settings.MINER_QUEUE).latest("pk").payload)
    assert import_string(task["func"])(*task["args"], **task["kwargs"]) == "done"
    assert (newest().status, newest().trigger) == ("success", "schedule"), "nobody started anything anew"
    assert Rate.objects.count() > stored > 0
    assert next_try(client) == ("ok", None), "it is whole"
    assert tasks.resume() == []
