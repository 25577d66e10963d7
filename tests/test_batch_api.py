"""The operations of the batch: a run by hand, its answer, and what is said of the queue and the budget."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as conf
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django_q.models import OrmQ, Schedule
from pytest_django import DjangoDbBlocker

from charon.api import pending
from charon.api.pending import WAIT_SECONDS, settled
from markets import clock
from markets.api.responses import Pending
from markets.jobs import runs
from markets.models import Job, Source
from miner import schedule, tasks
from miner.batch import api
from miner.batch import run as batch_run
from miner.pulse import grid
from tests.batch_market import Plan, open_plan, secondary
from tests.databases import file_database

pytestmark = pytest.mark.django_db

ERROR = {"symbol": "XAUUSD", "error": "No data"}


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> Source:
    return open_plan(monkeypatch)


@pytest.fixture
def token(settings: Any) -> dict[str, str]:
    settings.API_TOKEN = "only-for-this-test"
    return {"Authorization": "Bearer only-for-this-test"}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that works while it is being asked."""
    names = {"miner.tasks.priority_batch": tasks.priority_batch}
    monkeypatch.setattr(api, "async_task", lambda func, *args, **_: names[func](*args))


def test_a_run_by_hand_answers_its_result(client: Client, market: Source, token: dict[str, str], at_once: None) -> None:
    Plan.prices["C:XAUUSD"] = None
    response = client.post("/batch/run", headers=token)
    body = response.json()
    assert (response.status_code, body["success"], body["message"]) == (200, False, "2 updated, 1 failed")
    assert body.keys() == {"success", "batch_id", "result", "message"}
    assert body["result"].pop("duration_ms") >= 0
    assert sorted(body["result"].pop("updated")) == ["BTCUSD", "EURUSD"]
    assert body["result"] == {"failed": [{"symbol": "XAUUSD", "error": "No data"}], "api_calls_used": 2}
    assert Job.objects.get(job_type="batch.priority").trigger == "operator"


def test_the_status_has_the_fields_and_the_jobs_that_were_asked_for(
    client: Client, market: Source, token: dict[str, str], at_once: None
) -> None:
    before = client.get("/batch/status").json()
    assert (before["status"], before["is_running"], before["last_batch"]) == ("stopped", False, None)
    schedule.write_all()
    number = client.post("/batch/run", headers=token).json()["batch_id"]
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["status"], status["is_running"]) == (number, "running", True)
    assert status["priority_assets"] == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert [row["symbol"] for row in status["asset_states"]] == ["BTCUSD", "EURUSD", "XAUUSD"]
    assert [job["id"] for job in status["jobs"]] == ["priority_batch", "queue_processor", "enqueue_secondary"]
    assert all(job["next_run"] for job in status["jobs"])
    assert (status["last_batch"]["batch_id"], status["last_batch"]["status"]) == (number, "success")
    assert {"last_run", "next_run", "queue_size", "api_calls_remaining"} < status.keys()


def test_a_timetable_that_nobody_works_off_is_stopped(client: Client, market: Source) -> None:
    schedule.write_all()
    Schedule.objects.filter(name="batch.priority").update(next_run=clock.now() - timedelta(minutes=3))
    assert client.get("/batch/status").json()["status"] == "stopped"


def test_a_batch_of_the_release_before_has_its_failures_with_their_reasons(client: Client, market: Source) -> None:
    with runs.job("batch.priority") as job:
        job.details = {"batch_id": "old", "priority_failed": ["XAUUSD", "EURUSD"], "errors": [ERROR]}
    last = client.get("/batch/status").json()["last_batch"]
    assert last["priority_failed"] == [ERROR, {"symbol": "EURUSD", "error": ""}]


def test_a_run_that_takes_longer_says_where_to_look(client: Client, market: Source, token: dict[str, str]) -> None:
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["success"], response.json()["result"]) == (202, None, None)
    number, where = response.json()["batch_id"], response.headers["Location"]
    assert where == f"/api/v1/batch/status?batch_id={number}"
    again = client.post("/batch/run", headers=token)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_running")
    assert client.get(where).json()["last_batch"] is None
    tasks.priority_batch(number, Job.Trigger.OPERATOR)
    tasks.priority_batch()
    last = client.get(where).json()["last_batch"]
    assert (last["batch_id"], last["status"]) == (number, "success")


def test_an_event_loop_waits_for_the_result_without_a_thread(
    client: Client, market: Source, token: dict[str, str], ticking: list[float]
) -> None:
    asked: Any = client.post("/batch/run", headers=token)
    assert isinstance(asked, Pending), "what the server gets in its hands, behind all middleware"
    looks: list[HttpResponse | None] = []

    async def in_thread(work: Callable[[], HttpResponse | None]) -> HttpResponse | None:
        if len(looks) == 2:
            await sync_to_async(tasks.priority_batch)(json.loads(asked.content)["batch_id"])
        looks.append(await sync_to_async(work)())
        return looks[-1]

    answer = async_to_sync(settled)(asked, in_thread)
    assert (answer.status_code, json.loads(answer.content)["message"]) == (200, "3 updated, 0 failed")
    assert (looks[:2], len(looks), ticking) == ([None, None], 3, [0.25, 0.25, 0.25])
    assert answer.headers["X-Request-ID"] == asked.headers["X-Request-ID"]
    assert answer.get("Content-Length", str(len(answer.content))) == str(len(answer.content))


