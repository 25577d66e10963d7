"""Connections to PostgreSQL: shared by the threads of web, none left behind, none that waits for ever."""

import json
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from socket import AF_INET
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django_q.models import OrmQ
from django_q.tasks import async_task
from psycopg_pool import ConnectionPool

from charon.lent_connection import LentConnection
from charon.management.commands.up import cluster, web
from charon.processes.listen_socket import Place
from markets.models import Job, Source
from markets.store.publish import publish
from tests import short_nbp
from tests.databases import needs_postgres, url_of_the_test
from tests.installations import Installation, Servers, connections_of, settled
from tests.processes import ROOT, environment, manage, until
from tests.test_api_rates import JAN_2, table_c

REQUESTS, JOBS, CLIENTS = 1000, 200, 16
DATABASE = "hygiene"
PLACE = Place(AF_INET, "127.0.0.1", 8000)


def database_of(folder: Path, pool: str) -> dict[str, Any]:
    """What a process of its own makes of the variable DB_POOL."""
    code = (
        "import json; from django.conf import settings; print(json.dumps(settings.DATABASES['default'], default=repr))"
    )
    env = environment(folder, DATABASE_URL="postgres://charon@db.example/charon", DB_POOL=pool)
    done = manage("shell", "-v", "0", "-c", code, env=env)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_web_shares_connections_and_a_task_cluster_never_does() -> None:
    """Its workers are forks, which cannot share what their parent opened, whatever the operator's DB_POOL says."""
    assert web(PLACE).env["DB_POOL"] == "1"
    assert cluster("miner").env["DB_POOL"] == "0"


@pytest.mark.processes
def test_there_is_a_connection_for_each_thread_of_a_worker_and_for_an_export(tmp_path: Path) -> None:
    database = database_of(tmp_path, pool="1")
    assert database["OPTIONS"]["pool"]["max_size"] == settings.DJANGO_THREADS + 2
    assert (database["CONN_HEALTH_CHECKS"], database["CONN_MAX_AGE"]) == (True, 0)
    # While PostgreSQL is away readers wait in a queue, and after it the pool's pauses are over within seconds.
    assert (database["OPTIONS"]["pool"]["timeout"], database["OPTIONS"]["pool"]["reconnect_timeout"]) == (2, 4)


