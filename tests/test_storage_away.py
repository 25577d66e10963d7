"""The database is away, locked, read-only, broken or full: pages and API say so calmly, and the log says it once."""

import errno
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg.errors
import pytest
from django.contrib.auth import get_user_model
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django.test import Client

from charon import detection
from charon.logs import OncePerCause, TextFormatter
from charon.processes import queue_heartbeat, task_broker
from charon.processes.task_broker import GuardedORM
from markets.errors import is_storage_fault
from markets.jobs import runs
from markets.models import Job, Source
from markets.redis import memory_cache
from miner import tasks
from miner.collect import one_table
from miner.fetch.errors import Misconfigured
from miner.pulse import results
from tests.market import source

AWAY = [
    OperationalError("connection refused"),
    OperationalError("database is locked"),
    OperationalError("database or disk is full"),
    OperationalError("attempt to write a readonly database"),
    OperationalError("unable to open database file"),
    OperationalError("no such table: markets_source"),
    OperationalError("disk I/O error"),
    OperationalError("canceling statement due to statement timeout"),
    DatabaseError("database disk image is malformed"),
    DatabaseError("file is not a database"),
    InterfaceError("connection already closed"),
    InternalError("cannot execute UPDATE in a read-only transaction"),
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EROFS, "Read-only file system"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
]
PAGES = [
    "/",
    "/waluty/",
    "/waluty/EUR/",
    "/zloto/",
    "/sygnaly/",
    "/alerty/",
    "/miner/",
    "/status/",
    "/admin/",
    "/admin/markets/job/",
]
CALLS = ["/currencies", "/api/v1/currencies", "/assets", "/sources", "/jobs", "/stats/miner", "/health"]


@pytest.fixture
def client(db: None, settings: Any) -> Client:
    """One that is signed in, and whose answers are in no cache."""
    user = get_user_model().objects.create_superuser("ada", password="x")
    client = Client(raise_request_exception=False)
    client.force_login(user)
    memory_cache.memory.forget()
    return client


def refusing(error: Exception) -> Any:
    """A database that answers every query so."""

    def refuse(*_: Any) -> Any:
        raise error

    return connection.execute_wrapper(refuse)


@pytest.fixture(params=AWAY, ids=str)
def away(request: pytest.FixtureRequest, client: Client, without_redis: None) -> Iterator[Exception]:
    with refusing(request.param):
        yield request.param


@pytest.mark.slow
def test_every_page_says_so_calmly_in_polish(away: Exception, client: Client) -> None:
    for path in PAGES:
        response = client.get(path)
        content = response.content.decode()
        assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "10", "no-store"), (
            path
        )
        assert "Chwilowa przerwa" in content
        assert str(away) not in content


@pytest.mark.slow
def test_a_fragment_an_operation_and_a_form_are_503_too(away: Exception, client: Client) -> None:
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 503
    assert client.post("/admin/markets/source/1/change/", {"enabled": "on"}).status_code == 503
    for path in CALLS:
        response = client.get(path)
        assert (path, response.status_code, response.get("Retry-After")) == (path, 503, "10")
        assert response.json()["error"]["code"] == "unavailable"
        assert str(away) not in response.content.decode()


def test_files_and_unknown_addresses_need_no_database(away: Exception, client: Client) -> None:
    with closing(client.get("/static/app.css")) as file:
        assert file.status_code == 200
    assert Client().get("/api/v1/nowhere").status_code == 404


@pytest.mark.parametrize(
    "error", [IntegrityError("x"), DataError("x"), ProgrammingError("syntax"), ValueError("x"), OSError(2, "x")]
)
def test_a_fault_of_the_program_stays_one(error: Exception) -> None:
    assert not is_storage_fault(error)


def test_tables_that_are_not_there_are_a_database_that_is_not_prepared() -> None:
    error = ProgrammingError("relation does not exist")
    error.__cause__ = psycopg.errors.UndefinedTable("relation does not exist")
    assert is_storage_fault(error)


@pytest.mark.parametrize("error", AWAY, ids=str)
def test_a_job_that_the_storage_fails_says_so(nbp: Source, error: Exception) -> None:
    with pytest.raises(type(error)), runs.job("nbp.A", nbp):
        raise error
    assert Job.objects.get().reason == Job.Reason.STORAGE


# The log