def test_who_waited_ten_seconds_is_told_where_to_look(
    client: Client, market: Source, token: dict[str, str], ticking: list[float]
) -> None:
    asked: Any = client.post("/batch/run", headers=token)
    answer = async_to_sync(settled)(asked, lambda work: sync_to_async(work)())
    assert (answer.status_code, answer.headers["Location"][:28]) == (202, "/api/v1/batch/status?batch_i")
    assert sum(ticking) == WAIT_SECONDS


def test_a_batch_that_fails_meanwhile_is_500_in_the_envelope(
    client: Client, market: Source, token: dict[str, str], ticking: list[float]
) -> None:
    asked: Any = client.post("/batch/run", headers=token)
    with suppress(RuntimeError), runs.job("batch.priority") as job:
        Job.objects.filter(pk=job.pk).update(details={"batch_id": json.loads(asked.content)["batch_id"]})
        raise RuntimeError("a fault of the program")
    answer = async_to_sync(settled)(asked, lambda work: sync_to_async(work)())
    told = json.loads(answer.content)["error"]
    assert (answer.status_code, told["code"], told["id"]) == (500, "batch_failed", answer.headers["X-Request-ID"])
    assert told["message"].startswith("Batch execution failed: ")


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of whoever waits; none takes any time, and the clock of the waiting moves by them."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(pending, "asyncio", SimpleNamespace(sleep=sleep))
    # Each look gives its connection back; a test's own is in a transaction.
    monkeypatch.setattr(pending, "close_old_connections", lambda: None)
    monkeypatch.setattr(pending, "time", SimpleNamespace(monotonic=lambda: sum(slept)))
    return slept


def test_a_run_during_a_batch_is_refused(client: Client, market: Source, token: dict[str, str]) -> None:
    runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    assert client.post("/batch/run", headers=token).status_code == 409


def test_a_dead_batch_keeps_nobody_from_a_run(
    client: Client, market: Source, token: dict[str, str], at_once: None
) -> None:
    dead = runs.start("batch.priority", None, Job.Trigger.SCHEDULE)
    Job.objects.filter(pk=dead.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert client.post("/batch/run", headers=token).status_code == 200
    dead.refresh_from_db()
    assert (dead.status, dead.reason) == ("failed", "lost")


def test_a_run_that_another_batch_was_faster_than_is_found_by_its_id(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = client.post("/batch/run", headers=token).json()["batch_id"]
    with runs.job("batch.priority"):
        assert tasks.priority_batch(*OrmQ.objects.get().task["args"]) is None
        assert tasks.priority_batch() is None  # the timetable's: nobody was told of it
    status = client.get("/batch/status").json()
    assert (status["batch_id"], status["last_batch"]["status"]) == (number, "skipped")
    row = Job.objects.get(details__batch_id=number)
    assert (row.trigger, row.error) == ("operator", "another batch was running")
    assert Job.objects.filter(job_type="batch.priority").count() == 2
    assert Plan.asked == []


def test_who_waits_for_such_a_run_is_told_that_another_runs(
    client: Client, market: Source, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(func: str, *args: Any, **_: Any) -> None:
        with runs.job("batch.priority"):
            tasks.priority_batch(*args)

    monkeypatch.setattr(api, "async_task", overtaken)
    response = client.post("/batch/run", headers=token)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "already_running")


@pytest.fixture
def connect(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[], None]]:
    """Leads the thread that calls it to one database with all others: a file, or on PostgreSQL that of the test."""
    if not conf.SQLITE:
        yield lambda: None
        return
    with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
        there = connections["default"]

        def lead() -> None:
            connections["default"] = type(there)(there.settings_dict, "default")

        yield lead


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_operators_at_once_one_runs_the_batch(
    connect: Callable[[], None], token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, look = Barrier(2), grid.open_groups

    def look_together() -> set[str]:
        found = look()
        with suppress(BrokenBarrierError):  # the other one is not let in
            gate.wait(timeout=0.5)
        return found

    def post() -> int:
        connect()
        try:
            return Client().post("/batch/run", headers=token).status_code
        finally:
            connections.close_all()

    monkeypatch.setattr(grid, "open_groups", look_together)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post) for _ in range(2)]
    assert sorted(answer.result() for answer in answers) == [202, 409]
    assert OrmQ.objects.count() == 1


def test_strangers_run_nothing(client: Client, market: Source) -> None:
    assert client.post("/batch/run").status_code == 401
    assert client.post("/batch/run", headers={"Authorization": "Bearer x"}).status_code == 401
    assert Plan.asked == []


def test_the_queue_and_the_budget_are_answered(client: Client, market: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    secondary(market)
    tasks.enqueue_secondary()
    at("2026-11-20 13:01")
    assert client.get("/batch/queue/stats").json() == {
        "size": 2,
        "max_size": 1000,
        "by_priority": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 2, "LOW": 0},
        "oldest_age_seconds": 60.0,
        "total_enqueued": 2,
        "total_processed": 0,
        "total_dropped": 0,
    }
    batch_run.run()
    told = client.get("/batch/rate-limit").json()
    [row] = told.pop("items")
    assert told.pop("count") == 1
    assert row == {"source": "fake"} | told
    assert told == {
        "limit": 5,
        "window_seconds": 60,
        "current_calls": 1,
        "remaining": 4,
        "reset_at": "2026-11-20T12:02:00Z",
        "total_calls": 1,
        "total_waits": 0,
    }
