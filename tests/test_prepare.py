"""Tables, sources and timetables are made once, however many containers begin at the same moment."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage

from charon.management.commands.prepare import LOCK
from charon.processes import container_healthcheck
from markets.models import Source
from tests.processes import MANAGE, environment, manage, until
from tests.servers import Postgres, postgres_server


def functions() -> list[str]:
    return sorted(SignedPackage.loads(row.payload)["func"] for row in OrmQ.objects.all())


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_sources_and_timetables_are_written_and_nothing_is_begun() -> None:
    call_command("prepare")
    assert Source.objects.filter(code="nbp").exists()
    assert Schedule.objects.filter(func="miner.tasks.mine").exists()
    assert functions() == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_miner_begins_with_what_is_missing() -> None:
    call_command("prepare", "--start")
    assert functions() == ["miner.tasks.start", "signals.tasks.catch_up"]


@pytest.mark.processes
def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    done = manage("prepare", env=environment(tmp_path, DATABASE_URL="postgres://charon:hunter2@127.0.0.1:9/charon"))
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The database could not be prepared: ")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


# On a real PostgreSQL


@pytest.fixture
def server(outgoing: set[tuple[str, int]]) -> Iterator[Postgres]:
    with postgres_server() as one:
        outgoing.add(("127.0.0.1", one.port))
        yield one


def begin(folder: Path, server: Postgres) -> subprocess.Popen[str]:
    env = environment(folder, DATABASE_URL=server.url, SECRET_KEY="x" * 50, DB_STATEMENT_SECONDS="1")
    return subprocess.Popen([*MANAGE, "prepare"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=120)
    return process.returncode, out, errors


@pytest.mark.services
def test_of_two_that_begin_at_once_one_does_the_work(tmp_path: Path, server: Postgres) -> None:
    both = [begin(tmp_path, server), begin(tmp_path, server)]
    assert [result(process) for process in both] == [(0, "", "")] * 2
    rows, migrations = server.sql("SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations").split("|")
    assert rows == migrations != "0"
    assert server.sql("SELECT count(*) FROM markets_source WHERE code = 'nbp'") == "1"
    assert server.sql("SELECT count(*) = count(DISTINCT name) FROM django_q_schedule") == "t"


@pytest.mark.services
def test_whoever_comes_later_waits_longer_than_a_statement_may_take(tmp_path: Path, server: Postgres) -> None:
    """The limit is one second here, and the lock is held until three have gone by on PostgreSQL's own clock."""
    waiting = "SELECT now() - query_start > '3 s' FROM pg_stat_activity WHERE wait_event = 'advisory'"
    with psycopg.connect(server.url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        late = begin(tmp_path, server)
        until(lambda: late.poll() is not None or server.sql(waiting) == "t")
        assert server.sql("SELECT to_regclass('django_migrations') IS NULL") == "t"
    assert result(late) == (0, "", "")
    assert server.sql("SELECT to_regclass('django_migrations') IS NULL") == "f"
    assert server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"


@pytest.mark.services
def test_a_queue_is_ill_when_a_task_waits_too_long(
    tmp_path: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url)
    assert container_healthcheck.main(["queue", "miner"]) == 1  # no table yet
    assert result(begin(tmp_path, server))[0] == 0
    put = "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('{}', '', now() - interval '{} s')"
    server.sql(put.format("miner", 590))
    assert container_healthcheck.main(["queue", "miner"]) == 0
    server.sql(put.format("brain", 610))
    assert [container_healthcheck.main(["queue", name]) for name in ("miner", "brain")] == [0, 1]
    server.stop()
    assert container_healthcheck.main(["queue", "miner"]) == 1
