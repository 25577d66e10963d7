"""A real PostgreSQL ends, hangs, refuses or runs out of space while the miner writes: all of a window or nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from threading import Event, Thread
from types import ModuleType
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from markets.models import Job, Publication, Rate
from markets.store import outbox
from miner import tasks
from miner.collect import fetch_ahead, window_plan
from miner.collect import tables as table_collector
from miner.providers.nbp import NBP
from tests.databases import migrated_database, needs_postgres, server_database
from tests.news import news
from tests.replica import Replica, data
from tests.servers import Postgres, postgres_server

pytestmark = [pytest.mark.services, needs_postgres]

LAST = date(2026, 10, 26)
# The windows are the 1st to 6th, 7th to 13th, 14th to 19th and 20th to 26th.
BEFORE_THE_NEWEST = date(2026, 10, 19)
LOCK_SECONDS = 10


@pytest.fixture(scope="module")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Postgres]:
    with postgres_server() as server:
        server.sql("CREATE DATABASE house")
        migrated_database(server.url_of("house"), django_db_blocker)
        yield server


@pytest.fixture
def database(server: Postgres, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A fresh house on a PostgreSQL of our own; its address."""
    server.sql("CREATE DATABASE fresh TEMPLATE house")
    with server_database(server.url_of("fresh"), django_db_blocker):
        yield server.url_of("fresh")
    server.sql("DROP DATABASE fresh WITH (FORCE)")


@pytest.fixture
def four_windows(replica: Replica, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """Table A as if it had begun in October 2026."""
    at("2026-10-26 13:00")
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[0], first=date(2026, 10, 1), window=7),))
    monkeypatch.setattr(fetch_ahead, "has_come", lambda _: False)  # one window a save, however slow the machine is


def bank(end: date = LAST) -> int:
    tables = data.tables("A", 2026).values()
    return sum(len(table.rates) for table in tables if date(2026, 10, 1) <= table.day <= end)


def stored() -> tuple[int, int, int]:
    """Figures, those that stand once, and proofs."""
    once = Rate.objects.values("instrument", "effective_date", "table").distinct().count()
    return Rate.objects.count(), once, Publication.objects.count()


def assert_one_window() -> None:
    """Nothing half: the newest window with its proofs and announcements, and no trace of the one after it."""
    figures = bank() - bank(BEFORE_THE_NEWEST)
    assert stored() == (figures, figures, 5)
    assert {row.to_time.date() for row in news()} == {LAST}


def assert_healed() -> None:
    assert tasks.mine("nbp") == "done"
    assert newest().status == "success"
    assert stored() == (bank(), bank(), 18)


def newest() -> Job:
    return Job.objects.order_by("-pk")[0]


