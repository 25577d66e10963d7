"""The log: one object a line, the id from the request to the provider's answer, a line for each request if wanted."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from django.test import Client
from django_q.models import OrmQ, Task
from django_q.monitor import monitor
from django_q.queues import Queue
from django_q.signals import post_execute, pre_execute
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from charon import refusals, request_ids
from charon.log_settings import configure
from charon.log_streams import LoggedLines
from charon.serving import wsgi
from markets.models import Source
from miner.collect import threads
from miner.fetch import http, retry
from miner.fetch.errors import Unreachable
from tests.front_fakes import Scope
from tests.log_lines import LOGGING, Log, logged

logger = logging.getLogger("anybody")


@pytest.fixture
def log() -> Iterator[Log]:
    with logged("json", logging.DEBUG) as one:
        yield one


@pytest.fixture
def answered_requests(settings: Any) -> Client:
    """A client of a Charon that writes a line for each request."""
    settings.LOG_ACCESS = True
    return Client()


def test_a_line_is_one_object_whatever_is_in_it(log: Log) -> None:
    ends = "a\nb\r\nc\x85d\u2028e\u2029f\x1bg"
    logger.warning(ends)
    # Half a character: pytest could not hand it from a worker to its main process.
    half = logger.makeRecord("half", logging.WARNING, __file__, 1, "a\ud800b", (), None)
    log.handler.handle(half)
    logger.warning("Paid: %d", "nothing")  # the argument does not fit
    logger.warning("Known", extra={"details": {"price": Decimal("2.6410"), "of": {1}}})
    try:
        raise KeyError(ends)
    except KeyError:
        logger.exception("Broken")
    rows = log.objects(logger="anybody")
    assert [row["message"] for row in rows] == [ends, "Paid: %d ('nothing',)", "Known", "Broken"]
    assert (rows[2]["price"], rows[2]["of"]) == ("2.6410", "{1}")
    assert rows[3]["exception"].startswith("Traceback")
    assert [row["message"] for row in log.objects(logger="half")] == ["a\ud800b"]


def test_warnings_and_what_is_printed_to_stderr_become_lines(log: Log) -> None:
    stderr = LoggedLines(log.stream)
    print("Process Worker-1:\n  File 'x'", file=stderr)
    print("begun", end="", file=stderr)
    print(" and ended", file=stderr)
    assert [row["message"] for row in log.objects(logger="stderr")] == [
        "Process Worker-1:", "  File 'x'", "begun and ended",
    ]  # fmt: skip
    with warnings.catch_warnings():
        logging.captureWarnings(capture=False)  # the hook of pytest stands in the place of ours
        logging.captureWarnings(capture=True)
        warnings.simplefilter("always")
        warnings.warn("Old", DeprecationWarning, stacklevel=1)
    [row] = log.objects(logger="py.warnings")
    assert "DeprecationWarning: Old" in row["message"]


def test_what_nothing_caught_is_one_line(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "stderr")):
        monkeypatch.setattr(module, name, getattr(module, name))  # restored afterwards
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)
    configure({"handlers": {"console": {"formatter": "text"}}})
    error = ValueError("nobody expected it")
    logger.error("Seen before", exc_info=error)
    sys.excepthook(ValueError, error, None)
    [row] = log.objects(level="CRITICAL")
    assert "ValueError: nobody expected it" in row["exception"]


@pytest.mark.django_db
def test_the_id_of_a_request_is_carried_by_its_task_to_the_call_of_a_provider(
    client: Client, nbp: Source, settings: Any, log: Log
) -> None:
    settings.API_TOKEN = "only-for-this-test"
    headers = {"Authorization": "Bearer only-for-this-test", "X-Request-ID": "asked-by-me"}
    answer = client.post("/batch/run", headers=headers)
    assert answer.headers["X-Request-ID"] == "asked-by-me"
    task = SignedPackage.loads(OrmQ.objects.get().payload)
    assert task["request_id"] == "asked-by-me"
    with request_ids.working_for(""), respx.mock as web:
        web.get("https://bank.example/rates").respond(200, text="{}")
        pre_execute.send(sender="test", func=None, task=task)
        with threads.pool(1) as pool:
            pool.submit(http.get, "https://bank.example/rates?key=hidden").result()
        async_task("math.sqrt", 4)
    [call] = log.objects(logger="miner.fetch.http")
    assert (call["request_id"], call["message"][:21]) == ("asked-by-me", "GET /rates: 200, 2 by")
    assert SignedPackage.loads(OrmQ.objects.latest("pk").payload)["request_id"] == "asked-by-me"


@pytest.mark.django_db
def test_a_task_of_no_request_has_its_own_id_also_where_it_fails(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "django_q.monitor.close_old_django_connections", lambda: None
    )  # the test's transaction is in it
    number = async_task("math.sqrt", -1)
    task = SignedPackage.loads(OrmQ.objects.get().payload)
    assert "request_id" not in task
    results: Any = Queue()
    results.put(task | {"success": False, "result": "math domain error", "stopped": task["started"]})
    results.put("STOP")
    with request_ids.working_for(""):
        monitor(results)
    assert Task.objects.get().id == number
    assert [row["request_id"] for row in log.objects(level="ERROR", logger="django-q")] == [number]
    with request_ids.working_for(""):
        post_execute.send(sender="test", task=task)
        assert request_ids.current.get() == number


def test_a_call_that_fails_says_so_once_an_hour_and_that_it_is_tried_again(log: Log, no_waiting: None) -> None:
    def call() -> bytes:
        with respx.mock as web:
            web.get("https://bank.example/rates").mock(side_effect=httpx.ConnectTimeout("hidden"))
            return http.get("https://bank.example/rates?key=hidden")

    with request_ids.working_for("one-task-of-many"), pytest.raises(Unreachable):
        retry.call(call, retry.Traffic())
    failed, again = log.objects(logger="miner.fetch.http"), log.objects(logger="miner.fetch.retry")
    assert [row["message"].split(" (")[0] for row in failed] == ["GET /rates: no answer in time"]
    assert [row["message"].split(",")[0] for row in again] == ["Try 2 of 4"]
    assert {row["request_id"] for row in failed + again} == {"one-task-of-many"}
    assert "hidden" not in log.stream.getvalue()


@pytest.mark.django_db(transaction=True)
def test_with_an_access_log_every_answer_has_a_line_without_path_and_query(
    answered_requests: Client, nbp: Source, log: Log
) -> None:
    expected = {
        "/rates?code=hidden": ("/api/v1/rates", 404),
        "/waluty/HIDDEN/": ("/waluty/<path:code>/", 404),
        "/health": ("/api/v1/health", 200),
        "/static/favicon.svg": ("/static/", 200),
        "/hidden": ("/?", 404),
    }
    for address, (route, status) in expected.items():
        answer = answered_requests.get(address)
        [row] = log.objects(logger="charon.access", request_id=answer.headers["X-Request-ID"])
        assert (row["method"], row["route"], row["status"]) == ("GET", route, status)
        assert row["ms"] > 0
        assert row.get("bytes") == (None if answer.streaming else len(answer.content))
        answer.close()
    assert "hidden" not in log.stream.getvalue().lower()


@pytest.mark.django_db
def test_what_the_front_refuses_stands_in_the_access_log_too(settings: Any, log: Log) -> None:
    settings.LOG_ACCESS = True
    refusals.chain.cache_clear()
    try:
        answer = refusals.answer(wsgi.environ_of(Scope("/rates", "POST"), b""), 413)  # type: ignore[arg-type]
    finally:
        refusals.chain.cache_clear()
    [row] = log.objects(logger="charon.access")
    assert (row["request_id"], row["route"], row["status"]) == (answer["X-Request-ID"], "/api/v1/rates", 413)


@pytest.mark.django_db
def test_there_is_no_access_log_unless_it_is_asked_for(client: Client, log: Log) -> None:
    client.get("/health")
    assert log.objects(logger="charon.access") == []


@pytest.mark.django_db
def test_the_text_has_the_id_in_brackets(client: Client) -> None:
    with logged("text") as log:
        client.get("/nothing", headers={"X-Request-ID": "asked-by-me"})
        logger.warning("Nobody asked")
    first, second = log.lines()
    assert first.endswith("WARNING charon.request_log: [asked-by-me] GET /? 404")
    assert second.endswith("WARNING anybody: Nobody asked")


def test_granian_writes_no_lines_of_its_own_kind() -> None:
    """Its records go to the root: the file takes its handlers away, and names the loggers that it has."""
    from granian import log as of_granian

    from charon.serving.__main__ import LOG_CONFIG

    described = json.loads(LOG_CONFIG.read_text())["loggers"]
    theirs: Any = of_granian.LOGGING_CONFIG["loggers"]
    assert described.keys() == theirs.keys()
    assert all(one == {"handlers": [], "propagate": True} for one in described.values())
    assert LOGGING["root"]["handlers"] == ["console"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "asked",
    [
        {"path": "/api/v1/rates?" + "&".join(f"a{number}=1" for number in range(3000))},
        {"path": "/", "headers": {"Host": "elsewhere.example"}},
    ],
    ids=["fields", "host"],
)
def test_what_any_caller_can_ask_for_is_no_error_in_the_log(client: Client, asked: dict[str, Any]) -> None:
    with logged("json") as log:
        assert client.get(**asked).status_code == 400
        rows = log.objects()
    assert rows
    assert {row["level"] for row in rows} == {"WARNING"}