class Lines(logging.StreamHandler):
    """A handler as the settings have it, and what it would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.setFormatter(TextFormatter("%(message)s"))
        self.addFilter(OncePerCause())

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("charon.tests")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def fail(error: Exception, times: int, words: str = "A page failed") -> None:
    for _ in range(times):
        try:
            raise error
        except Exception:
            logging.getLogger("charon.tests").exception(words)


def test_one_cause_is_told_once_and_then_counted(lines: Lines) -> None:
    fail(OperationalError("connection refused"), 101)
    assert lines.said[0].startswith("A page failed\nTraceback (most recent call last):\n")
    assert lines.said[1:] == [f"A page failed (again {count} times)" for count in (10, 100)]


def test_another_cause_is_told_beside_it(lines: Lines) -> None:
    fail(OperationalError("connection refused"), 3)
    fail(ValueError("x"), 3)
    fail(OperationalError("connection refused"), 3)
    assert sum("Traceback" in said for said in lines.said) == 2


def test_after_an_hour_it_is_told_again_with_its_count(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [0.0]
    monkeypatch.setattr("charon.logs.time.monotonic", lambda: moment[0])
    fail(ValueError("x"), 6)
    moment[0] = 3600.0
    fail(ValueError("x"), 1)
    assert [said.split("\n")[0] for said in lines.said] == ["A page failed", "A page failed (again 5 times)"]
    assert all("Traceback" in said for said in lines.said)


def test_what_the_queue_writes_into_its_message_is_one_cause_too(lines: Lines) -> None:
    text = (
        "Failed 'miner.tasks.mine' ({}) - away : Traceback (most recent call last):\n"
        '  File "/app/miner/tasks.py", line 12, in mine\n    x()\ndjango.db.utils.OperationalError: away\n'
    )
    for name in range(11):
        logging.getLogger("charon.tests").error(text.format(name))
    assert [said.count("\n") for said in lines.said] == [4, 0]
    assert lines.said[1] == "Failed 'miner.tasks.mine' (10) - away : (again 10 times)"


def test_lines_without_a_traceback_pass_and_the_memory_is_bounded(lines: Lines) -> None:
    for number in range(300):
        logging.getLogger("charon.tests").warning("plain")
        fail(type(f"E{number}", (Exception,), {})("x"), 1)
    assert lines.said.count("plain") == 300
    (filtered,) = lines.filters
    assert len(filtered.told) == 200  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_variable_that_stops_every_task_is_written_once_and_then_counted(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """A table, a list of what a source has, a poll: each fails alike, and each would write a line of its own."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:hidden")
    for module in (one_table, tasks, results):
        monkeypatch.setattr(module, "logger", logging.getLogger("charon.tests"))
    run = one_table.run_of_task(nbp, Job.Trigger.SCHEDULE)
    for _ in range(4):
        assert one_table.mine_one(run, run.provider.series[0]) == Job.Status.FAILED
        results.failed("nbp.A", Misconfigured("ALL_PROXY", "its port is no number"))
        assert tasks.refresh_listing(source("binance", ["BTC"]).code) == Job.Status.FAILED
    assert len(lines.said) == 2
    assert lines.said[0].startswith("nbp.A failed: ALL_PROXY")
    assert lines.said[1].endswith("(again 10 times)")


def test_what_the_pool_of_connections_repeats_is_written_once_and_then_counted(lines: Lines) -> None:
    pool = logging.getLogger("psycopg.pool")
    pool.addHandler(lines)
    for number in range(11):
        pool.warning("error connecting in %r: %s", "pool-1", f"connection refused ({number})")
        pool.warning("discarding closed connection: %s", number)
    pool.removeHandler(lines)
    assert [said.partition(":")[0] for said in lines.said] == [
        "error connecting in 'pool-1'", "discarding closed connection",
        "error connecting in 'pool-1'", "discarding closed connection",
    ]  # fmt: skip
    assert lines.said[2].endswith("(again 10 times)")


def test_a_heartbeat_without_a_database_is_written_once_and_then_counted(
    db: None, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """Between two questions nothing is asked: that is no sign that the database is back."""
    monkeypatch.setattr(queue_heartbeat, "logger", logging.getLogger("charon.tests"))
    heart = queue_heartbeat.Heartbeat("charon")
    with refusing(OperationalError("connection refused")):
        assert all(heart.alive(float(now)) for now in range(0, 201, 5))
    assert lines.said == [
        "No heartbeat for queue charon: connection refused",
        "No heartbeat for queue charon: connection refused (again 10 times)",
    ]


def test_an_answer_of_503_is_no_error_of_ours(
    client: Client, monkeypatch: pytest.MonkeyPatch, lines: Lines, without_redis: None
) -> None:
    """Django calls each 503 an error; `/health?strict=1` gives one as long as something is wrong."""
    monkeypatch.setattr(detection, "free_bytes", lambda: 1)
    answers = logging.getLogger("django.request")
    answers.addHandler(lines)
    assert client.get("/health?strict=1").status_code == 503
    assert client.get("/nowhere/").status_code == 404
    answers.removeHandler(lines)
    assert lines.said == ["Not Found: /nowhere/"]


def test_the_queue_waits_for_its_database_and_tells_once(
    db: None, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """django-q2 would end the process that asks and start another one, each with the whole traceback."""
    waits: list[float] = []
    monkeypatch.setattr("charon.processes.task_broker.time.sleep", waits.append)
    monkeypatch.setattr(task_broker, "logger", logging.getLogger("charon.tests"))
    monkeypatch.setattr(connection, "close", lambda: None)

    queue = GuardedORM("charon")
    with refusing(OperationalError("connection refused")):
        assert [queue.dequeue() for _ in range(9)] == [None] * 9
        queue.acknowledge(1)
    assert waits == [task_broker.AWAY_SECONDS] * 9
    assert sum("Traceback" in said for said in lines.said) == 1


@pytest.mark.django_db
def test_a_disk_that_takes_no_beat_does_not_fail_the_task(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends, which the supervisor sees in the queue, and it still looks for problems."""
    looked: list[bool] = []
    monkeypatch.setattr(detection, "run", lambda: looked.append(True))
    settings.DATA_DIR = Path("/proc/nowhere")
    queue_heartbeat.beat(settings.MINER_QUEUE)
    assert (queue_heartbeat.last_beat(settings.MINER_QUEUE), looked) == (0, [True])