@pytest.mark.processes
def test_on_64_cores_everything_together_stays_below_postgresqls_hundred_connections(tmp_path: Path) -> None:
    """Web is one worker a core and eight at most, each with one for its thread, an export and the stamp."""
    script = (
        "import os; os.sched_getaffinity = lambda _: set(range(64))\n"
        "import django; django.setup()\n"
        "from django.conf import settings as s\n"
        "pool = s.DATABASES['default']['OPTIONS']['pool']['max_size']\n"
        "print(s.WEB_WORKERS, s.DJANGO_THREADS, pool, s.Q_WORKERS)\n"
    )
    env = environment(tmp_path, DATABASE_URL="postgres://charon@db.example/charon", DB_POOL="1")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env | {"DJANGO_SETTINGS_MODULE": "charon.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    workers, threads, pool, queue = map(int, done.stdout.split())
    assert (workers, threads, pool) == (8, 1, 3)
    # Of each queue its workers, and its four processes that hand out, watch and store; then live, pulse and `up`, which
    # ask from two threads each. PostgreSQL keeps 3 of its 100 for its superusers.
    assert workers * pool + 2 * (queue + 4) + 3 * 2 <= 97


@pytest.mark.processes
def test_without_the_pool_a_connection_lasts_as_long_as_its_task(tmp_path: Path) -> None:
    database = database_of(tmp_path, pool="0")
    assert "pool" not in database["OPTIONS"]
    assert database["CONN_MAX_AGE"] == 0


@needs_postgres
def test_a_connection_that_stands_is_lent_without_a_question_and_one_that_was_ended_is_not(db: None) -> None:
    url = url_of_the_test()
    with closing(LentConnection.connect(url, autocommit=True)) as lent, psycopg.connect(url, autocommit=True) as other:
        lent.execute("SELECT 'before'")
        ConnectionPool.check_connection(lent)
        last = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        assert other.execute(last, [lent.info.backend_pid]).fetchall() == [("SELECT 'before'",)]
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [lent.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            ConnectionPool.check_connection(lent)
        with pytest.raises(psycopg.OperationalError):  # it is known to be closed by now
            ConnectionPool.check_connection(lent)


@needs_postgres
def test_a_connection_that_has_something_to_say_is_asked(db: None) -> None:
    """A notice, as that of a server which reads its settings again, is no end."""
    url = url_of_the_test()
    with closing(LentConnection.connect(url, autocommit=True)) as lent, psycopg.connect(url, autocommit=True) as other:
        lent.execute("LISTEN something")
        other.execute("NOTIFY something")
        assert select.select([lent], [], [], 10)[0]
        ConnectionPool.check_connection(lent)
        assert not select.select([lent], [], [], 0)[0]


@pytest.fixture
def installation(street: Servers, calm: str, tmp_path: Path, outgoing: set[tuple[str, int]]) -> Iterator[Installation]:
    """An idle installation with all rates, for each test: one whose connections were ended has fewer for a while."""
    with street.installation(tmp_path / "data", DATABASE, template=calm) as installation:
        settled(120)
        until(lambda: not OrmQ.objects.exists())
        connection.close()
        outgoing.add(("127.0.0.1", installation.port))
        yield installation
    street.postgres.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def ask(installation: Installation, count: int) -> Counter[int]:
    """So many requests by a few clients at once, of which each keeps its connection; the statuses."""
    first = f"{short_nbp.FIRST}"
    paths = [f"/api/v1/rates?code=USD&table=C&from={first}&limit={number + 1}" for number in range(count // 2)]
    paths += ["/waluty/USD/", "/", "/api/v1/jobs", "/health"] * (count // 8)

    def one(share: list[str]) -> list[int]:
        with httpx.Client(base_url=installation.url, timeout=30) as client:
            return [client.get(path).status_code for path in share]

    with ThreadPoolExecutor(CLIENTS) as clients:
        shares = [paths[number::CLIENTS] for number in range(CLIENTS)]
        return Counter(status for statuses in clients.map(one, shares) for status in statuses)


@pytest.mark.services
@needs_postgres
def test_a_thousand_requests_and_two_hundred_jobs_leave_no_connection_behind(installation: Installation) -> None:
    assert ask(installation, 2 * CLIENTS * 4)[200] == 2 * CLIENTS * 4  # all threads have worked
    before = connections_of(DATABASE)
    done = Job.objects.count() + sum(Job.objects.values_list("repeats", flat=True))

    assert ask(installation, REQUESTS) == {200: REQUESTS}
    for _ in range(JOBS):
        async_task("miner.tasks.mine", "nbp", ["gold"], cluster=settings.MINER_QUEUE)
    until(lambda: not OrmQ.objects.filter(key=settings.MINER_QUEUE).exists(), 120)
    now = Job.objects.count() + sum(Job.objects.values_list("repeats", flat=True))
    assert now - done >= JOBS / 2  # of two at once the second finds the first at work

    until(lambda: connections_of(DATABASE) <= before, 30)
    print(f"connections: {before} before, {connections_of(DATABASE)} after")  # noqa: T201


@pytest.mark.services
@needs_postgres
def test_connections_that_the_server_ended_are_replaced_before_they_are_lent(installation: Installation) -> None:
    assert ask(installation, CLIENTS * 8) == {200: CLIENTS * 8}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            [DATABASE],
        )
        assert cursor.fetchone()[0] > 1
    assert ask(installation, CLIENTS * 8) == {200: CLIENTS * 8}


@pytest.mark.services
@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_a_statement_that_takes_too_long_is_ended_and_answered_with_503(nbp: Source, job: Job) -> None:
    publish([table_c(JAN_2, "USD", "3.8", "3.9")], nbp, job)
    path = "/api/v1/rates?code=USD&table=C&from=2024-01-02&to=2024-01-02"
    with closing(psycopg.connect(url_of_the_test())) as other, connection.cursor() as cursor:
        other.execute("LOCK TABLE markets_rate IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET statement_timeout = '200ms'")
        answer = Client().get(path)
        other.rollback()
        assert Client().get(path).status_code == 200
        cursor.execute("RESET statement_timeout")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert "statement" not in answer.content.decode()


@pytest.mark.services
@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_no_statement_lasts_longer_than_a_minute_and_no_idle_transaction_longer_than_two() -> None:
    with connection.cursor() as cursor:
        limits = []
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            limits.append(cursor.fetchone()[0])
        assert limits == ["1min", "2min"]
        cursor.execute("SET statement_timeout = '50ms'")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(5)")
        cursor.execute("RESET statement_timeout")