@contextmanager
def in_the_second_window(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[None]:
    """Something happens while the second window's figures are written, but not committed."""
    write, windows = outbox.write, list[None]()

    def spy(*args: Any, **kwargs: Any) -> Any:
        windows.append(None)
        if len(windows) == 2:
            happens()
        return write(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "write", spy)
        yield


def terminate(database: str) -> None:
    """End the connection of this thread from another one, as an operator or a fail-over does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with psycopg.connect(database, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def killing_after(patch: pytest.MonkeyPatch, module: ModuleType, name: str, database: str) -> None:
    """The connection ends as soon as the function has returned for the first time."""
    function, done = getattr(module, name), list[None]()

    def spy(*args: Any, **kwargs: Any) -> Any:
        answer = function(*args, **kwargs)
        if not done:
            done.append(None)
            terminate(database)
        return answer

    patch.setattr(module, name, spy)


def test_a_transaction_that_is_killed_leaves_nothing_and_the_next_run_heals(
    database: str, four_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_the_second_window(monkeypatch, lambda: terminate(database)):
        assert tasks.mine("nbp") == "failed"
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert_one_window()
    assert_healed()


def test_a_connection_that_is_killed_between_two_windows_fails_the_job_and_the_next_run_heals(
    database: str, four_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        killing_after(patch, table_collector, "publish", database)
        assert tasks.mine("nbp") == "failed"
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert_one_window()
    assert_healed()


def test_a_connection_that_is_killed_outside_of_any_transaction_still_gets_the_job_its_end(
    database: str, four_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        killing_after(patch, window_plan, "known_days", database)
        assert tasks.mine("nbp") == "failed"
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert stored() == (0, 0, 0)
    assert_healed()


def test_a_server_that_restarts_in_the_middle_fails_the_job_and_the_next_run_heals(
    database: str, server: Postgres, four_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_the_second_window(monkeypatch, server.restart):
        assert tasks.mine("nbp") == "failed"
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert_one_window()
    assert_healed()


def test_a_full_disk_fails_the_job_with_nothing_half_and_heals_when_there_is_space(
    database: str, server: Postgres, four_windows: None
) -> None:
    """The server says it in its own words and code (53100), through the real driver."""
    server.sql(
        """
        CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.effective_date < '2026-10-20' THEN
                RAISE EXCEPTION 'could not extend file "base/5/16384": No space left on device' USING ERRCODE = '53100';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER no_space BEFORE INSERT ON markets_rate FOR EACH ROW EXECUTE FUNCTION no_space();
        """,
        "fresh",
    )
    assert tasks.mine("nbp") == "failed"
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert "No space left on device" in newest().error
    assert_one_window()
    server.sql("DROP TRIGGER no_space ON markets_rate", "fresh")
    assert_healed()


def test_the_loser_of_a_deadlock_says_so_and_the_next_run_heals(
    database: str, server: Postgres, four_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = psycopg.connect(database)
    blocked = Thread(target=lambda: other.execute("SELECT FROM markets_source WHERE code = 'nbp' FOR UPDATE"))

    def cross() -> None:
        """They hold the revisions and wait for the source; we hold the source and ask for the revisions."""
        other.execute("SET deadlock_timeout = '1min'; LOCK TABLE markets_revision IN EXCLUSIVE MODE")
        blocked.start()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
            cursor.execute("LOCK TABLE markets_revision IN EXCLUSIVE MODE")

    with closing(other):
        with in_the_second_window(monkeypatch, cross):
            assert tasks.mine("nbp") == "failed"
        blocked.join()
        other.rollback()
    assert (newest().status, newest().reason) == ("failed", "storage")
    assert newest().error.startswith("OperationalError: deadlock detected")
    assert_one_window()
    assert_healed()


def test_a_lock_held_for_ten_seconds_makes_the_writer_wait_while_readers_go_on(
    database: str, four_windows: None, at: Callable[[str], None]
) -> None:
    at("2026-10-06 13:00")
    assert tasks.mine("nbp") == "done"
    at("2026-10-26 13:00")
    holder, held, answers = psycopg.connect(database), Event(), list[tuple[int, int]]()

    def hold() -> None:
        with closing(holder):
            holder.execute("LOCK TABLE markets_rate, markets_publication IN SHARE ROW EXCLUSIVE MODE")
            held.set()
            holder.execute("SELECT pg_sleep(%s)", [LOCK_SECONDS])
            held.clear()
            holder.rollback()

    def read() -> None:
        try:
            while held.is_set():
                page, rates = Client().get("/waluty/USD/"), Client().get("/api/v1/rates?code=USD")
                answers.append((page.status_code, len(rates.json()["items"])))
        finally:
            connection.close()

    threads = [Thread(target=hold), Thread(target=read)]
    threads[0].start()
    assert held.wait(5)
    threads[1].start()
    assert tasks.mine("nbp") == "done"
    assert not held.is_set(), "the writer did not wait"
    for thread in threads:
        thread.join()
    assert len(answers) > 2
    assert set(answers[:-1]) == {(200, 4)}
    assert stored() == (bank(), bank(), 18)
    assert newest().status == "success"
